"""What threads fetch of one operand, part of a matrix drawn large, and what plots it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tiling.expand import Accesses, Bools, Order, expand_copy, expand_values
from tiling.layout import Ints, Operand, shared_layout
from tiling.layout import SharedTile as Layout
from tiling.schedule import Copy, Fragments, Schedule
from tiling.sectors import SECTOR, Turns, turns, turns_of_values
from tiling.shapes import WARP, WORD

FLOATS = SECTOR // WORD
"""Elements in a sector."""


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
