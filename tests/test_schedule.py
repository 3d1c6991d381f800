"""The events of a CTA, in order."""

import pytest
from hypothesis import given

from tests.strategies import RAGGED, SEED, SGEMM, schedules
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Exchange,
    Fragments,
    OuterProduct,
    Store,
    Wait,
    grid,
    schedule,
)
from tiling.shapes import Gemm, Refused, Tiling


def test_two_k_tiles_word_for_word():
    assert schedule(Gemm(2, 2, 3), Tiling(2, 2, 2, 1, 1)).events == (
        Copy("A", 0),
        Copy("B", 0),
        Barrier(0, "reads"),
        Fragments(0, 0),
        OuterProduct(0, 0),
        Fragments(0, 1),
        OuterProduct(0, 1),
        Barrier(1, "overwrite"),
        Copy("A", 1),
        Copy("B", 1),
        Barrier(1, "reads"),
        Fragments(1, 0),
        OuterProduct(1, 0),
        Fragments(1, 1),
        OuterProduct(1, 1),
        Store(),
    )


def test_two_stages_word_for_word():
    """Three k-tiles of one k: the copies are one k-tile ahead, the last group is empty."""
    assert schedule(Gemm(2, 2, 3), Tiling(2, 2, 1, 1, 1, stages=2)).events == (
        *(Copy("A", 0, 0), Copy("B", 0, 0), Commit(0)),
        *(Wait(0, 0), Barrier(0, "reads"), Copy("A", 1, 1), Copy("B", 1, 1), Commit(1)),
        *(Fragments(0, 0, 0), OuterProduct(0, 0)),
        *(Wait(1, 0), Barrier(1, "both"), Copy("A", 2, 0), Copy("B", 2, 0), Commit(2)),
        *(Fragments(1, 0, 1), OuterProduct(1, 0)),
        *(Wait(2, 0), Barrier(2, "reads"), Commit(3)),
        *(Fragments(2, 0, 0), OuterProduct(2, 0)),
        Store(),
    )


def test_three_stages_have_two_k_tiles_on_their_way():
    plan = schedule(Gemm(1, 1, 5), Tiling(1, 1, 1, 1, 1, stages=3))
    waits = [step for step, event in enumerate(plan.events) if isinstance(event, Wait)]
    for k_tile, step in enumerate(waits):
        before = plan.events[:step]
        assert plan.events[step] == Wait(k_tile, pending=1)
        assert sum(isinstance(event, Commit) for event in before) == k_tile + 2
        copied = [event.k_tile for event in before if isinstance(event, Copy)]
        assert max(copied) == min(k_tile + 1, 4)


def test_fewer_k_tiles_than_stages():
    plan = schedule(Gemm(1, 1, 1), Tiling(1, 1, 1, 1, 1, stages=4))
    assert [event for event in plan.events if isinstance(event, Copy)] == [
        Copy("A", 0, 0),
        Copy("B", 0, 0),
    ]
    assert [event.k_tile for event in plan.events if isinstance(event, Commit)] == [0, 1, 2, 3]


def test_two_buffers_of_fragments_are_one_k_ahead():
    plan = schedule(Gemm(1, 1, 3), Tiling(1, 1, 3, 1, 1, fragments=2))
    assert plan.events[3:-1] == (
        *(Fragments(0, 0, 0, 0), Fragments(0, 1, 0, 1), OuterProduct(0, 0, 0)),
        *(Fragments(0, 2, 0, 0), OuterProduct(0, 1, 1), OuterProduct(0, 2, 0)),
    )


def test_a_store_through_shared_memory_has_a_round_for_each_row_of_a_thread():
    plan = schedule(Gemm(2, 2, 1), Tiling(2, 2, 1, 2, 1, shared_store=True))
    rounds = [
        (Barrier(None, "overwrite"), Exchange(row), Barrier(None, "reads"), Store(row))
        for row in range(2)
    ]
    assert plan.events[-8:] == (*rounds[0], *rounds[1])


@given(schedules())
def test_events_are_the_same_for_every_cta_and_k_ascends(plan):
    assert plan.events == schedule(plan.gemm, plan.tiling).events
    ks = [e.k_tile * plan.tiling.bk + e.k for e in plan.events if isinstance(e, OuterProduct)]
    assert ks == list(range(plan.k_tiles * plan.tiling.bk))
    stores = [event.row for event in plan.events if isinstance(event, Store)]
    assert stores == (list(range(plan.tiling.tm)) if plan.tiling.shared_store else [None])
    assert isinstance(plan.events[-1], Store)


@given(schedules())
def test_tiles_cover_each_matrix(plan):
    """The tiles of A in this CTA's row, of B in its column and of all CTAs in C add up."""
    gemm = plan.gemm
    a = sum(plan.inside("A", k_tile)[1] for k_tile in range(plan.k_tiles))
    b = sum(plan.inside("B", k_tile)[0] for k_tile in range(plan.k_tiles))
    rows = sum(plan.at((row, 0)).inside("C")[0] for row in range(plan.grid[0]))
    cols = sum(plan.at((0, col)).inside("C")[1] for col in range(plan.grid[1]))
    assert (a, b, rows, cols) == (gemm.k, gemm.k, gemm.m, gemm.n)


def test_origins_and_what_hangs_over_the_edge():
    assert (RAGGED.grid, RAGGED.k_tiles) == ((3, 2), 3)
    assert RAGGED.origin("A", 2) == (12, 8) and RAGGED.inside("A", 2) == (1, 2)
    assert RAGGED.origin("B", 2) == (8, 6) and RAGGED.inside("B", 2) == (2, 5)
    assert RAGGED.origin("C") == (12, 6) and RAGGED.inside("C") == (1, 5)
    assert SEED.inside("A", 2) == (6, 4)


@pytest.mark.parametrize("cta", [(2, 0), (0, 2), (-1, 0), (0, -1)])
def test_a_cta_that_is_not_on_the_grid_is_refused(cta):
    with pytest.raises(Refused, match="the grid has 2×2 CTAs"):
        schedule(SEED.gemm, SEED.tiling, cta)


def test_the_grid_is_rounded_up():
    assert grid(Gemm(13, 11, 10), Tiling(6, 6, 4, 2, 2)) == (3, 2)


def test_a_k_without_end_is_refused_with_the_longest_that_is_not(monkeypatch):
    monkeypatch.setattr("tiling.schedule.MAX_EVENTS", 1000)
    tiling = Tiling(1, 1, 3, 1, 1)
    with pytest.raises(Refused) as refused:
        schedule(Gemm(1, 1, 2**31 - 1), tiling)
    k = int(refused.value.remedy.rsplit("x", 1)[1])
    assert len(schedule(Gemm(1, 1, k), tiling).events) <= 1000
    with pytest.raises(Refused, match="1001 events, more than 1000"):
        schedule(Gemm(1, 1, k + 1), tiling)


def test_events_stay_few():
    """One CTA of 4096³: 512 k-tiles of 8 reads, 8 products, 2 copies, 2 barriers; one store."""
    assert len(SGEMM.events) == 512 * 20 - 1 + 1
    first, second = (schedule(SGEMM.gemm, SGEMM.tiling, cta) for cta in [(0, 0), (31, 31)])
    assert first.events is second.events  # made once for all CTAs
