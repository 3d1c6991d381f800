"""What one thread of a CTA reads, and makes of it in the first k-tile: result by result, each a dot
product, or all at once by outer products."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from tiling.expand import Bools, accumulator_map, expand_fragments
from tiling.layout import AB, Operand, arrangement
from tiling.schedule import Fragments, Schedule
from tiling.shapes import Tiling
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

    def result(self, tiling: Tiling) -> tuple[int, int]:
        """(row, col) in the thread tile of the result that is being made, or was made last."""
        row, col = divmod(min(self.done, tiling.tm * tiling.tn - 1), tiling.tn)
        return row, col


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


def reads_at(schedule: Schedule) -> dict[Operand, Bools]:
    """The same of what it reads: from shared memory zeros past an edge as well, from global memory
    only what lies inside."""
    direct = schedule.tiling.direct
    return {o: inside if direct else inside | True for o, inside in inside_at(schedule).items()}


def words_and_fma(schedule: Schedule, moment: Moment) -> tuple[int, int]:
    """(words that the thread has read, its multiply-adds)."""
    tiling, reads = schedule.tiling, reads_at(schedule)
    a, b = reads["A"], reads["B"]
    if isinstance(moment, State):
        k = moment.fragment[1] + 1 if moment.fragment else 0
        return int(a[:, :k].sum() + b[:, :k].sum()), moment.fma // tiling.threads
    whole = a.sum(1)[:, None] + b.sum(1)  # (TM, TN) words for each result
    (row, col), k = moment.result(tiling), moment.k + (moment.held == moment.k)
    words = whole.flat[: moment.done].sum() + a[row, :k].sum() + b[col, :k].sum()
    return int(words), moment.done * tiling.bk + moment.k
