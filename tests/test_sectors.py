"""Sectors of a warp's requests: against counts done by hand, and against a count one by one."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from tests.strategies import RAGGED, SEED, SGEMM, schedules
from tiling.expand import Accesses, copy_map, expand_copy, expand_store
from tiling.for_scenes.orders import copy_down_columns
from tiling.presets import choose
from tiling.schedule import Copy, Schedule, Store, schedule
from tiling.sectors import loaded, requests, sectors, stored, turns
from tiling.shapes import Gemm, Tiling

Expand = Callable[[Schedule, Copy], Accesses]
BOTH = pytest.mark.parametrize("expand", [expand_copy, copy_down_columns])
"""The schedule's own order of lanes, and the one that is counted beside it."""


def test_the_toy_by_hand():
    # The CTA at (1, 0): A's tile is rows 6 to 11, k 0 to 3, a row 12 floats: element 12·row + k,
    # eight to a sector. Nine lanes take 72-75, 84-87, 96 (sectors 9, 10, 12), then 97-99, 108-111,
    # 120-121 (12, 13, 15), then 122-123, 132-135 (15, 16).
    found = requests(SEED.at((1, 0)), Copy("A", 0))
    assert found.lanes.tolist() == [9, 9, 6] and found.sectors.tolist() == [3, 3, 2]
    # B's tile is k 0 to 3, columns 0 to 5: 0-5, 12-14 (0, 1), 15-17, 24-29 (1, 2, 3, 3) ...
    found = requests(SEED.at((1, 0)), Copy("B", 0))
    assert found.lanes.tolist() == [9, 9, 6] and found.sectors.tolist() == [2, 3, 2]
    # Down the columns: rows 6 to 11 at k 0 are six sectors, three more lanes at k 1 share theirs.
    found = requests(
        SEED.at((1, 0)), Copy("A", 0), copy_down_columns(SEED.at((1, 0)), Copy("A", 0))
    )
    assert found.lanes.tolist() == [9, 9, 6] and found.sectors.tolist() == [6, 6, 6]


def test_the_real_thing_by_hand():
    # A row of A's tile is 8 floats, a sector: 32 lanes take 4 rows. A row of B's is 128 floats: 32
    # lanes take 4 sectors of it. 8 warps, 4 turns.
    for operand in "A", "B":
        found = requests(SGEMM, Copy(operand, 3))
        assert found.lanes.tolist() == [32] * 32 and found.sectors.tolist() == [4] * 32
    # Down the columns each lane has a row of A to itself, and four lanes a row of B each sector.
    for operand, each in ("A", 32), ("B", 8):
        event = Copy(operand, 0)
        found = requests(SGEMM, event, copy_down_columns(SGEMM, event))
        assert found.sectors.tolist() == [each] * 32


def test_float4_of_the_reference_tiling():
    # A request of 128 bits by 32 lanes is 512 bytes: 16 sectors. Each thread makes one.
    plan = choose("sgemm", None, {"vector": "4"}).schedule()
    for operand in "A", "B":
        found = requests(plan, Copy(operand, 0))
        assert found.turn.tolist() == [0] * 8
        assert found.sectors.tolist() == [16] * 8 and found.lanes.tolist() == [32] * 8
    # K = 4097: of four rows one is aligned. Its lanes ask wide, the others one by one.
    plan = schedule(Gemm(128, 128, 4097), Tiling(128, 128, 8, 8, 8, vector=4))
    found = requests(plan, Copy("A", 0))
    assert sorted(set(found.lanes.tolist())) == [8, 24] and len(found.lanes) == 8 * 5


@given(schedules())
def test_one_by_one(plan: Schedule):
    tiling = plan.tiling
    for operand in "A", "B":
        vector = 1 if tiling.stages > 1 and operand == "A" else tiling.vector
        for expand in expand_copy, copy_down_columns:
            event = Copy(operand, plan.k_tiles - 1)
            moved, cols = expand(plan, event), plan.gemm.shape(operand)[1]
            touched, taken, asked = defaultdict(set), defaultdict(set), defaultdict(int)
            for e, thread in enumerate(moved.thread.tolist()):
                group = range(e - e % vector, e - e % vector + vector)
                start = int(moved.row[group[0]] * cols + moved.col[group[0]])
                wide = all(moved.predicate[i] for i in group) and start % vector == 0
                turn = asked[thread] // vector
                asked[thread] += 1
                if moved.predicate[e]:
                    key = turn, thread // 32, 0 if wide else 1 + e % vector
                    touched[key].add(4 * int(moved.row[e] * cols + moved.col[e]) // 32)
                    taken[key].add(thread)
            found = requests(plan, event, moved)
            assert found.sectors.tolist() == [len(touched[key]) for key in sorted(touched)]
            assert found.lanes.tolist() == [len(taken[key]) for key in sorted(touched)]
            assert found.turn.tolist() == [key[0] for key in sorted(touched)]
            assert found.warp.tolist() == [key[1] for key in sorted(touched)]
            assert sectors(plan, event, moved) == sum(map(len, touched.values()))
            assert tiling.tile_shape(operand)[0] * tiling.tile_shape(operand)[1] == len(moved.row)


@given(schedules())
def test_either_order_copies_the_same_elements_to_the_same_words(plan: Schedule):
    for operand in "A", "B":
        event = Copy(operand, 0)
        rows, columns = expand_copy(plan, event), copy_down_columns(plan, event)

        def placed(found: Accesses) -> np.ndarray:
            elements = found.row.tolist(), found.col.tolist(), found.word.tolist()
            return np.array(sorted(zip(*elements, strict=True)))

        np.testing.assert_array_equal(placed(rows), placed(columns))


@BOTH
def test_what_lies_outside_is_not_requested(expand: Expand):
    plan, event = RAGGED.at((2, 1)), Copy("A", 2)
    rows, cols = plan.inside("A", 2)
    assert requests(plan, event, expand(plan, event)).lanes.sum() == rows * cols


def test_turns_of_the_toy_by_hand():
    # 24 elements for nine threads: 9, 9, and 6.
    found = turns(SEED.at((1, 0)), Copy("A", 0))
    assert found.edges.tolist() == [0, 9, 18, 24] and found.turn.tolist() == [0, 1, 2]
    assert found.lanes.tolist() == [9, 9, 6] and found.sectors.tolist() == [3, 3, 2]
    assert found.warp.tolist() == [0, 0, 0] and found.requests.tolist() == [1, 1, 1]


@BOTH
@given(schedules())
def test_turns_add_up_the_requests_of_a_warp(expand: Expand, plan: Schedule):
    tiling, event = plan.tiling, Copy("A", plan.k_tiles - 1)
    thread, row, *_ = copy_map(tiling, "A")
    vector = tiling.vector if tiling.stages == 1 else 1
    who = [(e // vector // tiling.threads, int(thread[e]) // 32) for e in range(row.size)]
    moved = expand(plan, event)
    found, each = turns(plan, event, moved), requests(plan, event, moved)
    names = list(zip(found.turn.tolist(), found.warp.tolist(), strict=True))
    assert names == sorted(set(who))
    for i, name in enumerate(names):
        mine = [e for e, one in enumerate(who) if one == name]
        assert mine == list(range(found.edges[i], found.edges[i + 1]))
        its = (each.turn == name[0]) & (each.warp == name[1])
        assert found.requests[i] == its.sum() and found.sectors[i] == each.sectors[its].sum()
        asking = {int(thread[e]) for e in mine if moved.predicate[e]}
        assert found.lanes[i] == len(asking)


def test_a_whole_cta_by_hand():
    # 512 k-tiles of 32 requests with 4 sectors each, of A as of B.
    assert loaded(SGEMM, "A") == loaded(SGEMM, "B") == (512 * 32, 512 * 128)
    # A store is of 2 rows by 16 threads, 8 floats apart: every lane a sector of its own. 8 warps,
    # 64 results each.
    assert stored(SGEMM) == (8 * 64, 8 * 64 * 32)
    # The toy's first CTA: rows 0 to 5 of C, 12 floats each. Its nine threads store the corners of
    # their 2×2 at (0, 2, 4)×(0, 2, 4): elements 0 2 4, 24 26 28, 48 50 52, a sector for each row.
    # One to the right is the same; one row down: 12 14 16 (two sectors), 36 38 40, 60 62 64.
    assert stored(SEED) == (4, 3 + 3 + 6 + 6)


@given(schedules())
def test_a_cta_is_the_sum_of_its_events(plan: Schedule):
    for operand in "A", "B":
        each = [requests(plan, Copy(operand, k_tile)).sectors for k_tile in range(plan.k_tiles)]
        assert loaded(plan, operand) == (sum(map(len, each)), sum(int(e.sum()) for e in each))
    if plan.tiling.shared_store:
        assert stored(plan) == stored_by_rows(plan)
        return
    found, touched = expand_store(plan), defaultdict(set)
    for thread in range(plan.tiling.threads):
        for i in range(plan.tiling.tm):
            for j in range(plan.tiling.tn):
                if found.predicate[thread, i, j]:
                    row, col = found.row[thread, i, j], found.col[thread, i, j]
                    touched[thread // 32, i, j].add(4 * int(row * plan.gemm.n + col) // 32)
    assert stored(plan) == (len(touched), sum(map(len, touched.values())))


def stored_by_rows(plan: Schedule) -> tuple[int, int]:
    """A warp's requests where neighbouring threads store neighbours, written out with loops."""
    touched = defaultdict(set)
    for i in range(plan.tiling.tm):
        found = expand_store(plan, Store(i))
        for e, inside in enumerate(found.predicate.tolist()):
            if inside:
                turn, thread = divmod(e, plan.tiling.threads)
                index = int(found.row[e] * plan.gemm.n + found.col[e])
                touched[i, turn, thread // 32].add(4 * index // 32)
    return len(touched), sum(map(len, touched.values()))


def test_a_store_through_shared_memory_writes_whole_sectors():
    # 128 columns are 4 requests of 32 neighbours, 4 sectors each; 128 rows. Directly a request is
    # of 32 lanes with a sector of their own each: 8 times as many sectors.
    plan = schedule(SGEMM.gemm, replace(SGEMM.tiling, shared_store=True), SGEMM.cta)
    assert stored(plan) == (512, 2048) and stored(SGEMM) == (512, 16384)
