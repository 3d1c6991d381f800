"""What is shown and said of loads from global memory: without tiles, then with them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

from scenes.kit.amounts import amount, grouped, often, plural
from scenes.kit.paced import Show, paced
from scenes.kit.shot import Hold, Poster, Said, Shot
from scenes.kit.timing import FRAME, evenly
from tiling.for_scenes import naive
from tiling.for_scenes.tally import (
    Count,
    Tally,
    end_of,
    first_threads,
    moment,
    row_by_row,
    same_loads,
)
from tiling.layout import AB
from tiling.presets import Choice, choose
from tiling.schedule import Fragments, Schedule
from tiling.shapes import dims
from tiling.traffic import bytes_of, traffic

STATES = 24
"""Moments of a schedule that are shown where it is gone through quickly, at most."""


@dataclass(frozen=True, eq=False)
class Seen:
    """How far the two schedules have been counted. The matrices show the tiled one once it is.

    near   only the first rows, columns and k, where the whole is too large to see an element
    uses   one element of As, and the results that use it
    ratio  how many times as many loads there are without tiles
    other  the matrices of another size, for comparison
    """

    naive: Count
    tiled: Count | None = None
    near: bool = False
    uses: bool = False
    ratio: bool = False
    other: bool = False

    @property
    def shown(self) -> Count:
        return self.tiled or self.naive


def plan_of(choice: Choice) -> Schedule:
    """The first CTA's schedule; when something is loaded is not the point here."""
    return replace(choice, tiling=choice.tiling.plain(), cta=(0, 0)).schedule()


def other_plan(plan: Schedule) -> Schedule:
    """The real thing; or the toy, if this is the real thing."""
    sgemm = plan_of(choose("sgemm"))
    return plan_of(choose("seed")) if same_loads(sgemm, plan) else sgemm


def first_seen(plan: Schedule) -> Seen:
    return Seen(Count(Tally.empty(plan.gemm), naive.beside(plan), 0), near=True)


def shots(plan: Schedule) -> Iterator[Shot]:
    """A thread for each result, then tiles, then the ratio, here and for another size."""
    opening, first = "How often is each element loaded?", first_seen(plan)
    yield from paced(Said(opening, "start", _setting(plan)), Hold(1.0))
    yield from _one_thread(plan)
    yield from _all_threads(plan)
    end = end_of(naive.beside(plan))
    if naive.is_naive(plan.tiling):
        text = "This kernel is that one: nothing is shared"
        yield from paced(Said(text, "no tiles"), Show(1.2, (Seen(end, end_of(plan)),)))
    else:
        yield from _thread_tiles(plan, end) if plan.tiling.direct else _tiles(plan, end)
        yield from _all_tiles(plan, end)
    yield from _other_size(other_plan(plan))
    yield from paced(Said(opening), Show(1.0, (first,)), Hold(1.0))
    yield Hold(FRAME)


def _one_thread(plan: Schedule) -> Iterator[Shot]:
    first, *second = first_threads(plan.gemm)
    said = Said(
        "A thread for each result loads a row and a column",
        "one thread",
        "The first result is outlined in C. At one k after another an element of A's first row and "
        f"one of B's first column light up and are counted: {_loads(first[-1])} for one result.",
    )
    seen = [Seen(one, near=True) for one in first]
    slow = [Show(seconds, (one,)) for seconds, one in zip((1.0, 0.6, 0.4), seen, strict=False)]
    yield from paced(said, *slow, *_quick(seen[len(slow) :], 2.0))
    for again in second:
        same = "row" if plan.gemm.n > 1 else "column"
        shows = f"Each element of that {same} has now been loaded twice."
        seen = [Seen(one, near=True) for one in again]
        said = Said(f"Its neighbour loads the same {same} again", shows=shows)
        yield from paced(said, Show(0.6, (seen[0],)), *_quick(seen[1:], 2.0))


def _all_threads(plan: Schedule) -> Iterator[Shot]:
    """Row by row the first CTA's threads, then CTA by CTA."""
    cta, ctas = naive.beside(plan), prod(naive.beside(plan).grid)
    least = first_threads(plan.gemm)[-1][-1].total  # those have been seen
    counts = row_by_row(cta), _march(cta, 1, ctas)
    rows, rest = ([Seen(one) for one in some if one.total >= least] for some in counts)
    said = Said(
        f"Together they load {_every(end_of(cta))}",
        "all threads",
        f"The {plural(prod(cta.inside('C')), 'thread')} of the first CTA (a block of threads) are "
        f"counted row by row, then {plural(ctas, 'CTA')}: {_in_all(end_of(cta))}",
    )
    first = Show(0.8, ((rows or rest)[0],))
    yield from paced(said, first, *_quick(rows, 1.4), *_quick(rest, 2.4), Hold(0.6))


def _tiles(plan: Schedule, untiled: Count) -> Iterator[Shot]:
    threads, (rows, cols), none = plan.tiling.threads, plan.inside("C"), Tally.empty(plan.gemm)
    seen = [Seen(untiled, Count(none, plan, step)) for step in range(len(plan.events) + 1)]
    said = Said(
        f"Now {threads} threads share a copy of each tile"
        if threads > 1
        else "Now each thread makes a copy of its tiles",
        "with tiles",
        "The counts in A and B go back to none, the first bar stays. A tile of A travels to As in "
        "shared memory, one of B to Bs: each of their elements is loaded once, "
        f"{_loads(seen[2].shown)}.",
    )
    yield from paced(said, *(Show(s, (seen[i],)) for i, s in enumerate((0.6, 1.4, 1.4))))
    first = next(i for i, event in enumerate(plan.events) if isinstance(event, Fragments))
    tile = range(first + 1, first + 2 * min(plan.tiling.bk, plan.gemm.k), 2)
    used = f"Each copied element is used {often(cols)}, loaded once"
    if rows != cols:
        used = f"Each copy is used {often(cols)} (A), {often(rows)} (B)"
    said = Said(
        used,
        shows="An element of As and the row of results that use it light up. Then one k after "
        "another lights up in As and Bs, and no number changes. Then come the next tiles along K.",
    )
    ks, rest = [seen[i] for i in tile], seen[tile[-1] + 1 :]
    uses = Show(1.0, (replace(seen[2], uses=True),))
    yield from paced(said, uses, *_quick(ks, 1.6), *_quick(rest, 1.8))


def _thread_tiles(plan: Schedule, untiled: Count) -> Iterator[Shot]:
    """Nothing in shared memory, but several results in the registers of each thread."""
    rows, cols = (
        min(pair) for pair in zip((plan.tiling.tm, plan.tiling.tn), plan.inside("C"), strict=True)
    )
    said = Said(
        f"Now each thread makes {dims(rows, cols)} results",
        "with thread tiles",
        "The counts in A and B go back to none, the first bar stays. In its registers a thread "
        f"uses an element of A {often(cols)}, one of B {often(rows)}.",
    )
    first, *rest = (Seen(untiled, one) for one in _march(plan, 0, 1))
    yield from paced(said, Show(0.6, (first,)), *_quick(rest, 2.8))


def _all_tiles(plan: Schedule, untiled: Count) -> Iterator[Shot]:
    """One CTA after another, and how often each element has been loaded then."""
    end, ctas = end_of(plan), prod(plan.grid)
    said = Said(
        f"With all tiles of C they load {_every(end)}",
        shows="One CTA after another outlines its tile of C, and its rows of A and columns of B "
        f"are counted: {_in_all(end)}",
    )
    march = [Seen(untiled, one) for one in _march(plan, 1, ctas)] or [Seen(untiled, end)]
    yield from paced(said, *_quick(march, 2.8), Hold(0.8))
    said = Said(
        f"{_as_many(plan)} loads without tiles",
        "ratio",
        f"{_loads(untiled)} against {grouped(end.total)}. These are loads, not time: a warp makes "
        "one request of its threads' equal loads, and caches stand between.",
    )
    ratio = Seen(untiled, end, ratio=True)
    yield from paced(said, Show(0.8, (ratio,)), Poster(), Hold(2.4))


def _other_size(plan: Schedule) -> Iterator[Shot]:
    """The same for the real thing; or for the toy, if this was the real thing."""
    untiled, end = end_of(naive.beside(plan)), end_of(plan)
    states = (
        replace(first_seen(plan), other=True),
        Seen(untiled, other=True),
        Seen(untiled, end, other=True),
        Seen(untiled, end, ratio=True, other=True),
    )
    sizes = " against ".join(f"{amount(bytes_of(one.total))}B" for one in (untiled, end))
    said = Said(
        f"With {plan.gemm} it is {_as_many(plan).lower()}",
        "another size",
        f"The same picture of {plan.gemm} in {plan.tiling} tiles. Without tiles they load "
        f"{_every(untiled)}; with them {_every(end)}: {sizes}.",
    )
    shows = (Show(s, (one,)) for s, one in zip((0.8, 1.2, 1.2, 0.6), states, strict=True))
    yield from paced(said, *shows, Poster(), Hold(1.2))


def _march(plan: Schedule, first: int, last: int) -> list[Count]:
    """From the end of one CTA to that of another, some moments of those between."""
    each = len(plan.events)
    return [moment(plan, i) for i in evenly(first * each, last * each, STATES)[first > 0 :]]


def _quick(states: Sequence[Seen], seconds: float) -> Iterator[Show[Seen]]:
    """Some of these states, the last among them, if there are any."""
    if states:
        picked = [0, *evenly(0, len(states) - 1, STATES - 1)[1:]]
        yield Show(seconds, tuple(states[i] for i in picked))


# In words


def _setting(plan: Schedule) -> str:
    gemm, unused = plan.gemm, ", not used" * plan.tiling.direct
    return (
        f"Global memory: A of {dims(gemm.m, gemm.k)} elements, B of {dims(gemm.k, gemm.n)}, C of "
        f"{dims(gemm.m, gemm.n)}. The darker an element of A or B becomes, the more often it has "
        f"been loaded. Then shared memory{unused}, and bars for the loads without tiles and with "
        "them, both at zero."
    )


def _loads(count: Count) -> str:
    return f"{plural(count.total, 'element')} loaded"


def _in_all(end: Count) -> str:
    return f"{_loads(end)}, {end.done.per_result:.3g} for each result."


def _every(end: Count) -> str:
    a, b = (often(end.most(operand)) for operand in AB)
    return f"each element {a}" if a == b else f"A {a}, B {b}"


def _as_many(plan: Schedule) -> str:
    ratio = times(plan)
    return "Just as many" if ratio == "1" else f"{ratio} times as many"


def times(plan: Schedule) -> str:
    """How many times as many elements are loaded without tiles."""
    return f"{traffic(plan).times_naive:.3g}"
