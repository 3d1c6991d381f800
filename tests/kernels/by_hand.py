"""Requests counted as one would on paper: addresses of lanes, put into sets. Nothing else of this
project has a part in it.

Global memory is moved in sectors of 32 bytes. Shared memory has 32 banks of 4 bytes; a request of
up to 4 bytes a lane is served at once, one of 8 in two halves of the warp, one of 16 in quarters,
and each part takes as many wavefronts as the busiest bank has different words (CUDA C++ Programming
Guide, "Global Memory" and "Shared Memory"). `ldmatrix` takes the addresses of 16-byte rows from the
lanes, eight for each matrix: quarters too.
"""

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from tests.kernels.table import WARP, Line


@dataclass(frozen=True)
class Count:
    """requests of one CTA; sectors or wavefronts that they take; the most ways of any"""

    requests: int | Fraction
    moved: int | Fraction
    ways: int


def count(line: Line, threads: int) -> Count:
    """Of all requests of a line, from its elements' addresses."""
    requests = moved = worst = 0
    for first in range(0, threads, WARP):
        for step in range(-(-line.per_warp // 1)):
            lanes = range(first, min(first + WARP, threads))
            asked = {lane - first: line.element(lane, step) for lane in lanes}
            taking = {lane: at * line.size for lane, at in asked.items() if at is not None}
            if not taking:
                continue
            requests += 1
            if line.ways == 0:
                moved += sectors(taking, line.bits // 8)
            else:
                parts = wavefronts(taking, line.bits // 8)
                moved += sum(parts)
                worst = max(worst, *parts)
    return Count(requests, moved, worst)


def sectors(taking: dict[int, int], size: int) -> int:
    """Different sectors that lanes touch, each `size` bytes from its address on."""
    return len({byte // 32 for at in taking.values() for byte in (at, at + size - 1)})


def wavefronts(taking: dict[int, int], size: int) -> list[int]:
    """Of each part of the warp that is served at once, the most different words of one bank."""
    at_once = WARP * 4 // max(size, 4)
    words: dict[int, set[int]] = defaultdict(set)
    for lane, at in taking.items():
        words[lane // at_once] |= {byte // 4 for byte in range(at, at + size)}
    return [
        max(len({word for word in some if word % 32 == bank}) for bank in range(32))
        for some in words.values()
    ]
