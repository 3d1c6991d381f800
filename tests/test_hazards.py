"""A schedule from which something is missing is found out, and the message says where."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from tests.strategies import RAGGED, SEED, WARPED, schedules
from tiling.expand import expand_copy, expand_exchange, expand_fragments, expand_store
from tiling.hazards import Hazard, Watch, check
from tiling.hazards import _copy_touch as copy_touch
from tiling.hazards import _Touch as Touch
from tiling.schedule import Barrier, Commit, Copy, Exchange, Fragments, Store, Wait, schedule
from tiling.shapes import Gemm, Tiling


def without(plan, step):
    return replace(plan, events=plan.events[:step] + plan.events[step + 1 :])


def swapped(plan, step):
    before, (one, two), after = (
        plan.events[:step],
        plan.events[step : step + 2],
        plan.events[step + 2 :],
    )
    return replace(plan, events=(*before, two, one, *after))


def steps(plan, kind):
    return [step for step, event in enumerate(plan.events) if isinstance(event, kind)]


def found(plan) -> Hazard:
    with pytest.raises(Hazard) as caught:
        check(plan)
    return caught.value


@given(schedules())
def test_an_intact_schedule_is_clean(plan):
    check(plan)


@given(schedules())
def test_each_barrier_is_missed(plan):
    """The one exception is a word that one thread alone writes and reads: it needs no barrier."""
    for step in steps(plan, Barrier):
        barrier = plan.events[step]
        if crosses(plan, barrier):
            kinds = ["read before barrier", "overwrite before barrier"]
            if barrier.before != "both":
                kinds = [kind for kind in kinds if kind[:4] == barrier.before[:4]]
            assert found(without(plan, step)).kind in kinds
        elif barrier.k_tile is not None:
            check(without(plan, step))


@given(schedules())
def test_each_wait_is_missed(plan):
    """By every thread: also what a thread has copied itself has not arrived."""
    for step in steps(plan, Wait):
        hazard = found(without(plan, step))
        assert hazard.kind == "read before wait"
        assert hazard.event.k_tile == plan.events[step].k_tile
        copied = plan.events[hazard.other[0]]
        assert isinstance(copied, Copy) and copied.k_tile == hazard.event.k_tile


@given(schedules())
def test_each_commit_that_closes_copies_is_missed(plan):
    for step in steps(plan, Commit):
        if plan.events[step].k_tile < plan.k_tiles:
            assert found(without(plan, step)).kind == "read before wait"


@given(schedules())
def test_with_a_stage_less_something_is_overwritten_too_early(plan):
    """The events of a schedule put into fewer stages: one barrier a k-tile is then not enough."""
    stages = plan.tiling.stages - 1
    if stages and plan.k_tiles > stages:
        events = [
            replace(event, stage=event.k_tile % stages)
            if isinstance(event, Copy | Fragments)
            else event
            for event in plan.events
        ]
        found(replace(plan, events=tuple(events)))


def crosses(plan, barrier) -> bool:
    """Whether some word goes from one thread to another, written out with loops."""
    k_tile = barrier.k_tile
    if k_tile is None:
        return crosses_in_the_store(plan, barrier)
    writers = {}
    for operand in "AB":
        copy = expand_copy(plan, Copy(operand, k_tile))
        writers.update(zip(copy.word.tolist(), copy.thread.tolist(), strict=True))
    last = range(plan.tiling.bk)
    for k in last:
        for read in expand_fragments(plan, Fragments(k_tile, k)).values():
            for thread, words in enumerate(read.word.tolist()):
                if any(writers[word] != thread for word in words):
                    return True
    return False


def crosses_in_the_store(plan, barrier) -> bool:
    """Before reads: whether a thread stores what another has exchanged. Before an overwrite whether
    one overwrites what another may still read: is taken to be so with more than one thread."""
    if barrier.before == "overwrite":
        return False
    exchanged, store = expand_exchange(plan, Exchange(0)), expand_store(plan, Store(0))
    writers = dict(zip(exchanged.word.flat, exchanged.thread.flat, strict=True))
    return any(writers[w] != t for t, w in zip(store.thread, store.word, strict=True))


def test_each_barrier_of_a_store_through_shared_memory_is_missed():
    plan = schedule(SEED.gemm, replace(SEED.tiling, shared_store=True))
    in_the_store = [s for s in steps(plan, Barrier) if plan.events[s].k_tile is None]
    assert len(in_the_store) == 2 * 2
    for number, step in enumerate(in_the_store):
        hazard = found(without(plan, step))
        assert hazard.operand == "C"
        assert hazard.kind == ("read" if number % 2 else "overwrite") + " before barrier"


@pytest.mark.parametrize("plan", [SEED, RAGGED, WARPED], ids=["seed", "ragged", "warped"])
def test_each_barrier_copy_of_the_presets_is_missed(plan):
    assert len(steps(plan, Barrier)) == 2 * plan.k_tiles - 1
    for step in steps(plan, Barrier):
        found(without(plan, step))
    for step in steps(plan, Copy):
        hazard = found(without(plan, step))
        first = plan.events[step].k_tile == 0
        assert hazard.kind == ("never written" if first else "wrong k-tile")
        assert hazard.operand == plan.events[step].operand


@pytest.mark.parametrize("plan", [SEED, RAGGED, WARPED], ids=["seed", "ragged", "warped"])
def test_a_barrier_one_event_too_early_or_late_is_found(plan):
    for step in steps(plan, Barrier):
        found(swapped(plan, step))  # after the first read, or after the first overwrite
        if plan.events[step].before == "reads":
            found(swapped(plan, step - 1))  # before the copy of B


def test_an_overwrite_barrier_before_the_last_read_is_found():
    step = steps(SEED, Barrier)[1]
    assert SEED.events[step] == Barrier(1, "overwrite")
    events = list(SEED.events)
    events.insert(step - 2, events.pop(step))  # before the fragments and product of the last k
    hazard = found(replace(SEED, events=tuple(events)))
    assert hazard.kind == "overwrite before barrier"


def test_what_is_said_of_a_missing_read_barrier():
    """Thread 0 reads A[6, 0] in word 0, its own; word 1 is A[7, 0], which thread 4 copies."""
    step = 2
    assert SEED.events[step] == Barrier(0, "reads")
    hazard = found(without(SEED, step))
    assert (hazard.step, hazard.event) == (2, Fragments(0, 0))
    assert (hazard.operand, hazard.word, hazard.other) == ("A", 0, (0, 0))
    assert hazard.thread in (1, 2)  # they read word 0 too, and did not write it
    assert str(hazard) == (
        f"read before barrier: step 2, {Fragments(0, 0)}: thread {hazard.thread}, As word 0: "
        "thread 0 writes it in step 0, and no barrier lies between: "
        "Barrier(before='reads') is missing"
    )


def test_what_is_said_of_a_missing_overwrite_barrier():
    step = steps(SEED, Barrier)[1]
    hazard = found(without(SEED, step))
    assert (hazard.step, hazard.event, hazard.thread) == (step, Copy("A", 1), 0)
    read_step, reader = hazard.other
    assert SEED.events[read_step] == Fragments(0, 0) and reader in (1, 2)
    assert str(hazard) == (
        f"overwrite before barrier: step {step}, {Copy('A', 1)}: thread 0, As word 0: "
        f"thread {reader} reads it in step {read_step}, and no barrier lies between: "
        "Barrier(before='overwrite') is missing"
    )


def test_what_is_said_of_a_missing_copy():
    first = found(without(SEED, 1))
    assert str(first) == (
        f"never written: step 2, {Fragments(0, 0)}: thread 0, Bs word 24: "
        "nothing has been copied there"
    )
    assert first.other is None
    step = SEED.events.index(Copy("B", 1))
    later = found(without(SEED, step))
    copied = SEED.events.index(Copy("B", 0))
    assert later.thread in (0, 3, 6)  # those that compute column 0
    assert str(later) == (
        f"wrong k-tile: step {step + 1}, {Fragments(1, 0)}: thread {later.thread}, Bs word 24: "
        f"it holds k-tile 0, copied in step {copied}, not 1"
    )


def test_two_threads_that_write_a_word_with_no_barrier_between(monkeypatch):
    """No schedule does this with the maps as they are: here B's copy is put on the words of As."""
    same = copy_touch(SEED.tiling, "A", 0)
    other = replace(same, low=same.low[::-1], high=same.high[::-1])
    touches = {"A": same, "B": other}
    monkeypatch.setattr(
        "tiling.hazards._copy_touch", lambda tiling, operand, stage: touches[operand]
    )
    hazard = found(SEED)
    assert hazard.kind == "overwrite before barrier"
    assert (hazard.step, hazard.event) == (1, Copy("B", 0))
    assert (hazard.word, hazard.other) == (0, (0, 0)) and hazard.thread == same.low[-1]
    assert "thread 0 writes it in step 0, and no barrier lies between" in str(hazard)


@pytest.mark.parametrize(("operand", "word", "writer"), [("A", 0, 0), ("B", 2, 1)])
def test_a_reader_is_not_forgotten_for_a_later_one(operand, word, writer, monkeypatch):
    """The other thread reads the word, then its writer does, then the writer overwrites it."""
    plan = schedule(Gemm(1, 2, 1), Tiling(1, 2, 1, 1, 1))  # 2 threads, 1 word of As, 2 of Bs
    copies = [Copy("A", 0), Copy("B", 0), Barrier(0, "reads")]
    watch = Watch(plan)
    for event in copies:
        watch.observe(event)
    none = Touch(*(np.array([], int) for _ in range(3)))
    for reader in (1 - writer, writer):
        touches = {"A": none, "B": none, operand: Touch(*np.array([[word], [reader], [reader]]))}
        monkeypatch.setattr("tiling.hazards._fragment_touch", lambda _, o, *at, t=touches: t[o])
        watch.observe(Fragments(0, 0))
    with pytest.raises(Hazard) as caught:
        watch.observe(Copy(operand, 0))
    assert caught.value.kind == "overwrite before barrier"
    assert (caught.value.thread, caught.value.other[1]) == (writer, 1 - writer)


def test_a_thread_may_write_its_own_word_again():
    check(replace(SEED, events=(Copy("A", 0), *SEED.events)))


def test_one_thread_needs_no_barrier():
    plan = schedule(Gemm(6, 6, 9), Tiling(3, 3, 3, 3, 3))
    check(replace(plan, events=tuple(e for e in plan.events if not isinstance(e, Barrier))))


@given(schedules())
def test_the_access_named_is_one_that_the_event_makes(plan):
    for step in steps(plan, Barrier)[:3]:
        try:
            check(without(plan, step))
        except Hazard as hazard:
            other_step, other_thread = hazard.other
            events = without(plan, step).events
            assert events[hazard.step] == hazard.event and other_step < hazard.step
            assert hazard.thread != other_thread or hazard.kind == "read before wait"
            assert hazard.word in touched(plan, hazard.event, hazard.thread)
            assert hazard.word in touched(plan, events[other_step], other_thread)


def touched(plan, event, thread):
    if isinstance(event, Exchange | Store):
        expand = expand_exchange if isinstance(event, Exchange) else expand_store
        found = expand(plan, event)
        return found.word[found.thread == thread].tolist()
    if isinstance(event, Copy):
        copy = expand_copy(plan, event)
        return copy.word[copy.thread == thread].tolist()
    reads = expand_fragments(plan, event).values()
    return [word for read in reads for word in read.word[thread].tolist()]
