"""What a warp's request for global memory costs: the 32-byte sectors that its lanes touch.

A warp asks for memory as one: where the lanes of one request touch the same sector, it moves once.
Counted for each request, before any cache.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tiling.expand import Accesses, Bools, expand_copy, expand_store, expand_values
from tiling.layout import Ints, Operand
from tiling.schedule import Copy, Fragments, Schedule, Store
from tiling.shapes import WARP, WORD, ceil_div

SECTOR = 32
"""Bytes of a sector. Matrices begin at a multiple of it: CUDA allocates at multiples of 256."""

SECTOR_FLOATS = SECTOR // WORD
"""Elements in a sector."""


@dataclass(frozen=True)
class Requests:
    """The requests of one copy in the order in which each thread makes its own: arrays (requests,).

    turn      how many groups of neighbours its threads have asked for before
    warp      who asks
    lanes     how many of its lanes take part: those whose element exists and lies in the matrix
    sectors   distinct sectors they touch
    """

    turn: Ints
    warp: Ints
    lanes: Ints
    sectors: Ints


@dataclass(frozen=True)
class RequestedElements:
    """Elements that are requested, arrays of one shape: by which request, lane, and from where.

    part is 0 for what one wide request brings; a group that cannot be read wide (its row is not
    aligned, or it hangs over an edge) is asked for one by one, and its parts are 1, 2, ….
    """

    turn: Ints
    warp: Ints
    part: Ints
    lane: Ints
    sector: Ints


def requested_elements(
    schedule: Schedule, event: Copy, found: Accesses | None = None
) -> RequestedElements:
    """The elements that a copy requests. Those outside the matrix are not, and are left out.

    found  the copy's map, arrays (elements,), if it is not the schedule's own: here and below
    """
    tiling, vector = schedule.tiling, schedule.tiling.request(event.operand)
    found = expand_copy(schedule, event) if found is None else found
    element = np.arange(found.thread.size)
    index = found.row * schedule.gemm.shape(event.operand)[1] + found.col
    wide = requested_wide(schedule, event.operand, found)
    inside = found.predicate
    return RequestedElements(
        turn=(element // vector // tiling.threads)[inside],
        warp=(found.thread // WARP)[inside],
        part=np.where(wide, 0, 1 + element % vector)[inside],
        lane=(found.thread % WARP)[inside],
        sector=(index * WORD // SECTOR)[inside],
    )


def requested_wide(schedule: Schedule, operand: Operand, found: Accesses) -> Bools:
    """Of each element of a copy (elements,) whether one request brings its group of neighbours: if
    all of it is inside, and its address a multiple of its width."""
    vector = schedule.tiling.request(operand)
    index = found.row * schedule.gemm.shape(operand)[1] + found.col
    whole = found.predicate.reshape(-1, vector).all(axis=1)
    aligned = index.reshape(-1, vector)[:, 0] % vector == 0
    return np.repeat(whole & aligned, vector)


def requests(schedule: Schedule, event: Copy, found: Accesses | None = None) -> Requests:
    """Lanes and sectors of each request that a copy makes."""
    each = requested_elements(schedule, event, found)
    keys = np.stack([each.turn, each.warp, each.part], axis=1)
    request, which = np.unique(keys, axis=0, return_inverse=True)
    which = which.reshape(-1)

    def distinct(what: Ints) -> Ints:
        pairs = np.unique(np.stack([which, what], axis=1), axis=0)
        return np.bincount(pairs[:, 0], minlength=len(request))

    return Requests(request[:, 0], request[:, 1], distinct(each.lane), distinct(each.sector))


def sectors(schedule: Schedule, event: Copy, found: Accesses | None = None) -> int:
    """Sectors that all requests of a copy touch, one in two requests counted twice."""
    return int(requests(schedule, event, found).sectors.sum())


def loaded(schedule: Schedule, operand: Operand) -> tuple[int, int]:
    """(requests, sectors) of all that the schedule's own CTA fetches of one operand.

    Two k-tiles whose first elements lie alike in a sector cost the same, if neither is the last: so
    few are looked at, however long K is.
    """
    if schedule.tiling.direct:
        return _read_directly(schedule, operand)
    copies = [e for e in schedule.events if isinstance(e, Copy) and e.operand == operand]
    cols = schedule.gemm.shape(operand)[1]
    alike: dict[tuple[int, tuple[int, int]], list[Copy]] = {}
    for event in copies:
        row, col = schedule.origin(operand, event.k_tile)
        key = (row * cols + col) % SECTOR_FLOATS, schedule.inside(operand, event.k_tile)
        alike.setdefault(key, []).append(event)
    made = moved = 0
    for events in alike.values():
        each = requests(schedule, events[0])
        made += len(events) * each.sectors.size
        moved += len(events) * int(each.sectors.sum())
    return made, moved


def _read_directly(schedule: Schedule, operand: Operand) -> tuple[int, int]:
    """The same where fragments come from global memory. Two k whose elements lie alike in their
    sectors cost the same."""
    cols, alike = schedule.gemm.shape(operand)[1], Counter[tuple[int, bool]]()
    shown: dict[tuple[int, bool], Fragments] = {}
    for event in schedule.events:
        if isinstance(event, Fragments):
            row, col = schedule.origin(operand, event.k_tile)
            row, col = (row, col + event.k) if operand == "A" else (row + event.k, col)
            k = event.k_tile * schedule.tiling.bk + event.k
            key = (row * cols + col) % SECTOR_FLOATS, k < schedule.gemm.k
            alike[key] += 1
            shown[key] = event
    made = moved = 0
    for key, many in alike.items():
        each = turns_of_values(schedule, [shown[key]], operand)
        made += many * int(each.requests.sum())
        moved += many * int(each.sectors.sum())
    return made, moved


def stored(schedule: Schedule) -> tuple[int, int]:
    """(requests, sectors) of the store of C by the schedule's own CTA: a thread stores its elements
    one by one, a warp its lanes' same ones at once."""
    made = moved = 0
    for event in schedule.events:
        if isinstance(event, Store):
            found, threads = expand_store(schedule, event), schedule.tiling.threads
            # A direct store numbers a thread's accumulators, one through shared memory all words.
            turn = found.word if event.row is None else found.word // threads
            request = (turn * threads + found.thread // WARP)[found.predicate]
            sector = ((found.row * schedule.gemm.n + found.col) * WORD // SECTOR)[found.predicate]
            made += len(np.unique(request))
            moved += np.unique(np.stack([request, sector]), axis=1).shape[1]
    return made, moved


def kinds_of_requests(schedule: Schedule) -> Iterator[tuple[tuple[int, int], int]]:
    """(one CTA, how many are like it): alike are those of one shape that lie alike in sectors."""
    alike: dict[tuple[tuple[int, int], ...], list[tuple[int, int]]] = {}
    operands: tuple[Operand | Literal["C"], ...] = "A", "B", "C"
    for row, col in np.ndindex(schedule.grid):
        here, key = schedule.at((row, col)), []
        for operand in operands:
            first_row, first_col = here.origin(operand)
            index = first_row * schedule.gemm.shape(operand)[1] + first_col
            key += [(index % SECTOR_FLOATS, 0), here.inside(operand)]
        alike.setdefault(tuple(key), []).append((row, col))
    for ctas in alike.values():
        yield ctas[0], len(ctas)


@dataclass(frozen=True)
class Turns:
    """What each warp does in each turn of a copy: turn by turn, and in a turn warp by warp.

    edges     (turns + 1,) the elements of `expand_copy` that belong to turn i are edges[i] to
              edges[i + 1] (exclusive): they come in this order
    turn, warp, lanes, requests, sectors    (turns,) lanes are those that request something; sectors
              are summed over the requests, of which there are several where a wide one cannot be
    """

    edges: Ints
    turn: Ints
    warp: Ints
    lanes: Ints
    requests: Ints
    sectors: Ints


def turns(schedule: Schedule, event: Copy, found: Accesses | None = None) -> Turns:
    """Who copies when; a turn in which a warp has no element at all is left out."""
    tiling = schedule.tiling
    rows, cols = tiling.tile_shape(event.operand)
    element = np.arange(rows * cols)
    group = element // tiling.request(event.operand)
    warps = ceil_div(tiling.threads, WARP)
    key = group // tiling.threads * warps + group % tiling.threads // WARP
    keys, first = np.unique(key, return_index=True)
    each, made = requested_elements(schedule, event, found), requests(schedule, event, found)
    at = np.searchsorted(keys, made.turn * warps + made.warp)
    taking = np.unique(
        np.stack([np.searchsorted(keys, each.turn * warps + each.warp), each.lane]), axis=1
    )

    def total(which: Ints, weights: Ints | None = None) -> Ints:
        return np.bincount(which, weights, len(keys)).astype(np.int64)

    return Turns(
        edges=np.append(first, rows * cols),
        turn=keys // warps,
        warp=keys % warps,
        lanes=total(taking[0]),
        requests=total(at),
        sectors=total(at, made.sectors),
    )


def turns_of_values(
    schedule: Schedule,
    events: Sequence[Fragments],
    operand: Operand,
    found: Accesses | None = None,
) -> Turns:
    """The same of fragments that come from global memory: of each value all lanes of a warp ask at
    once. The elements are those of `expand_values`, or of another map of this form."""
    found = expand_values(schedule, events, operand) if found is None else found
    values, threads = found.row.shape
    warps = ceil_div(threads, WARP)
    which = np.arange(values * warps)
    request = (np.arange(values)[:, None] * warps + found.thread // WARP)[found.predicate]
    sector = (found.row * schedule.gemm.shape(operand)[1] + found.col) * WORD // SECTOR
    touched = np.unique(np.stack([request, sector[found.predicate]]), axis=1)
    lanes = np.bincount(request, minlength=which.size)
    return Turns(
        edges=np.append(which // warps * threads + which % warps * WARP, values * threads),
        turn=which // warps,
        warp=which % warps,
        lanes=lanes,
        requests=np.minimum(lanes, 1),
        sectors=np.bincount(touched[0], minlength=which.size),
    )
