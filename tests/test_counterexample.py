"""What a missing barrier can do is real: replayed element by element, the read is wrong."""

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import render
from tests.strategies import schedules
from tests.test_hazards import crosses
from tiling.counterexample import (
    Element,
    WrongRead,
    barriers,
    in_words,
    without_barrier,
    wrong_read,
)
from tiling.expand import expand_copy, expand_fragments
from tiling.presets import choose
from tiling.schedule import Copy, schedule
from tiling.shapes import Gemm, Refused, Tiling


def replayed(plan, wrong: WrongRead, done: bool) -> Element | None:
    """What lies in the word when the copies before the read are through, but for the one write,
    which is `done` or not."""
    lies = None
    for step, event in enumerate(plan.events):
        if not isinstance(event, Copy) or event.operand != wrong.operand:
            continue
        copies = expand_copy(plan, event)
        for at in np.flatnonzero(copies.word == wrong.word):
            if step == wrong.write_step:
                assert copies.thread[at] == wrong.writer
                happens = done
            else:
                happens = step < wrong.read_step
            if happens:
                lies = Element(event.k_tile, int(copies.row[at]), int(copies.col[at]))
    return lies


@given(schedules(), st.data())
def test_the_read_is_wrong_one_way_and_right_the_other(plan, data):
    if not barriers(plan):
        return
    number = data.draw(st.integers(0, len(barriers(plan)) - 1))
    broken = without_barrier(plan, number)
    wrong = wrong_read(broken)
    assert (wrong is not None) == crosses(plan, plan.events[barriers(plan)[number]])
    if wrong is None:
        return
    early = wrong.write_step > wrong.read_step
    assert replayed(broken, wrong, done=early) == wrong.found != wrong.wanted
    assert replayed(broken, wrong, done=not early) == wrong.wanted
    assert wrong.reader != wrong.writer
    read = expand_fragments(broken, broken.events[wrong.read_step])[wrong.operand]
    mine = (read.thread == wrong.reader) & (read.word == wrong.word)
    assert (read.row[mine][0], read.col[mine][0]) == (wrong.wanted.row, wrong.wanted.col)


def test_an_intact_schedule_has_none():
    assert wrong_read(choose().schedule()) is None


def test_the_first_of_the_seed_by_hand():
    """As is 4×6 words, transposed: word 0 is k 0 of the CTA's first row, which is row 6 of A."""
    plan = choose().schedule()
    assert [type(plan.events[step]).__name__ for step in barriers(plan)] == 5 * ["Barrier"]
    wrong = wrong_read(without_barrier(plan, 1))
    assert wrong == WrongRead(
        read_step=3, reader=2, operand="A", word=0,
        wanted=Element(0, 6, 0), found=Element(1, 6, 4), write_step=11, writer=0,
    )  # fmt: skip
    first = wrong_read(without_barrier(plan, 0))
    assert first is not None and first.found is None and first.wanted == Element(0, 6, 0)


def test_one_thread_alone_needs_no_barrier():
    plan = schedule(Gemm(2, 2, 4), Tiling(2, 2, 2, 2, 2))
    for number in range(len(barriers(plan))):
        assert wrong_read(without_barrier(plan, number)) is None
        assert "every read still finds its element" in in_words(plan, number)


def test_the_command_says_it_in_words():
    run = CliRunner().invoke(render.main, ["verify", "--without-barrier", "1"])
    assert run.exit_code == 0
    for part in (
        "Without barrier 1, step 11 (before the overwrite of k-tile 1)",
        "thread 2 reads word 0 of shared memory in step 3 (the fragments at k 0 of k-tile 0)",
        "should find A[6, 0] of k-tile 0",
        "may find A[6, 4] of k-tile 1",
        "thread 0 has already written A[6, 4] of k-tile 1 there, in step 12",
    ):
        assert part in run.stdout


def test_a_barrier_that_is_not_there_is_refused():
    with pytest.raises(Refused, match="the schedule has 5 barriers"):
        without_barrier(choose().schedule(), 5)
