"""What is shown and said of a load is what the kernel's threads do: shots as data, against lanes,
elements, sectors and words worked out one by one; then what is drawn, against the shots."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from publish.settings import Clip
from scenes.global_to_shared.board import LoadBoard, Sheet
from scenes.global_to_shared.scene import GlobalToShared
from scenes.global_to_shared.shots import FirstLoads, Picture
from scenes.global_to_shared.views import BEFORE, EMPTY, NOW, ZERO, Cells, View
from scenes.kit.look import PIXEL, Box, Look
from scenes.kit.motion import Travel
from scenes.kit.route import Route
from tests.loads_by_hand import EVERY, Loaded, load_one_by_one, name_of, sectors_of
from tests.screening import configured, screen
from tests.takes import Take, states_of, takes_of
from tiling.banks import write_cost
from tiling.expand import accumulator_map
from tiling.for_scenes.loads import first_reads, whole_tiles
from tiling.presets import Choice, choose
from tiling.schedule import Schedule
from tiling.shapes import Gemm, Tiling

EACH = pytest.mark.parametrize("choice", EVERY, ids=name_of)


class Told(NamedTuple):
    """A picture, with what is said with it first, if anything is."""

    picture: Picture
    text: str
    chapter: str
    first: bool

    @property
    def cells(self) -> dict[str, Cells]:
        return self.picture.cells


def takes(choice: Choice) -> list[Take]:
    """Also: each caption is short and stands long enough, and no picture stands for long."""
    return takes_of(FirstLoads(choice.schedule()).shots())


def told(choice: Choice) -> tuple[FirstLoads, list[Told]]:
    loads = FirstLoads(choice.schedule())
    found = [Told(loads.start(), "", "", True)]
    for take in takes_of(loads.shots()):
        for i, picture in enumerate(states_of([take])):
            found.append(Told(picture, take.said.text, take.said.chapter, i == 0))
    return loads, found


def said(choice: Choice) -> list[str]:
    return [take.said.text for take in takes(choice)]


def where(view: View, cells: Cells, *codes: int) -> set[tuple[int, int]]:
    """(row, col) of the cells that are filled so, of the matrix or target."""
    found = np.argwhere(np.isin(cells.fill, codes)) + np.array([view.row, view.col])
    return {(row, col) for row, col in found.tolist()}


def seen(view: View, places: set[tuple[int, int]]) -> set[tuple[int, int]]:
    rows, cols = range(view.row, view.row + view.rows), range(view.col, view.col + view.cols)
    return {(row, col) for row, col in places if row in rows and col in cols}


def numbers_in(text: str) -> list[int]:
    return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text)]


@EACH
def test_each_shot_shows_what_the_threads_have_done(choice: Choice) -> None:
    loads, shots = told(choice)
    for operand in "A", "B":
        truth, view, to = (
            load_one_by_one(choice, operand),
            loads.views[operand],
            loads.views[f"{operand}s"],
        )
        words = {(one.at, one.place): one for one in truth}
        asked = {(one.row, one.col) for one in truth if one.inside}
        whole = landed = False
        for before, shot in pairwise([shots[0], *shots]):
            if operand in shot.cells and not first_read(shot):
                check_window(view, shot.cells[operand], truth if not again(shot) else None)
                whole |= where(view, shot.cells[operand], NOW, BEFORE) == seen(view, asked)
            if f"{operand}s" in shot.cells and not first_read(shot):
                cells = shot.cells[f"{operand}s"]
                for code, inside in (BEFORE, True), (ZERO, False):
                    assert {words[at].inside for at in where(to, cells, code)} <= {inside}
                for row, col in np.argwhere(cells.text != "").tolist():
                    assert cells.text[row, col] == str(words[row, col].thread % 32)
                landed |= where(to, cells, BEFORE, ZERO) == seen(to, set(words))
            for flight in (f for f in shot.picture.flights if f.operand == operand):
                one = words[flight.there]
                assert one.inside and one.thread % 32 == flight.lane
                assert (one.row - view.row, one.col - view.col) == flight.here
                assert before.cells[f"{operand}s"].fill[flight.there] == EMPTY
                assert shot.cells[f"{operand}s"].fill[flight.there] == BEFORE
        assert whole and landed
        flown = [
            (f.operand, f.there)
            for shot in shots
            for f in shot.picture.flights
            if f.operand == operand
        ]
        both = [one for one in truth if one.inside and seen(view, {(one.row, one.col)})]
        assert sorted(flown) == sorted(
            (operand, (one.at, one.place)) for one in both if seen(to, {(one.at, one.place)})
        )


def first_read(shot: Told) -> bool:
    """Whether words stand in the cells, no lanes."""
    return "reads" in shot.cells or "banks" in shot.cells


def again(shot: Told) -> bool:
    """Whether another k is shown."""
    return shot.chapter == "the next k"


def check_window(view: View, cells: Cells, truth: list[Loaded] | None) -> None:
    """Numbers are lanes that load this element, or how many do at once; lit are the sectors of what
    is being loaded."""
    if truth is None:  # of another k
        return
    lanes: dict[tuple[int, int], dict[int, list[int]]] = {}
    for one in truth:
        if one.inside:
            lanes.setdefault((one.row, one.col), {}).setdefault(one.request, []).append(one.thread)
    for row, col in np.argwhere(cells.text != "").tolist():
        requests = lanes[row + view.row, col + view.col].values()
        first = {str(threads[0] % 32) for threads in requests}
        text, most = cells.text[row, col], max(map(len, requests))
        assert text in first or (text.endswith("×") and 1 < int(text[:-1]) <= most)
    now = where(view, cells, NOW)
    assert where(view, cells, NOW, BEFORE) <= set(lanes)
    if cells.lit:
        assert sectors_of(truth, now) <= cells.lit <= sectors_of(truth)


@EACH
def test_the_lanes_of_a_request_are_those_that_make_it(choice: Choice) -> None:
    _, shots = told(choice)
    checked = 0
    for operand in "A", "B":
        truth = load_one_by_one(choice, operand)
        for cells in (
            shot.cells[f"lanes{operand}"] for shot in shots if f"lanes{operand}" in shot.cells
        ):
            for lane, text in enumerate(cells.text.ravel()):
                assert text in ("", str(lane))
            if found := re.match(
                r"request ([\d,]+) of ([\d,]+), warp (\d+): (\d+) (\w+)", cells.told
            ):
                request, of, warp, count = (int(n.replace(",", "")) for n in found.groups()[:4])
                mine = [one for one in truth if one.request == request - 1 and one.inside]
                assert of == 1 + max(one.request for one in truth)
                assert {one.thread // 32 for one in mine} == {warp}
                lanes = {one.thread % 32 for one in mine}
                assert set(np.flatnonzero(cells.fill.ravel() == NOW).tolist()) == lanes
                sectors = len(sectors_of(mine))
                assert count == (len(lanes) if found[5].startswith("lane") else sectors)
                checked += 1
    assert checked >= 2


@EACH
def test_the_picture_shows_as_many_boxes_as_the_number_says(choice: Choice) -> None:
    loads, shots = told(choice)
    counted = 0
    for shot in shots:
        for name, cells in shot.cells.items():
            if found := re.search(r"(\d+) sectors?$", cells.told):
                operand = name.removeprefix("lanes")
                runs = {run.of for run in loads.views[operand].runs}
                assert int(found[1]) == len(shot.cells[operand].lit & runs)
                counted += 1
            if name == "reads":
                runs = {run.of for run in loads.views[name].runs}
                assert sum(numbers_in(cells.told)) == len(cells.lit & runs)
    assert counted >= 2
    for text, operand in ("One request of the warp moves", "A"), ("One request for B moves", "B"):
        for shot in shots:
            if shot.text.startswith(text):
                lit = [one for one in shots if operand in one.cells and one.cells[operand].lit]
                assert numbers_in(shot.text) == [len(lit[0].cells[operand].lit)]


@EACH
def test_one_vocabulary_and_something_new_in_each_picture(choice: Choice) -> None:
    _, shots = told(choice)
    assert shots[0].cells.keys() == shots[-1].cells.keys() and said(choice)[0] == said(choice)[-1]
    for before, shot in pairwise(shots):
        assert not re.search(r"fetch|value|float|exist|ask", shot.text)
        same = shot.cells.keys() == before.cells.keys() and all(
            np.array_equal(cells.fill, before.cells[name].fill)
            and np.array_equal(cells.text, before.cells[name].text)
            and (cells.lit, cells.told) == (before.cells[name].lit, before.cells[name].told)
            for name, cells in shot.cells.items()
        )
        beyond = shot.chapter == "request by request"  # the window
        assert not same or beyond or shot.picture.bars != before.picture.bars


@EACH
def test_numbers_in_captions_are_counted_one_by_one(choice: Choice) -> None:
    plan, texts = choice.schedule(), said(choice)
    truth, tiling = load_one_by_one(choice, "A"), choice.tiling
    (first,) = [text for text in texts if text.startswith("One request of the warp")]
    assert numbers_in(first) == [len(sectors_of(truth, request=0))]
    inside = sum(one.inside for one in truth)
    for text in texts:
        if " of A, " in text:
            assert numbers_in(text) == [tiling.threads, inside]
        if " for A's tile" in text or " at this k" in text:
            requests = len({one.request for one in truth if one.inside})
            assert numbers_in(text) == [-(-tiling.threads // 32), requests]
        if text.startswith("Outside"):
            assert inside < len(truth)
    assert any(text.startswith("Outside") for text in texts) == (inside < len(truth))
    good, bad = compared(plan)
    result = next(text for text in texts if text.startswith(("Neigh", "Along", "Here", "For this")))
    assert (good < bad) == result.startswith(("Neigh", "Along"))
    assert (good == bad) == result.startswith("For this")
    numbers = {*numbers_in(result)}
    assert numbers >= ({good} if good == bad else {good, bad})
    if not tiling.direct:
        (price,) = [text for text in texts if "price" in text]
        cost = write_cost(tiling, "A")
        assert price.startswith("No price") <= (cost.conflicts == 0)
        if "SGEMM" in price:
            assert tiling.threads < 32 and cost.conflicts == 0 and numbers_in(price) == [8]


def compared(plan: Schedule) -> list[int]:
    """Sectors of A's tile, or of A and B at k = 0, with lanes along rows and down columns."""
    other = whole_tiles(plan)
    choice = Choice("whole", other.gemm, other.tiling, other.cta)
    assert all(other.inside(name) == other.tiling.tile_shape(name) for name in ("A", "B", "C"))
    found = []
    for down in False, True:
        each = [load_one_by_one(choice, name, down) for name in "AB"[: 1 + plan.tiling.direct]]
        requests = [(load, {one.request for one in load}) for load in each]
        found.append(
            sum(len(sectors_of(load, request=r)) for load, numbers in requests for r in numbers)
        )
    return found


@EACH
def test_bars_grow_in_proportion_to_what_is_counted(choice: Choice) -> None:
    loads, shots = told(choice)
    bars = [
        [sum(parts.values()) for parts in shot.picture.bars] for shot in shots if shot.picture.bars
    ]
    assert bars[0] == [0, 0] and bars[-1] == loads.totals == compared(choice.schedule())
    for before, after in pairwise(bars):
        assert all(one <= other for one, other in zip(before, after, strict=True))


@EACH
def test_early_warps_wait_and_all_go_on_together(choice: Choice) -> None:
    _, shots = told(choice)
    waits = [shot for shot in shots if "warps" in shot.cells]
    assert bool(waits) == (not choice.tiling.direct)
    for before, after in pairwise(waits):
        early = where_now(before.cells["warps"])
        assert after.picture.barrier or early < where_now(after.cells["warps"])
    for shot in waits:
        warps = shot.cells["warps"].fill.size
        assert warps == -(-choice.tiling.threads // 32) or (
            choice.tiling.threads <= 32 and warps == 8
        )
        assert shot.picture.barrier == (shot is waits[-1])
        assert len(where_now(shot.cells["warps"])) < warps  # nobody waits for nobody


def where_now(cells: Cells) -> set[int]:
    return {int(text) for text in cells.text[cells.fill == NOW]}


@EACH
def test_banks_of_a_store_and_what_a_thread_reads(choice: Choice) -> None:
    if choice.tiling.direct:
        return
    _, shots = told(choice)
    tiling = choice.tiling
    last = [shot.cells["banks"] for shot in shots if "banks" in shot.cells][-1]
    counts = [int(text or 0) for text in last.text.ravel()]
    assert numbers_in(last.told) == [max(counts)]
    if any("SGEMM" in text for text in said(choice)[:7]):
        assert counts[:4] == [8] * 4 and sum(counts) == 32
    reads = first_reads(choice.schedule())
    rows = accumulator_map(tiling)[0][0].tolist()
    assert reads.row.tolist() == rows and reads.kept.tolist() == [row * tiling.bk for row in rows]
    both = [shot.cells["reads"] for shot in shots if "reads" in shot.cells][-1]
    assert both.text.tolist() == [[*map(str, reads.kept)], [*map(str, reads.words)]]


def test_the_captions_of_the_toy_by_hand() -> None:
    assert said(choose()) == [
        "Who loads which element of A and B?",
        "9 threads load 24 elements of A, lane by lane",
        "One request of the warp moves 3 sectors",
        "As is A transposed: rows turn into columns",
        "Why transposed? One wide read brings 2 rows",
        "The price in SGEMM: 8 words meet in a bank",
        "B keeps its shape: a row stays a row",
        "Barrier: early warps wait for the last",
        "And lanes down the columns?",
        "Neighbours load neighbours: 8 sectors, not 18",
        "Who loads which element of A and B?",
    ]


def test_edge_ctas_count_what_lies_inside_and_compare_on_a_whole_tile() -> None:
    """By hand: of the tile of `ragged` one row of four elements lies inside A."""
    assert said(choose("ragged"))[1:5] == [
        "9 threads load 4 elements of A, lane by lane",
        "One request of the warp moves 1 sector",
        "As is A transposed: rows turn into columns",
        "Outside A nothing is loaded: lanes write zeros",
    ]
    flat = Choice("flat", Gemm(1, 64, 64), Tiling(8, 8, 8, 2, 2), (0, 0))
    assert "16 threads load 8 elements of A, lane by lane" in said(flat)
    odd = Choice("odd", Gemm(100, 75, 33), Tiling(32, 64, 8, 4, 8), (3, 1))
    assert "64 threads load 32 elements of A, lane by lane" in said(odd)
    for choice, cta in (choose("ragged"), "CTA (0, 0)"), (flat, "C of 8×8×8"), (odd, "CTA (0, 0)"):
        loads, _ = told(choice)
        assert "On a whole tile: and lanes down columns?" in said(choice)
        assert loads.views["rows"].note == f"lanes along rows, {cta}"


def test_the_captions_of_the_naive_kernel_by_hand() -> None:
    """Kernels 1 and 2 of every ladder: a warp reads one row of A and 32 columns of B, or worse."""
    assert said(choose("naive")) == [
        "No shared memory: who loads what?",
        "All lanes of the warp load the same element",
        "One request of the warp moves 1 sector",
        "Each keeps it in a register of its own",
        "32 warps make 32 requests at this k",
        "At the next k the same sectors move again",
        "One request for B moves 4 sectors",
        "And lanes down the columns?",
        "Neighbours load neighbours at k 0: 160 sectors, not 1056",
        "No shared memory: who loads what?",
    ]


def test_the_words_for_those_who_cannot_watch_by_hand() -> None:
    shows = " ".join(take.said.shows for take in takes(choose()))
    for words in (
        "Lane 0 takes row 6, column 0; lane 1 takes row 6, column 1",
        "counted from where A begins: 9, 10, 12.",
        "Lane 0 writes word 0 of row 0 of As; lane 1 writes word 0 of row 1 of As",
        "reads words 0, 1 of As. Threads 0, 4 loaded them",
        "they would be words 0, 4.",
        "take 256 wavefronts, where 32 would do",
        "24 elements in 3 requests that move 7 sectors in all",
        "8 sectors with lanes along rows, 18 down columns",
    ):
        assert words in shows


def boxes_of(look: Look, points: np.ndarray) -> Iterator[Box]:
    """Each filled box is four lines, 16 points."""
    x, y = points[:, 0] / PIXEL + look.frame.w / 2, look.frame.h / 2 - points[:, 1] / PIXEL
    for corners in np.stack([x, y], axis=1).reshape(-1, 16, 2):
        low, high = corners.min(axis=0), corners.max(axis=0)
        yield Box(*low, *(high - low))


def drawn(sheet: Sheet) -> np.ndarray:
    """(rows, cols) what each cell is filled with."""
    found = np.zeros((sheet.view.rows, sheet.view.cols), int)
    for code, patch in sheet.patches.items():
        for box in boxes_of(sheet.look, patch.points):
            for row, col in np.ndindex(found.shape):
                x, y = sheet.part((row, col)).center
                if box.x < x < box.right and box.y < y < box.bottom:
                    found[row, col] = code
    return found


@pytest.mark.parametrize(
    ("preset", "aspect"),
    [("seed", "wide"), ("ragged", "tall"), ("sgemm", "wide"), ("naive", "tall")],
)
def test_what_is_drawn_is_what_the_shots_say(
    preset: str, aspect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Picture] = []
    moves = LoadBoard.moves
    monkeypatch.setattr(
        LoadBoard, "moves", lambda b, state: looked.append(state) or moves(b, state)
    )

    def look_at(film: GlobalToShared) -> None:
        for name, cells in (looked[-1] if looked else film.board.state).cells.items():
            sheet = film.board.sheets[name]
            shape = sheet.view.rows, sheet.view.cols
            assert np.array_equal(drawn(sheet), cells.fill.reshape(shape))
            texts = np.full(shape, "", object)
            for code in map(str, (EMPTY, ZERO, BEFORE, NOW)):
                if (found := sheet.cells[code].texts) is not None:
                    texts[found != ""] = found[found != ""]
            if (texts != "").any():
                assert np.array_equal(texts, cells.text.reshape(shape))

    film = screen(Clip("global_to_shared", choose(preset), aspect=aspect, quality="draft"), look_at)
    widths = [
        sum(slab.pose.box.w for name, slab in film.board.bars.slabs.items() if name[0] == bar)
        for bar in "01"
    ]
    good, bad = compared(choose(preset).schedule())
    assert widths[0] / widths[1] == pytest.approx(good / bad)
    assert max(widths) == pytest.approx(film.board.bars.box.w)
    assert len(looked) > 20


def test_elements_fly_from_their_cell_to_their_word() -> None:
    with configured(Clip("global_to_shared", choose())):
        loads, shots = told(choose())
        board = LoadBoard(Look(), loads)
        for shot in shots:
            found = [move for move in board.moves(shot.picture) if isinstance(move, Travel)]
            flights = shot.picture.flights
            assert bool(found) == bool(flights)
            board.settle(shot.picture)
            if not flights:
                continue
            here, there = (board.sheets[flights[0].operand + end] for end in ("", "s"))
            one, other = (
                list(boxes_of(Look(), points)) for points in (found[0].start, found[0].end)
            )
            for flight, start, end in zip(flights, one, other, strict=True):
                assert start.center == pytest.approx(here.part(flight.here).center)
                assert end.center == pytest.approx(there.part(flight.there).center)
            assert found[0].moved.get_fill_color() == here.tint(0.85)
            assert found[0].route == Route(flights[0].operand, "global", "shared")
