"""What the model says that a CTA's threads do between two barriers, as sorted numbers.

An access is one number: the thread in its upper bits, below it the index of the element in its
matrix, or the word of shared memory. So two lists of accesses are equal if they are, sorted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tiling.expand import (
    Accesses,
    exchange_words,
    expand_copy,
    expand_fragments,
    expand_store,
    fragment_words,
)
from tiling.fma import Floats
from tiling.layout import Ints
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Exchange,
    Fragments,
    OuterProduct,
    Schedule,
    Store,
    Wait,
)
from tiling.shapes import Tiling

SHIFT = 32
"""Bits below the thread: indices and words."""

Values = npt.NDArray[np.uint32]


@dataclass
class Epoch:
    """What lies between two barriers: arrays of accesses, ascending.

    loads     of A and of B from global memory
    writes    to shared memory by threads; `brings` the bits that each writes, where they are those
              of an element (not of an accumulator)
    begins    words to which copies are begun; `lands`, `landing` words and bits that have arrived
    reads     of shared memory; `needless` those of which nothing comes, so that a compiler may
              leave them out
    stores    to C
    waits     groups that each wait leaves on their way; `commits` how many groups were closed
    exchanges whether accumulators are written to shared memory; `exchanged` whether read from it
    """

    loads: dict[str, Ints]
    writes: Ints
    brings: Values | None
    begins: Ints
    lands: Ints
    landing: Values
    reads: Ints
    needless: Ints
    stores: Ints
    waits: tuple[int, ...]
    commits: int
    exchanges: bool
    exchanged: bool


@dataclass
class _Open:
    """The parts of an epoch before they are put together."""

    loads: dict[str, list[Ints]] = field(default_factory=lambda: {"A": [], "B": []})
    writes: list[Ints] = field(default_factory=list)
    brings: list[Values] = field(default_factory=list)
    exchanges: bool = False
    exchanged: bool = False
    begins: list[Ints] = field(default_factory=list)
    lands: list[Ints] = field(default_factory=list)
    landing: list[Values] = field(default_factory=list)
    reads: list[Ints] = field(default_factory=list)
    needless: list[Ints] = field(default_factory=list)
    stores: list[Ints] = field(default_factory=list)
    fragments: dict[int, int] = field(default_factory=dict)
    waits: list[int] = field(default_factory=list)
    commits: int = 0


def key(thread: Ints, place: Ints) -> Ints:
    return thread.astype(np.int64) << SHIFT | place


def epochs(schedule: Schedule, a: Floats, b: Floats, asynchronous: bool) -> Iterator[Epoch]:
    """Epoch by epoch what the schedule's CTA does with A and B.

    asynchronous   False where the machine has no asynchronous copies: each is made at once
    """
    operands = {
        "A": np.ascontiguousarray(a).view(np.uint32),
        "B": np.ascontiguousarray(b).view(np.uint32),
    }
    here, coming = _Open(), list[tuple[int, Ints, Values]]()
    tiling = schedule.tiling
    for event in schedule.events:
        match event:
            case Barrier():
                yield _closed(tiling, here)
                here = _Open()
            case Copy(operand, k_tile):
                found = expand_copy(schedule, event)
                index = _index(schedule, operand, found)
                inside = found.predicate
                here.loads[operand].append(key(found.thread[inside], index[inside]))
                words = key(found.thread, found.word)
                bits = np.where(inside, operands[operand].ravel()[np.where(inside, index, 0)], 0)
                if tiling.asynchronous and asynchronous:
                    here.begins.append(words)
                    coming.append((k_tile, words, bits))
                else:
                    here.writes.append(words)
                    here.brings.append(bits)
            case Wait(k_tile, pending) if asynchronous:
                here.waits.append(pending)
                for _, words, bits in (one for one in coming if one[0] <= k_tile):
                    here.lands.append(words)
                    here.landing.append(bits)
                coming = [one for one in coming if one[0] > k_tile]
            case Commit() if asynchronous:
                here.commits += 1
            case Fragments(stage=stage) if not tiling.direct:
                here.fragments[stage] = here.fragments.get(stage, 0) + 1
                here.reads.append(_fragment_reads(tiling, event.k, stage))
            case Fragments():
                for operand_, found in expand_fragments(schedule, event).items():
                    inside = found.predicate
                    index = _index(schedule, operand_, found)
                    here.loads[operand_].append(key(found.thread[inside], index[inside]))
            case Exchange():
                thread = np.arange(tiling.threads)[:, None]
                here.writes.append(key(thread, exchange_words(tiling)).ravel())
                here.exchanges = True
            case Store(row):
                found = expand_store(schedule, event).ravel()
                inside = found.predicate
                here.stores.append(key(found.thread, _index(schedule, "C", found))[inside])
                if row is not None:
                    here.exchanged = True
                    here.reads.append(key(found.thread, found.word)[inside])
                    here.needless.append(key(found.thread, found.word)[~inside])
            case OuterProduct() | Wait() | Commit():
                pass
    yield _closed(tiling, here)


def _index(schedule: Schedule, operand: str, found: Accesses) -> Ints:
    return found.row * schedule.gemm.shape(operand)[1] + found.col


@lru_cache(maxsize=4096)
def _fragment_reads(tiling: Tiling, k: int, stage: int) -> Ints:
    thread = np.arange(tiling.threads)[:, None]
    return np.concatenate(
        [key(thread, w).ravel() for w in fragment_words(tiling, k, stage).values()]
    )


@lru_cache(maxsize=64)
def _k_tile_reads(tiling: Tiling, stage: int) -> Ints:
    """Of all k of a k-tile, sorted. One array, so that who has compared it knows it again."""
    return np.sort(np.concatenate([_fragment_reads(tiling, k, stage) for k in range(tiling.bk)]))


def _closed(tiling: Tiling, one: _Open) -> Epoch:
    whole = list(one.fragments.items())
    if len(whole) == 1 and whole[0][1] == tiling.bk and not one.needless:
        reads = _k_tile_reads(tiling, whole[0][0])
    else:
        reads = in_order(one.reads)
    writes, brings = _with_values(one.writes, [] if one.exchanges else one.brings)
    lands, landing = _with_values(one.lands, one.landing)
    assert landing is not None
    return Epoch(
        {operand: in_order(found) for operand, found in one.loads.items()},
        writes,
        None if one.exchanges else brings,
        in_order(one.begins),
        lands,
        landing,
        reads,
        in_order(one.needless),
        in_order(one.stores),
        tuple(one.waits),
        one.commits,
        one.exchanges,
        one.exchanged,
    )


def in_order(parts: list[Ints]) -> Ints:
    """All of them, ascending."""
    if not parts:
        return np.empty(0, np.int64)
    if len({part.size for part in parts}) == 1 and len(parts) > 1:
        # Each has an access of every thread: thread by thread they mostly ascend already, and what
        # ascends is sorted at once.
        return np.sort(np.stack([part.ravel() for part in parts], 1).ravel(), kind="stable")
    return np.sort(np.concatenate([part.ravel() for part in parts]))


def _with_values(parts: list[Ints], values: list[Values]) -> tuple[Ints, Values]:
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.uint32)
    keys = np.concatenate(parts)
    order = np.argsort(keys, kind="stable")
    bits = np.concatenate(values)[order] if values else np.empty(0, np.uint32)
    return keys[order], bits
