"""Type: Inter for words, JetBrains Mono for numbers, from packages, so no machine's fonts matter.

Sizes are em sizes in design pixels. Text is placed by its baseline, never by its bounding box, so
that neighbours stand on one line.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias, TypedDict

import fontpkg_inter
import fontpkg_jetbrains_mono
import numpy as np
import numpy.typing as npt
import uharfbuzz as hb

from scenes.kit.fast_mobject import FastMobject
from scenes.kit.look import LEAST, PIXEL, Box, Look, Points

Written: TypeAlias = npt.NDArray[np.object_]
"""Texts of cells (rows, cols), "" for none."""

WORDS, MONO = "Inter", "JetBrains Mono"
CAP = 0.73
"""Height of capitals and digits in em, of both fonts."""

ADVANCE = 0.6
"""Width of each JetBrains Mono character in em."""

WEIGHTS = {"NORMAL": 400, "MEDIUM": 500, "SEMIBOLD": 600}

FONTS = {WORDS: (fontpkg_inter, {"opsz": 20}), MONO: (fontpkg_jetbrains_mono, {})}
"""Where each is, and its axes beside weight: Inter is drawn as for text of this size in points."""

SHAPING = ("calt", "liga", "clig", "dlig")
"""What fonts do to neighbours beside kerning. Only Inter's signs follow the letters around them."""


class Lettering(TypedDict, total=False):
    """How a label is written, beside its size and colour."""

    font: str
    weight: str


class Label(FastMobject):
    """Text at (x, baseline) in design pixels; `anchor` says what lies at x: left, center, right.

    All glyphs are one path, so a label costs about what a rectangle costs.
    """

    def __init__(
        self,
        look: Look,
        text: str,
        x: float,
        y: float,
        size: float,
        color: str,
        anchor: str = "left",
        font: str = WORDS,
        weight: str = "NORMAL",
    ) -> None:
        super().__init__(stroke_width=0, fill_color=color, fill_opacity=1)
        outline, width = _outline(text, font, weight)
        self.text, self.size = text, size
        left = x - width * size * {"left": 0, "center": 0.5, "right": 1}[anchor]
        self.boxes = [Box(left, y - CAP * size, width * size, CAP * size)]
        self.set_points(outline * (size * PIXEL) + look.point(left, y))


def width_of(text: str, size: float, font: str = WORDS, weight: str = "NORMAL") -> float:
    """Width of a label in design pixels."""
    return _outline(text, font, weight)[1] * size


def wrap(text: str, size: float, width: float, weight: str = "NORMAL") -> list[str]:
    """Lines of words that fit the width, as even as they can be; what a number counts stays with
    it."""
    words = re.split(r"(?<!\d) ", text)
    for count in range(1, len(words) + 1):
        lines = _balanced(words, count, size, weight)
        if all(width_of(line, size, WORDS, weight) <= width for line in lines):
            return lines
    return words


def _balanced(words: list[str], count: int, size: float, weight: str) -> list[str]:
    """The words on `count` lines, each line taken as near to an even share as words allow."""
    lines: list[str] = []
    share = sum(len(word) + 1 for word in words) / count
    taken = 0
    line: list[str] = []
    for word in words:
        if (
            line
            and taken + (len(word) + 1) / 2 > share * (len(lines) + 1)
            and len(lines) < count - 1
        ):
            lines.append(" ".join(line))
            line = []
        line.append(word)
        taken += len(word) + 1
    return [*lines, " ".join(line)]


@lru_cache(maxsize=4096)
def _outline(text: str, font: str, weight: str) -> tuple[Points, float]:
    """Points of a text one em large, its left end and baseline at 0; and its width in em."""
    face, drawn = _face(font, weight)
    if not text:
        return np.zeros((0, 3)), 0.0
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(face, buffer, {feature: font == WORDS and feature == "calt" for feature in SHAPING})
    curves, x = [np.zeros((0, 3))], 0
    for glyph, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        at = (x + place.x_offset, place.y_offset, 0)
        curves.append(drawn(glyph.codepoint) + np.array(at))
        x += place.x_advance
    em = face.face.upem
    return np.concatenate(curves) / em, x / em


@lru_cache
def _face(font: str, weight: str) -> tuple[hb.Font, Callable[[int], Points]]:
    """A font at a weight, and what gives the outline of one of its glyphs, in the font's units."""
    package, axes = FONTS[font]
    files = Path(package.__file__).parent / "files"
    file = next(file for file in files.glob("*.ttf") if "Italic" not in file.name)
    face = hb.Font(hb.Face(hb.Blob.from_file_path(file)))
    face.set_variations({**axes, "wght": WEIGHTS[weight]})

    @lru_cache
    def drawn(glyph: int) -> Points:
        pen = _Pen()
        face.draw_glyph(glyph, _PEN, pen)
        return np.array([(*point, 0) for point in pen.points]).reshape(-1, 3)

    return face, drawn


class _Pen:
    """Takes a glyph's contours as Manim does: four points for each cubic curve. HarfBuzz ends each
    where it began."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float]] = []

    def move_to(self, x: float, y: float) -> None:
        self.at = (x, y)

    def line_to(self, x: float, y: float) -> None:
        self.cubic_to(*self._towards(x, y, 1 / 3), *self._towards(x, y, 2 / 3), x, y)

    def quadratic_to(self, cx: float, cy: float, x: float, y: float) -> None:
        one = self._towards(cx, cy, 2 / 3)
        self.cubic_to(*one, x + (cx - x) * 2 / 3, y + (cy - y) * 2 / 3, x, y)

    def cubic_to(self, ax: float, ay: float, bx: float, by: float, x: float, y: float) -> None:
        self.points += [self.at, (ax, ay), (bx, by), (x, y)]
        self.at = (x, y)

    def _towards(self, x: float, y: float, share: float) -> tuple[float, float]:
        return self.at[0] + (x - self.at[0]) * share, self.at[1] + (y - self.at[1]) * share


_PEN = hb.DrawFuncs()
_PEN.set_move_to_func(lambda x, y, pen: pen.move_to(x, y))
_PEN.set_line_to_func(lambda x, y, pen: pen.line_to(x, y))
_PEN.set_quadratic_to_func(lambda cx, cy, x, y, pen: pen.quadratic_to(cx, cy, x, y))
_PEN.set_cubic_to_func(lambda *curve: curve[-1].cubic_to(*curve[:-1]))


class Texts(FastMobject):
    """Texts in the cells of a box, all one path: `texts` (rows, cols) of strings, "" for none.

    `lower` moves them down from the middle of their cells, in design pixels.
    """

    def __init__(
        self,
        look: Look,
        box: Box,
        texts: Written | None,
        size: float,
        color: str,
        lower: float = 0,
    ) -> None:
        placed = []
        if texts is not None:
            rows, cols = texts.shape
            for row, col in np.argwhere(texts != "").tolist():  # most are empty
                x, y = box.part(rows, cols, row, col, 1, 1).center
                placed.append((texts[row, col], x, y + lower))
        self._write(look, texts, placed, size, color)

    def _write(
        self,
        look: Look,
        texts: Written | None,
        placed: list[tuple[str, float, float]],
        size: float,
        color: str,
    ) -> None:
        """Texts about their centres."""
        FastMobject.__init__(self, stroke_width=0, fill_color=color, fill_opacity=1)
        self.texts, self.size, self.boxes = texts, size, []
        points = [np.zeros((0, 3))]
        for text, x, y in placed:
            outline, width = _outline(text, MONO, "NORMAL")
            left, base = x - width * size / 2, y + CAP * size / 2
            points.append(outline * (size * PIXEL) + look.point(left, base))
            self.boxes.append(Box(left, base - CAP * size, width * size, CAP * size))
        self.set_points(np.concatenate(points))

    def take(self, other: "Texts") -> None:
        """Say what another says."""
        self.texts, self.boxes = other.texts, other.boxes
        self.set_points(other.points)


class Tags(Texts):
    """Texts each in a box of its own, in the order given, all one path."""

    def __init__(
        self, look: Look, boxes: list[Box], texts: list[str], size: float, color: str
    ) -> None:
        placed = [(text, *box.center) for text, box in zip(texts, boxes, strict=True)]
        self._write(look, np.array(texts, object), placed, size, color)


def as_text(values: Points) -> Written:
    """Whole numbers as texts, of the same shape."""
    return np.array([f"{value:g}" for value in values.flat], dtype=object).reshape(values.shape)


def fitting_size(cell: Box, digits: int, largest: float) -> float:
    """Size of numbers of so many digits that fit a cell: with air around them, or if they would be
    too small so with less."""
    airy = min(cell.h * 0.62, cell.w * 0.84 / (digits * ADVANCE))
    dense = min(cell.h * 0.8, cell.w * 0.88 / (digits * ADVANCE))
    return min(largest, max(airy, min(dense, LEAST)))
