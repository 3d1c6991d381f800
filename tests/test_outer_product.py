"""What `outer_product` shows is what one thread reads and computes, worked out here by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from publish.settings import Clip
from scenes.kit.amounts import grouped
from scenes.kit.motion import Carry, Spread
from scenes.kit.type import Label, Texts
from scenes.outer_product.scene import OuterProduct
from tests.screening import flaws, screen
from tests.tilings import DIRECT, FILMED, random_choices
from tiling.expand import accumulator_map, expand_fragments
from tiling.for_scenes.numbers import operands
from tiling.for_scenes.one_thread import Dot
from tiling.for_scenes.reuse import SQUARES, dot_words_per_fma, words_per_fma
from tiling.presets import Choice, choose
from tiling.schedule import Fragments, schedule
from tiling.shapes import Gemm, Tiling

CHOICES = [*(choose(name) for name in FILMED), *DIRECT, *random_choices(4, seed=3)]
EVERY = pytest.mark.parametrize("choice", CHOICES, ids=lambda c: f"{c.gemm} in {c.tiling}")


def seen(choice: Choice, look_at: Callable[[OuterProduct], None]) -> OuterProduct:
    return screen(Clip("outer_product", choice), look_at)


def thread_operands(film: OuterProduct) -> tuple[np.ndarray, np.ndarray]:
    """The zero-filled rows of A (TM, BK) and columns of B (BK, TN) of thread 0 in k-tile 0."""
    plan, tiling = film.schedule, film.schedule.tiling
    whole_a, whole_b = operands(plan)
    rows, cols = (index[0] for index in accumulator_map(tiling))
    (row, _), (_, col) = plan.origin("A"), plan.origin("B")
    a, b = np.zeros((tiling.tm, tiling.bk)), np.zeros((tiling.bk, tiling.tn))
    for i, r in enumerate(rows + row):
        for k in range(min(tiling.bk, plan.gemm.k)):
            a[i, k] = whole_a[r, k] if r < plan.gemm.m else 0
    for j, c in enumerate(cols + col):
        for k in range(min(tiling.bk, plan.gemm.k)):
            b[k, j] = whole_b[k, c] if c < plan.gemm.n else 0
    return a, b


def thread_reads(film: OuterProduct) -> tuple[np.ndarray, np.ndarray]:
    """Which of them (TM, BK), (BK, TN) it reads: from global memory only those that are there."""
    plan, tiling = film.schedule, film.schedule.tiling
    rows, cols = (index[0] for index in accumulator_map(tiling))
    (row, _), (_, col) = plan.origin("A"), plan.origin("B")
    k = np.arange(tiling.bk) < plan.gemm.k
    a, b = (rows + row < plan.gemm.m)[:, None] & k, k[:, None] & (cols + col < plan.gemm.n)
    return (a, b) if tiling.direct else (a | True, b | True)


def numbers(cells) -> np.ndarray:
    """What stands in cells, NaN for nothing."""
    texts = cells.texts
    return np.array([[float(t) if t else np.nan for t in row] for row in texts])


@EVERY
def test_every_number_is_that_of_the_moment(choice: Choice) -> None:
    shown: list[str] = []

    def look_at(film: OuterProduct) -> None:
        tiling, moment, cells = film.schedule.tiling, film.moment, film.thread.cells
        tm, tn, bk = tiling.tm, tiling.tn, tiling.bk
        a, b = thread_operands(film)
        reads_a, reads_b = thread_reads(film)
        words, fma = (int(cell.texts[0, 0]) for cell in film.counters.cells.values())
        if isinstance(moment, Dot):
            here = moment.k if moment.held is None else moment.held + 1
            want = 0
            for number in range(moment.done + 1):
                i, j = divmod(min(number, tm * tn - 1), tn)
                upto = bk if number < moment.done else here
                want += reads_a[i, :upto].sum() + reads_b[:upto, j].sum()
            assert words == want
            assert fma == moment.done * bk + moment.k <= tm * tn * bk
            shown.append("dot")
        else:
            k = sum(isinstance(e, Fragments) for e in film.schedule.events[: moment.step])
            assert words == reads_a[:, :k].sum() + reads_b[:k].sum()
            assert fma == moment.k_done * tm * tn
            shown.append("outer")
        if film.thread.values is None:  # too small to be read
            return
        found = {name: numbers(cell) for name, cell in cells.items() if cell.texts is not None}
        if isinstance(moment, Dot):
            row, col = divmod(min(moment.done, tm * tn - 1), tn)
            want = np.full((tm, tn), np.nan)
            want.flat[: moment.done] = (a @ b).flat[: moment.done]
            if moment.held is not None:
                want[row, col] = a[row, : moment.k] @ b[: moment.k, col]
                assert found["a"][row, 0] == a[row, moment.held]
                assert found["b"][0, col] == b[moment.held, col]
            assert np.isfinite(found["a"]).sum() == np.isfinite(found["b"]).sum()
            np.testing.assert_array_equal(found["acc"], want)
        else:
            done = moment.k_done
            np.testing.assert_array_equal(found["acc"], a[:, :done] @ b[:done])
            if moment.fragment is not None:
                k = moment.fragment[1]
                np.testing.assert_array_equal(found["a"], a[:, k : k + 1])
                np.testing.assert_array_equal(found["b"], b[k : k + 1])

    film = seen(choice, look_at)
    assert {"dot", "outer"} == set(shown) and shown[-1] == "dot"  # it ends where it begins
    tiling, (a, b) = choice.tiling, thread_reads(film)
    fma = tiling.tm * tiling.tn * tiling.bk
    captions = [caption.text for caption in film.captions]
    alone, together = tiling.tn * a.sum() + tiling.tm * b.sum(), a.sum() + b.sum()
    but = "" if alone == 2 * fma else ", none for zeros past an edge"
    assert f"{grouped(alone)} words read for {grouped(fma)} FMA: two for each{but}" in captions
    assert any(
        c.startswith(f"{grouped(together)} words read for {grouped(fma)} FMA,") for c in captions
    )
    said = " ".join([*captions, *(caption.shows for caption in film.captions)])
    memory, other = ("global", "shared") if tiling.direct else ("shared", "global")
    assert f"from {memory} memory" in said and other not in said.lower()


@EVERY
def test_what_lights_up_is_what_the_thread_reads(choice: Choice) -> None:
    def look_at(film: OuterProduct) -> None:
        moment, slices = film.moment, film.slices
        lit = {o: slices.slabs[f"{o}s lit"].pose for o in ("A", "B")}
        if isinstance(moment, Dot):
            if moment.held is None:
                assert all(pose.fill == 0 for pose in lit.values())
                return
            row, col = divmod(
                min(moment.done, film.schedule.tiling.tm * film.schedule.tiling.tn - 1),
                film.schedule.tiling.tn,
            )
            a, b = thread_reads(film)
            assert lit["A"].box == slices.corner.part("A", row, moment.held, 1, 1)
            assert lit["B"].box == slices.corner.part("B", moment.held, col, 1, 1)
            assert lit["A"].fill == a[row, moment.held] and lit["B"].fill == b[moment.held, col]
        elif moment.fragment is not None:
            k = moment.fragment[1]
            a, b = thread_reads(film)
            sizes = int(a[:, k].sum()), int(b[k].sum())
            assert [lit[operand].fill for operand in "AB"] == [float(size > 0) for size in sizes]
            if sizes[0]:
                assert lit["A"].box == slices.corner.part("A", 0, k, sizes[0], 1)
            if sizes[1]:
                assert lit["B"].box == slices.corner.part("B", k, 0, 1, sizes[1])

    seen(choice, look_at)


@pytest.mark.parametrize("choice", DIRECT, ids=lambda c: f"{c.gemm} in {c.tiling}")
def test_nothing_is_seen_in_global_memory_where_nothing_is(choice: Choice) -> None:
    film = seen(choice, lambda film: None)
    a, b = thread_operands(film)
    there = thread_reads(film)
    shown = [one for one in film.slices.submobjects if isinstance(one, Texts)]
    if shown:
        for cells, operand, inside in zip(shown, (a, b), there, strict=True):
            np.testing.assert_array_equal(numbers(cells), np.where(inside, operand, np.nan))
    headings = [one.text for one in film.slices.get_family() if isinstance(one, Label)]
    whole = all(inside.all() for inside in there)
    assert ("nothing past an edge" in headings) != whole


def test_what_travels_past_an_edge() -> None:
    """Of thread 0's two rows of A one is there: half of a is carried, and all of b."""
    choice = choose("ragged", None, {"direct": True})
    film = seen(choice, lambda film: None)
    assert [len(film.slices.fragment(operand, 0)) for operand in "AB"] == [1, 1]
    corner = film.thread.corner
    assert film.thread.parts("A", 1) == [corner.part("A", 0, 0, 1, 1)]
    assert film.thread.parts("B", 1) == [corner.part("B", 0, 0, 1, 2)]
    assert film.slices.fragment("A", 0)[0] == film.slices.corner.part("A", 0, 0, 1, 1)


def test_fragments_travel_to_the_registers_and_back_to_none() -> None:
    """The first outer product: a column of As becomes a, a row of Bs becomes b."""
    from scenes.kit.tiling_scene import TilingScene

    carried: list[tuple] = []
    play = TilingScene.play_for

    def spy(film: TilingScene, seconds: float, *animations: object) -> None:
        carried.extend((m.start.box, m.to, film.moment) for m in animations if isinstance(m, Carry))
        play(film, seconds, *animations)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TilingScene, "play_for", spy)
        film = seen(choose(), lambda film: None)
    corner, registers = film.slices.corner, film.thread.corner
    first = [(here, there) for here, there, _ in carried[:2]]
    assert first == [
        (corner.part("A", 0, 0, 1, 1), registers.part("A", 0, 0, 1, 1)),
        (corner.part("B", 0, 0, 1, 1), registers.part("B", 0, 0, 1, 1)),
    ]
    outer = [(here, there) for here, there, moment in carried if not isinstance(moment, Dot)]
    assert outer[:2] == [
        (corner.part("A", 0, 0, 2, 1), registers.box("A")),
        (corner.part("B", 0, 0, 1, 2), registers.box("B")),
    ]


@EVERY
def test_the_bars_are_counted_thread_by_thread(choice: Choice) -> None:
    last: dict[str, float] = {}

    def look_at(film: OuterProduct) -> None:
        for way, cell in zip(film.ways, film.bars.cells.values(), strict=True):
            if cell.texts[0, 0]:
                last[way.name] = float(cell.texts[0, 0])

    film = seen(choice, look_at)
    own = choice.tiling.tm, choice.tiling.tn
    for tm, tn in {own, *((side, side) for side in SQUARES)}:
        plan = schedule(choice.gemm, Tiling(tm * 2, tn * 2, 1, tm, tn))
        reads = expand_fragments(plan, Fragments(0, 0))
        words = sum(read.word.size for read in reads.values())
        assert last[f"outer {tm}×{tn}"] == pytest.approx(words / (4 * tm * tn), rel=5e-3)
    assert last["dot product"] == 2
    assert len(last) == len(film.ways)
    sizes = [last[way.name] for way in film.ways]
    assert sizes == sorted(sizes, reverse=True)


@EVERY
def test_thread_tiles_are_drawn_on_one_scale_with_what_they_read_and_make(choice: Choice) -> None:
    seen_at: list[set[str]] = []

    def look_at(film: OuterProduct) -> None:
        if film.growth in film.mobjects:
            filled = {
                label
                for label, _ in film.growth.poses(()).items()
                if film.growth.slabs[label].pose.fill
            }
            made = [way for way in film.growth.ways if way.name in film.grown]
            assert filled == {way.name for way in made}
            texts = film.growth.cells["FMA"].texts.tolist()
            assert texts == [f"{way.tile[0] * way.tile[1]}" for way in made]
            seen_at.append(filled)

    film = seen(choice, look_at)
    growth, own = film.growth, (choice.tiling.tm, choice.tiling.tn)
    assert {way.tile for way in growth.ways} == {own, (1, 1), *((s, s) for s in SQUARES)}
    assert seen_at[-1] == set(growth.corners)
    cell = growth.corners["dot product"].box("C").w
    labels = [one for one in growth.submobjects if isinstance(one, Label)]
    lines = [next(one for one in labels if one.text == row).boxes[0].y for row in ("words", "FMA")]
    for way in growth.ways:
        tm, tn = way.tile
        corner = growth.corners[way.name]
        assert corner.box("A").h == pytest.approx(tm * cell)
        assert corner.box("B").w == pytest.approx(tn * cell)
        # Under the tile its size; on the line of words what is read, on that of FMA what is made.
        middle = corner.within.center[0]
        under = {
            round(one.boxes[0].y - lines[0]): one.text
            for one in labels
            if one.boxes[0].center[0] == pytest.approx(middle)
        }
        assert under[0] == f"{tm + tn}"
        assert f"{tm}×{tn}" in under.values()
        (made,) = [
            text
            for text, box in zip(growth.cells["FMA"].texts, growth.cells["FMA"].boxes, strict=True)
            if box.center[0] == pytest.approx(middle)
        ]
        assert made == f"{tm * tn}"
    assert {round(box.y - lines[1]) for box in growth.cells["FMA"].boxes} == {0}


def test_values_spread_over_each_tile_that_comes() -> None:
    film = seen(choose(), lambda film: None)
    growth = film.growth
    growth.settle(["dot product", "outer 2×2"])
    moves = growth.multiplies(["dot product", "outer 2×2", "outer 4×4"])
    corner = growth.corners["outer 4×4"]
    spreads = [(m.start.box, m.over) for m in moves if isinstance(m, Spread)]
    assert spreads == [(corner.box(part), corner.box("C")) for part in ("A", "B")]


def test_thread_tiles_in_words_by_hand() -> None:
    shows = " ".join(caption.shows for caption in seen(choose(), lambda film: None).captions)
    assert (
        "Thread tiles side by side, and what they read and make at each k: 1×1, 2 words and 1 FMA; "
        "2×2, 4 words and 4 FMA; 4×4, 8 words and 16 FMA; 8×8, 16 words and 64 FMA." in shows
    )


@pytest.mark.parametrize(
    ("thread", "larger"),
    [
        ("2x2", "larger"),
        ("8x4", "larger"),
        ("8x1", "larger and squarer"),
        ("11x6", "larger and squarer"),
        ("6x3", "larger and squarer"),
    ],
)
def test_larger_is_said_of_tiles_that_get_better_as_they_grow(thread: str, larger: str) -> None:
    tm, tn = map(int, thread.split("x"))
    tiling = {"cta": f"{tm * 4}x{tn * 4}x4", "thread": thread, "gemm": "64x64x8"}
    film = seen(choose("seed", None, tiling), lambda film: None)
    said = f"The {larger} the thread tile, the more often each value is used"
    assert said in [caption.text for caption in film.captions]


def test_words_per_fma_by_hand() -> None:
    assert dot_words_per_fma() == {"A": 1, "B": 1}
    assert words_per_fma(Tiling(128, 128, 8, 8, 8)) == {"A": 1 / 8, "B": 1 / 8}
    assert words_per_fma(Tiling(64, 32, 8, 16, 4)) == {"A": 1 / 4, "B": 1 / 16}


def test_a_short_wide_column_of_bs_keeps_clear_of_the_heading() -> None:
    choice = Choice("short", Gemm(100, 100, 7), Tiling(6, 16, 2, 6, 2), (9, 2))
    found: list[str] = []
    screen(Clip("outer_product", choice, aspect="tall"), lambda film: found.extend(flaws(film)))
    assert not found
