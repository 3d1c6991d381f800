"""Who fetches what: sectors in a row, lanes in a turn and threads of a fragment, one by one."""

import pytest

from tests.loads_by_hand import EVERY, load_one_by_one, name_of
from tiling.for_scenes.loads import (
    first_load,
    first_reads,
    sector_runs,
    stores,
    window,
    words_in_banks,
)
from tiling.for_scenes.one_thread import THREAD
from tiling.for_scenes.orders import ORDERS
from tiling.layout import AB
from tiling.presets import Choice, choose
from tiling.schedule import Copy
from tiling.sectors import SECTOR_FLOATS, requests


@pytest.mark.parametrize("width", [1, 5, 8, 12, 33])
def test_runs_of_a_row_are_its_elements_sector_by_sector(width: int) -> None:
    for row in range(5):
        for first in range(width):
            for last in range(first, width):
                sector = {
                    col: (row * width + col) // SECTOR_FLOATS for col in range(first, last + 1)
                }
                runs = sector_runs(width, row, first, last)
                assert {c: r.of for r in runs for c in range(r.first, r.last + 1)} == sector
                for run in runs:
                    start = row * width + run.first
                    assert run.row == row and run.begins == (start % SECTOR_FLOATS == 0)
                    assert run.ends == ((start + run.last - run.first + 1) % SECTOR_FLOATS == 0)


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_loads_are_the_kernels_one_by_one(choice: Choice) -> None:
    plan = choice.schedule()
    for operand in AB:
        for order in ORDERS:
            load, truth = (
                first_load(plan, operand, order),
                load_one_by_one(choice, operand, order == "columns"),
            )
            found = load.request, load.thread, load.row, load.col, load.inside, load.at, load.place
            assert [*zip(*(array.tolist() for array in found), strict=True)] == [
                one[:-1] for one in truth
            ]
            each = [{one.sector for one in truth if one.inside and one.request == 0}]
            assert load.sectors[0] == len(each[0]) and load.loaded == sum(o.inside for o in truth)
            if not plan.tiling.direct and order == "rows":
                counted = requests(plan, Copy(operand, 0))
                assert load.sectors.tolist() == counted.sectors.tolist()
                assert load.lanes.tolist() == counted.lanes.tolist()


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_a_window_holds_the_first_request_and_whole_sectors(choice: Choice) -> None:
    plan = choice.schedule()
    for operand in AB:
        load = first_load(plan, operand)
        row, col, rows, cols = window([load], 8, 16)
        width = load.shape[1]
        for one in load_one_by_one(choice, operand):
            if one.request == 0 and one.inside:
                assert row <= one.row < row + rows and col <= one.col < col + cols
                sector = [at for at in range(width) if (one.row * width + at) // 8 == one.sector]
                assert width <= 16 or (col <= sector[0] and (sector[-1] < col + cols))


def test_stores_of_as_by_hand() -> None:
    """sgemm: a warp stores 4 rows at 8 k, each k 128 words on: 8 words in each of 4 banks. The seed
    stores 9 words 6 apart, and their neighbours: no two in a bank."""
    words, cost = stores(choose("sgemm").tiling)
    assert words.tolist() == [k * 128 + row for row in range(4) for k in range(8)]
    assert words_in_banks(words).tolist() == [8] * 4 + [0] * 28
    assert (cost.wavefronts, cost.phases) == (256, 32)
    words, cost = stores(choose("seed").tiling)
    assert words.tolist() == [0, 6, 12, 18, 1, 7, 13, 19, 2] and cost.conflicts == 0


def test_who_loads_is_not_who_reads() -> None:
    plan = choose("seed").schedule()  # A's tile is 6×4, nine threads: 2 rows a thread
    reads = first_reads(plan)
    assert reads.row.tolist() == [0, 1] and reads.words.tolist() == [0, 1]
    assert reads.kept.tolist() == [0, 4] and reads.width == 2
    assert reads.by.tolist() == [THREAD, 4]
