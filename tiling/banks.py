"""What a warp's request for shared memory costs: the wavefronts in which its banks can serve it.

Shared memory has 32 banks, each one word wide: word w lies in bank w mod 32. In one wavefront each
bank gives or takes one word; lanes that read the same word get it together (a broadcast). A request
of one word a lane is served at once, one of two words in two phases of half a warp, one of four
words in four phases of a quarter. A phase takes as many wavefronts as its busiest bank has
different words, and what goes beyond one is called bank conflicts. (CUDA C++ Programming Guide,
"Shared Memory", compute capability 5.x on.) The phases are this model's, not the guide's: hardware
may serve quarters of a warp together where their lanes read the same words. Counters will tell.

Which words are touched depends neither on the CTA nor on the matrix: what hangs over an edge is
written as zero. But asynchronous copies are as wide as their requests to global memory, which go
element by element where a row is not aligned or hangs over an edge.
"""

import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tiling.expand import copy_map, exchange_words, exchanged_map, expand_copy, fragment_words
from tiling.hazards import Held
from tiling.layout import Ints, Operand, exchange_width, fragment_width
from tiling.schedule import Copy, Exchange, Fragments, Schedule
from tiling.sectors import requested_wide
from tiling.shapes import BANKS, QUAD, WARP, Tiling


@dataclass(frozen=True)
class BankCost:
    """Sums over warp requests.

    requests      how many
    phases        in which they are served at best, of half or a quarter of a warp if wide
    wavefronts    in which they are served
    broadcast     words that lanes get from another lane's read, which cost nothing
    """

    requests: int = 0
    phases: int = 0
    wavefronts: int = 0
    broadcast: int = 0

    def __add__(self, other: "BankCost") -> "BankCost":
        mine, others = vars(self).values(), vars(other).values()
        return BankCost(*(x + y for x, y in zip(mine, others, strict=True)))

    def __mul__(self, times: int) -> "BankCost":
        return BankCost(*(times * x for x in vars(self).values()))

    @property
    def conflicts(self) -> int:
        """Wavefronts beyond the one that each phase takes at least."""
        return self.wavefronts - self.phases


def cost(request: Ints, lane: Ints, word: Ints, width: int = 1) -> BankCost:
    """What accesses cost: request, lane and word of each, arrays (accesses,), `width` to a lane."""
    phase = request * width + lane // (WARP // width)
    words = int(word.max()) // BANKS * BANKS + BANKS
    once = np.unique(phase * words + word)  # each word of a phase
    phases, first = np.unique(once // words, return_index=True)
    which = np.repeat(np.arange(len(phases)), np.diff(first, append=once.size))
    load = np.bincount(which * BANKS + once % BANKS, minlength=len(phases) * BANKS)
    wavefronts = int(load.reshape(-1, BANKS).max(axis=1).sum())
    requests = len(np.unique(phases // width))
    return BankCost(requests, len(phases), wavefronts, request.size - once.size)


@lru_cache(maxsize=256)
def write_cost(tiling: Tiling, operand: Operand, stage: int = 0) -> BankCost:
    """Of what one copy writes. What a thread has requested at once it writes to Bs at once, but to
    As word by word: As is transposed."""
    if tiling.direct:
        return BankCost()
    thread, _, _, word = copy_map(tiling, operand, stage)
    element, width = np.arange(thread.size), tiling.request(operand)
    turn = element // (tiling.threads * width)
    if operand == "A":
        turn, width = turn * width + element % width, 1
    return cost(turn * tiling.threads + thread // WARP, thread % WARP, word, width)


def copy_cost(schedule: Schedule, event: Copy) -> BankCost:
    """Of what one copy of the schedule's CTA writes."""
    tiling, operand = schedule.tiling, event.operand
    width = tiling.request(operand)
    if not tiling.asynchronous or width == 1:
        return write_cost(tiling, operand, event.stage)
    found, element = expand_copy(schedule, event), np.arange(math.prod(tiling.tile_shape(operand)))
    wide = requested_wide(schedule, operand, found)
    turn = element // (tiling.threads * width)
    # One by one: each of the neighbours is a request of its own.
    part = np.where(wide, 0, 1 + element % width)
    request = (turn * (width + 1) + part) * tiling.threads + found.thread // WARP
    costs = BankCost()
    for which, by in (wide, width), (~wide, 1):
        if which.any():
            lane = found.thread[which] % WARP
            costs += cost(request[which], lane, found.word[which], by)
    return costs


@lru_cache(maxsize=4096)
def read_cost(tiling: Tiling, operand: Operand, k: int, stage: int = 0) -> BankCost:
    """Of the fragments of one operand at one k: a warp reads its lanes' i-th values at once, and
    the next `fragment_width` with them."""
    if tiling.direct:
        return BankCost()
    words, width = fragment_words(tiling, k, stage)[operand], fragment_width(tiling, operand, k)
    thread, i = np.indices(words.shape)
    request = thread // WARP * words.shape[1] + i // width
    return cost(request.ravel(), (thread % WARP).ravel(), words.ravel(), width)


def exchange_cost(tiling: Tiling) -> BankCost:
    """Of the writes of one row of each thread's accumulators, on the way to C."""
    words, width = exchange_words(tiling), exchange_width(tiling)
    thread, j = np.indices(words.shape)
    request = thread // WARP * words.shape[1] + j // width
    return cost(request.ravel(), (thread % WARP).ravel(), words.ravel(), width)


def exchanged_cost(tiling: Tiling) -> BankCost:
    """Of the reads of one exchanged row, word by word."""
    thread, _, _, word = exchanged_map(tiling, 0)
    return cost(word // tiling.threads * tiling.threads + thread // WARP, thread % WARP, word)


@dataclass(frozen=True)
class Shared:
    """What one CTA's accesses to shared memory cost, by operand: of C only if it passes through."""

    writes: dict[Held, BankCost]
    reads: dict[Held, BankCost]


def shared(schedule: Schedule) -> Shared:
    """Costs of all copies and fragments of a schedule."""
    tiling = schedule.tiling
    copies = [event for event in schedule.events if isinstance(event, Copy)]
    fragments = Counter((e.k, e.stage) for e in schedule.events if isinstance(e, Fragments))
    both: tuple[Operand, Operand] = ("A", "B")
    writes: dict[Held, BankCost] = {operand: BankCost() for operand in both}
    alike: dict[tuple[object, ...], list[Copy]] = {}
    for event in copies:
        row, col = schedule.origin(event.operand, event.k_tile)
        # A request is wide or not by where the tile begins, modulo its width, and what lies inside.
        at = (row * schedule.gemm.shape(event.operand)[1] + col) % QUAD
        inside = schedule.inside(event.operand, event.k_tile)
        alike.setdefault((event.operand, event.stage, at, inside), []).append(event)
    for events in alike.values():
        writes[events[0].operand] += copy_cost(schedule, events[0]) * len(events)
    reads: dict[Held, BankCost] = {operand: BankCost() for operand in both}
    for (k, stage), many in fragments.items():
        for operand in both:
            reads[operand] += read_cost(tiling, operand, k, stage) * many
    if rounds := sum(isinstance(event, Exchange) for event in schedule.events):
        writes["C"], reads["C"] = exchange_cost(tiling) * rounds, exchanged_cost(tiling) * rounds
    return Shared(writes, reads)
