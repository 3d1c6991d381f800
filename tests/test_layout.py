"""Where operands lie in shared memory, and threads in the CTA tile."""

import numpy as np
from hypothesis import given

from tests.strategies import SEED, WARPED, tilings
from tiling.expand import accumulator_map, fragment_words
from tiling.layout import arrangement, fragment_width, least_width, shared_layout
from tiling.shapes import Tiling


def test_As_is_transposed_and_Bs_is_not():
    As, Bs = shared_layout(Tiling(6, 6, 4, 2, 2)).values()
    assert [As.word(0, row) for row in range(6)] == [0, 1, 2, 3, 4, 5]
    assert As.word(1, 0) == 6
    assert [Bs.word(k, 0) for k in range(4)] == [24, 30, 36, 42]


def test_the_pad_follows_each_row_of_As_and_never_Bs():
    As, Bs = shared_layout(Tiling(6, 6, 4, 2, 2, pad=3)).values()
    assert [As.word(k, 0) for k in range(4)] == [0, 9, 18, 27]
    assert [Bs.word(k, 0) for k in range(4)] == [36, 42, 48, 54]


@given(tilings())
def test_every_element_has_its_own_word_in_the_buffer(tiling):
    words = [
        tile.word(k, i)
        for tile in shared_layout(tiling).values()
        for k in range(tile.k)
        for i in range(tile.extent)
    ]
    assert len(words) == len(set(words)) == tiling.bk * (tiling.bm + tiling.bn)
    assert min(words) >= 0 and max(words) < tiling.stage_words
    assert tiling.stage_words - len(words) == tiling.bk * tiling.pad
    assert tiling.shared_words >= tiling.stages * tiling.stage_words


@given(tilings())
def test_element_is_the_inverse_of_word(tiling):
    for tile in shared_layout(tiling).values():
        k, i = np.indices((tile.k, tile.extent))
        back = tile.element(tile.word(k, i))
        assert (back[0] == k).all() and (back[1] == i).all()


def test_a_second_stage_begins_where_the_first_ends():
    tiling = Tiling(6, 6, 4, 2, 2, pad=1)
    first, second = shared_layout(tiling, 0), shared_layout(tiling, 1)
    last = first["B"].word(3, 5)
    assert second["A"].base == last + 1 == tiling.shared_words


def test_a_swizzle_by_hand():
    # 32 rows, groups of 2 k, 4 of them: 4 lanes of a warp copy a row, so 8 rows of each go at once.
    As = shared_layout(Tiling(32, 8, 8, 4, 4, vector=2, swizzle=True))["A"]
    assert As.twist == 8
    assert [As.word(0, row) for row in (0, 1, 31)] == [0, 1, 31]
    assert [As.word(2, row) - 64 for row in (0, 1, 8, 31)] == [8, 9, 0, 23]
    assert [As.word(k, 0) % 32 for k in range(8)] == [0, 0, 8, 8, 16, 16, 24, 24]
    assert As.element(64 + 9) == (2, 1) and As.place(64 + 9) == (2, 9)
    Bs = shared_layout(Tiling(32, 8, 8, 4, 4, vector=2, swizzle=True))["B"]
    assert Bs.word(2, 3) == Bs.base + 2 * 8 + 3


def thread_tile(tiling: Tiling, thread: int) -> tuple[list[int], list[int]]:
    """The rows and the columns of one thread."""
    axes = arrangement(tiling)
    row, col = axes.position(thread)
    rows = [axes.rows.at(row, i) for i in range(tiling.tm)]
    return rows, [axes.cols.at(col, j) for j in range(tiling.tn)]


def test_threads_go_row_by_row():
    found = [thread_tile(SEED.tiling, thread) for thread in range(9)]
    assert [rows for rows, _ in found] == 3 * [[0, 1]] + 3 * [[2, 3]] + 3 * [[4, 5]]
    assert [cols for _, cols in found] == [[0, 1], [2, 3], [4, 5]] * 3


def test_warps_go_row_by_row_and_so_do_their_lanes():
    # 16×32 in warps of 16×16: 8 rows of 4 lanes, each 2×4; the second warp is to the right
    found = [thread_tile(WARPED.tiling, thread) for thread in range(64)]
    assert [rows[0] for rows, _ in found[:6]] == [0, 0, 0, 0, 2, 2]
    assert [cols[0] for _, cols in found[:6]] == [0, 4, 8, 12, 0, 4]
    assert found[31] == ([14, 15], [12, 13, 14, 15])
    assert found[32] == ([0, 1], [16, 17, 18, 19])


def test_split_quads_by_hand():
    # 128×128 by 256 threads of 8×8: 16 in a row. A thread has quads 64 rows and 64 columns apart.
    tiling = Tiling(128, 128, 8, 8, 8, split=True)
    assert thread_tile(tiling, 0) == ([0, 1, 2, 3, 64, 65, 66, 67],) * 2
    assert thread_tile(tiling, 17) == ([4, 5, 6, 7, 68, 69, 70, 71],) * 2
    # In warps of 32×64, 4 rows of 8 lanes: quads are 16 rows and 32 columns apart.
    tiling = Tiling(128, 128, 8, 8, 8, warp=(32, 64), split=True)
    rows, cols = thread_tile(tiling, 32 + 9)  # the second warp's lane in row 1, column 1
    assert rows == [4, 5, 6, 7, 20, 21, 22, 23]
    assert cols == [68, 69, 70, 71, 100, 101, 102, 103]


@given(tilings())
def test_the_threads_cover_the_cta_tile_once(tiling):
    seen = np.zeros((tiling.bm, tiling.bn), int)
    rows, cols = accumulator_map(tiling)
    np.add.at(seen, (rows[:, :, None], cols[:, None, :]), 1)
    assert (seen == 1).all()


@given(tilings())
def test_a_thread_has_whole_quads_or_all_as_neighbours(tiling):
    size = (4, 4) if tiling.split else (tiling.tm, tiling.tn)
    for index, group in zip(accumulator_map(tiling), size, strict=True):
        groups = index.reshape(tiling.threads, -1, group)
        assert (np.diff(groups) == 1).all() and (groups[:, :, 0] % group == 0).all()


@given(tilings())
def test_the_32_threads_of_a_warp_stay_in_its_tile(tiling):
    if tiling.warp:
        wm, wn = tiling.warp
        rows, cols = accumulator_map(tiling)
        tile = rows[:, :, None] // wm * (tiling.bn // wn) + cols[:, None, :] // wn
        assert (tile == np.arange(tiling.threads)[:, None, None] // 32).all()


@given(tilings())
def test_a_wide_read_is_of_neighbours_at_a_multiple_of_their_width(tiling):
    for operand in "A", "B":
        widths = [fragment_width(tiling, operand, k) for k in range(tiling.bk)]
        for k, width in enumerate(widths):
            words = fragment_words(tiling, k)[operand].reshape(-1, width)
            assert (words[:, 0] % width == 0).all() and (np.diff(words) == 1).all()


def test_how_wide_fragments_are_read_by_hand():
    sgemm = Tiling(128, 128, 8, 8, 8)
    assert least_width(sgemm, "A") == least_width(sgemm, "B") == 4
    toy = Tiling(6, 6, 4, 2, 2)
    assert least_width(toy, "A") == least_width(toy, "B") == 2
    padded = Tiling(128, 128, 8, 8, 8, pad=2)  # rows of 130 words: every second one at a quad
    assert [fragment_width(padded, "A", k) for k in range(4)] == [4, 2, 4, 2]
    assert least_width(padded, "A") == 2 and least_width(padded, "B") == 4
    assert least_width(Tiling(6, 6, 4, 3, 2), "A") == 1
