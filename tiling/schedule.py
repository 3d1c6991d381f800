"""The schedule: what one CTA does, in order, as data.

Nothing else in the project decides who loads what, when. Execution, counts, trace, kernel and
pictures all read the events made here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, TypeAlias

from tiling.layout import Operand
from tiling.shapes import Gemm, Refused, Tiling, ceil_div, dims

MAX_EVENTS = 2**20
"""Events of one CTA. A schedule lists them all, so a K without end would fill the memory."""


@dataclass(frozen=True)
class Copy:
    """All threads copy one operand's tile from global to shared memory."""

    operand: Operand
    k_tile: int
    stage: int = 0


@dataclass(frozen=True)
class Barrier:
    """All threads of the CTA wait for one another.

    Before `reads`: what the copies wrote may now be read by every thread.
    Before an `overwrite`: what every thread has read may now be overwritten.
    """

    k_tile: int
    before: Literal["reads", "overwrite"]


@dataclass(frozen=True)
class Fragments:
    """Each thread reads its TM values of As and TN values of Bs at one k of the k-tile."""

    k_tile: int
    k: int
    stage: int = 0


@dataclass(frozen=True)
class OuterProduct:
    """Each thread adds the outer product of its fragments to its TM×TN accumulators."""

    k_tile: int
    k: int


@dataclass(frozen=True)
class Store:
    """Each thread writes its accumulators to C in global memory."""


Event: TypeAlias = Copy | Barrier | Fragments | OuterProduct | Store


@dataclass(frozen=True)
class Schedule:
    """The events of the CTA at (row, col) of the grid. They are the same for every CTA."""

    gemm: Gemm
    tiling: Tiling
    cta: tuple[int, int]
    events: tuple[Event, ...] = field(repr=False)

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of CTAs that cover C."""
        return grid(self.gemm, self.tiling)

    @property
    def k_tiles(self) -> int:
        """Trips of the main loop."""
        return ceil_div(self.gemm.k, self.tiling.bk)

    def at(self, cta: tuple[int, int]) -> "Schedule":
        """The same events for another CTA."""
        return replace(self, cta=cta)

    def origin(self, operand: Operand | Literal["C"], k_tile: int = 0) -> tuple[int, int]:
        """(row, col) in the matrix where this CTA's tile of A, B or C begins."""
        row, col = self.cta[0] * self.tiling.bm, self.cta[1] * self.tiling.bn
        k = k_tile * self.tiling.bk
        return {"A": (row, k), "B": (k, col), "C": (row, col)}[operand]

    def inside(self, operand: Operand | Literal["C"], k_tile: int = 0) -> tuple[int, int]:
        """(rows, columns) of that tile which lie inside the matrix; the rest hangs over an edge."""
        row, col = self.origin(operand, k_tile)
        rows, cols = self.tiling.tile_shape(operand)
        m, n = self.gemm.shape(operand)
        return min(rows, m - row), min(cols, n - col)


def grid(gemm: Gemm, tiling: Tiling) -> tuple[int, int]:
    """(rows, columns) of CTAs that cover C."""
    return ceil_div(gemm.m, tiling.bm), ceil_div(gemm.n, tiling.bn)


def schedule(gemm: Gemm, tiling: Tiling, cta: tuple[int, int] = (0, 0)) -> Schedule:
    """What the CTA at (row, col) of the grid does.

    Raises Refused where there is no such CTA, or where K is too long for a list of its events.
    """
    rows, cols = grid(gemm, tiling)
    if not (0 <= cta[0] < rows and 0 <= cta[1] < cols):
        value, last = f"{cta[0]},{cta[1]}", f"{rows - 1},{cols - 1}"
        raise Refused("block", value, f"the grid has {dims(rows, cols)} CTAs", f"try 0,0 to {last}")
    k_tiles, each = ceil_div(gemm.k, tiling.bk), 2 * tiling.bk + 4
    if k_tiles * each > MAX_EVENTS:
        shape = f"{gemm.m}x{gemm.n}x"
        rule = f"{k_tiles} k-tiles make {k_tiles * each} events, more than {MAX_EVENTS}"
        most = MAX_EVENTS // each * tiling.bk
        raise Refused("gemm", f"{shape}{gemm.k}", rule, f"try {shape}{most}")
    return Schedule(gemm, tiling, cta, _events(k_tiles, tiling.bk))


@lru_cache(maxsize=32)
def _events(k_tiles: int, bk: int) -> tuple[Event, ...]:
    return tuple(_walk(k_tiles, bk))


def _walk(k_tiles: int, bk: int) -> Iterator[Event]:
    for k_tile in range(k_tiles):
        if k_tile > 0:
            yield Barrier(k_tile, "overwrite")
        yield Copy("A", k_tile)
        yield Copy("B", k_tile)
        yield Barrier(k_tile, "reads")
        for k in range(bk):
            yield Fragments(k_tile, k)
            yield OuterProduct(k_tile, k)
    yield Store()
