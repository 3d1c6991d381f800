"""Type: Inter for words, JetBrains Mono for numbers, from packages, so no machine's fonts matter.

Sizes are em sizes in design pixels. Text is placed by its baseline, never by its bounding box, so
that neighbours stand on one line.
"""

from functools import lru_cache
from pathlib import Path

import fontpkg_inter
import fontpkg_jetbrains_mono
import manimpango
import numpy as np
from manim import NORMAL, Text, VMobject

from scenes.stage.look import PIXEL, Box, Look

WORDS, MONO = "Inter", "JetBrains Mono"
CAP = 0.73
"""Height of capitals and digits in em, of both fonts."""

ADVANCE = 0.6
"""Width of each JetBrains Mono character in em."""

SPACE = 0.27
"""Width of a space of Inter in em."""

_DRAWN_AT = 96
"""Font size at which Pango lays text out: large, or it would round each letter's place."""


class Label(VMobject):
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
        weight: str = NORMAL,
    ) -> None:
        super().__init__(stroke_width=0, fill_color=color, fill_opacity=1)
        outline, width = _outline(text, font, weight)
        self.text, self.size = text, size
        left = x - width * size * {"left": 0, "center": 0.5, "right": 1}[anchor]
        self.boxes = [Box(left, y - CAP * size, width * size, CAP * size)]
        self.set_points(outline * (size * PIXEL) + look.point(left, y))


def width_of(text: str, size: float, font: str = WORDS, weight: str = NORMAL) -> float:
    """Width of a label in design pixels."""
    return _outline(text, font, weight)[1] * size


def wrap(text: str, size: float, width: float, weight: str = NORMAL) -> list[str]:
    """Lines of words that fit the width, as even as they can be."""
    words = text.split()
    for count in range(1, len(words) + 1):
        lines = _balanced(words, count, size, weight)
        if all(width_of(line, size, WORDS, weight) <= width for line in lines):
            return lines
    return words


def _balanced(words: list[str], count: int, size: float, weight: str) -> list[str]:
    """The words on `count` lines, each line taken as near to an even share as words allow."""
    lines: list[str] = []
    share = sum(len(word) + 1 for word in words) / count
    taken, line = 0, []
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
def _outline(text: str, font: str, weight: str) -> tuple[np.ndarray, float]:
    """Points of a text one em large, its left end and baseline at 0; and its width in em."""
    if font == MONO:
        cells = [
            _mono_glyph(char, weight) + np.array([i * ADVANCE, 0, 0])
            for i, char in enumerate(text)
            if char != " "
        ]
        return np.concatenate([np.zeros((0, 3)), *cells]), len(text) * ADVANCE
    words, x = [np.zeros((0, 3))], 0.0
    for word in text.split(" "):
        points, advance = _word(word, weight)
        words.append(points + np.array([x, 0, 0]))
        x += advance + SPACE
    return np.concatenate(words), x - SPACE


@lru_cache(maxsize=4096)
def _word(word: str, weight: str) -> tuple[np.ndarray, float]:
    """Points of a word of Inter one em large, and how far the next one is.

    Words are laid out one by one, since Pango would wrap a long text at a width of its own.
    """
    # The H before and behind tell where the baseline is, how large an em, and what the word takes.
    first, *glyphs, last = (g for g in _text(f"H{word}H", WORDS, weight) if len(g.points))
    left, base = first.get_left()[0], first.get_bottom()[1]
    em, h = first.height / CAP, _h_advance(weight) * first.height / CAP
    points = np.concatenate([glyph.points for glyph in glyphs]) - (left + h, base, 0)
    return points / em, (last.get_left()[0] - left - h) / em


@lru_cache
def _h_advance(weight: str) -> float:
    """From one H to the next in em."""
    one, other = _text("HH", WORDS, weight)
    return float((other.get_left()[0] - one.get_left()[0]) * CAP / one.height)


@lru_cache(maxsize=256)
def _mono_glyph(char: str, weight: str) -> np.ndarray:
    """Points of one glyph one em large, its cell's left edge and its baseline at 0."""
    first, glyph, last = _text("H" + char + "H", MONO, weight)
    em, cell = first.height / CAP, (last.get_left()[0] - first.get_left()[0]) / 2
    left = first.get_center()[0] + cell / 2
    return (glyph.points - (left, first.get_bottom()[1], 0)) / em


def _text(text: str, font: str, weight: str) -> Text:
    _register()
    return Text(text, font=font, weight=weight, font_size=_DRAWN_AT, disable_ligatures=True)


@lru_cache
def _register() -> None:
    for package in fontpkg_inter, fontpkg_jetbrains_mono:
        for file in sorted((Path(package.__file__).parent / "files").glob("*.ttf")):
            if "Italic" not in file.name:
                manimpango.register_font(str(file))


class Cells(VMobject):
    """Texts in the cells of a box, all one path: `texts` (rows, cols) of strings, "" for none.

    `lower` moves them down from the middle of their cells, in design pixels.
    """

    def __init__(
        self,
        look: Look,
        box: Box,
        texts: np.ndarray | None,
        size: float,
        color: str,
        lower: float = 0,
    ) -> None:
        filled = np.ndenumerate(texts) if texts is not None else ()
        placed = [
            (text, *box.part(*texts.shape, *cell, 1, 1).center)  # type: ignore[union-attr]
            for cell, text in filled
            if text
        ]
        self._write(look, texts, [(text, x, y + lower) for text, x, y in placed], size, color)

    def _write(
        self,
        look: Look,
        texts: np.ndarray | None,
        placed: list[tuple[str, float, float]],
        size: float,
        color: str,
    ) -> None:
        """Texts about their centres."""
        VMobject.__init__(self, stroke_width=0, fill_color=color, fill_opacity=1)
        self.texts, self.size, self.boxes = texts, size, []
        points = [np.zeros((0, 3))]
        for text, x, y in placed:
            outline, width = _outline(text, MONO, NORMAL)
            left, base = x - width * size / 2, y + CAP * size / 2
            points.append(outline * (size * PIXEL) + look.point(left, base))
            self.boxes.append(Box(left, base - CAP * size, width * size, CAP * size))
        self.set_points(np.concatenate(points))

    def take(self, other: "Cells") -> None:
        """Say what another says."""
        self.texts, self.boxes = other.texts, other.boxes
        self.set_points(other.points)


class Tags(Cells):
    """Texts each in a box of its own, in the order given, all one path."""

    def __init__(
        self, look: Look, boxes: list[Box], texts: list[str], size: float, color: str
    ) -> None:
        placed = [(text, *box.center) for text, box in zip(texts, boxes, strict=True)]
        self._write(look, np.array(texts, object), placed, size, color)


def written(values: np.ndarray) -> np.ndarray:
    """Whole numbers as texts, of the same shape."""
    return np.array([f"{value:g}" for value in values.flat], dtype=object).reshape(values.shape)


def fitting_size(cell: Box, digits: int, largest: float) -> float:
    """Size of numbers of so many digits that fit a cell."""
    return min(largest, cell.h * 0.62, cell.w * 0.84 / (digits * ADVANCE))
