"""Inputs whose values say where they come from, and the kernel's trace read with their help.

A[m, k] = m·K + k + 1 and B[k, n] = -(k·N + n + 1): exact in float32 below 2^24, so a value that a
thread finds in shared memory names the element it once was, a zero is the fill of a ragged edge,
and NaN is a word that nobody wrote. A trace that only repeats the plan would not pass.
"""

import numpy as np
import numpy.typing as npt

from tiling.fma import Floats
from tiling.kernel.build import SLOTS_PER_RECORD
from tiling.schedule import Schedule
from tiling.shapes import Gemm, Refused
from tiling.trace import NONE, RECORD, Action, Trace

EXACT = 2**24
"""Every whole number up to here is a float32."""

NO_ELEMENT = -2
"""`holds` of a word whose value is no element of the operand it is read as, and no zero."""

OBSERVED = np.dtype([*RECORD.descr, ("holds", np.int64)])
"""RECORD, and the element whose value the shared word holds: found there, not taken from a plan."""

FROM_A = (Action.COPY_A, Action.READ_A)
FROM_B = (Action.COPY_B, Action.READ_B)

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


def expected(model: Trace) -> npt.NDArray[np.void]:
    """The model's trace as OBSERVED: every word holds the element that the model put there."""
    records = np.empty(model.size, OBSERVED)
    for name in RECORD.names or ():
        records[name] = model[name]
    held = np.isin(model["action"], (*FROM_A, *FROM_B))
    records["holds"] = np.where(held, model["index"], NONE)
    return records


def observed(slots: Slots) -> npt.NDArray[np.void]:
    """OBSERVED (records,) of one CTA's slots (threads, stride), thread by thread, in order.

    A slot holds action, word and value bits; the next one the index. The trace knows nothing of
    the schedule, so `step` is -1. Where a fragment is read, `index` is the element found.
    """
    pairs = slots.reshape(slots.shape[0], -1, SLOTS_PER_RECORD)
    thread, record = np.nonzero(pairs[:, :, 0] != SENTINEL)
    first, second = pairs[thread, record, 0], pairs[thread, record, 1]
    records = np.empty(first.size, OBSERVED)
    action = first >> 56
    word = first >> 32 & 0xFFFFFF
    records["thread"], records["step"], records["action"] = thread, -1, action
    records["word"] = np.where((word == 0xFFFFFF) | (action == Action.BARRIER), NONE, word)
    value = (first & 0xFFFFFFFF).astype(np.uint32).view(np.float32)
    records["holds"] = np.where(
        np.isin(action, FROM_A),
        _element(value),
        np.where(np.isin(action, FROM_B), _element(-value), NONE),
    )
    reads = np.isin(action, (Action.READ_A, Action.READ_B))
    records["index"] = np.where(reads, records["holds"], second)
    at_barrier = action == Action.BARRIER
    records["index"][at_barrier] = _count_up(thread[at_barrier])
    return records


def _element(value: Floats) -> npt.NDArray[np.int64]:
    """The index that a value of `provenance` names."""
    with np.errstate(invalid="ignore"):
        whole = (value >= 0) & (value < EXACT) & (value == np.floor(value))
    return np.where(whole, np.where(whole, value, 0).astype(np.int64) - 1, NO_ELEMENT)


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
        pairs = slots[number].reshape(slots.shape[1], -1, SLOTS_PER_RECORD)
        barriers = (pairs[:, :, 0] >> 56) == Action.BARRIER
        arrived = (pairs[:, :, 0] & (1 << 56) - 1)[barriers].reshape(slots.shape[1], -1)
        left = pairs[:, :, 1][barriers].reshape(slots.shape[1], -1)
        for barrier in np.flatnonzero(arrived.max(0) > left.min(0)):
            last, first = int(arrived[:, barrier].argmax()), int(left[:, barrier].argmin())
            found.append(
                f"CTA {cta}, barrier {barrier}: thread {first} left before thread {last} came"
            )
    return found
