"""A copy of one operand's tile as arrays, a part of a matrix drawn large, and what plots a copy."""

from dataclasses import dataclass

import numpy as np

from scenes.stage.figure import Figure
from scenes.stage.look import LABEL, LEAST, Box, Look
from scenes.stage.matrix import CELL
from scenes.stage.shapes import STROKE, Patch, Path, outline
from scenes.stage.type import Cells, Tags, fitting_size
from tiling.expand import Bools, Order, expand_copy
from tiling.layout import Ints, Operand, shared_layout
from tiling.schedule import Copy, Schedule
from tiling.sectors import SECTOR, turns
from tiling.shapes import WARP, WORD

FLOATS = SECTOR // WORD
"""Elements in a sector."""


@dataclass(frozen=True)
class Step:
    """How far a copy is, in elements, which come in the order in which they are copied.

    Those up to `asked` have been asked for, those of them from `since` on just now; the sectors of
    these light up if `lit`. Those up to `landed` lie in shared memory.
    """

    asked: int = 0
    since: int = 0
    lit: bool = False
    landed: int = 0


class Load:
    """The copy of a tile of the first k-tile: arrays (elements,), and the turns of its warps."""

    def __init__(self, schedule: Schedule, operand: Operand, order: Order = "rows") -> None:
        event = Copy(operand, 0)
        found = expand_copy(schedule, event, order)
        self.schedule, self.operand = schedule, operand
        self.row, self.col, self.inside = found.row, found.col, found.predicate
        self.lane, self.warp = found.thread % WARP, found.thread // WARP
        tile = shared_layout(schedule.tiling)[operand]
        self.k, self.i = tile.element(found.word)
        self.place = tile.place(found.word)[1]  # where in its row of the buffer
        self.shape, self.tile = schedule.gemm.shape(operand), schedule.tiling.tile_shape(operand)
        self.sector = (found.row * self.shape[1] + found.col) // FLOATS
        self.turns = turns(schedule, event, order)
        self.size = len(found.row)

    def span(self, first: int, last: int) -> Bools:
        """Which elements have these places in the order, first to last (exclusive)."""
        place = np.arange(self.size)
        return (first <= place) & (place < last)


@dataclass(frozen=True)
class Crop:
    """Of a matrix: rows×cols cells from (row, col) on, drawn in a box."""

    box: Box
    row: int
    col: int
    rows: int
    cols: int

    @property
    def cell(self) -> Box:
        return self.part(self.row, self.col)

    def part(self, row: float, col: float, rows: float = 1, cols: float = 1) -> Box:
        return self.box.part(self.rows, self.cols, row - self.row, col - self.col, rows, cols)

    def within(self, row: int, col: int, rows: int, cols: int) -> "Crop":
        """Of what is drawn, that which lies in these rows and columns: some does."""
        top, left = max(row, self.row), max(col, self.col)
        bottom = min(row + rows, self.row + self.rows)
        right = min(col + cols, self.col + self.cols)
        box = self.part(top, left, bottom - top, right - left)
        return Crop(box, top, left, bottom - top, right - left)

    def holds(self, row: Ints, col: Ints) -> Bools:
        down, right = row - self.row, col - self.col
        return (down >= 0) & (down < self.rows) & (right >= 0) & (right < self.cols)

    def cover(self, row: Ints, col: Ints) -> list[Box]:
        """Boxes that cover these cells: runs along a row, with equal runs of the rows below."""
        mask = np.zeros((self.rows, self.cols + 2), np.int8)
        seen = self.holds(row, col)
        mask[row[seen] - self.row, col[seen] - self.col + 1] = 1
        boxes: list[Box] = []
        edges = [np.flatnonzero(np.diff(line)) for line in mask]
        top = 0
        for bottom in range(1, self.rows + 1):
            if bottom == self.rows or not np.array_equal(edges[bottom], edges[top]):
                for left, right in edges[top].reshape(-1, 2):
                    at = self.row + top, self.col + left
                    boxes.append(self.part(*at, bottom - top, right - left))
                top = bottom
        return boxes

    def lines(self) -> list[list[tuple[float, float]]]:
        """Between cells where these are large enough."""
        box, found = self.box, []
        if box.h >= CELL * self.rows:
            ys = [box.y + box.h * row / self.rows for row in range(1, self.rows)]
            found += [[(box.x, y), (box.right, y)] for y in ys]
        if box.w >= CELL * self.cols:
            xs = [box.x + box.w * col / self.cols for col in range(1, self.cols)]
            found += [[(x, box.y), (x, box.bottom)] for x in xs]
        return found


class Plot(Figure[Step]):
    """A picture of a copy. `patches_at(step)` says where its patches lie."""

    def __init__(self, look: Look, load: Load) -> None:
        super().__init__(look)
        self.load = load
        self.patches: dict[str, Patch] = {}

    def patches_at(self, step: Step) -> dict[str, Patch]:
        return {}

    def settle(self, state: Step) -> None:
        super().settle(state)
        for name, patch in self.patches_at(state).items():
            self.patches[name].take(patch)

    def filled(self, boxes: list[Box], strength: float) -> Patch:
        color = self.look.theme.tint(self.load.operand, strength)
        lines = [outline(box) for box in boxes]
        return Patch(self.look, lines, fill_color=color, fill_opacity=1, stroke_width=0)

    def ink_on(self, strength: float) -> str:
        return self.look.theme.ink_on(self.look.theme.tint(self.load.operand, strength))

    def grid(self, crop: Crop) -> Path:
        color = self.look.theme.tint(self.load.operand, 0.4)
        return Path(self.look, crop.lines(), stroke_color=color, stroke_width=STROKE)

    def numbers(self, boxes: list[Box], which: Ints, color: str) -> Cells:
        """Lanes in these boxes, nothing where they would be too small to read."""
        texts = [str(lane) for lane in which]
        size = min((fitting_size(box, 2, LABEL + 6) for box in boxes), default=LABEL)
        if size < LEAST:
            boxes, texts = [], []
        return Tags(self.look, boxes, texts, size, color)
