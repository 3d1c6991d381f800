"""Who loads which element of A and of B, request by request; what of it shares a sector."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tiling.banks import BankCost, write_cost
from tiling.expand import Bools, copy_map, expand_copy, expand_values, fragment_words
from tiling.for_scenes.one_thread import THREAD
from tiling.for_scenes.orders import Order, copy_down_columns, values_down_columns
from tiling.layout import Ints, Operand, SharedTile, least_width, shared_layout
from tiling.schedule import Copy, Fragments, Schedule, schedule
from tiling.sectors import SECTOR_FLOATS, requested_wide
from tiling.shapes import BANKS, WARP, Gemm, Tiling, ceil_div


@dataclass(frozen=True, eq=False)
class Load:
    """What the threads of a CTA load of one operand first, in the order of their warps' requests.

    Arrays (elements,). What lies outside the matrix is not loaded: it comes with the request before
    it, as a zero.

    request    which of the warps' requests, counted from 0
    thread     who loads it
    row, col   of the matrix
    inside     whether it is loaded
    at, place  where it lands: in which row of `target`, and where in that row
    target     As or Bs; or registers, a row for each value of a thread and a word for each thread
    """

    schedule: Schedule
    operand: Operand
    request: Ints
    thread: Ints
    row: Ints
    col: Ints
    inside: Bools
    at: Ints
    place: Ints
    target: SharedTile

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the matrix."""
        return self.schedule.gemm.shape(self.operand)

    @cached_property
    def sector(self) -> Ints:
        return (self.row * self.shape[1] + self.col) // SECTOR_FLOATS

    @cached_property
    def ends(self) -> Ints:
        """(requests + 1,) the element with which each request begins, and behind the last."""
        return np.searchsorted(self.request, np.arange(self.request[-1] + 2))

    @property
    def requests(self) -> int:
        return len(self.ends) - 1

    @property
    def loaded(self) -> int:
        """Elements that are loaded: one that several threads load counts for each."""
        return int(self.inside.sum())

    @cached_property
    def sectors(self) -> Ints:
        """(requests,) how many sectors each moves."""
        return self._distinct(self.sector)

    @cached_property
    def lanes(self) -> Ints:
        """(requests,) how many lanes take part in each."""
        return self._distinct(self.thread)

    def _distinct(self, what: Ints) -> Ints:
        pairs = np.unique(np.stack([self.request, what])[:, self.inside], axis=1)
        return np.bincount(pairs[0], minlength=self.requests)

    @cached_property
    def alone(self) -> bool:
        """Whether no two lanes of a request load the same element."""
        each = np.stack([self.request, self.row, self.col])[:, self.inside]
        return bool(np.unique(each, axis=1).shape[1] == each.shape[1])

    @property
    def warps(self) -> int:
        return ceil_div(self.schedule.tiling.threads, WARP)


def first_load(plan: Schedule, operand: Operand, order: Order = "rows", k: int = 0) -> Load:
    """What the threads load first: a tile for shared memory; without it their fragments at k."""
    tiling = plan.tiling
    if tiling.direct:
        event = Fragments(*divmod(k, tiling.bk))
        values = (expand_values if order == "rows" else values_down_columns)(plan, [event], operand)
        target = SharedTile(operand, 0, len(values.row), tiling.threads, tiling.threads)
        found, turn = values.ravel(), np.repeat(np.arange(len(values.row)), tiling.threads)
        at, place, part = turn, found.thread, np.zeros_like(turn)
    else:
        copy, size, target = (
            Copy(operand, 0),
            tiling.request(operand),
            shared_layout(tiling)[operand],
        )
        found = expand_copy(plan, copy) if order == "rows" else copy_down_columns(plan, copy)
        at, place = target.place(found.word)
        element = np.arange(found.row.size)
        turn = element // size // tiling.threads
        # Neighbours that no wide request can bring are asked for one by one.
        part = np.where(requested_wide(plan, operand, found), 0, 1 + element % size)
    keys = np.stack([turn, found.thread // WARP, part])
    order_of = np.lexsort(keys[::-1])
    group = np.unique(keys[:, order_of], axis=1, return_inverse=True)[1].reshape(-1)
    inside = found.predicate[order_of]
    real = np.bincount(group, inside) > 0
    request = (np.cumsum(real) - 1)[group]
    thread, row, col = (array[order_of] for array in (found.thread, found.row, found.col))
    at, place = at[order_of], place[order_of]
    return Load(plan, operand, request, thread, row, col, inside, at, place, target)


def whole_tiles(plan: Schedule) -> Schedule:
    """The CTA itself if nothing of its first tiles hangs over an edge; else the first of the grid;
    or if that hangs over too, the only one of a product of its size."""
    for one in plan, plan.at((0, 0)):
        if all(one.inside(name) == plan.tiling.tile_shape(name) for name in ("A", "B", "C")):
            return one
    tiling = plan.tiling
    return schedule(Gemm(tiling.bm, tiling.bn, tiling.bk), tiling)


@dataclass(frozen=True)
class Run:
    """Columns `first` to `last` of a row that belong together, here as part of a sector; whether it
    begins and ends there, or goes on in another row or beyond the columns that were asked about."""

    of: int
    row: int
    first: int
    last: int
    begins: bool = True
    ends: bool = True


def sector_runs(width: int, row: int, first: int, last: int) -> list[Run]:
    """The sectors that hold columns first to last (inclusive) of a row of a matrix `width` wide."""
    start, found = row * width, []
    for sector in range((start + first) // SECTOR_FLOATS, (start + last) // SECTOR_FLOATS + 1):
        left = sector * SECTOR_FLOATS - start
        right = left + SECTOR_FLOATS - 1
        run = max(first, left), min(last, right)
        found.append(Run(sector, row, *run, begins=run[0] == left, ends=run[1] == right))
    return found


def window(loads: list[Load], rows: int, cols: int) -> tuple[int, int, int, int]:
    """(row, col, rows, columns) of a matrix to look at: around the first of the tile's elements, at
    most so many, or more if the first request of one of the loads spans more.

    Columns go from where the sector of the tile's first begins, whole rows if they are so short:
    then sectors may run on from row to row.
    """
    load = loads[0]
    (row, col), width = load.schedule.origin(load.operand), load.shape[1]
    tile = load.schedule.tiling.tile_shape(load.operand)
    first = [one.inside & (one.request == 0) for one in loads]
    reach = max(int(one.row[now].max()) for one, now in zip(loads, first, strict=True))
    rows = max(min(rows, tile[0]), reach - row + 1)
    tile_end = col + tile[1]
    if max(width, tile_end) <= cols:
        return row, 0, rows, max(width, tile_end)
    starts = np.arange(row, min(row + rows, load.shape[0])) * width
    left = max(0, col - int(((starts + col) % SECTOR_FLOATS).max()))

    def end(last: int) -> int:
        """Behind the sector in which a column lies, in each of the rows."""
        rest = int((SECTOR_FLOATS - 1 - (starts + last) % SECTOR_FLOATS).max())
        return min(last + 1 + rest, width)

    needed = max(end(int(one.col[now].max())) for one, now in zip(loads, first, strict=True))
    whole = max(end(min(tile_end, width) - 1), tile_end)
    return row, left, rows, min(whole, max(left + cols, needed)) - left


@dataclass(frozen=True, eq=False)
class FirstReads:
    """The TM rows of As that a thread reads at k = 0: arrays (TM,).

    row    of the tile of A
    words  of As, where they lie
    kept   where they would lie if As had the shape of A's tile
    by     the threads that loaded them
    width  how many of its words each read brings
    """

    row: Ints
    words: Ints
    kept: Ints
    by: Ints
    width: int


def first_reads(plan: Schedule) -> FirstReads:
    """What thread THREAD reads of As first, and who loaded that."""
    tiling, tile = plan.tiling, shared_layout(plan.tiling)["A"]
    thread, _, _, word = copy_map(tiling, "A")
    words = fragment_words(tiling, 0)["A"][THREAD]
    row = tile.element(words)[1]
    by = np.array([thread[word == one][0] for one in words])
    return FirstReads(row, words, row * tiling.bk, by, least_width(tiling, "A"))


def stores(tiling: Tiling) -> tuple[Ints, BankCost]:
    """Of the stores of A's tile to As: the words of the one that costs most, by lane, or of the
    first of these; and what all of them cost."""
    thread, _, _, word = copy_map(tiling, "A")
    element, size = np.arange(thread.size), tiling.request("A")
    keys = np.stack([element // size // tiling.threads, thread // WARP, element % size])
    store = np.unique(keys, axis=1, return_inverse=True)[1].reshape(-1)
    each = [word[store == one] for one in range(store.max() + 1)]
    return max(each, key=lambda words: words_in_banks(words).max()), write_cost(tiling, "A")


def words_in_banks(words: Ints) -> Ints:
    """(BANKS,) how many of a store's words lie in each bank: the most of them is its wavefronts."""
    return np.bincount(words % BANKS, minlength=BANKS)
