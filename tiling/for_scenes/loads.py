"""Who fetches which element of A and of B, request by request; what of it shares a sector."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tiling.expand import Accesses, Bools, expand_copy, expand_values, fragment_words
from tiling.for_scenes.one_thread import THREAD
from tiling.for_scenes.orders import Order, copy_down_columns, values_down_columns
from tiling.layout import Ints, Operand, SharedTile, shared_layout
from tiling.schedule import Copy, Fragments, Schedule
from tiling.sectors import SECTOR_FLOATS, Turns, turns, turns_of_values
from tiling.shapes import WARP, ceil_div


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
    target: SharedTile
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
        return self.element // SECTOR_FLOATS

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
        return bool(np.unique(place, axis=1).shape[1] == self.size)

    def count(self, what: Ints) -> int:
        """The sum over the turns that are told."""
        return int(what[: self.told].sum())

    def span(self, first: int, last: int) -> Bools:
        """Which elements have these places in the order, first to last (exclusive)."""
        place = np.arange(self.size)
        return (first <= place) & (place < last)

    def lanes_in(self, warp: int) -> int:
        """Threads of a warp: the last may have fewer than others."""
        return min(WARP, self.schedule.tiling.threads - warp * WARP)

    def taking_part(self, turn: int) -> tuple[int, int, int]:
        """Of a warp's lanes in one of the turns: how many ask, only write zeros, do nothing."""
        now = slice(*self.turns.edges[turn : turn + 2])
        asking = int(self.turns.lanes[turn])
        busy = len(np.unique(self.lane[now]))
        return asking, busy - asking, self.lanes_in(int(self.warp[now][0])) - busy

    @property
    def idle_at_last(self) -> int:
        """Threads of the CTA that have nothing to fetch in the last turn of all warps."""
        groups = ceil_div(self.size, self.schedule.tiling.request(self.operand))
        return (int(self.turns.turn[-1]) + 1) * self.schedule.tiling.threads - groups

    def columns(self, rows: int, most: int) -> tuple[int, int]:
        """(first, how many) columns of the matrix around the first `rows` of the tile: from the
        sector in which the tile begins to that where it ends, `most` of them at most.

        Whole rows if there are no more than that, since sectors may run on from row to row.
        """
        (origin_row, col), width = self.schedule.origin(self.operand), self.shape[1]
        tile_end = col + self.tile[1]
        if max(width, tile_end) <= most:
            return 0, max(width, tile_end)
        inside_rows, inside_cols = self.schedule.inside(self.operand)
        starts = (origin_row + np.arange(min(rows, inside_rows))) * width
        first = col - int(((starts + col) % SECTOR_FLOATS).max())
        last = col + inside_cols - 1
        last += int((SECTOR_FLOATS - 1 - (starts + last) % SECTOR_FLOATS).max())
        first, end = max(0, first), max(min(last + 1, width), tile_end)
        if end - first > most >= SECTOR_FLOATS:
            most -= most % SECTOR_FLOATS
        return first, min(end - first, most)


def first_load(schedule: Schedule, operand: Operand, order: Order = "rows", most: int = 2) -> Load:
    """What the threads fetch first: a tile for shared memory; without it, their fragments at the
    first k, and then at the next up to `most` if there are so many."""
    tiling = schedule.tiling
    if tiling.direct:
        ks = range(min(most, schedule.gemm.k))
        events = [Fragments(*divmod(k, tiling.bk)) for k in ks]
        expand = expand_values if order == "rows" else values_down_columns
        values = expand(schedule, events, operand)
        size = len(values.row) // len(events)
        registers = SharedTile(operand, 0, size, tiling.threads, tiling.threads)
        at = np.repeat(np.arange(len(values.row)) % size, tiling.threads)
        found, place = values.ravel(), values.thread.ravel()
        of = turns_of_values(schedule, events, operand, values)
        told = len(of.turn) // len(events)
        return Load(schedule, operand, found, of, at, place, registers, told)
    event, target = Copy(operand, 0), shared_layout(tiling)[operand]
    found = expand_copy(schedule, event) if order == "rows" else copy_down_columns(schedule, event)
    of = turns(schedule, event, found)
    at, place = target.place(found.word)
    return Load(schedule, operand, found, of, at, place, target, len(of.turn))


@dataclass(frozen=True)
class SectorRun:
    """What a sector has in one row of a matrix: columns `first` to `last`; whether it begins and
    ends there, or goes on in another row or beyond the columns that were asked about."""

    sector: int
    row: int
    first: int
    last: int
    begins: bool
    ends: bool


def sector_runs(width: int, row: int, first: int, last: int) -> list[SectorRun]:
    """The sectors that hold columns first to last (inclusive) of a row of a matrix `width` wide."""
    start, found = row * width, []
    for sector in range((start + first) // SECTOR_FLOATS, (start + last) // SECTOR_FLOATS + 1):
        left = sector * SECTOR_FLOATS - start
        right = left + SECTOR_FLOATS - 1
        run = max(first, left), min(last, right)
        found.append(SectorRun(sector, row, *run, begins=run[0] == left, ends=run[1] == right))
    return found


@dataclass(frozen=True, eq=False)
class FirstReads:
    """The TM rows of As that a thread reads at k = 0: arrays (TM,).

    row    of the tile of A
    words  of As, where they lie
    kept   where they would lie if As had the shape of A's tile
    by     the threads that loaded them
    """

    row: Ints
    words: Ints
    kept: Ints
    by: Ints


def first_reads(load: Load) -> FirstReads:
    """Of a load of A: what thread THREAD reads of it first, and who loaded that."""
    tiling, found = load.schedule.tiling, load.found
    words = fragment_words(tiling, 0)["A"][THREAD]
    row = load.target.element(words)[1]
    kept = SharedTile("A", 0, k=tiling.bm, extent=tiling.bk, stride=tiling.bk).word(row, 0)
    by = np.array([found.thread[found.word == word][0] for word in words])
    return FirstReads(row, words, kept, by)
