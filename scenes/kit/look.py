"""How things look: palettes, frames, and boxes in design pixels.

Everything is laid out in design pixels, x to the right and y down, on a frame 1080 pixels
high (`wide`) or 720 wide (`tall`). A box is turned into Manim's points only where it is drawn.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from manim import ManimColor, interpolate_color

Points: TypeAlias = npt.NDArray[np.float64]

PIXEL = 8 / 1080
"""Manim units in a design pixel."""

LABEL = 24
"""Design pixels of the smallest words."""

LEAST = 22
"""Design pixels of the smallest number; on a phone that shows `tall` 360 pixels across, 11."""


MADE = 0.65
"""Strength of the tint of what is made of C: from 0.62 on those who see no green tell it from B."""


@dataclass(frozen=True)
class Box:
    """A rectangle in design pixels: left, top, width, height."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def center(self) -> tuple[float, float]:
        return self.x + self.w / 2, self.y + self.h / 2

    def inset(self, x: float, y: float | None = None) -> "Box":
        y = x if y is None else y
        return Box(self.x + x, self.y + y, self.w - 2 * x, self.h - 2 * y)

    def intersect(self, other: "Box") -> "Box | None":
        """What two boxes share, None if that is nothing."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        w, h = min(self.right, other.right) - x, min(self.bottom, other.bottom) - y
        return Box(x, y, w, h) if min(w, h) > 0.01 else None

    def meets(self, other: "Box") -> bool:
        """Whether two boxes share anything."""
        across = self.x < other.x + other.w and other.x < self.x + self.w
        return across and self.y < other.y + other.h and other.y < self.y + self.h

    def part(self, rows: float, cols: float, row: float, col: float, r: float, c: float) -> "Box":
        """Of this box cut in rows×cols cells: the box of r×c cells that begins at (row, col)."""
        h, w = self.h / rows, self.w / cols
        return Box(self.x + col * w, self.y + row * h, c * w, r * h)

    def at_least(self, size: float) -> "Box":
        """This box, grown about its centre so that neither side is under `size`."""
        w, h = max(self.w, size), max(self.h, size)
        return Box(self.x - (w - self.w) / 2, self.y - (h - self.h) / 2, w, h)


@dataclass(frozen=True)
class Palette:
    """Colours of a theme. `operand` fills shapes, `ink_of` writes text about an operand."""

    name: str
    background: str
    ink: str
    muted: str
    line: str
    grid: str
    operand: dict[str, str]
    ink_of: dict[str, str]

    def tint(self, operand: str, strength: float) -> ManimColor:
        """The operand's colour laid over the background; the closer to the thread, the stronger.

        An opaque mix, so that things which pass over one another keep their colour.
        """
        return interpolate_color(
            ManimColor(self.background), ManimColor(self.operand[operand]), strength
        )

    def ink_on(self, color: ManimColor) -> str:
        """Dark or light text, whichever contrasts more with the colour."""
        return max("#14171a", "#ffffff", key=lambda ink: contrast(ManimColor(ink), color))


def contrast(one: ManimColor, other: ManimColor) -> float:
    """Contrast ratio of two opaque colours (WCAG 2.2, 1 to 21)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: ManimColor) -> float:
    rgb = np.asarray(color.to_rgb())
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


_OPERANDS = {"A": "#ff6b6b", "B": "#4ecdc4", "C": "#9b59b6"}

PALETTES = {
    "paper": Palette(
        "paper",
        background="#ffffff",
        ink="#14171a",
        muted="#5b6672",
        line="#cdd3da",
        grid="#c3cad2",
        operand=_OPERANDS,
        ink_of={"A": "#c22f45", "B": "#17766f", "C": "#7d3c98"},
    ),
    "night": Palette(
        "night",
        background="#0d1117",
        ink="#ffffff",
        muted="#9aa5b1",
        line="#343b44",
        grid="#3c444d",
        operand=_OPERANDS,
        ink_of={"A": "#ff8080", "B": "#4ecdc4", "C": "#c795dd"},
    ),
}

FRAMES = {"wide": (1920, 1080), "tall": (720, 1280)}
"""(width, height) in design pixels, by aspect."""


@dataclass(frozen=True)
class Look:
    """A theme in an aspect."""

    theme: Palette = PALETTES["paper"]
    aspect: str = "wide"

    @cached_property
    def frame(self) -> Box:
        return Box(0, 0, *FRAMES[self.aspect])

    @cached_property
    def margin(self) -> Box:
        """Where things may be: the frame less 4 % on each side."""
        return self.frame.inset(0.04 * self.frame.w, 0.04 * self.frame.h)

    def point(self, x: float, y: float) -> Points:
        """Manim's point of a place in design pixels."""
        point: Points = self.points([(x, y)])[0]
        return point

    def points(self, places: list[tuple[float, float]]) -> Points:
        """(places, 3): Manim's points of places in design pixels."""
        points = np.zeros((len(places), 3))
        points[:, :2] = places
        points[:, 0] -= self.frame.w / 2
        points[:, 1] = self.frame.h / 2 - points[:, 1]
        return points * PIXEL
