"""Without shared memory: every thread reads A and B from global memory for itself."""

from collections import defaultdict

import numpy as np
from hypothesis import given

from tests.strategies import bits, direct_tilings, floats, schedules
from tiling.banks import shared
from tiling.execute import execute
from tiling.expand import NO_WORD, expand_fragments
from tiling.hazards import check
from tiling.occupancy import registers
from tiling.presets import choose
from tiling.schedule import Fragments, OuterProduct, Store, schedule
from tiling.sectors import loaded
from tiling.shapes import Gemm, Tiling
from tiling.state import state_at
from tiling.trace import Action, trace
from tiling.traffic import traffic

plans = schedules(direct_tilings())


def test_word_for_word():
    tiling = Tiling(2, 2, 2, 1, 1, direct=True)
    assert schedule(Gemm(2, 2, 3), tiling).events == (
        *(Fragments(0, 0), OuterProduct(0, 0), Fragments(0, 1), OuterProduct(0, 1)),
        *(Fragments(1, 0), OuterProduct(1, 0), Fragments(1, 1), OuterProduct(1, 1)),
        Store(),
    )
    assert tiling.shared_words == 0 and registers(tiling).needed == 3


@given(plans)
def test_its_bits_are_those_of_any_other(plan):
    check(plan)
    a, b = floats(plan.gemm.shape("A")), floats(plan.gemm.shape("B"), 1)
    other = schedule(plan.gemm, Tiling(3, 4, 1, 1, 2))
    # A k more, of zeros, would make +0 of a sum that has underflowed to -0: here none does.
    assert bits(execute(plan, a, b)) == bits(execute(other, a, b))


@given(plans)
def test_what_is_read_is_what_is_requested(plan):
    requested = {"A": 0, "B": 0}
    for event in plan.events:
        if isinstance(event, Fragments):
            for operand, read in expand_fragments(plan, event).items():
                requested[operand] += int(read.predicate.sum())
                assert (read.word == NO_WORD).all()
    end = state_at(plan, len(plan.events))
    assert {"A": end.requested_a, "B": end.requested_b} == requested
    assert end.shared_reads == end.shared_writes == end.epoch == 0
    records = trace(plan)
    for action, operand in (Action.READ_A, "A"), (Action.READ_B, "B"):
        mine = records[records["action"] == action]
        assert (mine["word"] == NO_WORD).all()
        assert (mine["index"] >= 0).sum() == requested[operand]


@given(plans)
def test_sectors_one_by_one(plan):
    for operand in "A", "B":
        touched = defaultdict(set)
        cols = plan.gemm.shape(operand)[1]
        for step, event in enumerate(plan.events):
            if isinstance(event, Fragments):
                read = expand_fragments(plan, event)[operand]
                for thread, i in np.argwhere(read.predicate):
                    index = int(read.row[thread, i] * cols + read.col[thread, i])
                    touched[step, thread // 32, i].add(4 * index // 32)
        assert loaded(plan, operand) == (len(touched), sum(map(len, touched.values())))


def test_the_ladders_first_step_by_hand():
    """32 lanes of a row: one element of A between them, 32 neighbours of B, at each of 4096 k."""
    plan = choose("naive").schedule()
    assert loaded(plan, "A") == (32 * 4096, 32 * 4096)
    assert loaded(plan, "B") == (32 * 4096, 32 * 4096 * 4)
    found = traffic(plan)
    assert found.total.requests_per_result == 2 * 4096 and found.total.intensity == 0.25
    assert found.naive_requested == found.total.requested
    assert all(cost.wavefronts == 0 for cost in (*shared(plan).reads.values(),))
