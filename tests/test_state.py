"""state_at: what holds after so many events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import RAGGED, SEED, schedules
from tiling.expand import expand_copy, expand_exchange, expand_fragments, expand_store
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Exchange,
    Fragments,
    OuterProduct,
    Store,
    Wait,
)
from tiling.state import State, state_at


def fold(plan, step):
    """The same by going through what each thread does, one event after another."""
    got = {"A": 0, "B": 0}
    resident, coming, fragments, exchanged = {}, [], {}, None
    epoch = k_done = writes = reads = fma = stored = 0
    for i in range(step):
        event = plan.events[i]
        if isinstance(event, Copy):
            accesses = expand_copy(plan, event)
            got[event.operand] += int(accesses.predicate.sum())
            writes += len(accesses.word)
            coming.append((event.stage, event.operand, event.k_tile))
            resident.pop((event.stage, event.operand), None)
            if plan.tiling.stages == 1:
                resident[event.stage, event.operand] = coming.pop()[2]
        elif isinstance(event, Wait):
            for stage, operand, k_tile in coming[:]:
                if k_tile == event.k_tile:
                    coming.remove((stage, operand, k_tile))
                    resident[stage, operand] = k_tile
        elif isinstance(event, Fragments):
            reads += sum(x.word.size for x in expand_fragments(plan, event).values())
            fragments[event.buffer] = (event.k_tile, event.k)
        elif isinstance(event, OuterProduct):
            fma += expand_store(plan).word.size
            k_done = event.k_tile * plan.tiling.bk + event.k + 1
        elif isinstance(event, Store):
            store = expand_store(plan, event)
            stored += int(store.predicate.sum())
            reads += store.word.size if event.row is not None else 0
        elif isinstance(event, Exchange):
            resident, coming, exchanged = {}, [], event.row
            writes += expand_exchange(plan, event).word.size
        elif isinstance(event, Barrier):
            epoch += 1
        else:
            assert isinstance(event, Commit)
    return State(
        *(step, epoch, resident, fragments, k_done, got["A"], got["B"], writes, reads, fma, stored),
        coming={(stage, operand): k_tile for stage, operand, k_tile in coming},
        exchanged=exchanged,
    )


@given(schedules(), st.floats(0, 1), st.floats(0, 1))
def test_a_state_is_the_fold_of_what_threads_do(plan, share, earlier):
    step = round(share * len(plan.events))
    since = state_at(plan, round(earlier * step))
    assert state_at(plan, step) == state_at(plan, step, since) == fold(plan, step)


@pytest.mark.parametrize("plan", [SEED, RAGGED], ids=["seed", "ragged"])
def test_every_state_of_a_preset(plan):
    for step in range(len(plan.events) + 1):
        assert state_at(plan, step) == fold(plan, step)


def test_the_first_and_the_last_state_of_the_seed():
    assert state_at(SEED, 0) == State()
    end = state_at(SEED, len(SEED.events))
    assert end.resident == {(0, "A"): 2, (0, "B"): 2}
    assert (end.epoch, end.fragment, end.k_done) == (5, (2, 3), 12)
    assert (end.requested_bytes, end.stored) == (576, 36)


@pytest.mark.parametrize("step", [-1, 37])
def test_a_step_that_there_is_not(step):
    with pytest.raises(IndexError):
        state_at(SEED, step)


def test_no_state_goes_on_from_a_later_one():
    with pytest.raises(IndexError):
        state_at(SEED, 3, state_at(SEED, 4))
