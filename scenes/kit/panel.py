"""A panel: a border, a name, and sizes; most show a memory."""

from functools import lru_cache

import numpy as np
from manim import Polygon, RoundedRectangle, VGroup

from scenes.kit.fast_mobject import FastMobject
from scenes.kit.look import LABEL, PIXEL, Box, Look
from scenes.kit.shapes import STROKE
from scenes.kit.type import CAP, MONO, WORDS, Label

PAD = 28
"""Design pixels between the border and the text in it."""

LINE = 36
"""Design pixels from line to line."""

ROUND = 14 * PIXEL
"""Radius of a border's corners."""

NOTCH = 10
"""Design pixels between two panels of which one lies in a corner of the other."""


class Panel(VGroup):
    """The border, with a heading if it has a name. What lies in it is up to who draws there.

    memory  which memory is in it: the first word of its name, if nothing else is said
    """

    def __init__(
        self, look: Look, box: Box, name: str = "", sizes: str = "", memory: str = ""
    ) -> None:
        self.look, self.box = look, box
        self.memory = memory or name.partition(" ")[0].lower()
        self.border = FastMobject(stroke_color=look.theme.line, stroke_width=2 * STROKE)
        self.border.set_points(_border(box.w, box.h) + look.point(*box.center))
        super().__init__(self.border)
        self.lines = 0
        if name:
            x, y = box.x + PAD, box.y + PAD + CAP * LABEL
            self.add(Label(look, name, x, y, LABEL, look.theme.muted, weight="SEMIBOLD"))
            self.head(sizes, MONO)

    def notch(self, corner: Box) -> None:
        """Leave out the corner at the lower right, which is another panel's."""
        box, gap = self.box, NOTCH
        x, y = corner.x - gap, corner.y - gap
        sides = [(box.x, box.y), (box.right, box.y), (box.right, y), (x, y)]
        sides += [(x, box.bottom), (box.x, box.bottom)]
        shape = Polygon(*self.look.points(sides)).round_corners(radius=ROUND)
        self.border.set_points(shape.points)

    def head(self, text: str, font: str = WORDS) -> None:
        """A line of the heading: at the right in wide, under the name in tall."""
        tall, muted = self.look.aspect == "tall", self.look.theme.muted
        x = self.box.x + PAD if tall else self.box.right - PAD
        y = self.box.y + PAD + CAP * LABEL + LINE * (self.lines + tall)
        self.add(Label(self.look, text, x, y, LABEL, muted, "left" if tall else "right", font))
        self.lines += 1

    def foot(self, text: str) -> None:
        """A line of code at the foot, for which tall has no room."""
        if self.look.aspect == "wide":
            x, y = self.box.x + PAD, self.box.bottom - PAD + 4
            self.add(Label(self.look, text, x, y, LABEL, self.look.theme.muted, font=MONO))


@lru_cache
def _border(width: float, height: float) -> np.ndarray:
    """Points of a panel's border about its centre; there are few sizes, and each takes long."""
    sides = {"width": width * PIXEL, "height": height * PIXEL}
    return RoundedRectangle(corner_radius=ROUND, **sides).points
