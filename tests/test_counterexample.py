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
    orders,
    told,
    without_barrier,
    wrong_read,
)
from tiling.expand import expand_copy, expand_exchange, expand_fragments, expand_store
from tiling.presets import choose
from tiling.schedule import Copy, Exchange, Fragments, Wait, schedule
from tiling.shapes import Gemm, Refused, Tiling


def replayed(plan, wrong: WrongRead, done: bool) -> Element | None:
    """What lies in the word when the writes before the read are through, but for the one write,
    which is `done` or not. A copy on its way counts as done when it begins."""
    lies = None
    for step, event in enumerate(plan.events):
        if isinstance(event, Copy):
            made, what, k_tile = expand_copy(plan, event), event.operand, event.k_tile
        elif isinstance(event, Exchange):
            made, what, k_tile = expand_exchange(plan, event), "C", None
        else:
            continue
        thread, word, row, col = np.broadcast_arrays(made.thread, made.word, made.row, made.col)
        for at in zip(*np.nonzero(word == wrong.word), strict=True):
            happens = step < wrong.read_step
            if step == wrong.write_step:
                assert thread[at] == wrong.writer
                happens = done
            if happens:
                lies = Element(what, int(row[at]), int(col[at]), k_tile)
    return lies


@given(schedules(), st.data())
def test_the_read_is_wrong_one_way_and_right_the_other(plan, data):
    if not orders(plan):
        return
    number = data.draw(st.integers(0, len(orders(plan)) - 1))
    event = plan.events[orders(plan)[number]]
    broken = without_barrier(plan, number)
    wrong = wrong_read(broken)
    if isinstance(event, Wait):
        assert wrong is not None and wrong.on_its_way
    elif event.k_tile is not None:
        assert (wrong is not None) == crosses(plan, event)
    if wrong is None:
        return
    early = wrong.write_step > wrong.read_step
    assert replayed(broken, wrong, done=early) == wrong.found != wrong.wanted
    assert replayed(broken, wrong, done=not early) == wrong.wanted
    assert wrong.reader != wrong.writer or wrong.on_its_way
    reading = broken.events[wrong.read_step]
    if isinstance(reading, Fragments):
        read = expand_fragments(broken, reading)[wrong.wanted.operand]
    else:
        read = expand_store(broken, reading)
    mine = (read.thread == wrong.reader) & (read.word == wrong.word)
    assert (read.row[mine][0], read.col[mine][0]) == (wrong.wanted.row, wrong.wanted.col)


def test_an_intact_schedule_has_none():
    assert wrong_read(choose().schedule()) is None


def test_the_first_of_the_seed_by_hand():
    """As is 4×6 words, transposed: word 0 is k 0 of the CTA's first row, which is row 6 of A."""
    plan = choose().schedule()
    assert [type(plan.events[step]).__name__ for step in orders(plan)] == 5 * ["Barrier"]
    wrong = wrong_read(without_barrier(plan, 1))
    assert wrong == WrongRead(
        read_step=3, reader=2, word=0, wanted=Element("A", 6, 0, 0),
        found=Element("A", 6, 4, 1), write_step=11, writer=0,
    )  # fmt: skip
    first = wrong_read(without_barrier(plan, 0))
    assert first is not None and first.found is None and first.wanted == Element("A", 6, 0, 0)


def test_one_thread_alone_needs_no_barrier():
    plan = schedule(Gemm(2, 2, 4), Tiling(2, 2, 2, 2, 2))
    for number in range(len(orders(plan))):
        assert wrong_read(without_barrier(plan, number)) is None
        assert "every read still finds its element" in told(plan, number)


def test_the_command_says_it_in_words():
    run = CliRunner().invoke(render.main, ["verify", "--without-barrier", "1"])
    assert run.exit_code == 0
    for part in (
        "Without step 11 (Barrier before overwrite of k-tile 1):",
        "thread 2 reads word 0 of shared memory in step 3 (Fragments at k 0 of k-tile 0)",
        "should find A[6, 0] of k-tile 0",
        "may find A[6, 4] of k-tile 1",
        "thread 0 has already written A[6, 4] of k-tile 1 there, in step 12",
    ):
        assert part in run.stdout


def test_a_wait_and_the_store_in_words():
    more = ["--stages", "2", "--shared-store"]
    run = CliRunner().invoke(render.main, ["verify", "--without-barrier", "0", *more])
    assert run.stdout.splitlines() == [
        "Without step 3 (Wait for the copies of k-tile 0):",
        "  thread 2 reads word 0 of shared memory in step 8 (Fragments at k 0 of k-tile 0),",
        "  and should find A[6, 0] of k-tile 0 there.",
        "  It may find nothing that was ever written:",
        "  the copy of A[6, 0] of k-tile 0 by thread 0 may be on its way, begun in step 0 "
        "(Copy A of k-tile 0).",
    ]
    last = str(
        len(orders(choose("seed", None, {"stages": "2", "shared-store": True}).schedule())) - 1
    )
    run = CliRunner().invoke(render.main, ["verify", "--without-barrier", last, *more])
    assert "(Barrier before reads in the store):" in run.stdout
    assert "has not yet written C[" in run.stdout


def test_a_barrier_that_is_not_there_is_refused():
    with pytest.raises(Refused, match="the schedule has 5 barriers"):
        without_barrier(choose().schedule(), 5)
