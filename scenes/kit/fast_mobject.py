"""What all shapes and texts are: Manim's VMobject, made in less time."""

import numpy as np
from manim import BLACK, ManimColor, VMobject


class FastMobject(VMobject):
    """A path with one colour for its fill, and one for its stroke."""

    def init_colors(self, propagate_colors: bool = True) -> "FastMobject":
        """Black, till a colour is given. Manim's own way sets everything some three times."""
        self.fill_rgbas = np.array([[0.0, 0.0, 0.0, self.fill_opacity]])
        self.stroke_rgbas = np.array([[0.0, 0.0, 0.0, self.stroke_opacity]])
        return self

    def generate_rgbas_array(self, color: object, opacity: float | None) -> np.ndarray:
        """(1, 4), where Manim's own way minds gradients and sheens too."""
        color = BLACK if color is None else color
        plain = color if isinstance(color, ManimColor) else ManimColor(color)
        return plain.to_rgba_with_alpha(opacity or 0)[None]
