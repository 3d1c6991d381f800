"""Matrices in the corner arrangement: A to the left of C, B above it, in each memory the same."""

from dataclasses import dataclass
from typing import Literal

from manim import VGroup

from scenes.kit.look import Box, Look
from scenes.kit.shapes import STROKE, Path, Slab, dashed

CELL = 6
"""Design pixels from which a cell's lines are drawn."""

THIN = 6
"""Design pixels under which nothing is drawn, or it would be lost: it is drawn this thick."""

Name = Literal["A", "B", "C"]

ABC: tuple[Name, ...] = ("A", "B", "C")


@dataclass(frozen=True)
class Corner:
    """Where A (m×k), B (k×n) and C (m×n) lie in a box; sizes in elements.

    All three have one scale, unless a side would be shorter than `floor` of the longest: then that
    side is stretched, and `stretched` names it.
    """

    m: int
    n: int
    k: int
    within: Box
    gap: float
    floor: float = 0.25

    @property
    def stretched(self) -> list[str]:
        """Of M, N, K those drawn longer than their scale says."""
        longest = max(self.m, self.n, self.k)
        sizes = {"M": self.m, "N": self.n, "K": self.k}
        return [name for name, size in sizes.items() if size < self.floor * longest]

    def box(self, name: Name) -> Box:
        """The whole of one matrix."""
        longest = max(self.m, self.n, self.k)
        m, n, k = (max(size, self.floor * longest) for size in (self.m, self.n, self.k))
        scale = min(
            (self.within.w - self.gap) / (k + n),
            (self.within.h - self.gap) / (k + m),
        )
        m, n, k = m * scale, n * scale, k * scale
        x = self.within.x + (self.within.w - k - n - self.gap) / 2
        y = self.within.y + (self.within.h - k - m - self.gap) / 2
        right, low = x + k + self.gap, y + k + self.gap
        return {"A": Box(x, low, k, m), "B": Box(right, y, n, k), "C": Box(right, low, n, m)}[name]

    def shape(self, name: Name) -> tuple[int, int]:
        return {"A": (self.m, self.k), "B": (self.k, self.n), "C": (self.m, self.n)}[name]

    def part(self, name: Name, row: float, col: float, rows: float, cols: float) -> Box:
        """The box of rows×cols elements from (row, col) of a matrix, never thinner than THIN."""
        return self.box(name).part(*self.shape(name), row, col, rows, cols).at_least(THIN)


def marks(length: float, count: int, tile: int) -> list[float]:
    """Where lines cut a side of `count` elements, as shares of its length.

    Between elements where there is room for that, else between tiles, else nowhere.
    """
    if length / count >= CELL:
        return [i / count for i in range(1, count)]
    if length * tile / count >= CELL:
        return [i / count for i in range(tile, count, tile)]
    return []


def tile_marks(length: float, count: int, tile: int) -> list[float]:
    """The same between tiles only."""
    room = length * tile / count >= CELL
    return [i / count for i in range(tile, count, tile)] if room else []


def cut(
    look: Look, box: Box, operand: Name, shape: tuple[int, int], tile: tuple[int, int]
) -> VGroup:
    """A matrix of so many rows and columns, with lines between its elements, or else its tiles."""
    rows, cols = marks(box.h, shape[0], tile[0]), marks(box.w, shape[1], tile[1])
    return frame(look, box, operand, rows, cols)


def frame(
    look: Look,
    box: Box,
    operand: Name,
    rows: list[float],
    cols: list[float],
    dash: float | None = None,
) -> VGroup:
    """Inner lines at these shares of a matrix's sides, dashed if `dash` says; and a border."""
    lines = [[(box.x, box.y + box.h * at), (box.right, box.y + box.h * at)] for at in rows]
    lines += [[(box.x + box.w * at, box.y), (box.x + box.w * at, box.bottom)] for at in cols]
    tint = look.theme.tint
    inner = Path(
        look,
        lines if dash is None else dashed(lines, dash),
        stroke_color=tint(operand, 0.4 if dash is None else 0.7),
        stroke_width=(1 if dash is None else 2) * STROKE,
    )
    return VGroup(inner, Slab(look, box, stroke=tint(operand, 0.9), width=2))
