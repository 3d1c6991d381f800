"""What `outer_product` says and shows is what one thread loads and makes, worked out by hand."""

import re
from functools import lru_cache

import numpy as np
import pytest

from publish.settings import Clip
from scenes.kit.look import Look
from scenes.kit.motion import Carry, Spread
from scenes.kit.type import Label
from scenes.outer_product.board import ThreadBoard
from scenes.outer_product.shots import FIRST, OneThread, shots
from tests.screening import configured, flaws, screen
from tests.takes import Take, states_of, takes_of
from tests.tilings import DIRECT, random_choices
from tiling.expand import accumulator_map, expand_fragments
from tiling.for_scenes.numbers import operands
from tiling.for_scenes.one_thread import Dot, extent_inside, first_k_tile, loads_and_fma
from tiling.for_scenes.reuse import SQUARES, dot_loads_per_fma, loads_per_fma, ways
from tiling.presets import Choice, choose, presets
from tiling.schedule import Fragments, Schedule, schedule
from tiling.shapes import Gemm, Tiling

EDGES = choose("seed", None, {"gemm": "100x75x33", "cta": "32x64x8", "thread": "4x8"})
SMALL = choose("seed", None, {"gemm": "1x7x3", "cta": "8x8x8", "thread": "2x2"})
EVERY = [*map(choose, presets()), *DIRECT, EDGES, SMALL, *random_choices(20, seed=3)]
DRAWN = [choose("seed"), choose("ragged", None, {"direct": True}), SMALL, choose("sgemm")]
MOMENTS = pytest.mark.parametrize("choice", EVERY, ids=lambda c: f"{c.gemm} in {c.tiling}")
PICTURES = pytest.mark.parametrize("choice", DRAWN, ids=lambda c: f"{c.gemm} in {c.tiling}")


@lru_cache
def plan_for(choice: Choice) -> Schedule:
    return first_k_tile(choice.schedule())


@lru_cache
def takes_for(choice: Choice) -> list[Take]:
    return takes_of(shots(plan_for(choice)))


@pytest.fixture(scope="module")
def board_of():
    """The picture outside a scene, in the wide paper look."""

    @lru_cache
    def make(choice: Choice) -> ThreadBoard:
        return ThreadBoard(Look(), plan_for(choice))

    with configured(Clip("outer_product", choose())):
        yield make


@lru_cache
def thread_operands(choice: Choice) -> tuple[np.ndarray, np.ndarray]:
    """Of the rows of A and columns of B of thread 0 in k-tile 0 what lies inside: (rows, ks) and
    (ks, cols)."""
    plan = plan_for(choice)
    a, b = operands(plan)
    rows, cols = (index[0] for index in accumulator_map(plan.tiling))
    (row, _), (_, col), ks = plan.origin("A"), plan.origin("B"), min(plan.tiling.bk, plan.gemm.k)
    rows, cols = rows + row, cols + col
    return a[rows[rows < plan.gemm.m], :ks], b[:ks, cols[cols < plan.gemm.n]]


def by_hand(choice: Choice, state: OneThread) -> tuple[int, int, np.ndarray]:
    """Loads, multiply-adds, and what has been summed of each result, NaN before it is begun."""
    (a, b), moment = thread_operands(choice), state.moment
    (rows, ks), cols = a.shape, b.shape[1]
    if not isinstance(moment, Dot):
        events = plan_for(choice).events[: moment.step]
        k, done = sum(isinstance(e, Fragments) for e in events), moment.k_done
        return k * (rows + cols), done * rows * cols, a[:, :done] @ b[:done]
    sums, loads, fma = np.full((rows, cols), np.nan), 0, 0
    for number in range(min(moment.done + 1, rows * cols)):
        i, j = divmod(number, cols)
        upto = ks if number < moment.done else moment.k
        if number < moment.done or moment.held is not None:
            sums[i, j] = a[i, :upto] @ b[:upto, j]
            loads += 2 * (ks if number < moment.done else moment.held + 1)
            fma += upto
    return loads, fma, sums


@MOMENTS
def test_loads_and_multiply_adds_are_counted_one_by_one(choice: Choice) -> None:
    plan, states = plan_for(choice), states_of(takes_for(choice))
    for state in states:
        assert loads_and_fma(plan, state.moment) == by_hand(choice, state)[:2]
    rows, cols, _ = extent_inside(plan)
    kinds = {isinstance(state.moment, Dot) for state in states}
    assert kinds == ({True, False} if rows * cols > 1 else {True})
    assert states[-1].moment == FIRST and not states[-1].grown and not states[-1].tiles
    a, b = thread_operands(choice)
    assert (a.shape[0], b.shape[1]) == (rows, cols)


@MOMENTS
def test_what_is_said_is_what_is_counted(choice: Choice) -> None:
    (a, b), takes = thread_operands(choice), takes_for(choice)
    (rows, ks), cols = a.shape, b.shape[1]
    fma, said = rows * cols * ks, [take.said.text.replace(",", "") for take in takes]
    many = "" if fma == 1 else "s"
    assert f"{fma} multiply-add{many} take{'s' * (fma == 1)} {2 * fma} loads" in said
    if rows * cols > 1:
        assert f"Each meets each: {rows * cols} multiply-adds {rows + cols} loads" in said
        assert f"Now the same take {ks * (rows + cols)} loads" in said
    assert "The price: 64 registers for the results" in said
    sizes = ways((choice.tiling.tm, choice.tiling.tn))
    assert {way.name for way in sizes} == set(states_of(takes)[-2].grown)
    words = " ".join([*said, *(take.said.shows for take in takes)])
    memory, other = ("global", "shared") if choice.tiling.direct else ("shared", "global")
    assert f"from {memory} memory" in words and f"{other} memory" not in words.lower()
    assert not any(re.search(r"\b(word|value|float|request|read)", text) for text in said)
    # What repeats is cut short, whatever the size.
    assert 14 <= sum(take.seconds for take in takes) <= 46


def test_the_toy_in_numbers() -> None:
    takes = takes_for(choose())
    assert [take.said.text for take in takes] == [
        "What must one thread load?",
        "Result by result: a row times a column",
        "The next result loads the same row again",
        "16 multiply-adds take 32 loads",
        "Instead: a column of A and a row of B, once",
        "Each meets each: 4 multiply-adds, 4 loads",
        "k after k, the products add up",
        "Now the same take 16 loads",
        "Larger thread tiles use each element more often",
        "The price: 64 registers for the results",
        "What must one thread load?",
    ]
    shows = " ".join(take.said.shows for take in takes)
    assert "1×1: 2 loads, 1 multiply-add, 2 for each" in shows
    assert "8×8: 16 loads, 64 multiply-adds, 0.25 for each" in shows
    assert 20 <= sum(take.seconds for take in takes) <= 42


def numbers(cells) -> np.ndarray:
    """What stands in cells, NaN for nothing."""
    return np.array([[float(t) if t else np.nan for t in row] for row in cells.texts])


@PICTURES
def test_every_number_is_that_of_the_moment(choice: Choice, board_of) -> None:
    board, (a, b) = board_of(choice), thread_operands(choice)
    assert board.thread.values is not None
    for state in [state for state in states_of(takes_for(choice)) if not state.tiles][::2]:
        board.settle(state)
        loads, fma, sums = by_hand(choice, state)
        shown = [cell.texts.item() for cell in board.counters.cells.values()]
        assert [int(text.replace(",", "")) for text in shown] == [loads, fma]
        found = {name: numbers(cell) for name, cell in board.thread.cells.items()}
        rows, cols = sums.shape
        np.testing.assert_array_equal(found["acc"][:rows, :cols], sums)
        moment, lit = state.moment, board.slices.slabs
        if isinstance(moment, Dot) and moment.held is not None:
            row, col = divmod(moment.done, cols)
            assert found["a"][row, 0] == a[row, moment.held]
            assert found["b"][0, col] == b[moment.held, col]
            part = board.slices.corner.part
            assert lit["As lit"].pose.box == part("A", row, moment.held, 1, 1)
            assert lit["Bs lit"].pose.box == part("B", moment.held, col, 1, 1)
        elif not isinstance(moment, Dot) and moment.fragment is not None:
            k = moment.fragment[1]
            np.testing.assert_array_equal(found["a"][:rows, 0], a[:, k])
            np.testing.assert_array_equal(found["b"][0, :cols], b[k])
            assert lit["As lit"].pose.box == board.slices.corner.part("A", 0, k, rows, 1)


@PICTURES
def test_what_is_loaded_travels_to_the_registers(choice: Choice, board_of) -> None:
    """An element and an element; then a column of As and a row of Bs, what of them lies inside."""
    board, takes = board_of(choice), takes_for(choice)
    memory, registers = board.slices.corner.part, board.thread.corner.part
    (a, b), by_chapter = thread_operands(choice), {take.said.chapter: take for take in takes}
    more = next((t for t in takes if t.said.text.startswith("k after k")), by_chapter["start"])
    for take, rows, cols in (
        (by_chapter["dot products"], 1, 1),
        (by_chapter.get("outer product", more), a.shape[0], b.shape[1]),
        (more, a.shape[0], b.shape[1]),
    ):
        told = [show.states[0] for show in take.shows if len(show.states) == 1]
        for k, state in [(k_of(state), state) for state in told if k_of(state) is not None]:
            moves = board.moves(state)
            assert [(move.start.box, move.to) for move in moves if isinstance(move, Carry)] == [
                (memory("A", 0, k, rows, 1), registers("A", 0, 0, rows, 1)),
                (memory("B", k, 0, 1, cols), registers("B", 0, 0, 1, cols)),
            ]


def k_of(state: OneThread) -> int | None:
    """Of which k something has just been loaded, if anything has."""
    moment = state.moment
    if isinstance(moment, Dot):
        return moment.k if moment.held == moment.k else None
    return moment.fragment[1] if moment.fragment and moment.fragment[1] == moment.k_done else None


def test_a_thread_inside_is_followed_where_one_is() -> None:
    assert plan_for(choose()).cta == choose().cta == (1, 0)
    ragged = choose("ragged")
    assert ragged.cta == (2, 1) and plan_for(ragged).cta == (0, 0)
    assert extent_inside(plan_for(ragged)) == (2, 2, 4) and extent_inside(plan_for(SMALL)) == (
        1,
        2,
        3,
    )


def test_where_a_row_meets_a_column_it_is_purple(board_of) -> None:
    """Each operand spreads over the products, and where both are lies the colour of C over them."""
    board, takes = board_of(choose()), takes_for(choose())
    multiply = next(t for t in takes if t.said.text.startswith("Each meets")).shows[0].states[0]
    larger = next(t for t in takes if t.said.chapter == "larger tiles").shows
    board.settle(larger[0].states[0])
    grown = board.growth.moves(larger[1].states[0])
    board.settle(OneThread())
    for moves, c in (
        (board.thread.moves(multiply), board.thread.corner.box("C")),
        (grown, board.growth.corners["outer 4×4"].box("C")),
    ):
        a, b, met = (move for move in moves if isinstance(move, Spread))
        for move in a, b, met:
            move.begin()
            move.interpolate(0.3)
        assert {move.over for move in (a, b, met)} == {c} and met.moved.pose.fill == 1
        overlap, purple = a.moved.pose.box.intersect(b.moved.pose.box), met.moved.pose.box
        assert abs(overlap.right - purple.right) < 12 and abs(overlap.bottom - purple.bottom) < 12
        assert purple.right >= overlap.right - 0.01 and purple.bottom >= overlap.bottom - 0.01
        assert moves.index(met) > max(moves.index(a), moves.index(b))


@PICTURES
def test_thread_tiles_are_drawn_on_one_scale_with_what_they_load_and_make(
    choice: Choice, board_of
) -> None:
    board, growth = board_of(choice), board_of(choice).growth
    own = choice.tiling.tm, choice.tiling.tn
    assert {way.tile for way in growth.ways} == {own, (1, 1), *((s, s) for s in SQUARES)}
    cell = growth.corners["dot product"].box("C").w
    for state in [state for state in states_of(takes_for(choice)) if state.tiles]:
        board.settle(state)
        made = [way for way in growth.ways if way.name in state.grown]
        filled = {name for name in growth.corners if growth.slabs[name].pose.fill}
        assert filled == {way.name for way in made}
        assert growth.cells["FMA"].texts.tolist() == [
            f"{tm * tn}" for tm, tn in (w.tile for w in made)
        ]
        for way, bar in zip(board.bars.compared, board.bars.bars.cells.values(), strict=True):
            want = (1 / way.tile[0] + 1 / way.tile[1]) * (way.name in state.grown)
            assert float(bar.texts.item() or 0) == pytest.approx(want, rel=5e-3)
    labels = [one for one in growth.submobjects if isinstance(one, Label)]
    base = next(one for one in labels if one.text == "loads").boxes[0].y
    for way in growth.ways:
        corner, (tm, tn) = growth.corners[way.name], way.tile
        assert corner.box("A").h == pytest.approx(tm * cell)
        assert corner.box("B").w == pytest.approx(tn * cell)
        middle = pytest.approx(corner.within.center[0])
        under = [one for one in labels if one.boxes[0].center[0] == middle]
        assert [one.text for one in under if abs(one.boxes[0].y - base) < 1] == [f"{tm + tn}"]


def test_loads_per_fma_are_counted_thread_by_thread() -> None:
    assert dot_loads_per_fma() == {"A": 1, "B": 1}
    assert loads_per_fma(Tiling(128, 128, 8, 8, 8)) == {"A": 1 / 8, "B": 1 / 8}
    assert loads_per_fma(Tiling(64, 32, 8, 16, 4)) == {"A": 1 / 4, "B": 1 / 16}
    for way in ways((6, 3))[1:]:
        tm, tn = way.tile
        plan = schedule(Gemm(64, 64, 8), Tiling(tm * 2, tn * 2, 1, tm, tn))
        reads = expand_fragments(plan, Fragments(0, 0))
        words = sum(read.word.size for read in reads.values())
        assert sum(way.loads.values()) == pytest.approx(words / (4 * tm * tn))


@pytest.mark.parametrize(
    ("thread", "larger"),
    [("2x2", "Larger"), ("8x4", "Larger"), ("8x1", "Larger, squarer"), ("6x3", "Larger, squarer")],
)
def test_larger_is_said_of_tiles_that_get_better_as_they_grow(thread: str, larger: str) -> None:
    tm, tn = map(int, thread.split("x"))
    tiling = {"cta": f"{tm * 4}x{tn * 4}x4", "thread": thread, "gemm": "64x64x8"}
    said = [take.said.text for take in takes_for(choose("seed", None, tiling))]
    assert f"{larger} thread tiles use each element more often" in said


def test_a_short_wide_column_of_bs_keeps_clear_of_the_heading() -> None:
    choice = Choice("short", Gemm(100, 100, 7), Tiling(6, 16, 2, 6, 2), (9, 2))
    found: list[str] = []
    screen(Clip("outer_product", choice, aspect="tall"), lambda film: found.extend(flaws(film)))
    assert not found
