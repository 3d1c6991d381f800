"""What a warp's request for global memory costs: the 32-byte sectors that its lanes touch.

A warp asks for memory as one: where the lanes of one request touch the same sector, it moves once.
Counted for each request, before any cache.
"""

from dataclasses import dataclass

import numpy as np

from tiling.expand import Order, expand_copy
from tiling.layout import Ints
from tiling.schedule import Copy, Schedule
from tiling.shapes import WARP, WORD

SECTOR = 32
"""Bytes of a sector. Matrices begin at a multiple of it: CUDA allocates at multiples of 256."""


@dataclass(frozen=True)
class Requests:
    """The requests of one copy in the order in which each thread makes its own: arrays (requests,).

    turn      how many groups of `vector` elements its threads have asked for before
    warp      who asks
    lanes     how many of its lanes take part: those whose element exists and lies in the matrix
    sectors   distinct sectors they touch
    """

    turn: Ints
    warp: Ints
    lanes: Ints
    sectors: Ints


@dataclass(frozen=True)
class Asked:
    """Elements that are requested, arrays of one shape: by which request, lane, and from where.

    part is 0 for what one wide request brings; a group that cannot be read wide (its row is not
    aligned, or it hangs over an edge) is asked for one by one, and its parts are 1, 2, ….
    """

    turn: Ints
    warp: Ints
    part: Ints
    lane: Ints
    sector: Ints


def asked(schedule: Schedule, event: Copy, order: Order = "rows") -> Asked:
    """The elements that a copy requests. Those outside the matrix are not, and are left out."""
    tiling, vector = schedule.tiling, schedule.tiling.vector
    found = expand_copy(schedule, event, order)
    element = np.arange(found.thread.size)
    index = found.row * schedule.gemm.shape(event.operand)[1] + found.col
    # A group is read wide if all of it is inside and its address a multiple of its width.
    whole = found.predicate.reshape(-1, vector).all(axis=1)
    aligned = index.reshape(-1, vector)[:, 0] % vector == 0
    wide = np.repeat(whole & aligned, vector)
    inside = found.predicate
    return Asked(
        turn=(element // vector // tiling.threads)[inside],
        warp=(found.thread // WARP)[inside],
        part=np.where(wide, 0, 1 + element % vector)[inside],
        lane=(found.thread % WARP)[inside],
        sector=(index * WORD // SECTOR)[inside],
    )


def requests(schedule: Schedule, event: Copy, order: Order = "rows") -> Requests:
    """Lanes and sectors of each request that a copy makes."""
    found = asked(schedule, event, order)
    keys = np.stack([found.turn, found.warp, found.part], axis=1)
    request, which = np.unique(keys, axis=0, return_inverse=True)
    which = which.reshape(-1)

    def distinct(what: Ints) -> Ints:
        pairs = np.unique(np.stack([which, what], axis=1), axis=0)
        return np.bincount(pairs[:, 0], minlength=len(request))

    return Requests(request[:, 0], request[:, 1], distinct(found.lane), distinct(found.sector))


def sectors(schedule: Schedule, event: Copy, order: Order = "rows") -> int:
    """Sectors that all requests of a copy touch, one in two requests counted twice."""
    return int(requests(schedule, event, order).sectors.sum())
