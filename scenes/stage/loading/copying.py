"""What threads fetch of one operand, part of a matrix drawn large, and what plots it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scenes.stage.figure import Figure
from scenes.stage.look import LABEL, LEAST, Box, Look
from scenes.stage.matrix import CELL
from scenes.stage.shapes import STROKE, Patch, Path, outline
from scenes.stage.type import Cells, Tags, fitting_size
from tiling.expand import Accesses, Bools, Order, expand_copy, expand_values
from tiling.layout import Ints, Operand, shared_layout
from tiling.layout import SharedTile as Layout
from tiling.schedule import Copy, Fragments, Schedule
from tiling.sectors import SECTOR, Turns, turns, turns_of_values
from tiling.shapes import WARP, WORD

FLOATS = SECTOR // WORD
"""Elements in a sector."""


@dataclass(frozen=True)
class Step:
    """How far a load is, in elements, which come in the order in which they are fetched.

    Those up to `asked` have been asked for, those of them from `since` on just now; the sectors of
    these light up if `lit`. Those up to `landed` lie in shared memory, or in registers. If it is
    `numbered`, the lanes of all of them are written in their cells.
    """

    asked: int = 0
    since: int = 0
    lit: bool = False
    landed: int = 0
    numbered: bool = True


@dataclass(frozen=True, eq=False)
class Load:
    """What the threads of a CTA fetch of one operand, and the turns of their warps.

    found     arrays (elements,), in the order in which they are fetched
    at, place where each lands: in which row of `target`, and where in that row
    target    As or Bs; or registers, a row for each value of a thread and a word for each thread
    told      turns that are told one by one; those of another k may follow
    """

    schedule: Schedule
    operand: Operand
    found: Accesses
    turns: Turns
    at: Ints
    place: Ints
    target: Layout
    told: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.schedule.gemm.shape(self.operand)

    @property
    def tile(self) -> tuple[int, int]:
        return self.schedule.tiling.tile_shape(self.operand)

    @property
    def row(self) -> Ints:
        return self.found.row

    @property
    def col(self) -> Ints:
        return self.found.col

    @property
    def inside(self) -> Bools:
        return self.found.predicate

    @cached_property
    def lane(self) -> Ints:
        return self.found.thread % WARP

    @cached_property
    def warp(self) -> Ints:
        return self.found.thread // WARP

    @cached_property
    def element(self) -> Ints:
        """Counted row by row over the matrix: also outside it, where two may be alike."""
        return self.row * self.shape[1] + self.col

    @cached_property
    def sector(self) -> Ints:
        return self.element // FLOATS

    @cached_property
    def turn(self) -> Ints:
        """In which of the turns each is fetched."""
        return np.repeat(np.arange(len(self.turns.turn)), np.diff(self.turns.edges))

    @property
    def size(self) -> int:
        return len(self.row)

    @property
    def done(self) -> int:
        """Elements of the turns that are told."""
        return int(self.turns.edges[self.told])

    @cached_property
    def alone(self) -> bool:
        """Whether no two lanes of a warp ask for one element at once."""
        place = np.stack([self.turn, self.row, self.col])
        return np.unique(place, axis=1).shape[1] == self.size

    def count(self, what: Ints) -> int:
        """The sum over the turns that are told."""
        return int(what[: self.told].sum())

    def span(self, first: int, last: int) -> Bools:
        """Which elements have these places in the order, first to last (exclusive)."""
        place = np.arange(self.size)
        return (first <= place) & (place < last)


def first_load(schedule: Schedule, operand: Operand, order: Order = "rows", most: int = 2) -> Load:
    """What the threads fetch first: a tile for shared memory; without it, their fragments at the
    first k, and then at the next up to `most` if there are so many."""
    tiling = schedule.tiling
    if tiling.direct:
        ks = range(min(most, schedule.gemm.k))
        events = [Fragments(*divmod(k, tiling.bk)) for k in ks]
        found = expand_values(schedule, events, operand, order)
        size = len(found.row) // len(events)
        registers = Layout(operand, 0, size, tiling.threads, tiling.threads)
        at = np.repeat(np.arange(len(found.row)) % size, tiling.threads)
        found, place = found.ravel(), found.thread.ravel()
        of = turns_of_values(schedule, events, operand, order)
        told = len(of.turn) // len(events)
        return Load(schedule, operand, found, of, at, place, registers, told)
    event, target = Copy(operand, 0), shared_layout(tiling)[operand]
    found, of = expand_copy(schedule, event, order), turns(schedule, event, order)
    at, place = target.place(found.word)
    return Load(schedule, operand, found, of, at, place, target, len(of.turn))


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
    """A picture of a load. `patches_at(step)` says where its patches lie."""

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

    def numbers(self, boxes: list[Box], texts: list[str], color: str) -> Cells:
        """Lanes in these boxes, nothing where they would be too small to read."""
        digits = max(2, *map(len, ["", *texts]))
        size = min((fitting_size(box, digits, LABEL + 6) for box in boxes), default=LABEL)
        if size < LEAST:
            boxes, texts = [], []
        return Tags(self.look, boxes, texts, size, color)
