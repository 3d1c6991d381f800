"""What the scene shows of requests: each number is counted again, thread by thread."""

from collections import Counter
from functools import lru_cache
from itertools import product

import numpy as np
import pytest

from publish.settings import Clip
from scenes.kit.look import Look
from scenes.kit.motion import Carry
from scenes.kit.type import Label
from scenes.why_tile.board import Comparison, Through
from scenes.why_tile.matrices import Seen
from scenes.why_tile.scene import WhyTile
from scenes.why_tile.totals import times
from tests.screening import configured, screen
from tests.test_tally import one_by_one
from tests.tilings import DIRECT, FILMED, random_choices
from tiling.for_scenes import naive
from tiling.for_scenes.tally import Count, Tally
from tiling.presets import Choice, choose
from tiling.schedule import Copy, Fragments, Schedule
from tiling.traffic import traffic

PRESETS = [choose(name) for name in FILMED]
EVERY = [*PRESETS, *DIRECT, *random_choices(12, seed=3)]


def name_of(choice: Choice) -> str:
    return f"{choice.gemm} in {choice.tiling}{' direct' * choice.tiling.direct}"


@lru_cache
def states_of(choice: Choice) -> tuple[list[Seen], WhyTile]:
    """All states that a clip shows of its own choice, in order, and the film after its end."""
    shown: list[Seen] = []

    def move(film, seen, seconds, swap=0.5, was=WhyTile._move):
        shown.append(seen)
        was(film, seen, seconds, swap)

    def init(through, board, seen, was=Through.__init__, **options):
        shown.extend(seen)
        was(through, board, seen, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhyTile, "_move", move)
        patch.setattr(Through, "__init__", init)
        return shown, screen(Clip("why_tile", choice), lambda film: None)


@pytest.fixture
def board_of():
    """The picture outside a scene, in the wide paper look."""

    def make(choice: Choice, seen: Seen) -> Comparison:
        return Comparison(Look(), choice.schedule().at((0, 0)), seen)

    with configured(Clip("why_tile", choose())):
        yield make


def one_result_each(plan: Schedule) -> bool:
    return plan.tiling.direct and plan.tiling.tm * plan.tiling.tn == 1


def counted(count: Count) -> Counter:
    """All requests by (operand, row, col): those of the results made before, one by one; and
    those of the CTA at work, event by event."""
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


TOYS = [choose("seed"), choose("ragged"), choose("ragged", None, {"direct": True})]


@pytest.mark.parametrize("choice", TOYS, ids=name_of)
def test_each_element_bears_the_number_of_its_requests(choice: Choice, board_of) -> None:
    states, _ = states_of(choice)
    board = board_of(choice, states[0])
    assert len(states) > 100
    for state in states:
        board.settle(state)
        want = counted(state.shown)
        for operand in "A", "B":
            texts = board.memory.cells[operand].texts
            for at in np.ndindex(texts.shape):
                assert texts[at] == str(want[operand, *at] or "")
        mine = [sum(n for key, n in want.items() if key[0] == op) for op in ("A", "B")]
        bar = 0 if state.tiled is None else 1
        bars = board.totals.bars
        assert bars.cells[str(bar)].texts.item() == str(sum(mine))
        widths = [bars.slabs[f"{bar} {op}"].pose.box.w for op in ("A", "B")]
        most = traffic(choice.schedule()).naive_requested
        for width, number in zip(widths, mine, strict=True):
            if number * bars.box.w / most >= 3:
                assert width == pytest.approx(number * bars.box.w / most)
        most_of = [max((n for key, n in want.items() if key[0] == op), default=0) for op in "AB"]
        shown = [board.totals.cells[f"{bar} {row}"].texts.item() for row in (0, 1)]
        assert shown == [str(number or "") for number in most_of]


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_what_lights_up_is_what_the_last_request_names(choice: Choice, board_of) -> None:
    states, _ = states_of(choice)
    board = board_of(choice, states[0])
    corner, shared = board.memory.corner, None if choice.tiling.direct else board.copies.corner
    for state in states[:: max(1, len(states) // 40)]:
        board.settle(state)
        count = state.shown
        plan, done = count.plan, count.done is not count.before
        if not count.step or done:
            assert not board.memory.slabs["A lit"].pose.stroke
            assert not any(slab.pose.fill for slab in board.copies.slabs.values())
            continue
        event = plan.events[count.step - 1]
        wanted = one_by_one(plan, event) if choice.gemm.m * choice.gemm.k < 10**4 else {}
        for operand in {key[0] for key in wanted}:
            cells = [key[1:] for key in wanted if key[0] == operand]
            low, high = np.min(cells, axis=0), np.max(cells, axis=0) + 1
            lit = board.memory.slabs[f"{operand} lit"].pose
            assert lit.stroke and lit.box == corner.part(operand, *low, *(high - low))
        if isinstance(event, Copy):
            tile = board.copies.slabs[f"{event.operand}s"].pose
            size = plan.inside(event.operand, event.k_tile)
            assert tile.fill and tile.box == shared.part(event.operand, 0, 0, *size)
        if (
            isinstance(event, Fragments)
            and not plan.tiling.direct
            and event.k < plan.inside("A", event.k_tile)[1]
        ):
            rows, cols = plan.inside("C")
            at_k = shared.part("A", 0, event.k, rows, 1), shared.part("B", event.k, 0, 1, cols)
            for operand, box in zip("AB", at_k, strict=True):
                pose = board.copies.slabs[f"{operand}s k"].pose
                assert pose.fill and pose.box == box


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_the_ends_of_both_schedules_and_their_ratio(choice: Choice) -> None:
    states, film = states_of(choice)
    counts = traffic(choice.schedule())
    without = [state for state in states if state.tiled is None][-1]
    for count, want in (
        (without.naive, counts.naive_requested),
        (
            states[-1].tiled,
            counts.total.requested,
        ),
    ):
        assert count.requested("A") + count.requested("B") == want
        assert sum(one.rows * one.cols for one in count.done.made) == choice.gemm.m * choice.gemm.n
    assert states[-1].naive is without.naive
    ratio = counts.naive_requested / counts.total.requested
    assert abs(float(times(counts)) - ratio) <= ratio / 200
    said = [mark.text for mark in film.captions]
    told = any("just as many" in text or f"{times(counts)} times as many" in text for text in said)
    assert told != one_result_each(choice.schedule())  # of a kernel without tiles there is none
    assert not any("speed" in text or "fewer" in text for text in said)


def test_the_toy_in_numbers() -> None:
    """By hand: 12·12 results of 2·12 requests; 4 CTAs of 3·(6·4 + 4·6)."""
    states, film = states_of(choose())
    said = [mark.text for mark in film.captions]
    assert "Each of this CTA's 6×6 threads requests for itself" in said
    assert "In all, each element is requested 12 times" in said
    assert "In all, each element is requested twice" in said
    assert "3456 against 576 elements requested: 6 times as many" in said
    assert "4096³ in 128×128×8 tiles: 550 GB against 4.29 GB, 128 times as many" in said
    shows = " ".join(mark.shows for mark in film.captions)
    for number in "24 elements requested", "48 elements", "144 elements", "requested 4096 times":
        assert number in shows
    texts = film.board.totals.texts
    assert texts(states[-1].naive) == ["12", "12", "24"]
    assert texts(states[-1].tiled) == ["2", "2", "4"]
    assert states[-1].tiled.requested("A") == states[-1].tiled.requested("B") == 4 * 3 * 24


def test_the_real_thing_is_compared_with_the_toy() -> None:
    _, film = states_of(choose("sgemm"))
    said = [mark.text for mark in film.captions]
    assert "550 GB against 4.29 GB requested: 128 times as many" in said
    assert "12×12×12 in 6×6×4 tiles: 3456 against 576, 6 times as many" in said


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_counts_only_go_up_and_nothing_is_left_out(choice: Choice) -> None:
    """But for the one time when they are put back to nothing, before tiles."""
    states, _ = states_of(choice)
    totals = [sum(state.shown.requested(op) for op in "AB") for state in states]
    down = [i for i in range(1, len(totals)) if totals[i] < totals[i - 1]]
    if one_result_each(choice.schedule()):  # the other schedule is this one
        assert not down
        return
    assert [totals[i] for i in down] == [0] and states[down[0]].tiled is not None


def test_a_copied_tile_travels_to_shared_memory(board_of) -> None:
    choice = choose("ragged")
    plan = choice.schedule()
    none = Count(Tally.empty(choice.gemm), naive.beside(plan), 0)
    board = board_of(choice, Seen(none))
    for step, event in enumerate(plan.events):
        moves = board.moves(Seen(none, Count(none.before, plan, step + 1)))
        carried = [move for move in moves if isinstance(move, Carry)]
        assert len(carried) == isinstance(event, Copy)
        if isinstance(event, Copy):
            size = plan.inside(event.operand, event.k_tile)
            origin = plan.origin(event.operand, event.k_tile)
            assert carried[0].start.box == board.memory.corner.part(event.operand, *origin, *size)
            assert carried[0].to == board.copies.corner.part(event.operand, 0, 0, *size)


def test_what_the_ratio_means_is_said_beside_it() -> None:
    _, film = states_of(choose())
    labels = [one.text for one in film.other.get_family() if isinstance(one, Label)]
    assert "128×" in labels and "as many requests without tiles" in labels
    assert "requests of threads, not time" in labels
