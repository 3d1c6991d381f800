"""What a warp's request for shared memory costs: the wavefronts in which its banks can serve it.

Shared memory has 32 banks, each one word wide: word w lies in bank w mod 32. In one wavefront each
bank gives or takes one word; lanes that read the same word get it together (a broadcast). So a
request takes as many wavefronts as its busiest bank has different words, and what goes beyond one
is called bank conflicts. (CUDA C++ Programming Guide, "Shared Memory", compute capability 5.x on.)

Every access of the kernel is of one word a lane. Which words are touched depends neither on the CTA
nor on the matrix: what hangs over an edge is written as zero.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tiling.expand import copy_map, fragment_words
from tiling.layout import Ints, Operand
from tiling.schedule import Copy, Fragments, Schedule
from tiling.shapes import WARP, Tiling

BANKS = 32


@dataclass(frozen=True)
class Cost:
    """Sums over warp requests.

    requests      how many
    wavefronts    in which they are served
    broadcast     words that lanes get from another lane's read, which cost nothing
    """

    requests: int = 0
    wavefronts: int = 0
    broadcast: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        mine, others = vars(self).values(), vars(other).values()
        return Cost(*(x + y for x, y in zip(mine, others, strict=True)))

    def __mul__(self, times: int) -> "Cost":
        return Cost(*(times * x for x in vars(self).values()))

    @property
    def conflicts(self) -> int:
        """Wavefronts beyond the one that each request takes at least."""
        return self.wavefronts - self.requests


def cost(request: Ints, word: Ints) -> Cost:
    """What accesses cost: the request that each belongs to and its word, arrays (accesses,)."""
    pairs = np.unique(np.stack([request, word]), axis=1)  # each word of a request once
    requests, which = np.unique(pairs[0], return_inverse=True)
    load = np.zeros((len(requests), BANKS), np.int64)
    np.add.at(load, (which.reshape(-1), pairs[1] % BANKS), 1)
    return Cost(len(requests), int(load.max(axis=1).sum()), request.size - pairs.shape[1])


@lru_cache(maxsize=256)
def write_cost(tiling: Tiling, operand: Operand, stage: int = 0) -> Cost:
    """Of what one copy writes: a thread's n-th element of a tile goes with its lanes' n-th."""
    thread, _, _, word = copy_map(tiling, operand, stage)
    element = np.arange(thread.size)
    turn = element // (tiling.threads * tiling.vector) * tiling.vector + element % tiling.vector
    return cost(turn * tiling.threads + thread // WARP, word)


@lru_cache(maxsize=4096)
def read_cost(tiling: Tiling, operand: Operand, k: int, stage: int = 0) -> Cost:
    """Of the fragments of one operand at one k: a warp reads its lanes' i-th values at once."""
    words = fragment_words(tiling, k, stage)[operand]
    threads, each = words.shape
    request = np.arange(threads)[:, None] // WARP * each + np.arange(each)
    return cost(request.reshape(-1), words.reshape(-1))


@dataclass(frozen=True)
class Shared:
    """What one CTA's accesses to shared memory cost, by operand."""

    writes: dict[Operand, Cost]
    reads: dict[Operand, Cost]


def shared(schedule: Schedule) -> Shared:
    """Costs of all copies and fragments of a schedule."""
    tiling = schedule.tiling
    copies = Counter((e.operand, e.stage) for e in schedule.events if isinstance(e, Copy))
    fragments = Counter((e.k, e.stage) for e in schedule.events if isinstance(e, Fragments))
    both: tuple[Operand, Operand] = ("A", "B")
    writes = {operand: Cost() for operand in both}
    for (operand, stage), many in copies.items():
        writes[operand] += write_cost(tiling, operand, stage) * many
    reads = {operand: Cost() for operand in both}
    for (k, stage), many in fragments.items():
        for operand in both:
            reads[operand] += read_cost(tiling, operand, k, stage) * many
    return Shared(writes, reads)
