"""What all shapes and texts are: Manim's VMobject, made in less time."""

from collections.abc import Iterable

import numpy as np
from manim import BLACK, ManimColor, ParsableManimColor, VMobject
from manim.typing import FloatRGBA


class FastMobject(VMobject):
    """A path with one colour for its fill, and one for its stroke."""

    def init_colors(self, propagate_colors: bool = True) -> "FastMobject":
        """Black, till a colour is given. Manim's own way sets everything some three times."""
        self.fill_rgbas = np.array([[0.0, 0.0, 0.0, self.fill_opacity]])
        self.stroke_rgbas = np.array([[0.0, 0.0, 0.0, self.stroke_opacity]])
        return self

    def update_rgbas_array(
        self,
        array_name: str,
        color: ParsableManimColor | Iterable[ManimColor] | None = None,
        opacity: float | None = None,
    ) -> "FastMobject":
        """Where only the opacity changes, as it does in most frames, no colour is made."""
        if color is None and opacity is not None:
            getattr(self, array_name)[:, 3] = opacity
        else:
            super().update_rgbas_array(array_name, color, opacity)
        return self

    def generate_rgbas_array(
        self,
        color: ParsableManimColor | Iterable[ManimColor] | None,
        opacity: float | Iterable[float] | None,
    ) -> FloatRGBA:
        """(1, 4), where Manim's own way minds gradients and sheens too."""
        assert not isinstance(opacity, Iterable)
        if isinstance(color, ManimColor):
            return color.to_rgba_with_alpha(opacity or 0)[None]
        assert color is None or isinstance(color, str)
        plain = ManimColor(color or BLACK)
        return plain.to_rgba_with_alpha(opacity or 0)[None]
