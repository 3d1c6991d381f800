"""The few shapes everything is drawn with. One path each, whatever the number of cells."""

from dataclasses import dataclass
from typing import TypeAlias, TypedDict, Unpack

import numpy as np
from manim import ManimColor

from scenes.kit.fast_mobject import FastMobject
from scenes.kit.look import PIXEL, Box, Look

STROKE = PIXEL * 100
"""Manim's stroke width of one design pixel: it counts hundredths of a unit."""


Colour: TypeAlias = str | ManimColor

Line: TypeAlias = list[tuple[float, float]]
"""Points in design pixels."""


class Style(TypedDict, total=False):
    """How a path is drawn; widths are Manim's, of which STROKE is a design pixel."""

    fill_color: Colour
    fill_opacity: float
    stroke_color: Colour
    stroke_width: float


class Path(FastMobject):
    """Straight lines in design pixels as one path: each a list of points, closed or open."""

    def __init__(self, look: Look, lines: list[Line], **style: Unpack[Style]) -> None:
        super().__init__(**style)
        self.set_points(np.concatenate([np.zeros((0, 3)), *(_line(look, line) for line in lines)]))


def _line(look: Look, points: Line) -> np.ndarray:
    """Cubic segments through the points: (4·segments, 3)."""
    corners = look.points(points)
    start, end = corners[:-1], corners[1:]
    thirds = [start, start + (end - start) / 3, start + (end - start) * 2 / 3, end]
    return np.stack(thirds, axis=1).reshape(-1, 3)


def outline(box: Box) -> Line:
    x, y, right, bottom = box.x, box.y, box.right, box.bottom
    return [(x, y), (right, y), (right, bottom), (x, bottom), (x, y)]


class Slab(Path):
    """A filled box, with or without an outline."""

    def __init__(
        self,
        look: Look,
        box: Box,
        fill: Colour | None = None,
        stroke: Colour | None = None,
        width: float = 2,
    ) -> None:
        super().__init__(
            look,
            [outline(box)],
            fill_color=fill or look.theme.background,
            fill_opacity=0 if fill is None else 1,
            stroke_color=stroke or look.theme.background,
            stroke_width=0 if stroke is None else width * STROKE,
        )
        self.look = look
        self.pose = Pose(box, float(fill is not None), float(stroke is not None))

    def take(self, pose: "Pose") -> "Slab":
        """Lie as the pose says."""
        if pose == self.pose:
            return self
        if pose.box != self.pose.box:
            self.set_points(_line(self.look, outline(pose.box)))
        self.set_fill(opacity=pose.fill).set_stroke(opacity=pose.stroke)
        self.pose = pose
        return self


class Patch(Path):
    """Lines or filled boxes as one path, which may become others of the same style."""

    def take(self, other: "Patch") -> None:
        """Lie where another lies."""
        self.set_points(other.points)


@dataclass(frozen=True)
class Pose:
    """How a slab lies in one picture: where, and how opaque its fill and its stroke are."""

    box: Box
    fill: float = 1
    stroke: float = 0

    def toward(self, other: "Pose", share: float) -> "Pose":
        values = zip(
            (*vars(self.box).values(), self.fill, self.stroke),
            (*vars(other.box).values(), other.fill, other.stroke),
            strict=True,
        )
        x, y, w, h, fill, stroke = (a + (b - a) * share for a, b in values)
        return Pose(Box(x, y, w, h), fill, stroke)


def dashed(lines: list[Line], dash: float) -> list[Line]:
    """The same straight lines in dashes, each line beginning and ending with one."""
    dashes = []
    for (x0, y0), (x1, y1) in lines:
        length = abs(x1 - x0) + abs(y1 - y0)
        count = 2 * max(1, round(length / dash / 2)) + 1
        for i in range(0, count, 2):
            a, b = i / count, (i + 1) / count
            dashes.append([(x0 + (x1 - x0) * t, y0 + (y1 - y0) * t) for t in (a, b)])
    return dashes
