"""Inputs whose values say where they come from, and the kernel's own records, read.

A[m, k] = m·K + k + 1 and B[k, n] = -(k·N + n + 1): exact in float32 below 2^24, so a value that a
thread finds in shared memory names the element it once was, a zero is the fill of a ragged edge,
and NaN is a word that nobody wrote. A trace that only repeats the plan would not pass.
"""

import numpy as np
import numpy.typing as npt

from tiling.fma import Floats
from tiling.kernel.build import SLOTS_PER_RECORD
from tiling.kernel.records import RECORD, Did, Records
from tiling.schedule import Schedule
from tiling.shapes import Gemm, Refused
from tiling.trace import NONE

EXACT = 2**24
"""Every whole number up to here is a float32."""

SENTINEL = -1
"""What every slot holds before the kernel runs."""

Slots = npt.NDArray[np.int64]


def provenance(gemm: Gemm) -> tuple[Floats, Floats]:
    """A (M, K) and B (K, N). Raises Refused where float32 cannot number all elements."""
    if max(gemm.m * gemm.k, gemm.k * gemm.n) >= EXACT:
        rule = f"a float32 can number fewer than {EXACT} elements"
        raise Refused("gemm", str(gemm), rule, "try a smaller one")
    a = np.arange(1, gemm.m * gemm.k + 1).astype(np.float32).reshape(gemm.m, gemm.k)
    b = -np.arange(1, gemm.k * gemm.n + 1).astype(np.float32).reshape(gemm.k, gemm.n)
    return a, b


def recorded(slots: Slots) -> npt.NDArray[np.int64]:
    """Records of each thread, from slots (..., stride), which begin with it."""
    counted: npt.NDArray[np.int64] = np.maximum(slots[..., 0], 0)
    return counted


def observed(slots: Slots) -> Records:
    """RECORD (records,) of one CTA's slots (threads, stride), thread by thread, in order.

    The kernel knows nothing of the schedule, so `step` is -1.
    """
    pairs = slots.reshape(slots.shape[0], -1, SLOTS_PER_RECORD)[:, 1:]
    thread, record = np.nonzero(np.arange(pairs.shape[1]) < recorded(slots)[:, None])
    first, second = pairs[thread, record, 0], pairs[thread, record, 1]
    low = first & (1 << 56) - 1
    records = np.empty(first.size, RECORD)
    records["thread"], records["step"] = thread, -1
    did = records["did"] = first >> 56 & 0xF0
    records["where"] = first >> 56 & 0xF
    word = np.where(did == Did.COPY, low >> 32, 0xFFFFFF)
    records["word"] = np.where(word == 0xFFFFFF, NONE, word)
    multiply_add, at_barrier = did == Did.MULTIPLY_ADD, did == Did.BARRIER
    records["index"] = np.where(multiply_add, low, second)
    records["index"][at_barrier] = _count_up(thread[at_barrier])
    records["holds"] = np.where(
        multiply_add, second, np.where(np.isin(did, (Did.READ, Did.WRITE)), low, 0)
    )
    return records


def _count_up(thread: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0, 1, 2 … for each thread anew; `thread` ascends."""
    _, start, count = np.unique(thread, return_index=True, return_counts=True)
    return np.arange(thread.size) - np.repeat(start, count)


def late_barriers(schedule: Schedule, slots: Slots) -> list[str]:
    """Barriers that some thread left before another had come, by the clock of the CTA's own SM.

    Slots (CTAs, threads, stride). A barrier's record holds the clock at arrival and at departure.
    """
    found = []
    for number, cta in enumerate(np.ndindex(schedule.grid)):
        pairs = slots[number].reshape(slots.shape[1], -1, SLOTS_PER_RECORD)[:, 1:]
        barriers = (pairs[:, :, 0] >> 56) == Did.BARRIER
        arrived = (pairs[:, :, 0] & (1 << 56) - 1)[barriers].reshape(slots.shape[1], -1)
        left = pairs[:, :, 1][barriers].reshape(slots.shape[1], -1)
        for barrier in np.flatnonzero(arrived.max(0) > left.min(0)):
            last, first = int(arrived[:, barrier].argmax()), int(left[:, barrier].argmin())
            found.append(
                f"CTA {cta}, barrier {barrier}: thread {first} left before thread {last} came"
            )
    return found
