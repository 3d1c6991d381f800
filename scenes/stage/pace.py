"""How long each event takes on the screen: slow the first time, fast when it repeats."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from tiling.schedule import Schedule

READING = 17
"""Characters of a caption that a viewer reads in a second, at most."""

FRAME = 0.2
"""Seconds that are whole frames at 15, 30 and 60 a second: every run time is a multiple."""

MANY = 4
"""K-tiles up to which each is shown event by event."""


class Beat(NamedTuple):
    """Events first to last (exclusive), enacted together in so many seconds."""

    first: int
    last: int
    seconds: float


def to_read(text: str) -> float:
    """Seconds that a caption must stand."""
    return round(-(-len(text) // (READING * FRAME)) * FRAME, 1)


def pace(schedule: Schedule) -> Iterator[Beat]:
    """Beats that cover the schedule's events once, in order."""
    bk, k_tiles = schedule.tiling.bk, schedule.k_tiles
    edges = k_tile_edges(schedule)
    ends = k_tiles if k_tiles <= MANY else 2
    for k_tile in range(ends - (k_tiles > MANY)):
        yield from _k_tile(edges[k_tile], bk, first=k_tile == 0)
    if k_tiles > MANY:
        yield from _k_tile(edges[1], bk, first=False)
        for first, last in pairwise(_hops(2, k_tiles - 1)):
            yield Beat(edges[first], edges[last], 0.4 if last - first == 1 else 0.2)
        yield from _k_tile(edges[k_tiles - 1], bk, first=False)
    yield Beat(edges[k_tiles], edges[k_tiles] + 1, 2.4)


def k_tile_edges(schedule: Schedule) -> list[int]:
    """The step at which each k-tile begins, and the step of the store."""
    bk = schedule.tiling.bk
    return [0, *(3 + 2 * bk + i * (4 + 2 * bk) for i in range(schedule.k_tiles))]


def _k_tile(step: int, bk: int, first: bool) -> Iterator[Beat]:
    if step > 0:
        yield Beat(step, step + 1, 1.0 if step == 3 + 2 * bk else 0.4)
        step += 1
    for _ in "AB":
        yield Beat(step, step + 1, 2.0 if first else 0.8)
        step += 1
    yield Beat(step, step + 1, 1.0 if first else 0.4)
    step += 1
    if first:
        told = [1.2, 0.8, 0.6, 0.6, *[0.4] * 4][:bk]
    else:
        told = [0.4 if bk <= 4 else 0.2] * min(bk, 8)
    for seconds in told:
        yield Beat(step, step + 1, seconds)
        yield Beat(step + 1, step + 2, seconds)
        step += 2
    rest = bk - len(told)
    for here, there in (
        pairwise(round(rest * i / min(rest, 8)) for i in range(min(rest, 8) + 1)) if rest else ()
    ):
        yield Beat(step + 2 * here, step + 2 * there, 0.2)


def _hops(first: int, last: int) -> list[int]:
    """From first to last in steps that double, then halve again."""
    up, down, size = [first], [last], 1
    while down[-1] - up[-1] > 2 * size:
        up.append(up[-1] + size)
        down.append(down[-1] - size)
        size *= 2
    return [*up, *reversed(down)]
