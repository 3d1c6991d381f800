"""How long each event takes on the screen: slow the first time, fast when it repeats."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from scenes.kit.timing import evenly
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Fragments,
    OuterProduct,
    Schedule,
    Store,
    Wait,
    k_tile_edges,
)

ROUND = 4
"""Events of a round of the store through shared memory: barrier, exchange, barrier, store."""

MANY = 4
"""K-tiles up to which each is shown event by event."""


class Beat(NamedTuple):
    """Events first to last (exclusive), enacted together in so many seconds."""

    first: int
    last: int
    seconds: float


def pace(schedule: Schedule) -> Iterator[Beat]:
    """Beats that cover the schedule's events once, in order."""
    k_tiles, edges = schedule.k_tiles, k_tile_edges(schedule)
    shown = range(k_tiles) if k_tiles <= MANY else (0, 1, k_tiles - 1)
    at = 0
    for k_tile in shown:
        if k_tile > at:
            for first, last in pairwise(_hops(at, k_tile)):
                yield Beat(edges[first], edges[last], 0.4 if last - first == 1 else 0.2)
        yield from _k_tile(schedule, edges[k_tile], edges[k_tile + 1], first=k_tile == 0)
        at = k_tile + 1
    yield from _store(schedule, edges[-1])


def _k_tile(schedule: Schedule, step: int, end: int, first: bool) -> Iterator[Beat]:
    """The events of one k-tile: what comes before its fragments one by one, some k, the rest."""
    bk, events = schedule.tiling.bk, schedule.events
    if first:
        told = [1.2, 0.8, 0.6, 0.6, *[0.4] * 4][:bk]
    else:
        told = [0.4 if bk <= 4 else 0.2] * min(bk, 8)
    second = step == k_tile_edges(schedule)[1]
    while step < end:
        match events[step]:
            case Copy(_, k_tile) if first and 1 < k_tile < schedule.tiling.stages - 1:
                # Of a long prologue the first two groups are told, the others begin together.
                waits = next(i for i in range(step, end) if isinstance(events[i], Wait))
                yield Beat(step, waits, 0.8)
                step = waits
                continue
            case Copy(_, k_tile):
                seconds = 2.0 if k_tile == 0 else 0.8
            case Barrier(_, "overwrite"):
                seconds = 1.8 if second else 0.4
            case Barrier() | Wait():
                seconds = 1.8 if first else 0.4
            case Commit(k_tile):
                seconds = 0.6 if k_tile == 0 else 0.2
            case Fragments(_, k) | OuterProduct(_, k) if k < len(told):
                seconds = told[k]
            case _:
                break
        yield Beat(step, step + 1, seconds)
        step += 1
    for here, there in pairwise(evenly(0, (end - step + 1) // 2, 8)):
        yield Beat(step + 2 * here, min(end, step + 2 * there), 0.2)


def _store(schedule: Schedule, step: int) -> Iterator[Beat]:
    """At once, or each thread's first row in full, its second quickly, the others together."""
    end = len(schedule.events)
    if schedule.events[step] == Store():
        yield Beat(step, end, 2.4)
        return
    for first in range(step, min(step + 2 * ROUND, end)):
        yield Beat(first, first + 1, 1.2 if first < step + ROUND else 0.4)
    rounds = (end - step) // ROUND
    for here, there in pairwise(evenly(2, rounds, 6)):
        yield Beat(step + here * ROUND, step + there * ROUND, 0.4)


def _hops(first: int, last: int) -> list[int]:
    """From first to last in steps that double, then halve again."""
    up, down, size = [first], [last], 1
    while down[-1] - up[-1] > 2 * size:
        up.append(up[-1] + size)
        down.append(down[-1] - size)
        size *= 2
    return [*up, *reversed(down)]
