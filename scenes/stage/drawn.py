"""What all shapes and texts are: Manim's VMobject, made in less time."""

import numpy as np
from manim import BLACK, ManimColor, VMobject


class Drawn(VMobject):
    """A path with one colour for its fill, and one for its stroke."""

    def generate_rgbas_array(self, color: object, opacity: float | None) -> np.ndarray:
        """(1, 4). Manim asks for it some seven times for each mobject that it makes. Its own way,
        for gradients and sheens too, takes most of the time in which one is made."""
        color = BLACK if color is None else color
        plain = color if isinstance(color, ManimColor) else ManimColor(color)
        return plain.to_rgba_with_alpha(opacity or 0)[None]
