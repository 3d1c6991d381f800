"""Where operands lie in shared memory, and threads in the CTA tile."""

import numpy as np
from hypothesis import given

from tests.strategies import SEED, WARPED, tilings
from tiling.layout import shared_layout, thread_origin
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
    assert min(words) >= 0 and max(words) < tiling.shared_words
    assert tiling.shared_words - len(words) == tiling.bk * tiling.pad


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


def test_threads_go_row_by_row():
    row, col = thread_origin(SEED.tiling, np.arange(9))
    assert row.tolist() == [0, 0, 0, 2, 2, 2, 4, 4, 4]
    assert col.tolist() == [0, 2, 4] * 3


def test_warps_go_row_by_row_and_so_do_their_lanes():
    # 16×32 in warps of 16×16: 8 rows of 4 lanes, each 2×4; the second warp is to the right
    row, col = thread_origin(WARPED.tiling, np.arange(64))
    assert row[:6].tolist() == [0, 0, 0, 0, 2, 2] and col[:6].tolist() == [0, 4, 8, 12, 0, 4]
    assert (row[31], col[31]) == (14, 12)
    assert (row[32], col[32]) == (0, 16)


@given(tilings())
def test_thread_tiles_cover_the_cta_tile_once(tiling):
    seen = np.zeros((tiling.bm, tiling.bn), int)
    for row, col in zip(*thread_origin(tiling, np.arange(tiling.threads)), strict=True):
        assert row % tiling.tm == 0 and col % tiling.tn == 0
        seen[row : row + tiling.tm, col : col + tiling.tn] += 1
    assert (seen == 1).all()


@given(tilings())
def test_the_32_threads_of_a_warp_stay_in_its_tile(tiling):
    if tiling.warp:
        row, col = thread_origin(tiling, np.arange(tiling.threads))
        wm, wn = tiling.warp
        tile = row // wm * (tiling.bn // wn) + col // wn
        assert (tile == np.arange(tiling.threads) // 32).all()
