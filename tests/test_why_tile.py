"""What the scene says and shows of loads: each number is counted again, thread by thread."""

import re
from collections import Counter
from functools import lru_cache
from itertools import product

import numpy as np
import pytest

from publish.settings import Clip
from scenes.kit.look import Look
from scenes.kit.motion import Carry
from scenes.kit.type import Label
from scenes.why_tile.board import Comparison
from scenes.why_tile.shots import Seen, first_seen, plan_of, shots, times
from tests.screening import configured
from tests.takes import Take, states_of, takes_of
from tests.test_tally import one_by_one
from tests.tilings import DIRECT, random_choices
from tiling.for_scenes.tally import Count
from tiling.presets import Choice, choose, presets
from tiling.schedule import Copy, Fragments, Schedule
from tiling.traffic import traffic

EDGES = choose("seed", None, {"gemm": "100x75x33", "cta": "32x64x8", "thread": "4x8"})
EVERY = [*map(choose, presets()), *DIRECT, EDGES, *random_choices(20, seed=3)]
TOYS = [choose("seed"), choose("ragged"), choose("ragged", None, {"direct": True})]


def name_of(choice: Choice) -> str:
    return f"{choice.gemm} in {choice.tiling}{' direct' * choice.tiling.direct}"


@lru_cache
def takes_for(choice: Choice) -> list[Take]:
    return takes_of(shots(plan_of(choice)))


def own_states(choice: Choice) -> list[Seen]:
    return [state for state in states_of(takes_for(choice)) if not state.other]


@pytest.fixture(scope="module")
def board_of():
    """The picture outside a scene, in the wide paper look."""

    @lru_cache
    def make(choice: Choice) -> Comparison:
        return Comparison(Look(), plan_of(choice))

    with configured(Clip("why_tile", choose())):
        yield make


def one_result_each(plan: Schedule) -> bool:
    return plan.tiling.direct and plan.tiling.tm * plan.tiling.tn == 1


def counted(count: Count) -> Counter:
    """All loads by (operand, row, col): those of the results made before, one by one; and those of
    the CTA at work, event by event."""
    found: Counter = Counter()
    plan, gemm = count.plan, count.before.gemm
    for made in count.before.made:
        rows, cols = range(made.row, made.row + made.rows), range(made.col, made.col + made.cols)
        if one_result_each(plan):  # in whatever order its threads were counted
            for row, col in product(rows, cols):
                found.update(("A", row, k) for k in range(gemm.k))
                found.update(("B", k, col) for k in range(gemm.k))
            continue
        bm, bn = plan.tiling.tile_shape("C")
        for row, col in product(rows[::bm], cols[::bn]):
            here = plan.at((row // bm, col // bn))
            for event in here.events:
                found += one_by_one(here, event)
    for event in plan.events[: count.step]:
        found += one_by_one(plan, event)
    return found


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_counts_only_go_up_and_nothing_is_left_out(choice: Choice) -> None:
    """But for the one time when they are put back to nothing, before tiles."""
    states, plan = own_states(choice), plan_of(choice)
    totals = [state.shown.total for state in states[:-1]]
    down = [i for i in range(1, len(totals)) if totals[i] < totals[i - 1]]
    want = [0] * (not one_result_each(plan))  # the other schedule is this one
    assert [totals[i] for i in down] == want
    counts, results = traffic(plan), choice.gemm.m * choice.gemm.n
    without = next(state for state in reversed(states[:-1]) if state.tiled is None).naive
    ends = (without, counts.naive_requested), (states[-2].tiled, counts.total.requested)
    for end, number in ends:
        assert end.total == number
        assert sum(one.rows * one.cols for one in end.done.made) == results
    assert states[-1].shown.total == 0 and states[-1].near  # it ends where it begins


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_what_is_said_is_what_is_counted(choice: Choice) -> None:
    plan, takes = plan_of(choice), takes_for(choice)
    said = [take.said.text for take in takes]
    ratio = traffic(plan).naive_requested / traffic(plan).total.requested
    assert abs(float(times(plan)) - ratio) <= ratio / 200
    as_many = {
        f"{times(plan)} times as many loads without tiles",
        "Just as many loads without tiles",
    }
    assert bool(as_many & set(said)) != one_result_each(plan)
    for start in "Together they load ", "With all tiles of C they load ":
        for take in (one for one in takes if one.said.text.startswith(start)):
            end = take.shows[-1].states[-1].shown
            most = [max(one.times for one in end.regions(operand)) for operand in ("A", "B")]
            words = take.said.text.replace("once", "1 times").replace("twice", "2 times")
            numbers = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) times", words)]
            assert numbers == most[: len(numbers)] and len(numbers) == len(set(most))
    assert not any(
        re.search(r"\b(speed|fewer|request|word|value|float|read)", text) for text in said
    )
    shows = " ".join(take.said.shows for take in takes)
    assert "CTA" not in shows or re.search(r"CTA[^.]*\(a block of threads\)|With all", shows)


@pytest.mark.parametrize("choice", TOYS, ids=name_of)
def test_each_element_bears_the_number_of_its_loads(choice: Choice, board_of) -> None:
    states, board = own_states(choice), board_of(choice)
    assert len(states) > 60
    for state in states[::3]:
        board.settle(state)
        want, memory = counted(state.shown), board.figures(state)[0]
        for operand in "A", "B":
            texts = memory.cells[operand].texts
            for at in np.ndindex(texts.shape):
                assert texts[at] == str(want[operand, *at] or "")
        mine = [sum(n for key, n in want.items() if key[0] == op) for op in ("A", "B")]
        bar, bars = 0 if state.tiled is None else 1, board.beside[1].bars
        assert bars.cells[str(bar)].texts.item() == str(sum(mine))
        most = traffic(plan_of(choice)).naive_requested
        for operand, number in zip("AB", mine, strict=True):
            if number * bars.box.w / most >= 3:
                width = bars.slabs[f"{bar} {operand}"].pose.box.w
                assert width == pytest.approx(number * bars.box.w / most)


@pytest.mark.parametrize("choice", [*TOYS, EDGES, choose("sgemm")], ids=name_of)
def test_what_lights_up_is_what_the_last_load_names(choice: Choice, board_of) -> None:
    states, board = own_states(choice), board_of(choice)
    copies = board.beside[0]
    for state in states[:: max(1, len(states) // 30)]:
        board.settle(state)
        count, memory = state.shown, board.figures(state)[0]
        if not count.step or count.done is not count.before:
            assert not memory.slabs["A lit"].pose.stroke
            assert not any(slab.pose.fill for slab in copies.slabs.values())
            continue
        event = count.plan.events[count.step - 1]
        wanted = one_by_one(count.plan, event) if choice.gemm.m < 1000 else {}
        for operand in {key[0] for key in wanted}:
            cells = [key[1:] for key in wanted if key[0] == operand]
            low, high = np.min(cells, axis=0), np.max(cells, axis=0) + 1
            if all(high <= memory.first.shape(operand)):
                lit = memory.slabs[f"{operand} lit"].pose
                assert lit.stroke
                assert lit.box == memory.corner.part(operand, *low, *(high - low))
        if isinstance(event, Copy):
            tile, size = (
                copies.slabs[f"{event.operand}s"].pose,
                count.plan.inside(event.operand, event.k_tile),
            )
            assert tile.fill and tile.box == copies.corner.part(event.operand, 0, 0, *size)
        if (
            isinstance(event, Fragments)
            and not choice.tiling.direct
            and not state.near
            and state.tiled
        ):
            rows = count.plan.inside("C")[0]
            if event.k < count.plan.inside("A", event.k_tile)[1]:
                pose = copies.slabs["As k"].pose
                assert pose.fill and pose.box == copies.corner.part("A", 0, event.k, rows, 1)


def test_the_toy_in_numbers() -> None:
    """By hand: 12·12 results of 2·12 loads; 4 CTAs of 3·(6·4 + 4·6)."""
    takes = takes_for(choose())
    assert [take.said.text for take in takes] == [
        "How often is each element loaded?",
        "A thread for each result loads a row and a column",
        "Its neighbour loads the same row again",
        "Together they load each element 12 times",
        "Now 9 threads share a copy of each tile",
        "Each copied element is used 6 times, loaded once",
        "With all tiles of C they load each element twice",
        "6 times as many loads without tiles",
        "With 4096³ it is 128 times as many",
        "How often is each element loaded?",
    ]
    shows = " ".join(take.said.shows for take in takes)
    for number in "24 elements", "3456 elements", "48 elements", "550 GB against 4.29 GB":
        assert number in shows
    assert 20 <= sum(take.seconds for take in takes) <= 42


def test_numbers_of_an_edge_count_what_lies_inside() -> None:
    """One row of A: of a tile of 8×6 results 1×1 is made, and nothing of it is used twice."""
    one_row = choose("seed", None, {"gemm": "1x64x64", "cta": "8x8x8", "thread": "1x1"})
    said = [take.said.text for take in takes_for(one_row)]
    assert "Each copy is used 8 times (A), once (B)" in said
    assert "Together they load A 64 times, B once" in said


@pytest.mark.parametrize("choice", [choose("ragged"), choose("sgemm")], ids=name_of)
def test_a_copied_tile_travels_to_shared_memory(choice: Choice, board_of) -> None:
    board, plan = board_of(choice), plan_of(choice)
    whole, copies = board.whole, board.beside[0]
    tiles, *_ = (take for take in takes_for(choice) if take.said.chapter == "with tiles")
    board.settle(tiles.shows[0].states[0])
    for operand, show in zip("AB", tiles.shows[1:], strict=True):
        size = plan.inside(operand)
        carried = [move for move in board.moves(show.states[0]) if isinstance(move, Carry)]
        assert [(move.start.box, move.to) for move in carried] == [
            (whole.corner.part(operand, 0, 0, *size), copies.corner.part(operand, 0, 0, *size))
        ]
        board.settle(show.states[0])


def test_of_the_real_thing_the_first_elements_are_shown_near(board_of) -> None:
    board = board_of(choose("sgemm"))
    assert not board.whole.size and board.near.size
    assert board.near.first.m == board.near.first.k < 4096
    board.settle(takes_for(choose("sgemm"))[2].shows[-1].states[-1])
    texts = board.near.cells["A"].texts
    assert set(texts[0]) == {"2"} and set(texts[1:].flat) == {""}


def test_what_the_ratio_means_is_said_beside_it(board_of) -> None:
    board = board_of(choose())
    ratios = [state for state in states_of(takes_for(choose())) if state.ratio]
    for state, ratio in zip(ratios, ("6×", "128×"), strict=True):
        board.settle(state)
        seen = [one.text for one in board.figures(state)[2].ratio if one.get_fill_opacity()]
        assert seen == [ratio, "as many loads without tiles", "loads, not time"]
    board.settle(first_seen(plan_of(choose())))
    shown = [one for figure in board.figures(board.state) for one in figure.get_family()]
    assert not any(
        isinstance(one, Label) and "×" in one.text and one.get_fill_opacity() and one.size > 50
        for one in shown
    )
