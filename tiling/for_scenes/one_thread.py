"""What one thread of a CTA reads, and makes of it in the first k-tile: result by result, each a dot
product, or all at once by outer products."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from tiling.expand import Bools, accumulator_map, expand_fragments
from tiling.layout import AB, Operand, arrangement
from tiling.schedule import Fragments, Schedule
from tiling.schedule import schedule as schedule_of
from tiling.shapes import Gemm, Tiling
from tiling.state import State

THREAD = 0
"""The thread that is followed. The first has a result inside C whatever hangs over the edges."""


@dataclass(frozen=True)
class Dot:
    """Result by result, row by row over the thread tile.

    done  results that are whole
    k     products that have been added to the next one
    held  k of the two operands in registers, or None
    """

    done: int = 0
    k: int = 0
    held: int | None = None

    def result(self, schedule: Schedule) -> tuple[int, int]:
        """(row, col) in the thread tile of the result that is being made, or was made last. Those
        past an edge are not made."""
        rows, cols, _ = extent_inside(schedule)
        return divmod(min(self.done, rows * cols - 1), cols)


Moment: TypeAlias = State | Dot
"""How far the thread is, in either way."""


def read_groups(tiling: Tiling) -> dict[Operand, list[tuple[int, int]]]:
    """(first row or column, size) of each group of neighbours that the thread reads."""
    rows, cols = accumulator_map(tiling)
    axes = arrangement(tiling)
    return {
        "A": [(int(row), axes.rows.quad) for row in rows[THREAD, :: axes.rows.quad]],
        "B": [(int(col), axes.cols.quad) for col in cols[THREAD, :: axes.cols.quad]],
    }


@lru_cache(maxsize=4)
def inside_at(schedule: Schedule) -> dict[Operand, Bools]:
    """(TM, BK) and (TN, BK): which of its rows of A and columns of B lie inside, at each k."""
    ks = range(schedule.tiling.bk)
    reads = [expand_fragments(schedule, Fragments(0, k)) for k in ks]
    return {o: np.array([read[o].predicate[THREAD] for read in reads]).T for o in AB}


@lru_cache(maxsize=4)
def extent_inside(schedule: Schedule) -> tuple[int, int, int]:
    """How many of its rows of A, of its columns of B and of the k of a k-tile lie inside."""
    inside = inside_at(schedule)
    rows, cols = (int(inside[operand][:, 0].sum()) for operand in AB)
    return rows, cols, min(schedule.tiling.bk, schedule.gemm.k)


def first_k_tile(whole: Schedule) -> Schedule:
    """The first k-tile alone: its numbers may be larger than where all of K is summed. Of the first
    CTA, if in the schedule's own the thread hangs over an edge; and with one buffer of each."""
    gemm, tiling = whole.gemm, whole.tiling.plain()
    own = schedule_of(Gemm(gemm.m, gemm.n, min(gemm.k, tiling.bk)), tiling, whole.cta)
    return own if extent_inside(own)[:2] == (tiling.tm, tiling.tn) else own.at((0, 0))


def loads_and_fma(schedule: Schedule, moment: Moment) -> tuple[int, int]:
    """(elements that the thread has loaded, its multiply-adds), those past an edge not counted."""
    rows, cols, ks = extent_inside(schedule)
    if isinstance(moment, State):
        k = moment.fragment[1] + 1 if moment.fragment else 0
        return min(k, ks) * (rows + cols), min(moment.k_done, ks) * rows * cols
    k = moment.k + (moment.held == moment.k)
    return 2 * (moment.done * ks + k), moment.done * ks + moment.k
