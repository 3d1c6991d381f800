"""What requests cost: sectors of global memory, wavefronts of shared memory, and the least possible
of both."""

from dataclasses import dataclass

import numpy as np

from tiling.ptx.memory import Bools, Ints
from tiling.ptx.requests import BANKS, SECTOR, WORD


@dataclass(frozen=True)
class Cost:
    """Of the requests of one instruction or line.

    lanes   that took part, of 32 for each request
    bytes   that they asked for, counted for each lane
    moved   sectors of global memory, or wavefronts of shared memory
    least   of them, had the same words lain together and in different banks
    ways    of the worst request's worst conflict: words that one bank had to give
    """

    requests: int = 0
    lanes: int = 0
    bytes: int = 0
    moved: int = 0
    least: int = 0
    ways: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.requests + other.requests,
            self.lanes + other.lanes,
            self.bytes + other.bytes,
            self.moved + other.moved,
            self.least + other.least,
            max(self.ways, other.ways),
        )

    def __mul__(self, times: int) -> "Cost":
        return Cost(
            self.requests * times,
            self.lanes * times,
            self.bytes * times,
            self.moved * times,
            self.least * times,
            self.ways,
        )


def in_global(offset: Ints, takes: Bools, width: int) -> Cost:
    """Of requests (requests, lanes) for `width` aligned bytes a lane, at most a sector."""
    some = takes.any(1)
    offset, takes = offset[some], takes[some]
    if not offset.size:
        return Cost()
    sectors = _distinct(offset // SECTOR, takes)
    words = _distinct(offset // width, takes) * width
    lanes = int(takes.sum())
    least = int((-(-words // SECTOR)).sum())
    return Cost(len(offset), lanes, lanes * width, int(sectors.sum()), least)


def _distinct(values: Ints, takes: Bools) -> Ints:
    """How many different values each row has."""
    none = np.iinfo(np.int64).max
    ordered = np.sort(np.where(takes, values, none), axis=1)
    new = ordered != none
    new[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    found: Ints = new.sum(1)
    return found


def in_shared(offset: Ints, takes: Bools, width: int) -> Cost:
    """Of requests for `width` bytes a lane. What is narrower than a word is served as its word."""
    some = takes.any(1)
    offset, takes = offset[some], takes[some]
    requests = len(offset)
    if not requests:
        return Cost()
    lanes = int(takes.sum())
    load = bank_loads(offset, takes, width)
    busiest = load.max(1)
    most, parts = int(busiest.sum()), int((busiest > 0).sum())
    return Cost(requests, lanes, lanes * width, most, parts, int(busiest.max()))


def bank_loads(offset: Ints, takes: Bools, width: int) -> Ints:
    """(parts, banks) how many different words each bank must give, for each part of a warp that is
    served together: all lanes for a word each, halves for two, quarters for four (CUDA C++
    Programming Guide, "Shared Memory")."""
    words = max(1, width // WORD)
    none = np.iinfo(np.int64).max
    word = (offset // WORD)[:, :, None] + np.arange(words)
    word = np.where(takes[:, :, None], word, none).reshape(len(offset) * words, -1)
    word = np.sort(word, axis=1)
    new = word != none
    new[:, 1:] &= word[:, 1:] != word[:, :-1]
    part = np.arange(len(word))[:, None] * BANKS
    load = np.bincount((part + word % BANKS)[new], minlength=len(word) * BANKS)
    return load.reshape(-1, BANKS)
