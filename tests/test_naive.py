"""The kernel without tiles: requests counted one by one, thread by thread."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given

from tests.strategies import RAGGED, SEED, SGEMM, bits, schedules
from tiling.execute import execute
from tiling.for_scenes import naive
from tiling.schedule import MAX_EVENTS, Fragments, OuterProduct, Schedule, Store, schedule
from tiling.shapes import MAX_THREADS, Gemm, Refused, Tiling
from tiling.traffic import counts_of, traffic
from tiling.verify import floats


def requested_one_by_one(plan: Schedule) -> Counter:
    """Requests by (operand, row, col) over all threads of all CTAs, each thread by itself."""
    found: Counter = Counter()
    block = plan.tiling.tile_shape("C")
    for cta in np.ndindex(plan.grid):
        for thread in np.ndindex(block):
            row, col = (cta[i] * block[i] + thread[i] for i in (0, 1))
            if row < plan.gemm.m and col < plan.gemm.n:
                for k in range(plan.gemm.k):
                    found["A", row, k] += 1
                    found["B", k, col] += 1
    return found


def test_a_thread_reads_two_elements_for_each_multiply_add():
    plan = naive.beside(SEED)
    assert plan.events[:3] == (Fragments(0, 0), OuterProduct(0, 0), Fragments(1, 0))
    assert plan.events[-1] == Store() and len(plan.events) == 2 * 12 + 1
    cta = counts_of(plan)
    assert (cta.requested_a, cta.requested_b, cta.fma, cta.stored) == (432, 432, 432, 36)
    assert traffic(plan).total.requested == 3456


@given(schedules())
def test_its_bits_are_those_of_the_tiled_schedule(tiled: Schedule):
    a, b = floats(tiled.gemm)
    found, want = execute(naive.beside(tiled), a, b), execute(tiled, a, b)
    # A zero-filled k more may turn -0 into +0 (see execute).
    assert bits(found + 0.0) == bits(want + 0.0)


@given(schedules())
def test_totals_are_those_of_the_traffic_and_the_two_corners_meet(tiled: Schedule):
    plan = naive.beside(tiled)
    assert traffic(plan).total.requested == traffic(tiled).naive_requested
    assert traffic(plan).total.stored == tiled.gemm.m * tiled.gemm.n
    (row, col), (rows, cols) = plan.origin("C"), plan.inside("C")
    first = tiled.origin("C")
    assert row <= first[0] < row + rows and col <= first[1] < col + cols
    assert plan.tiling.threads <= MAX_THREADS


@pytest.mark.parametrize("tiled", [SEED, RAGGED])
def test_requests_one_by_one(tiled: Schedule):
    plan, gemm = naive.beside(tiled), tiled.gemm
    found = requested_one_by_one(plan)
    assert all(found["A", row, k] == gemm.n for row in range(gemm.m) for k in range(gemm.k))
    assert all(found["B", k, col] == gemm.m for k in range(gemm.k) for col in range(gemm.n))
    assert found.total() == traffic(plan).total.requested


def test_a_cta_has_a_thread_for_each_result_while_it_may():
    assert naive.beside(SEED).tiling.tile_shape("C") == (6, 6)
    assert naive.beside(SGEMM).tiling.tile_shape("C") == (32, 32)


@pytest.mark.parametrize("bk", [1, 8, 100])
def test_whatever_K_tiles_take_is_not_too_long_without(bk: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tiling.schedule.MAX_EVENTS", 1000)
    accepted = 0
    for k in range(1, 1000):
        try:
            tiled = schedule(Gemm(1, 1, k), Tiling(1, 1, bk, 1, 1))
        except Refused:
            continue
        accepted += 1
        assert len(naive.beside(tiled).events) == 2 * k + 1
    assert 100 < accepted < 999


def test_a_K_without_end_is_refused():
    most = MAX_EVENTS // 2
    assert len(naive.one_result_each(Gemm(1, 1, most), (1, 1)).events) == MAX_EVENTS + 1
    with pytest.raises(Refused, match=f"try 1x1x{most}"):
        naive.one_result_each(Gemm(1, 1, most + 1), (1, 1))
