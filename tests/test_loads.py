"""Who fetches what: sectors in a row, lanes in a turn and threads of a fragment, one by one."""

import numpy as np
import pytest

from tests.tilings import FILMED
from tiling.for_scenes.loads import first_load, first_reads, sector_runs
from tiling.for_scenes.one_thread import THREAD
from tiling.presets import choose
from tiling.sectors import SECTOR_FLOATS


@pytest.mark.parametrize("width", [1, 5, 8, 12, 33])
def test_runs_of_a_row_are_its_elements_sector_by_sector(width: int) -> None:
    for row in range(5):
        for first in range(width):
            for last in range(first, width):
                sector = {
                    col: (row * width + col) // SECTOR_FLOATS for col in range(first, last + 1)
                }
                runs = sector_runs(width, row, first, last)
                assert {c: r.sector for r in runs for c in range(r.first, r.last + 1)} == sector
                for run in runs:
                    start = row * width + run.first
                    assert run.row == row and run.begins == (start % SECTOR_FLOATS == 0)
                    assert run.ends == ((start + run.last - run.first + 1) % SECTOR_FLOATS == 0)


@pytest.mark.parametrize("name", FILMED)
def test_each_lane_of_a_turn_asks_or_writes_zeros_or_is_idle(name: str) -> None:
    plan = choose(name).schedule()
    for operand in "A", "B":
        load = first_load(plan, operand)
        for turn, (begin, end) in enumerate(
            zip(load.turns.edges, load.turns.edges[1:], strict=False)
        ):
            fetched = range(begin, end)
            asking = {load.lane[i] for i in fetched if load.inside[i]}
            zeros = {load.lane[i] for i in fetched} - asking
            exist = min(32, plan.tiling.threads - 32 * load.warp[begin])
            want = len(asking), len(zeros), exist - len(asking) - len(zeros)
            assert load.taking_part(turn) == want


def test_who_loads_is_not_who_reads() -> None:
    plan = choose("seed").schedule()  # A's tile is 6×4, nine threads: 2 rows a thread
    reads = first_reads(first_load(plan, "A"))
    assert reads.row.tolist() == [0, 1] and reads.words.tolist() == [0, 1]
    assert reads.kept.tolist() == [0, 4]
    assert reads.by.tolist() == [THREAD, 4]
    assert np.diff(reads.words).tolist() == [1]
