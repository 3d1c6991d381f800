"""Who waits at a barrier: together they make the CTA's tile, each element once."""

import numpy as np
import pytest

from tests.tilings import FILMED, random_choices
from tiling.for_scenes.waiting import waiting
from tiling.presets import choose
from tiling.shapes import WARP


@pytest.mark.parametrize(
    "choice", [*map(choose, FILMED), choose("warp"), *random_choices(12)], ids=lambda c: c.name
)
def test_each_element_is_somebody_s(choice) -> None:
    tiling = choice.tiling
    who = waiting(tiling)
    assert len(who) == (-(-tiling.threads // WARP) if tiling.threads > WARP else tiling.threads)
    times = np.zeros((tiling.bm, tiling.bn), int)
    for parts in who:
        for row, col, rows, cols in parts:
            times[row : row + rows, col : col + cols] += 1
    assert (times >= 1).all()  # a warp that ends within a row of threads is drawn as a box
    assert tiling.threads % WARP or (times == 1).all() or tiling.warp is None


def test_warps_of_a_warp_tile_by_hand() -> None:
    """`warp`: 256 threads in warps of 32×64, split: a thread has two quads of rows and columns."""
    tiling = choose("warp").tiling
    rows, cols = tiling.warp
    assert waiting(tiling)[0] == [(0, 0, rows, cols)]
    assert waiting(tiling)[1] == [(0, cols, rows, cols)]
