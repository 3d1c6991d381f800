"""What is shown and said of one thread: dot products, outer products, larger thread tiles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from scenes.kit.amounts import plural
from scenes.kit.paced import Show, paced
from scenes.kit.shot import Hold, Poster, Said, Shot
from scenes.kit.timing import FRAME, evenly
from tiling.fma import Floats
from tiling.for_scenes.numbers import thread_values
from tiling.for_scenes.one_thread import THREAD, Dot, Moment, extent_inside, loads_and_fma
from tiling.for_scenes.reuse import SQUARES, Way, larger_is_better, ways
from tiling.schedule import Fragments, Schedule, schedule
from tiling.shapes import Tiling, dims
from tiling.state import state_at
from tiling.traffic import traffic

STATES = 12
"""Moments that are shown where it is gone through quickly, at most."""


FIRST = Dot()


@dataclass(frozen=True, eq=False)
class OneThread:
    """How far the thread is.

    grown  names of the ways of which the bar is seen
    tiles  whether their thread tiles are seen in place of the thread's
    """

    moment: Moment = FIRST
    grown: tuple[str, ...] = ()
    tiles: bool = False


def shots(plan: Schedule) -> Iterator[Shot]:
    """One thread in the first k-tile; then what other thread tiles load."""
    compared = ways((plan.tiling.tm, plan.tiling.tn))
    opening = "What must one thread load?"
    yield from paced(Said(opening, "start", _setting(plan)), Hold(1.0))
    rows, cols, ks = extent_inside(plan)
    end = OneThread(Dot(rows * cols - 1, ks, ks - 1), (compared[0].name,))
    yield from _dot_products(plan, end)
    if rows * cols > 1:
        own = f"outer {dims(plan.tiling.tm, plan.tiling.tn)}"
        end = OneThread(_multiplied(plan)[-1], (*end.grown, own))
        yield from _outer_products(plan, end)
    yield from _larger_tiles(plan, compared, end)
    yield from paced(Said(opening), Show(1.0, (OneThread(),)), Hold(1.0))
    yield Hold(FRAME)


def _dot_products(plan: Schedule, last: OneThread) -> Iterator[Shot]:
    """The first result k by k, the others faster, as they come."""
    rows, cols, ks = extent_inside(plan)
    count = rows * cols
    sums = _list(thread_values(plan, THREAD).acc[:ks, 0, 0])
    said = Said(
        "Result by result: a row times a column"
        if count > 1
        else "One result: a row times a column",
        "dot products",
        "The first result: at each k an element of the row and one of the column travel to the "
        f"registers, and their product is added: {sums}.",
    )
    acts = [
        Show(seconds, (OneThread(moment),))
        for k, (read, add) in enumerate(((1.0, 0.6), (0.6, 0.4), (0.6, 0.4))[:ks])
        for seconds, moment in ((read, Dot(0, k, k)), (add, Dot(0, k + 1, k)))
    ]
    yield from paced(said, *acts, *_quick([Dot(0, k + 1, k) for k in range(3, ks)], 1.2))
    if count > 1:
        again = "row" if cols > 1 else "column"
        said = Said(f"The next result loads the same {again} again")
        yield from paced(said, *_quick([Dot(1, k + 1, k) for k in range(ks)], 1.6))
    loads, fma = loads_and_fma(plan, Dot(count))
    said = Said(f"{plural(fma, 'multiply-add')} take{'s' * (fma == 1)} {plural(loads, 'load')}")
    others = [Dot(done, ks, ks - 1) for done in range(2, count)]
    yield from paced(said, *_quick(others, 1.6), Show(0.8, (last,)), Hold(0.4))


def _outer_products(plan: Schedule, last: OneThread) -> Iterator[Shot]:
    """All results at once: the first k in full, the others faster."""
    rows, cols, ks = extent_inside(plan)
    each = [
        "; ".join(map(_list, acc)) for acc in thread_values(plan, THREAD).acc[:ks, :rows, :cols]
    ]
    said = Said(
        "Instead: a column of A and a row of B, once",
        "outer product",
        "After each k the accumulators are, row by row: " + ". Then ".join(each) + ".",
    )
    states = [OneThread(moment, last.grown[:1]) for moment in _multiplied(plan)]
    yield from paced(said, Show(0.6, (states[0],)), Show(1.8, (states[1],)))
    loads, fma = loads_and_fma(plan, states[2].moment)
    said = Said(f"Each meets each: {fma} multiply-adds, {loads} loads")
    yield from paced(said, Show(2.0, (states[2],)), Hold(0.4))
    if ks > 1:
        acts = (Show(0.6, (state,)) for state in states[3:7])
        rest = [state.moment for state in states[8::2]]
        said = Said("k after k, the products add up")
        yield from paced(said, *acts, *_quick(rest, 1.2, last.grown[:1]))
    loads, _ = loads_and_fma(plan, last.moment)
    said = Said(f"Now the same take {plural(loads, 'load')}")
    yield from paced(said, Show(0.8, (last,)), Hold(0.8))


def _larger_tiles(plan: Schedule, compared: list[Way], seen: OneThread) -> Iterator[Shot]:
    """The same count for larger thread tiles, and what they cost."""
    larger = "Larger" if larger_is_better(compared) else "Larger, squarer"
    said = Said(
        f"{larger} thread tiles use each element more often",
        "larger tiles",
        _compared(plan.tiling, compared),
    )
    acts = [Show(1.0, (replace(seen, tiles=True),))]
    grown = seen.grown
    for way in compared:
        if way.name not in grown:
            grown = *grown, way.name
            acts.append(Show(1.2, (OneThread(seen.moment, grown, tiles=True),)))
    yield from paced(said, *acts)
    yield Poster()
    square = next(way for way in compared if way.tile == (SQUARES[-1],) * 2)
    held = traffic(schedule(plan.gemm, square.tiling)).accumulators
    yield from paced(Said(f"The price: {held} registers for the results"), Hold(1.0))


def _multiplied(plan: Schedule) -> list[Moment]:
    """Before the first fragments, and after each event from there to the last outer product."""
    first = next(i for i, event in enumerate(plan.events) if isinstance(event, Fragments))
    return [state_at(plan, first + i) for i in range(2 * extent_inside(plan)[2] + 1)]


def _quick(
    moments: Sequence[Moment], seconds: float, grown: tuple[str, ...] = ()
) -> Iterator[Show[OneThread]]:
    """Some of these moments, the last among them, if there are any."""
    if moments:
        picked = [0, *evenly(0, len(moments) - 1, STATES - 1)[1:]]
        yield Show(seconds, tuple(OneThread(moments[i], grown) for i in picked))


def memory_of(tiling: Tiling) -> str:
    """The memory that threads load their fragments from."""
    return "global" if tiling.direct else "shared"


def matrices_of(tiling: Tiling) -> tuple[str, str]:
    """What they are fragments of."""
    return ("A", "B") if tiling.direct else ("As", "Bs")


def _setting(plan: Schedule) -> str:
    tiling, values = plan.tiling, thread_values(plan, THREAD)
    (a, b), (rows, cols, ks) = matrices_of(tiling), extent_inside(plan)
    a_rows, b_rows = values.a[:ks, :rows].T, values.b[:ks, :cols]
    return (
        f"{memory_of(tiling).capitalize()} memory: {rows} rows of {a} and {cols} columns of {b}, "
        f"those of thread {THREAD}, at the first {ks} k. {a}, row by row: "
        f"{'; '.join(map(_list, a_rows))}. {b}: {'; '.join(map(_list, b_rows))}. Registers of "
        f"thread {THREAD}: room for a column of {a}, a row of {b}, and {rows * cols} accumulators. "
        "Bars, empty still: loads for each multiply-add (FMA)."
    )


def _compared(tiling: Tiling, compared: list[Way]) -> str:
    each = (
        f"{way.name}, {dims(*way.tile)}: {way.loaded} loads, {plural(way.made, 'multiply-add')}, "
        f"{sum(way.loads.values()):.3g} for each"
        for way in compared
    )
    return (
        "Thread tiles (the results of one thread) side by side, and at each k what they load from "
        f"{memory_of(tiling)} memory and make of it. {'; '.join(each)}."
    )


def _list(numbers: Floats) -> str:
    return ", ".join(f"{x:g}" for x in numbers)
