"""What each scene claims of all, of none, of as many, and how it is found out whether it is so."""

import re
from dataclasses import replace

import numpy as np

from tests.claims import Claims, Told, number, requested_by
from tiling.expand import accumulator_map, expand_copy, expand_fragments
from tiling.schedule import Barrier, Copy, Exchange, Fragments, Store, Wait
from tiling.shapes import MAX_THREADS, WARP, Tiling


def always(told: Told, match: re.Match[str]) -> bool:
    """A question, or what a word means."""
    return True


def direct(told: Told, match: re.Match[str]) -> bool:
    return told.tiling.direct


# What the overview says is said of the event that is played with it.


def frees(told: Told, match: re.Match[str]) -> bool:
    """Tiles were read before this barrier, and are overwritten after it."""
    before, after = told.around()
    read = any(isinstance(event, Fragments) for event in before)
    return isinstance(told.event, Barrier) and read and overwrites(after)


def overwrites(events: list[object]) -> bool:
    return any(isinstance(event, Copy | Exchange) for event in events)


def completes(told: Told, match: re.Match[str]) -> bool:
    """What was copied, or waited for, before this barrier is read after it."""
    before, after = told.around()
    arrived = Wait if told.tiling.asynchronous else Copy
    came = any(isinstance(event, arrived) for event in before)
    read = any(isinstance(event, Fragments) for event in after)
    return isinstance(told.event, Barrier) and came and read


def k_tiles(told: Told, match: re.Match[str]) -> bool:
    return number(match[1]) == -(-told.gemm.k // told.tiling.bk)


def hangs(told: Told, match: re.Match[str]) -> bool:
    copies = [event for event in told.plan.events if isinstance(event, Copy) and not event.k_tile]
    return any(not expand_copy(told.plan, copy).predicate.all() for copy in copies)


def whole(told: Told, match: re.Match[str]) -> bool:
    rows, cols = accumulator_map(told.tiling)
    row, col = told.choice.cta[0] * told.tiling.bm, told.choice.cta[1] * told.tiling.bn
    inside = (rows + row < told.gemm.m).all() and (cols + col < told.gemm.n).all()
    return isinstance(told.event, Store) and bool(inside)


def copied(told: Told, match: re.Match[str]) -> bool:
    """Copies were begun, and nothing waits for them before the next event."""
    return told.tiling.asynchronous and isinstance(told.event, Copy)


def last_copied(told: Told, match: re.Match[str]) -> bool:
    return told.step is not None and not any(
        isinstance(event, Copy) for event in told.plan.events[told.step :]
    )


def waits(told: Told, match: re.Match[str]) -> bool:
    return isinstance(told.event, Wait)


OVERVIEW: Claims = [
    (r"nobody reads the (old tiles|last)", frees),
    (r"tiles are complete", completes),
    (r"The same for each of the (\S+) k-tiles", k_tiles),
    (r"Nothing is requested beyond an edge", hangs),
    (r"Every thread stores its results", whole),
    (r"no thread waits yet", copied),
    (r"nothing more is to be copied", last_copied),
    (r"each thread, until its own copies have arrived", waits),
    (r"each( thread)? for itself", direct),
]

# Why tile counts requests: of the kernel without tiles, a thread for each result, and of this one.


def without_tiles(told: Told) -> Told:
    """The same of a thread for each result, in CTAs as large as they may be: of the first CTA."""
    rows, cols = told.tiling.bm, told.tiling.bn
    while rows * cols > MAX_THREADS:
        rows, cols = (rows // 2, cols) if rows > cols else (rows, cols // 2)
    tiling = Tiling(rows, cols, 1, 1, 1, direct=True)
    return replace(told, choice=replace(told.choice, tiling=tiling, cta=(0, 0)))


def block(told: Told) -> tuple[int, int]:
    """Rows and columns of C that the first CTA of the naive kernel makes."""
    naive = without_tiles(told)
    return min(naive.tiling.bm, told.gemm.m), min(naive.tiling.bn, told.gemm.n)


def neighbour(told: Told, match: re.Match[str]) -> bool:
    """The elements that two threads request that stand side by side: a whole row, or column."""
    cols = block(told)[1]
    one, other = (0, 0), ((0, 1) if cols > 1 else (1, 0))
    need = [
        {("A", row, k) for k in range(told.gemm.k)} | {("B", k, col) for k in range(told.gemm.k)}
        for row, col in (one, other)
    ]
    shared = {name for name, *_ in need[0] & need[1]}
    again = shared == {match[2][-1]} and match[2][:3] == {"A": "row", "B": "col"}[match[2][-1]]
    return again != match[1].startswith("never")


def threads_of_cta(told: Told, match: re.Match[str]) -> bool:
    return (number(match[1]), number(match[2])) == block(told)


def other_ctas(told: Told, match: re.Match[str]) -> bool:
    naive = without_tiles(told)
    rows, cols = -(-told.gemm.m // naive.tiling.bm), -(-told.gemm.n // naive.tiling.bn)
    return (match[1] is not None, match[2] is not None) == (cols > 1, rows > 1)


def in_all(told: Told, match: re.Match[str]) -> bool:
    """Before tiles are spoken of it is about the kernel without them."""
    a, b = (number(text) for text in (match[1], match[2] or match[1]))
    counted = requested_by(without_tiles(told).choice), requested_by(told.choice)
    found = [(int(each["A"].max()), int(each["B"].max())) for each in counted]
    return (a, b) in found


def nothing_twice(told: Told, match: re.Match[str]) -> bool:
    """Of the CTA's first k-tile no element is copied twice; so it is of each."""
    places = []
    for event in told.plan.events:
        if isinstance(event, Copy) and event.k_tile == 0:
            found = expand_copy(told.plan, event)
            places += [
                (event.operand, *place)
                for place in zip(found.row.tolist(), found.col.tolist(), strict=True)
            ]
    return bool(places) and len(set(places)) == len(places)


def results(told: Told, match: re.Match[str]) -> bool:
    rows, cols = min(told.tiling.bm, told.gemm.m), min(told.tiling.bn, told.gemm.n)
    return number(match[1]) == rows * cols


def is_naive(told: Told, match: re.Match[str]) -> bool:
    return told.tiling.direct and told.tiling.tm == told.tiling.tn == 1


def used(told: Told, match: re.Match[str]) -> bool:
    """A value of A is used for each of a thread's columns, as far as there are so many."""
    a, b = min(told.tiling.tn, told.gemm.n), min(told.tiling.tm, told.gemm.m)
    return (number(match[1]), number(match[2])) == (a, b)


TIMES = r"(once|twice|\S+ times)"

WHY_TILE: Claims = [
    (r"[Hh]ow often is each element", always),
    (r"neighbour (requests|never requests) the same (row of A|column of B)( again)?", neighbour),
    (r"Each of this CTA's (\d+)×(\d+) threads requests for itself", threads_of_cta),
    (r"the same (rows of A)?(?:, or )?(columns of B)?,? once more", other_ctas),
    (rf"In all, each element(?: of A)? is requested {TIMES}(?:, each of B {TIMES})?", in_all),
    (r"All (\S+) results use the copies", results),
    (r"requests nothing twice", nothing_twice),
    (r"a thread for each result, no tiles", is_naive),
    (r"A thread for each result", always),
    (rf"a value of A is used {TIMES}, one of B {TIMES}", used),
]

# Of loads: who fetches what.


def in_order(told: Told, match: re.Match[str]) -> bool:
    """Each lane of the first warp begins in the tile where the one before it has ended."""
    found = expand_copy(told.plan, Copy("A", 0, 0))
    cols = told.tiling.tile_shape("A")[1]
    row, col = told.plan.origin("A")
    place = ((found.row - row) * cols + found.col - col)[found.thread < WARP]
    thread = found.thread[found.thread < WARP]
    first = [int(place[thread == lane][0]) for lane in np.unique(thread)]
    size = {"row": cols, "element": 1}.get(match[1]) or int(match[1].split()[0])
    return bool((np.diff(first) == size).all())


def fetch_rows(told: Told, match: re.Match[str]) -> bool:
    """What the first warp's lanes read of A first."""
    event = next(event for event in told.plan.events if isinstance(event, Fragments))
    found = expand_fragments(told.plan, event)["A"]
    row, inside = found.row[:WARP, 0], found.predicate[:WARP, 0]
    if match[0].startswith("all"):
        return bool(inside.all()) and len(np.unique(row)) == 1
    if match[0].startswith("each"):
        return len(np.unique(row)) == len(row)
    return len(np.unique(row)) < len(row)


def outside(told: Told, match: re.Match[str]) -> bool:
    if not told.tiling.direct:
        return not expand_copy(told.plan, Copy("A", 0, 0)).predicate.all()
    first = next(event for event in told.plan.events if isinstance(event, Fragments))
    return any(not each.predicate.all() for each in expand_fragments(told.plan, first).values())


def barrier(told: Told, match: re.Match[str]) -> bool:
    """Between the copies and the first read all wait for one another."""
    events = told.plan.events
    read = next(i for i, event in enumerate(events) if isinstance(event, Fragments))
    written = [i for i, event in enumerate(events[:read]) if isinstance(event, Copy | Wait)]
    waits = Wait if told.tiling.asynchronous else Copy
    last = max(i for i in written if isinstance(events[i], waits))
    return any(isinstance(event, Barrier) for event in events[last:read])


def asynchronous(told: Told, match: re.Match[str]) -> bool:
    return told.tiling.asynchronous and barrier(told, match)


def next_k(told: Told, match: re.Match[str]) -> bool:
    reads = [event for event in told.plan.events if isinstance(event, Fragments)][:2]
    found = [expand_fragments(told.plan, event)["A"] for event in reads]
    sectors = [
        set(((one.row * told.gemm.k + one.col) * 4 // 32)[one.predicate].tolist()) for one in found
    ]
    return (sectors[0] == sectors[1]) == ("same" in match[0])


LOADS: Claims = [
    (r"each fetches the next (row|\d+ elements|element)", in_order),
    (r"all fetch the same element|those of one row of C fetch the same element", fetch_rows),
    (r"each fetches from a row of its own", fetch_rows),
    (r"(?:Outside [AC]) nothing is requested", outside),
    (r"nobody reads before all have written", barrier),
    (r"Each waits for its own copies; then a barrier, for those of all", asynchronous),
    (r"Each keeps it in a register, where no other thread sees it|No shared memory", direct),
    (r"no shared memory: who fetches what at each k", direct),
    (r"who fetches what at each k", direct),
    (r"the same sectors of A are requested again|all request again", next_k),
    (r"it is the same: (\S+) sectors? either way", always),
    (r"In all", always),
]

# Of one thread: what it reads, and makes of it.


def same_again(told: Told, match: re.Match[str]) -> bool:
    """Results go row by row: the second is in the same row, or if there is none, column."""
    return match[1] == ("row of A" if told.tiling.tn > 1 else "column of B")


def dot_words(told: Told, match: re.Match[str]) -> bool:
    """Each of the thread's results takes BK products, each a word of A and one of B; past an edge
    a tiling without shared memory reads none."""
    words, fma = number(match[1]), number(match[2])
    tiling = told.tiling
    return fma == tiling.tm * tiling.tn * tiling.bk and (words == 2 * fma) == (match[3] is None)


def each_k(told: Told, match: re.Match[str]) -> bool:
    """A last k-tile that is short is as long as BK: zeros fill it."""
    return number(match[1]) == told.tiling.bk


def same_results(told: Told, match: re.Match[str]) -> bool:
    tiling = told.tiling
    return number(match[2]) == tiling.tm * tiling.tn * tiling.bk


def one_by_one(told: Told, match: re.Match[str]) -> bool:
    return told.tiling.tm * told.tiling.tn == 1


THREADS: Claims = [
    (r"each a dot product|for each result|once for all results|each value is used", always),
    (r"reads the same (row of A|column of B) again", same_again),
    (r"(\S+) words read for (\S+) FMA: two for each(, none for zeros past an edge)?", dot_words),
    (r"(\S+) words read for (\S+) FMA, the same results", same_results),
    (
        r"(?:[Ee]ach of|[Oo]ne) ?(\d+|value)(?: values)? of a meets "
        r"(?:each of|one) ?(\d+|value)(?: values)? of b: (\S+) FMA",
        lambda told, match: (
            [told.tiling.tm, told.tiling.tn]
            == [1 if text == "value" else int(text) for text in match.groups()[:2]]
            and number(match[3]) == told.tiling.tm * told.tiling.tn
        ),
    ),
    (r"for each of the (\S+) k of the tile", each_k),
    (r"nothing is used twice", one_by_one),
]

CLAIMS: dict[str, Claims] = {
    "overview": OVERVIEW,
    "why_tile": WHY_TILE,
    "global_to_shared": LOADS,
    "outer_product": THREADS,
}
