"""The kernel without tiles: the same bits as the tiled one, and requests counted one by one."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given

from tests.strategies import RAGGED, SEED, SGEMM, schedules
from tiling import naive
from tiling.execute import execute
from tiling.naive import Load, MultiplyAdd, Naive
from tiling.schedule import MAX_EVENTS, Schedule, Store
from tiling.shapes import MAX_THREADS, Gemm, Refused
from tiling.traffic import traffic
from tiling.verify import floats


def requested_one_by_one(plan: Naive) -> Counter:
    """Requests by (operand, row, col) over all threads of all CTAs, each thread by itself."""
    found: Counter = Counter()
    for cta in np.ndindex(plan.grid):
        for thread in np.ndindex(plan.block):
            row, col = (cta[i] * plan.block[i] + thread[i] for i in (0, 1))
            if row < plan.gemm.m and col < plan.gemm.n:
                for event in plan.events:
                    if isinstance(event, Load):
                        where = (row, event.k) if event.operand == "A" else (event.k, col)
                        found[event.operand, *where] += 1
    return found


def test_a_thread_loads_two_elements_for_each_multiply_add():
    plan = naive.beside(SEED)
    assert plan.events[:4] == (Load("A", 0), Load("B", 0), MultiplyAdd(0), Load("A", 1))
    assert plan.events[-1] == Store() and len(plan.events) == 3 * 12 + 1
    cta = naive.count(plan)
    assert (cta.requested_a, cta.requested_b, cta.fma, cta.stored) == (432, 432, 432, 36)
    assert naive.total(plan).requested == 3456


@given(schedules())
def test_its_bits_are_those_of_the_tiled_schedule(tiled: Schedule):
    plan = naive.beside(tiled)
    a, b = floats(tiled.gemm)
    found, want = naive.execute(plan, a, b), execute(tiled, a, b)
    # A zero-filled k more may turn -0 into +0 (see execute).
    np.testing.assert_array_equal((found + 0.0).view(np.int32), (want + 0.0).view(np.int32))


@given(schedules())
def test_totals_are_those_of_the_traffic_and_the_two_corners_meet(tiled: Schedule):
    plan = naive.beside(tiled)
    assert naive.total(plan).requested == traffic(tiled).naive_requested
    assert naive.total(plan).stored == tiled.gemm.m * tiled.gemm.n
    (row, col), (rows, cols) = plan.origin, plan.inside
    first = tiled.origin("C")
    assert row <= first[0] < row + rows and col <= first[1] < col + cols
    assert plan.block[0] * plan.block[1] <= MAX_THREADS


@pytest.mark.parametrize("tiled", [SEED, RAGGED])
def test_requests_one_by_one(tiled: Schedule):
    plan, gemm = naive.beside(tiled), tiled.gemm
    found = requested_one_by_one(plan)
    assert all(found["A", row, k] == gemm.n for row in range(gemm.m) for k in range(gemm.k))
    assert all(found["B", k, col] == gemm.m for k in range(gemm.k) for col in range(gemm.n))
    assert found.total() == naive.total(plan).requested


def test_a_cta_has_a_thread_for_each_result_while_it_may():
    assert naive.beside(SEED).block == (6, 6)
    assert naive.beside(SGEMM).block == (32, 32)


def test_state_is_counted_event_by_event():
    plan = naive.beside(RAGGED)
    rows, cols = plan.inside
    for step in range(len(plan.events) + 1):
        seen = Counter(type(event) for event in plan.events[:step])
        state = naive.state_at(plan, step)
        assert state.requested_a + state.requested_b == seen[Load] * rows * cols
        assert state.fma == seen[MultiplyAdd] * rows * cols
        assert state.stored == seen[Store] * rows * cols
    with pytest.raises(IndexError):
        naive.state_at(plan, len(plan.events) + 1)


def test_a_K_without_end_is_refused():
    most = MAX_EVENTS // 3 - 1
    assert len(naive.schedule(Gemm(1, 1, most), (1, 1)).events) <= MAX_EVENTS
    with pytest.raises(Refused, match=f"try 1x1x{most}"):
        naive.schedule(Gemm(1, 1, MAX_EVENTS), (1, 1))
