"""The comparison of traces: equal where equal, and otherwise in words that a person can use."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.kernel_cases import RAGGED, TOY
from tiling.kernel.build import trace_stride
from tiling.kernel.compare import EQUAL, compare
from tiling.kernel.provenance import SENTINEL, Slots, late_barriers, provenance
from tiling.kernel.records import Did, Where, expected
from tiling.schedule import Schedule, schedule
from tiling.shapes import Gemm, Refused

PLAN = schedule(RAGGED, TOY, (1, 0))
FIRST = 2  # slot of the first record


def perfect(plan: Schedule) -> Slots:
    """The slots (threads, stride) that a kernel which does all that the model says would leave."""
    slots = np.full((plan.tiling.threads, trace_stride(plan)), SENTINEL, np.int64)
    slots[:, 0] = 0
    for thread, _, did, where, word, index, holds in expected(plan).tolist():
        slots[thread, 0] += 1
        at = 2 * slots[thread, 0]
        low, high = word << 32 if did == Did.COPY else max(holds, 0), index
        if did == Did.BARRIER:  # arrival and departure, by a clock that all share
            low, high = 10 * index + thread % 5, 10 * index + 9
        if did == Did.MULTIPLY_ADD:
            low, high = index, holds
        slots[thread, at : at + 2] = (did | where) << 56 | low, high
    return slots


def test_what_the_model_says_equals_the_model() -> None:
    assert compare(perfect(PLAN), PLAN) == EQUAL


def _at(slots: Slots, did: Did, where: Where = Where.NOWHERE, nth: int = 0) -> int:
    """The first slot of thread 3's nth record of this kind."""
    kinds = slots[3, FIRST : FIRST + 2 * slots[3, 0] : 2] >> 56
    return FIRST + 2 * int(np.flatnonzero(kinds == did | where)[nth])


def _holding(slots: Slots, at: int, value: float) -> None:
    slots[3, at] = slots[3, at] & ~0xFFFFFFFF | int(np.float32(value).view(np.uint32))


def _wrong_element(slots: Slots) -> None:
    slots[3, _at(slots, Did.READ, Where.A) + 1] += 1


def _wrong_word(slots: Slots) -> None:
    slots[3, _at(slots, Did.WRITE, Where.SHARED) + 1] += 1


def _not_written(slots: Slots) -> None:
    _holding(slots, _at(slots, Did.READ, Where.SHARED), np.nan)


def _another_value_lies_there(slots: Slots) -> None:
    _holding(slots, _at(slots, Did.WRITE, Where.SHARED), 1.0)


def _b_for_a(slots: Slots) -> None:
    _holding(slots, _at(slots, Did.READ, Where.SHARED), -5.0)


def _elsewhere(slots: Slots) -> None:
    at = _at(slots, Did.READ, Where.A)
    slots[3, at] += Where.ELSEWHERE - Where.A << 56
    slots[3, at + 1] = -1


def _missing_barrier(slots: Slots) -> None:
    at = _at(slots, Did.BARRIER)
    slots[3, at:-2] = slots[3, at + 2 :].copy()
    slots[3, 0] -= 1


def _fed_another_number(slots: Slots) -> None:
    slots[3, _at(slots, Did.MULTIPLY_ADD) + 1] += 1


def _one_multiply_add_less(slots: Slots) -> None:
    slots[3, _at(slots, Did.MULTIPLY_ADD)] -= 1


def _nothing_more(slots: Slots) -> None:
    slots[3, 0] = 20


def _one_too_many(slots: Slots) -> None:
    slots[3, 0] += 1
    end = FIRST + 2 * slots[3, 0]
    slots[3, end - 2 : end] = slots[3, end - 4 : end - 2]


def _stored_elsewhere(slots: Slots) -> None:
    slots[3, _at(slots, Did.WRITE, Where.C) + 1] = 141


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            _wrong_element,
            "(step 0, Copy A of k-tile 0): expected A[6, 3] read from A[6, 3], got A[6, 3] read"
            " from A[6, 4]",
        ),
        (
            _wrong_word,
            "expected A[6, 3] written to shared word 18, got A[6, 3] written to shared word 19",
        ),
        (_not_written, "expected A[8, 0] read from shared word 2, got nan read from shared word 2"),
        (_another_value_lies_there, "got A[0, 0] written to shared word 18"),
        (_b_for_a, "got B[0, 4] read from shared word 2"),
        (_elsewhere, "got A[6, 3] read from outside all matrices"),
        (_missing_barrier, "Barrier before reads of k-tile 0): expected barrier 0, got A[8, 0]"),
        (_fed_another_number, "expected 4 multiply-adds of a and b whose bits sum to"),
        (_one_multiply_add_less, "got 3 multiply-adds of a and b"),
        (_nothing_more, "got nothing more"),
        (_one_too_many, "expected nothing more, got 0 written to C[9, 1]"),
        (_stored_elsewhere, "got 0 written to C[12, 9]"),
    ],
)
def test_a_difference_is_told_with_place_expectation_and_finding(
    spoil: Callable[[Slots], None], words: str
) -> None:
    slots = perfect(PLAN)
    spoil(slots)
    text = compare(slots, PLAN)
    assert text.startswith("CTA (1, 0), thread 3, record ")
    assert words in text
    assert ";" not in text  # the one thread that differs, and no other


def test_only_the_first_differences_are_told() -> None:
    slots = perfect(PLAN)
    slots[:, FIRST + 1] += 1
    assert compare(slots, PLAN).count("CTA (1, 0)") == 3
    assert compare(slots, PLAN, most=1).count("CTA (1, 0)") == 1


def test_a_kernel_that_never_ran_is_not_equal() -> None:
    slots = np.full_like(perfect(PLAN), SENTINEL)
    assert "record 0 (step 0, Copy A of k-tile 0): expected" in compare(slots, PLAN)


def test_a_thread_that_leaves_a_barrier_early_is_named() -> None:
    plan = schedule(Gemm(6, 6, 8), TOY)
    slots = perfect(plan)[None]
    assert late_barriers(plan, slots) == []
    barriers = np.flatnonzero(slots[0, 2, ::2] >> 56 == Did.BARRIER)
    slots[0, 2, 2 * barriers[1] + 1] = 10  # thread 2 leaves before others have come
    assert late_barriers(plan, slots) == [
        "CTA (0, 0), barrier 1: thread 2 left before thread 4 came"
    ]


def test_elements_that_float32_cannot_number_are_refused() -> None:
    with pytest.raises(Refused, match="can number fewer than 16777216 elements"):
        provenance(Gemm(4096, 4, 4096))
