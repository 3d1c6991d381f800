"""The kernel without tiles, as a schedule of its own: a thread for each result, nothing shared.

Tiling is measured against it, so it is executed and counted as the tiled schedule is. Each of its
threads goes along K alone, and requests a row of A and a column of B from global memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from tiling import schedule as tiled
from tiling.fma import Floats, fma
from tiling.layout import Operand
from tiling.schedule import MAX_EVENTS, Store
from tiling.shapes import MAX_THREADS, Gemm, Refused, Tiling, ceil_div
from tiling.state import State
from tiling.traffic import Counts, kinds_along


@dataclass(frozen=True)
class Load:
    """Each thread requests its own element of one operand: A[row, k] or B[k, col]."""

    operand: Operand
    k: int


@dataclass(frozen=True)
class MultiplyAdd:
    """Each thread adds the product of its two elements to its one accumulator."""

    k: int


Event: TypeAlias = Load | MultiplyAdd | Store


@dataclass(frozen=True)
class Naive:
    """The events of the CTA at (row, col) of a grid whose CTAs have `block` (rows, cols) threads,
    one for each result. Threads outside C do nothing."""

    gemm: Gemm
    block: tuple[int, int]
    cta: tuple[int, int]
    events: tuple[Event, ...] = field(repr=False)

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of CTAs that cover C."""
        return ceil_div(self.gemm.m, self.block[0]), ceil_div(self.gemm.n, self.block[1])

    @property
    def origin(self) -> tuple[int, int]:
        """(row, col) of this CTA's first result in C."""
        return self.cta[0] * self.block[0], self.cta[1] * self.block[1]

    @property
    def inside(self) -> tuple[int, int]:
        """(rows, columns) of results that this CTA makes."""
        row, col = self.origin
        return min(self.block[0], self.gemm.m - row), min(self.block[1], self.gemm.n - col)


def schedule(gemm: Gemm, block: tuple[int, int], cta: tuple[int, int] = (0, 0)) -> Naive:
    """What the CTA at (row, col) of the grid does.

    Raises Refused where K is too long for a list of its events.
    """
    if 3 * gemm.k + 1 > MAX_EVENTS:
        shape = f"{gemm.m}x{gemm.n}x"
        rule = f"without tiles, {gemm.k} k make more than {MAX_EVENTS} events"
        raise Refused("gemm", f"{shape}{gemm.k}", rule, f"try {shape}{MAX_EVENTS // 3 - 1}")
    return Naive(gemm, block, cta, _events(gemm.k))


def beside(other: tiled.Schedule) -> Naive:
    """The naive schedule of the same matrices, for the CTA that makes the same corner of C."""
    block = block_of(other.tiling)
    row, col = other.origin("C")
    return schedule(other.gemm, block, (row // block[0], col // block[1]))


def block_of(tiling: Tiling) -> tuple[int, int]:
    """The CTA tile's shape, halved until a CTA may have a thread for each result."""
    rows, cols = tiling.bm, tiling.bn
    while rows * cols > MAX_THREADS:
        rows, cols = (rows // 2, cols) if rows > cols else (rows, cols // 2)
    return rows, cols


@lru_cache(maxsize=32)
def _events(k: int) -> tuple[Event, ...]:
    one = ((Load("A", i), Load("B", i), MultiplyAdd(i)) for i in range(k))
    return (*(event for events in one for event in events), Store())


def state_at(naive: Naive, step: int) -> State:
    """What holds after the first `step` events. Nothing lies in shared memory at any time."""
    if not 0 <= step <= len(naive.events):
        raise IndexError(f"step {step} of a schedule with {len(naive.events)} events")
    rows, cols = naive.inside
    requested = {"A": 0, "B": 0}
    k_done = stored = 0
    for event in naive.events[:step]:
        match event:
            case Load(operand, _):
                requested[operand] += rows * cols
            case MultiplyAdd():
                k_done += 1
            case Store():
                stored += rows * cols
    return State(
        step,
        k_done=k_done,
        requested_a=requested["A"],
        requested_b=requested["B"],
        fma=k_done * rows * cols,
        stored=stored,
    )


def count(naive: Naive) -> Counts:
    """Counts of the schedule's own CTA."""
    end = state_at(naive, len(naive.events))
    rows, cols = naive.inside
    useful = rows * cols * naive.gemm.k
    return Counts(end.requested_a, end.requested_b, end.stored, 0, 0, end.fma, useful)


def total(naive: Naive) -> Counts:
    """Counts of all CTAs of the grid: inner ones, those over an edge of C, the corner."""
    rows, cols = naive.grid
    sums = Counts(0, 0, 0, 0, 0, 0, 0)
    for row, row_count in kinds_along(rows, naive.gemm.m % naive.block[0] != 0):
        for col, col_count in kinds_along(cols, naive.gemm.n % naive.block[1] != 0):
            one = Naive(naive.gemm, naive.block, (row, col), naive.events)
            sums += count(one) * (row_count * col_count)
    return sums


def execute(
    naive: Naive, a: Floats, b: Floats, ctas: Iterable[tuple[int, int]] | None = None
) -> Floats:
    """C (M, N) float32 from A (M, K) and B (K, N), event by event; what no CTA stored is NaN.

    Its bits are those of the tiled schedule: the same correctly rounded FMA, k ascending from 0.
    """
    c = np.full((naive.gemm.m, naive.gemm.n), np.nan, np.float32)
    for cta in np.ndindex(naive.grid) if ctas is None else ctas:
        one = Naive(naive.gemm, naive.block, (cta[0], cta[1]), naive.events)
        (row, col), (rows, cols) = one.origin, one.inside
        held: dict[Operand, Floats] = {}
        accumulator = np.zeros((rows, cols), np.float32)
        for event in one.events:
            match event:
                case Load("A", k):
                    held["A"] = np.repeat(a[row : row + rows, k, None], cols, axis=1)
                case Load("B", k):
                    held["B"] = np.repeat(b[k, None, col : col + cols], rows, axis=0)
                case MultiplyAdd():
                    accumulator = fma(held["A"], held["B"], accumulator)
                case Store():
                    c[row : row + rows, col : col + cols] = accumulator
    return c
