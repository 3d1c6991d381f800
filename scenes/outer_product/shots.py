"""What is shown and said of one thread: dot products, outer products, larger thread tiles."""

from collections.abc import Iterator
from dataclasses import dataclass

from scenes.kit.amounts import grouped
from scenes.kit.flight import Memory
from scenes.kit.shot import Act, Hold, Poster, Said, Shot
from scenes.kit.timing import evenly, to_read
from tiling.fma import Floats
from tiling.for_scenes.numbers import ThreadValues
from tiling.for_scenes.one_thread import THREAD, Dot, Moment, words_and_fma
from tiling.for_scenes.reuse import SQUARES, Way, distinct, larger_is_better, ways
from tiling.presets import Choice
from tiling.schedule import Fragments, Schedule, schedule
from tiling.shapes import Gemm, Tiling, dims
from tiling.state import state_at
from tiling.traffic import traffic


@dataclass(frozen=True)
class Fetch(Act):
    """The two operands of one product travel to the registers."""

    after: Dot


@dataclass(frozen=True)
class Go(Act):
    """The picture becomes that of another moment."""

    after: Moment


@dataclass(frozen=True)
class Read(Act):
    """The fragments travel to the registers; `step` events have then happened."""

    step: int


@dataclass(frozen=True)
class Multiply(Act):
    """Each value of a meets each of b; `step` events have then happened."""

    step: int


@dataclass(frozen=True)
class Compare(Act):
    """The bar of one more way to make results grows, and the products of its tile if it is seen."""

    name: str


@dataclass(frozen=True)
class Larger(Act):
    """In place of the thread come thread tiles side by side."""


@dataclass(frozen=True)
class Restart(Act):
    """Everything is as it was at first, so that the clip can loop."""


def first_k_tile(choice: Choice) -> Schedule:
    """The first k-tile alone: its numbers may be larger than where all of K is summed. When the
    fragments are read is not the point here, so there is one buffer of each."""
    whole = choice.schedule()
    tiling = whole.tiling.plain()
    gemm = Gemm(whole.gemm.m, whole.gemm.n, min(whole.gemm.k, tiling.bk))
    return schedule(gemm, tiling, whole.cta)


def shots(plan: Schedule, values: ThreadValues) -> Iterator[Shot]:
    """One thread in one k-tile. `values` are its numbers."""
    compared = ways((plan.tiling.tm, plan.tiling.tn))
    opening = f"One thread makes {_results(plan.tiling)}: how many values must it read?"
    yield Said(opening, "start", _setting(plan.tiling, values))
    yield Hold(to_read(opening))
    yield from _dot_products(plan, values)
    yield from _outer_products(plan, values)
    yield from _larger_tiles(plan, compared)
    yield Said(opening)
    yield Restart(1.0)


def _dot_products(plan: Schedule, values: ThreadValues) -> Iterator[Shot]:
    """The first result k by k, the others faster, as they come."""
    count = plan.tiling.tm * plan.tiling.tn
    text = "One by one: each a dot product, a row of A times a column of B"
    yield Said(text, "dot products", _dots_in_words(values))
    for k in range(plan.tiling.bk):
        reading, added = Dot(0, k, k), Dot(0, k + 1, k)
        if k == 0:
            yield Fetch(1.2, reading)
            yield Go(0.8, added)
        elif k < 4:
            yield Fetch(0.6, reading)
            yield Go(0.4, added)
        elif k == plan.tiling.bk - 1:
            yield Go(0.4, added)
    slow = min(count, 4)
    hops = [*range(1, slow), *evenly(slow - 1, count - 1, 5)[1:]]
    if count > 1:
        row = "row of A" if plan.tiling.tn > 1 else "column of B"
        yield Said(f"The next result reads the same {row} again")
    bk = plan.tiling.bk
    for done in hops:
        if done == 2:
            yield Said("So it goes on: a row and a column for each result")
        yield Go(0.2, Dot(done, 0, None))
        steps = evenly(0, bk, 4)[1:] if done == 1 else [bk]
        for k in steps:
            seconds = 0.4 if done == 1 or count > slow else 0.8
            yield Go(seconds, Dot(done, k, k - 1))
    words, fma = words_and_fma(plan, Dot(count))
    but = "" if words == 2 * fma else ", none for zeros past an edge"
    yield Said(f"{grouped(words)} words read for {grouped(fma)} FMA: two for each{but}")
    yield Compare(0.8, "dot product")


def _outer_products(plan: Schedule, values: ThreadValues) -> Iterator[Shot]:
    """All results at once: the first k in full, the others faster."""
    tm, tn, bk = plan.tiling.tm, plan.tiling.tn, plan.tiling.bk
    text = "Instead read a column of A and a row of B, once for all results"
    if tm * tn == 1:
        text = "An outer product of one and one is one product: nothing is used twice"
    yield Said(text, "outer product", _outer_in_words(plan.tiling, values))
    yield Go(0.6, state_at(plan, 0))
    reads = [i for i, e in enumerate(plan.events) if isinstance(e, Fragments)]
    yield Read(1.6, reads[0] + 1)
    words, fma = words_and_fma(plan, state_at(plan, reads[0] + 2))
    meets = f"{_each(tm, 'a')} meets {_each(tn, 'b')}: {fma} FMA, {words} words"
    yield Said(meets[0].upper() + meets[1:])
    yield Multiply(2.0, reads[0] + 2)
    if bk > 1:
        yield Said(f"So for each of the {bk} k of the tile: the products add up")
    slow = reads[1:4] if bk <= 8 else reads[1:3]
    for step in slow:
        yield Read(0.8, step + 1)
        yield Multiply(0.8, step + 2)
    rest = reads[1 + len(slow) :]
    for i in evenly(0, len(rest), 5)[1:]:
        yield Go(0.4, state_at(plan, rest[i - 1] + 2))
    words, fma = words_and_fma(plan, state_at(plan, reads[-1] + 2))
    yield Said(f"{grouped(words)} words read for {grouped(fma)} FMA, the same results")
    yield Compare(0.8, f"outer {dims(tm, tn)}")


def _larger_tiles(plan: Schedule, compared: list[Way]) -> Iterator[Shot]:
    """The same count for larger thread tiles, and what they cost."""
    own = f"outer {dims(plan.tiling.tm, plan.tiling.tn)}"  # which has been compared
    larger = "larger" if larger_is_better(compared) else "larger and squarer"
    text = f"The {larger} the thread tile, the more often each value is used"
    yield Said(text, "larger tiles", _bars_in_words(plan.tiling, compared))
    yield Larger(1.0)
    for way in compared:
        if way.name not in ("dot product", own):
            yield Compare(1.2, way.name)
    yield Poster()
    side = SQUARES[-1]
    way = next(way for way in compared if way.tile == (side, side))
    held = traffic(schedule(plan.gemm, way.tiling)).accumulators
    closing = (
        f"{dims(side, side)} a thread: {way.read} words for {way.made} FMA, "
        f"and {held} accumulators to hold"
    )
    yield Said(closing)
    yield Hold(to_read(closing) + 0.4)


def memory_of(tiling: Tiling) -> Memory:
    """The memory that threads read their fragments from."""
    return "global" if tiling.direct else "shared"


def matrices_of(tiling: Tiling) -> tuple[str, str]:
    """What they are fragments of."""
    return ("A", "B") if tiling.direct else ("As", "Bs")


def _results(tiling: Tiling) -> str:
    tm, tn = tiling.tm, tiling.tn
    return f"{dims(tm, tn)} results" if tm * tn > 1 else "one result"


def _setting(tiling: Tiling, values: ThreadValues) -> str:
    tm, tn, bk = tiling.tm, tiling.tn, tiling.bk
    a, b = matrices_of(tiling)
    return (
        f"Three panels. {memory_of(tiling).capitalize()} memory: {tm} rows of {a} and "
        f"{tn} columns of {b}, those of thread {THREAD}, at the {bk} k of a k-tile. {a} is "
        + "; ".join(_list(row) for row in values.a.T)
        + f", row by row, and {b} is "
        + "; ".join(_list(row) for row in values.b)
        + f". Registers of thread {THREAD}: {tm} values of a, {tn} of b, {tm * tn} "
        "accumulators. And bars, empty still: words read for each FMA."
    )


def _dots_in_words(values: ThreadValues) -> str:
    sums = values.acc[:, 0, 0]
    return (
        "The first result: at each k one value of a and one of b travel to the registers, and "
        f"their product is added: {_list(sums)}."
    )


def _outer_in_words(tiling: Tiling, values: ThreadValues) -> str:
    each = ["; ".join(_list(row) for row in acc) for acc in values.acc[: tiling.bk]]
    return "After each k the accumulators are, row by row: " + ". Then ".join(each) + "."


def _bars_in_words(tiling: Tiling, compared: list[Way]) -> str:
    each = [f"{way.name}: {sum(way.words.values()):.3g}" for way in compared]
    tiles = [
        f"{dims(*way.tile)}, {way.read} words and {way.made} FMA" for way in distinct(compared)
    ]
    memory = memory_of(tiling)
    return (
        f"Words read from {memory} memory for each FMA. {', '.join(each)}. Thread tiles side "
        f"by side, and what they read and make at each k: {'; '.join(tiles)}."
    )


def _each(count: int, name: str) -> str:
    return f"each of {count} values of {name}" if count > 1 else f"one value of {name}"


def _list(numbers: Floats) -> str:
    return ", ".join(f"{x:g}" for x in numbers)
