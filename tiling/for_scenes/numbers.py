"""Real numbers: what the followed thread holds after each k, from the schedule's own execution."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import numpy as np

from tiling.execute import Executor
from tiling.fma import Floats
from tiling.schedule import OuterProduct, Schedule


@dataclass(frozen=True)
class ThreadValues:
    """Fragments and accumulators of one thread after each k: (K, TM), (K, TN), (K, TM, TN)."""

    a: Floats
    b: Floats
    acc: Floats


def magnitudes(k: int) -> tuple[int, int]:
    """(largest operand, digits of a sum of k products): three digits, or as few more as leave
    operands that are not all 1.

    Each operand is as likely as another. A sum is taken to lie within six standard deviations.
    """
    for digits in count(3):
        for top in range(9, 1, -1):
            mean, square = (1 + top) / 2, (1 + top) * (1 + 2 * top) / 6
            if k * mean**2 + 6 * (k * (square**2 - mean**4)) ** 0.5 < 10**digits:
                return top, min(digits, len(str(k * top**2)))
    raise AssertionError


def operands(schedule: Schedule) -> tuple[Floats, Floats]:
    """A and B of small whole numbers, which float32 multiplies and adds exactly: k after k, so that
    scenes which show the first of them alone show the same."""
    gemm, (top, _) = schedule.gemm, magnitudes(schedule.gemm.k)
    columns, rows = (
        np.random.default_rng(seed).integers(1, top + 1, (gemm.k, size)).astype(np.float32)
        for seed, size in ((16, gemm.m), (60, gemm.n))
    )
    return columns.T, rows


@lru_cache(maxsize=4)
def thread_values(schedule: Schedule, thread: int) -> ThreadValues:
    """Carry the schedule's CTA out and keep what one thread holds after each outer product."""
    a, b = operands(schedule)
    c = np.full((schedule.gemm.m, schedule.gemm.n), np.nan, np.float32)
    machine = Executor(schedule, a, b, c, np.array([schedule.cta]))
    held = []
    for event in schedule.events:
        machine.carry_out(event)
        if isinstance(event, OuterProduct):
            a, b = machine.a[event.buffer], machine.b[event.buffer]
            held.append((a[0, thread], b[0, thread], machine.acc[:, :, 0, thread]))
    return ThreadValues(*(np.array(array) for array in zip(*held, strict=True)))
