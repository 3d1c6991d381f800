"""The comparison of traces: equal where equal, and otherwise in words that a person can use."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.kernel_cases import RAGGED, TOY
from tiling.kernel.build import trace_stride
from tiling.kernel.compare import EQUAL, compare
from tiling.kernel.provenance import SENTINEL, Slots, late_barriers, provenance
from tiling.schedule import Schedule, schedule
from tiling.shapes import Gemm, Refused
from tiling.trace import NONE, Action, trace

PLAN = schedule(RAGGED, TOY, (2, 1))
A_COPIES, B_COPIES = 3, 3  # of thread 3, for each k-tile


def perfect(plan: Schedule) -> Slots:
    """The slots (threads, stride) that a kernel which does all that the model says would leave."""
    slots = np.full((plan.tiling.threads, trace_stride(plan)), SENTINEL, np.int64)
    a, b = (matrix.ravel() for matrix in provenance(plan.gemm))
    used = dict.fromkeys(range(plan.tiling.threads), 0)
    for thread, _, action, word, index in trace(plan).tolist():
        value = np.float32(0)
        if action in (Action.COPY_A, Action.READ_A) and index != NONE:
            value = a[index]
        if action in (Action.COPY_B, Action.READ_B) and index != NONE:
            value = b[index]
        low = (word & 0xFFFFFF) << 32 | int(value.view(np.uint32))
        at = used[thread]
        slots[thread, at : at + 2] = action << 56 | low, index
        if action == Action.BARRIER:  # arrival and departure, by a clock that all share
            slots[thread, at : at + 2] = action << 56 | 10 * index + thread % 5, 10 * index + 9
        used[thread] += 2
    return slots


def test_what_the_model_says_equals_the_model() -> None:
    assert compare(perfect(PLAN), PLAN) == EQUAL


def _value(action: int, word: int, value: float) -> int:
    return action << 56 | word << 32 | int(np.float32(value).view(np.uint32))


def _wrong_element(slots: Slots) -> None:
    slots[3, 1] += 1


def _wrong_word(slots: Slots) -> None:
    slots[3, 0] += 1 << 32


def _not_written(slots: Slots) -> None:
    first = A_COPIES + B_COPIES + 1
    slots[3, 2 * first] = _value(Action.READ_A, 2, np.nan)


def _another_value_lies_there(slots: Slots) -> None:
    slots[3, 0] = _value(Action.COPY_A, int(slots[3, 0]) >> 32 & 0xFFFFFF, 1.0)


def _missing_barrier(slots: Slots) -> None:
    at = 2 * (A_COPIES + B_COPIES)
    slots[3, at:-2] = slots[3, at + 2 :].copy()


def _nothing_more(slots: Slots) -> None:
    slots[3, 40:] = SENTINEL


def _one_too_many(slots: Slots) -> None:
    free = int((slots[3, ::2] != SENTINEL).sum()) * 2
    slots[3, free : free + 2] = slots[3, free - 2 : free]


def _stored_outside(slots: Slots) -> None:
    slots[3, int((slots[3, ::2] != SENTINEL).sum()) * 2 - 1] = 999


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            _wrong_element,
            "(step 0, Copy A of k-tile 0): expected A[12, 3] copied to shared word 18,"
            " got A[12, 4] copied to shared word 18, where then lies A[12, 3]",
        ),
        (
            _wrong_word,
            "expected A[12, 3] copied to shared word 18, got A[12, 3] copied to shared word 19",
        ),
        (_not_written, "expected a zero read from shared word 2, got no element of A read from"),
        (_another_value_lies_there, "where then lies A[0, 0]"),
        (_missing_barrier, "Barrier before reads of k-tile 0): expected barrier 0, got"),
        (_nothing_more, "got nothing more"),
        (_one_too_many, "expected nothing more, got accumulator 3"),
        (_stored_outside, "got accumulator 3 stored to C at 999, outside its 143 elements"),
    ],
)
def test_a_difference_is_told_with_place_expectation_and_finding(
    spoil: Callable[[Slots], None], words: str
) -> None:
    slots = perfect(PLAN)
    spoil(slots)
    text = compare(slots, PLAN)
    assert text.startswith("CTA (2, 1), thread 3, record ")
    assert words in text
    assert ";" not in text  # the one thread that differs, and no other


def test_only_the_first_differences_are_told() -> None:
    slots = perfect(PLAN)
    slots[:, 1] += 1
    assert compare(slots, PLAN).count("CTA (2, 1)") == 3
    assert compare(slots, PLAN, most=1).count("CTA (2, 1)") == 1


def test_a_kernel_that_never_ran_is_not_equal() -> None:
    slots = np.full_like(perfect(PLAN), SENTINEL)
    assert "record 0 (step 0, Copy A of k-tile 0): expected" in compare(slots, PLAN)


def test_a_thread_that_leaves_a_barrier_early_is_named() -> None:
    plan = schedule(Gemm(6, 6, 8), TOY)
    slots = perfect(plan)[None]
    assert late_barriers(plan, slots) == []
    barriers = np.flatnonzero(slots[0, 2, ::2] >> 56 == Action.BARRIER)
    slots[0, 2, 2 * barriers[1] + 1] = 10  # thread 2 leaves before others have come
    assert late_barriers(plan, slots) == [
        "CTA (0, 0), barrier 1: thread 2 left before thread 4 came"
    ]


def test_elements_that_float32_cannot_number_are_refused() -> None:
    with pytest.raises(Refused, match="can number fewer than 16777216 elements"):
        provenance(Gemm(4096, 4, 4096))
