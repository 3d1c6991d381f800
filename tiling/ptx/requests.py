"""What accesses cost, counted from the addresses that were used: requests of warps, sectors of
global memory, wavefronts of shared memory.

A warp's request is one instruction of its lanes. In global memory it moves the 32-byte sectors that
its lanes touch. Shared memory has 32 banks of one word: a request of one word a lane goes at once,
of two words in halves of the warp, of four in quarters, and each takes as many wavefronts as its
busiest bank has different words (CUDA C++ Programming Guide, "Global Memory", "Shared Memory").
"""

from dataclasses import dataclass

import numpy as np

from tiling.ptx.memory import Bools, Ints
from tiling.ptx.races import WARP

SECTOR, WORD, BANKS = 32, 4, 32


@dataclass(frozen=True)
class Cost:
    """Sums over requests: how many, and the sectors or wavefronts that they take."""

    requests: int = 0
    moved: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.requests + other.requests, self.moved + other.moved)


def by_warp(offset: Ints, active: Bools | None, n: int, threads: int) -> tuple[Ints, Bools]:
    """(requests, lanes) offsets and who takes part, of accesses as `Access` holds them."""
    warps = -(-threads // WARP)
    full, takes = np.zeros((n, warps * WARP), np.int64), np.zeros((n, warps * WARP), bool)
    if active is None:
        full[:, :threads], takes[:, :threads] = offset, True
    else:
        takes[:, :threads] = active
        full[takes] = offset
    return full.reshape(-1, WARP), takes.reshape(-1, WARP)


def sectors(offset: Ints, takes: Bools, width: int) -> Cost:
    """Of requests (requests, lanes) for `width` aligned bytes a lane, at most a sector."""
    some = takes.any(1)
    if not some.any():
        return Cost()
    none = np.iinfo(np.int64).max
    touched = np.sort(np.where(takes, offset // SECTOR, none)[some], axis=1)
    new = np.ones(touched.shape, bool)
    new[:, 1:] = touched[:, 1:] != touched[:, :-1]
    assert width <= SECTOR
    return Cost(int(some.sum()), int((new & (touched != none)).sum()))


def wavefronts(offset: Ints, takes: Bools, width: int) -> Cost:
    """Of requests (requests, lanes) for `width` bytes a lane: 4, 8 or 16."""
    words = width // WORD
    some = takes.any(1)
    requests = int(some.sum())
    if not requests:
        return Cost()
    # Parts of the warp that are served together, and the words that each asks for.
    word = (offset[some] // WORD)[:, :, None] + np.arange(words)
    none = np.iinfo(np.int64).max
    word = np.where(takes[some][:, :, None], word, none).reshape(requests * words, -1)
    word = np.sort(word, axis=1)
    new = word != none
    new[:, 1:] &= word[:, 1:] != word[:, :-1]
    part = np.arange(len(word))[:, None] * BANKS
    load = np.bincount((part + word % BANKS)[new], minlength=len(word) * BANKS)
    return Cost(requests, int(load.reshape(-1, BANKS).max(1).sum()))
