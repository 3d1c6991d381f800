"""From one event to what each thread does in it, as arrays over all threads of the CTA.

Events are few; this is the detail behind them, made only for who asks. The maps that are the same
for every k-tile are made once and kept (`copy_map`, `fragment_words`, `accumulator_map`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from tiling.layout import Ints, Operand, arrangement, shared_layout
from tiling.schedule import Copy, Exchange, Fragments, Schedule, Store
from tiling.shapes import Tiling

NO_WORD = -1
"""In place of a shared word, where there is none."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Accesses:
    """Arrays of one shape, one element for each access, in each thread's own order.

    thread     who
    row, col   the element of A, B or C, also where it lies outside the matrix
    word       the shared word; where accumulators are stored, the accumulator: i·TN + j
    predicate  whether the element lies inside the matrix. Where it does not, a copy writes zero
               without a request to global memory, and a store does nothing. A thread that reads
               for itself requests nothing either if none of its results lies inside C
    """

    thread: Ints
    row: Ints
    col: Ints
    word: Ints
    predicate: Bools

    def ravel(self) -> "Accesses":
        """The same with arrays (elements,)."""
        return Accesses(*(array.ravel() for array in vars(self).values()))


def expand_copy(schedule: Schedule, event: Copy) -> Accesses:
    """The copies of one operand's tile: arrays (elements of the tile,)."""
    thread, row, col, word = copy_map(schedule.tiling, event.operand, event.stage)
    return place(schedule, event.operand, event.k_tile, thread, row, col, word)


def expand_fragments(schedule: Schedule, event: Fragments) -> dict[Operand, Accesses]:
    """The reads of a (threads, TM) and of b (threads, TN), and which element each word holds."""
    words = fragment_words(schedule.tiling, event.k, event.stage)
    return place_fragments(schedule, event, *accumulator_map(schedule.tiling), words)


def place_fragments(
    schedule: Schedule, event: Fragments, row: Ints, col: Ints, words: dict[Operand, Ints]
) -> dict[Operand, Accesses]:
    """The same of threads that make these rows (threads, TM) and columns (threads, TN)."""
    thread = np.arange(schedule.tiling.threads)[:, None]
    k = np.full((1, 1), event.k)
    reads: dict[Operand, Accesses] = {
        "A": place(schedule, "A", event.k_tile, thread, row, k, words["A"]),
        "B": place(schedule, "B", event.k_tile, thread, k, col, words["B"]),
    }
    if not schedule.tiling.direct:
        return reads
    inside = schedule.inside("C")
    busy = (row[:, :1] < inside[0]) & (col[:, :1] < inside[1])
    return {o: replace(read, predicate=read.predicate & busy) for o, read in reads.items()}


def expand_values(schedule: Schedule, events: Sequence[Fragments], operand: Operand) -> Accesses:
    """The fragments of one operand value by value: arrays (values of all events, threads)."""
    return by_value([expand_fragments(schedule, event)[operand] for event in events])


def by_value(reads: Sequence[Accesses]) -> Accesses:
    """Reads of fragments (threads, values) as arrays (values of all, threads)."""
    arrays = zip(*(vars(one).values() for one in reads), strict=True)
    return Accesses(*(np.concatenate([array.T for array in same]) for same in arrays))


def readers(schedule: Schedule) -> dict[Operand, int]:
    """How many threads of the CTA request each element of A and of B for themselves, where there is
    no shared memory: those of its row or column that have a result inside C."""
    axes, (rows, cols) = arrangement(schedule.tiling), schedule.inside("C")
    return {
        "A": int((axes.cols.at(np.arange(axes.cols.positions), 0) < cols).sum()),
        "B": int((axes.rows.at(np.arange(axes.rows.positions), 0) < rows).sum()),
    }


def expand_exchange(schedule: Schedule, event: Exchange) -> Accesses:
    """What goes to shared memory before it is stored: arrays (threads, TN)."""
    thread = np.arange(schedule.tiling.threads)[:, None]
    row, col = accumulator_map(schedule.tiling)
    words = exchange_words(schedule.tiling)
    return place(schedule, "C", 0, thread, row[:, event.row, None], col, words)


AT_ONCE = Store()


def expand_store(schedule: Schedule, event: Store = AT_ONCE) -> Accesses:
    """A store of C's tile: arrays (threads, TM, TN). Of one row of every thread, (elements,)."""
    tiling = schedule.tiling
    if event.row is not None:
        thread, row, col, word = exchanged_map(tiling, event.row)
        return place(schedule, "C", 0, thread, row, col, word)
    thread = np.arange(tiling.threads)[:, None, None]
    row, col = accumulator_map(tiling)
    accumulator = np.arange(tiling.tm * tiling.tn).reshape(1, tiling.tm, tiling.tn)
    return place(schedule, "C", 0, thread, row[:, :, None], col[:, None, :], accumulator)


def place(
    schedule: Schedule,
    operand: Operand | Literal["C"],
    k_tile: int,
    thread: Ints,
    row: Ints,
    col: Ints,
    word: Ints,
) -> Accesses:
    """Accesses of a tile's elements (row, col), moved to where the tile lies in the matrix."""
    origin = schedule.origin(operand, k_tile)
    rows, cols = schedule.gemm.shape(operand)
    thread, row, col, word = np.broadcast_arrays(thread, row + origin[0], col + origin[1], word)
    return Accesses(thread, row, col, word, (row < rows) & (col < cols))


@lru_cache(maxsize=64)
def copy_map(tiling: Tiling, operand: Operand, stage: int = 0) -> tuple[Ints, Ints, Ints, Ints]:
    """(thread, row, col, word) of each element of the operand's tile, arrays (elements,).

    The tile is cut into groups of neighbours in a row, which one request brings, and group g
    (row by row) belongs to thread g mod threads: so neighbouring threads fetch neighbouring groups.
    This map has nothing to do with the one that says which results a thread computes.
    """
    (rows, cols), size = tiling.tile_shape(operand), tiling.request(operand)
    element = np.arange(rows * cols)
    group, rest = element // size, element % size
    thread = group % tiling.threads
    row, col = group // (cols // size), group % (cols // size) * size + rest
    tile = shared_layout(tiling, stage)[operand]
    word = tile.word(col, row) if operand == "A" else tile.word(row, col)
    return thread, row, col, word


@lru_cache(maxsize=4096)
def fragment_words(tiling: Tiling, k: int, stage: int = 0) -> dict[Operand, Ints]:
    """Shared words each thread reads at one k of a k-tile: A (threads, TM), B (threads, TN).

    NO_WORD where the fragments come from global memory.
    """
    row, col = accumulator_map(tiling)
    if tiling.direct:
        return {"A": np.full_like(row, NO_WORD), "B": np.full_like(col, NO_WORD)}
    layout = shared_layout(tiling, stage)
    return {"A": layout["A"].word(k, row), "B": layout["B"].word(k, col)}


@lru_cache(maxsize=64)
def accumulator_map(tiling: Tiling) -> tuple[Ints, Ints]:
    """Rows (threads, TM) and columns (threads, TN) of the CTA tile that each thread computes."""
    axes, thread = arrangement(tiling), np.arange(tiling.threads)[:, None]
    row, col = axes.position(thread)
    return axes.rows.at(row, np.arange(tiling.tm)), axes.cols.at(col, np.arange(tiling.tn))


@lru_cache(maxsize=64)
def exchange_words(tiling: Tiling) -> Ints:
    """Shared words (threads, TN) to which each thread writes a row of its accumulators: as they
    stand in C, rows of BN words, one for each row of threads."""
    axes = arrangement(tiling)
    row, col = axes.position(np.arange(tiling.threads)[:, None])
    words: Ints = row * tiling.bn + axes.cols.at(col, np.arange(tiling.tn))
    return words


@lru_cache(maxsize=64)
def exchanged_map(tiling: Tiling, i: int) -> tuple[Ints, Ints, Ints, Ints]:
    """(thread, row, col, word) of each word exchanged, if it is every thread's i-th row: arrays
    (elements,). Element e is stored by thread e mod threads."""
    rows = arrangement(tiling).rows
    word = np.arange(rows.positions * tiling.bn)
    return word % tiling.threads, rows.at(word // tiling.bn, i), word % tiling.bn, word
