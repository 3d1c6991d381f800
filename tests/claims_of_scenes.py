"""What each scene claims of all, of none, of as many, and how it is found out whether it is so."""

import re
from dataclasses import replace

import numpy as np

from tests.claims import Claims, Told, number, requested_by
from tiling.expand import Accesses, accumulator_map, expand_copy, expand_fragments
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

# Why tile counts loads: of the kernel without tiles, a thread for each result, and of this one.


def without_tiles(told: Told) -> Told:
    """The same of a thread for each result, in CTAs as large as they may be."""
    rows, cols = told.tiling.bm, told.tiling.bn
    while rows * cols > MAX_THREADS:
        rows, cols = (rows // 2, cols) if rows > cols else (rows, cols // 2)
    tiling = Tiling(rows, cols, 1, 1, 1, direct=True)
    return replace(told, choice=replace(told.choice, tiling=tiling, cta=(0, 0)))


def neighbour(told: Told, match: re.Match[str]) -> bool:
    """The elements that the threads of two results side by side load: what is in both is a whole
    row of A, or where there is one column only, a whole column of B."""
    ks, other = range(told.gemm.k), ((0, 1) if told.gemm.n > 1 else (1, 0))
    need = [
        {("row", row, k) for k in ks} | {("column", k, col) for k in ks}
        for row, col in ((0, 0), other)
    ]
    same = {name for name, *_ in need[0] & need[1]} == {match[2]}
    return same != match[1].startswith("never")


def without(told: Told, match: re.Match[str]) -> bool:
    return loaded_by(told, match, requested_by(without_tiles(told).choice))


def with_tiles(told: Told, match: re.Match[str]) -> bool:
    return loaded_by(told, match, requested_by(told.choice))


def loaded_by(told: Told, match: re.Match[str], counted: dict[str, np.ndarray]) -> bool:
    """`each element twice`, or `A once, B 3 times`: the most of any."""
    a, b = (number(text) for text in (match["a"] or match["each"], match["b"] or match["each"]))
    return (int(counted["A"].max()), int(counted["B"].max())) == (a, b)


def uses(told: Told, match: re.Match[str]) -> bool:
    """Each of a tile's elements of A is used for each of the CTA's columns inside C."""
    a, b = min(told.tiling.bn, told.gemm.n), min(told.tiling.bm, told.gemm.m)
    return (number(match["a"] or match["each"]), number(match["b"] or match["each"])) == (a, b)


def loaded_once(told: Told, match: re.Match[str]) -> bool:
    """Of the CTA's first k-tile no element is copied twice; so it is of each."""
    places = []
    for event in told.plan.events:
        if isinstance(event, Copy) and event.k_tile == 0:
            found = expand_copy(told.plan, event)
            rows, cols = found.row.tolist(), found.col.tolist()
            places += [(event.operand, *place) for place in zip(rows, cols, strict=True)]
    return bool(places) and len(set(places)) == len(places)


def is_naive(told: Told, match: re.Match[str]) -> bool:
    return told.tiling.direct and told.tiling.tm == told.tiling.tn == 1


def makes(told: Told, match: re.Match[str]) -> bool:
    """The results that a thread has inside C."""
    rows, cols = min(told.tiling.tm, told.gemm.m), min(told.tiling.tn, told.gemm.n)
    return (number(match[1]), number(match[2])) == (rows, cols)


def share(told: Told, match: re.Match[str]) -> bool:
    return not told.tiling.direct and number(match[1]) == told.tiling.threads > 1


def one_thread(told: Told, match: re.Match[str]) -> bool:
    return not told.tiling.direct and told.tiling.threads == 1


TIMES = r"once|twice|\S+ times"
EVERY = rf"(?:each element (?P<each>{TIMES})|A (?P<a>{TIMES}), B (?P<b>{TIMES}))"

WHY_TILE: Claims = [
    (r"How often is each element loaded|thread for each result|times as many|Just as many", always),
    (r"neighbour (loads|never loads) the same (row|column)( again)?", neighbour),
    (rf"Together they load {EVERY}", without),
    (rf"With all tiles of C they load {EVERY}", with_tiles),
    (rf"Each copied element is used (?P<each>{TIMES})(?P<a>(?P<b>))?", uses),
    (rf"Each copy is used (?P<a>{TIMES}) \(A\), (?P<b>{TIMES}) \(B\)(?P<each>)", uses),
    (r"loaded once", loaded_once),
    (r"nothing is shared", is_naive),
    (r"Now (\S+) threads share a copy of each tile", share),
    (r"Now each thread makes a copy of its tiles", one_thread),
    (r"Now each thread makes (\d+)×(\d+) results", makes),
]

# Of loads: who fetches what.


def first_values(told: Told) -> list[Accesses]:
    """What threads read of A at the first k and, if there is one, at the next."""
    reads = [event for event in told.plan.events if isinstance(event, Fragments)][:2]
    return [expand_fragments(told.plan, event)["A"] for event in reads]


def rows_of_warp(told: Told, match: re.Match[str]) -> bool:
    """Whether the lanes of the first warp have one row of A, the same by groups, or each its own.
    Rows that lie outside A are not loaded."""
    found = first_values(told)[0]
    row = found.row[:WARP, 0][found.predicate[:WARP, 0]]
    apart = len(np.unique(row))
    return {"All": apart == 1, "Lan": apart < len(row), "eac": apart == len(row)}[match[0][:3]]


def outside(told: Told, match: re.Match[str]) -> bool:
    if not told.tiling.direct:
        return not expand_copy(told.plan, Copy("A", 0, 0)).predicate.all()
    return not first_values(told)[0].predicate.all()


def asynchronous(told: Told, match: re.Match[str]) -> bool:
    """Between the wait for one's own copies and the first read there is a barrier."""
    events = told.plan.events
    read = next(i for i, event in enumerate(events) if isinstance(event, Fragments))
    wait = max(
        (i for i, event in enumerate(events[:read]) if isinstance(event, Wait)), default=read
    )
    return any(isinstance(event, Barrier) for event in events[wait:read])


def next_k(told: Told, match: re.Match[str]) -> bool:
    sectors = [
        set(((one.row * told.gemm.k + one.col) * 4 // 32)[one.predicate].tolist())
        for one in first_values(told)
    ]
    return (sectors[0] == sectors[1]) == ("same" in match[0])


def no_conflict(told: Told, match: re.Match[str]) -> bool:
    """The words that the first warp writes first into As are in banks of their own."""
    found = expand_copy(told.plan, Copy("A", 0, 0))
    first = np.unique(found.thread[found.thread < WARP], return_index=True)[1]
    bank = found.word[first] % 32
    return len(np.unique(bank)) == len(np.unique(found.word[first]))


LOADS: Claims = [
    (
        r"All lanes of the warp load the same element|Lanes of one row of C load the same element",
        (rows_of_warp),
    ),
    (r"each loads from a row of its own", rows_of_warp),
    (r"Outside [AC] nothing is loaded", outside),
    (r"Each waits for its copies, then for all the others", asynchronous),
    (r"No shared memory|Each keeps it in a register of its own", direct),
    (r"the same sectors move again|all of it happens again", next_k),
    (r"No price: all words of a store have banks of their own", no_conflict),
    (r"here each brings 1 word", always),
]

# Of one thread: what it loads, and makes of it.


def same_again(told: Told, match: re.Match[str]) -> bool:
    """Results go row by row: the second is in the same row, or if there is none, column."""
    return match[1] == ("row" if min(told.tiling.tn, told.gemm.n) > 1 else "column")


def meets(told: Told, match: re.Match[str]) -> bool:
    """Of C's first thread, as far as it lies in C: a multiply-add for each pair of a load each."""
    rows, cols = min(told.gemm.m, told.tiling.tm), min(told.gemm.n, told.tiling.tn)
    return (number(match[1]), number(match[2])) == (rows * cols, rows + cols)


THREADS: Claims = [
    (r"The next result loads the same (row|column) again", same_again),
    (r"Each meets each: (\S+) multiply-adds, (\S+) loads", meets),
    (r"a column of A and a row of B, once|use each element more often", always),
    (r"Now the same take \S+ loads?", always),
]

CLAIMS: dict[str, Claims] = {
    "overview": OVERVIEW,
    "why_tile": WHY_TILE,
    "global_to_shared": LOADS,
    "outer_product": THREADS,
}
