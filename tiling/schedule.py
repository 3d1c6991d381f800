"""The schedule: what one CTA does, in order, as data.

Nothing else in the project decides who loads what, when. Execution, counts, trace, kernel and
pictures all read the events made here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from typing import Literal, TypeAlias

from tiling.layout import Operand
from tiling.shapes import Gemm, Refused, Tiling, ceil_div, dims

MAX_EVENTS = 2**20
"""Events of one CTA. A schedule lists them all, so a K without end would fill the memory."""


@dataclass(frozen=True)
class Copy:
    """All threads copy one operand's tile from global to shared memory.

    With several stages they only begin to: what they copy arrives until a `Wait`, and until then
    nobody knows what lies there.
    """

    operand: Operand
    k_tile: int
    stage: int = 0


@dataclass(frozen=True)
class Barrier:
    """All threads of the CTA wait for one another.

    Before `reads`: what the copies wrote may now be read by every thread.
    Before an `overwrite`: what every thread has read may now be overwritten.
    With several stages one barrier is before `both`: reads of this k-tile, and an overwrite of the
    one before. In the store of C, `k_tile` is None.
    """

    k_tile: int | None
    before: Literal["reads", "overwrite", "both"]


@dataclass(frozen=True)
class Commit:
    """Each thread closes the group of copies that it has begun since the last commit.

    `k_tile` is the one that they copy. Behind the last k-tile the group is empty, so that the next
    `Wait` counts as all others do.
    """

    k_tile: int


@dataclass(frozen=True)
class Wait:
    """Each thread waits for its own copies of `k_tile`: of its groups all but the last `pending`
    have arrived."""

    k_tile: int
    pending: int


@dataclass(frozen=True)
class Fragments:
    """Each thread reads its TM values of As and TN values of Bs at one k of the k-tile: of A and B
    themselves, where there is no shared memory."""

    k_tile: int
    k: int
    stage: int = 0
    buffer: int = 0


@dataclass(frozen=True)
class OuterProduct:
    """Each thread adds the outer product of its fragments to its TM×TN accumulators."""

    k_tile: int
    k: int
    buffer: int = 0


@dataclass(frozen=True)
class Exchange:
    """Each thread writes the `row`-th of its TM rows of accumulators to shared memory."""

    row: int


@dataclass(frozen=True)
class Store:
    """Each thread writes its accumulators to C in global memory.

    With a `row`, what was exchanged last: that row of every thread, neighbouring threads writing
    neighbours in a row of C.
    """

    row: int | None = None


Event: TypeAlias = Copy | Commit | Wait | Barrier | Fragments | OuterProduct | Exchange | Store


def in_words(event: Event) -> str:
    """An event as a person is told of it."""
    match event:
        case Copy(operand, k_tile):
            return f"Copy {operand} of k-tile {k_tile}"
        case Commit(k_tile):
            return f"Commit of the copies of k-tile {k_tile}"
        case Wait(k_tile):
            return f"Wait for the copies of k-tile {k_tile}"
        case Barrier(None, before):
            return f"Barrier before {before} in the store"
        case Barrier(k_tile, "both"):
            return f"Barrier before reads of k-tile {k_tile} and overwrite of the one before"
        case Barrier(k_tile, before):
            return f"Barrier before {before} of k-tile {k_tile}"
        case Fragments(k_tile, k):
            return f"Fragments at k {k} of k-tile {k_tile}"
        case OuterProduct(k_tile, k):
            return f"OuterProduct at k {k} of k-tile {k_tile}"
        case Exchange(row):
            return f"Exchange of each thread's row {row}"
        case Store(int(row)):
            return f"Store of each thread's row {row}"
        case Store():
            return "Store"


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


def k_tile_edges(schedule: Schedule) -> list[int]:
    """The step at which each k-tile begins, and the step of the store.

    With several stages the copies that come before it belong to the first.
    """
    edges = {0: 0}
    for step, event in enumerate(schedule.events):
        match event:
            case Barrier(int(k_tile), "overwrite") | Wait(k_tile) | Fragments(k_tile):
                edges.setdefault(k_tile, step)
            case Barrier(None) | Store():
                return [*edges.values(), step]
    raise AssertionError("a schedule ends with a store")


def schedule(gemm: Gemm, tiling: Tiling, cta: tuple[int, int] = (0, 0)) -> Schedule:
    """What the CTA at (row, col) of the grid does.

    Raises Refused where there is no such CTA, or where K is too long for a list of its events.
    """
    rows, cols = grid(gemm, tiling)
    if not (0 <= cta[0] < rows and 0 <= cta[1] < cols):
        value, last = f"{cta[0]},{cta[1]}", f"{rows - 1},{cols - 1}"
        remedy = "try 0,0" if last == "0,0" else f"try 0,0 to {last}"
        raise Refused("block", value, f"the grid has {dims(rows, cols)} CTAs", remedy)
    # Of a k-tile: the loop over k, and two copies with what keeps them in order.
    k_tiles, each = ceil_div(gemm.k, tiling.bk), 2 * tiling.bk + (0 if tiling.direct else 5)
    if k_tiles * each > MAX_EVENTS:
        shape = f"{gemm.m}x{gemm.n}x"
        rule = f"{k_tiles} k-tiles make {k_tiles * each} events, more than {MAX_EVENTS}"
        most = MAX_EVENTS // each * tiling.bk
        raise Refused("gemm", f"{shape}{gemm.k}", rule, f"try {shape}{most}")
    rounds = tiling.tm if tiling.shared_store else None
    stages = 0 if tiling.direct else tiling.stages
    return Schedule(
        gemm, tiling, cta, _events(k_tiles, tiling.bk, stages, tiling.fragments, rounds)
    )


@lru_cache(maxsize=32)
def _events(
    k_tiles: int, bk: int, stages: int, fragments: int, rounds: int | None
) -> tuple[Event, ...]:
    match stages:
        case 0:
            tiles = (_multiply(k_tile, bk, 0, fragments) for k_tile in range(k_tiles))
            march: Iterator[Event] = chain.from_iterable(tiles)
        case 1:
            march = _march(k_tiles, bk, fragments)
        case _:
            march = _pipeline(k_tiles, bk, stages, fragments)
    return (*march, *_store(rounds))


def _march(k_tiles: int, bk: int, fragments: int) -> Iterator[Event]:
    """One stage: load a k-tile, multiply it, load the next."""
    for k_tile in range(k_tiles):
        if k_tile > 0:
            yield Barrier(k_tile, "overwrite")
        yield Copy("A", k_tile)
        yield Copy("B", k_tile)
        yield Barrier(k_tile, "reads")
        yield from _multiply(k_tile, bk, 0, fragments)


def _pipeline(k_tiles: int, bk: int, stages: int, fragments: int) -> Iterator[Event]:
    """Several stages: while a k-tile is multiplied, the copies of the next ones are on their way.

    One barrier a k-tile is enough. It stands behind the wait for this k-tile's copies, so that all
    threads may read what any has copied, and before the copies that overwrite the stage of the
    k-tile before, which by then all threads have read.
    """
    for k_tile in range(stages - 1):  # prologue
        yield from _begin(k_tile, k_tiles, stages)
    for k_tile in range(k_tiles):
        ahead = k_tile + stages - 1
        yield Wait(k_tile, pending=stages - 2)
        yield Barrier(k_tile, "both" if k_tile > 0 and ahead < k_tiles else "reads")
        yield from _begin(ahead, k_tiles, stages)
        yield from _multiply(k_tile, bk, k_tile % stages, fragments)


def _begin(k_tile: int, k_tiles: int, stages: int) -> Iterator[Event]:
    """A group of copies; an empty one behind the last k-tile."""
    if k_tile < k_tiles:
        yield Copy("A", k_tile, k_tile % stages)
        yield Copy("B", k_tile, k_tile % stages)
    yield Commit(k_tile)


def _multiply(k_tile: int, bk: int, stage: int, fragments: int) -> Iterator[Event]:
    """All k of a k-tile. With two buffers the fragments are one k ahead of the outer products."""
    ahead = fragments - 1
    for k in range(bk + ahead):
        if k < bk:
            yield Fragments(k_tile, k, stage, k % fragments)
        if k >= ahead:
            yield OuterProduct(k_tile, k - ahead, (k - ahead) % fragments)


def _store(rounds: int | None) -> Iterator[Event]:
    """At once, or through shared memory in so many rounds."""
    if rounds is None:
        yield Store()
        return
    for row in range(rounds):
        yield Barrier(None, "overwrite")
        yield Exchange(row)
        yield Barrier(None, "reads")
        yield Store(row)
