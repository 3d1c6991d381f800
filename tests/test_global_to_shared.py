"""What is drawn of a load is what the kernel's threads do: against counts by hand, and against
lanes, elements, sectors and words worked out one by one here."""

import re
from collections.abc import Iterator

import numpy as np
import pytest

from publish.settings import Clip
from scenes.global_to_shared.crops import Crop
from scenes.global_to_shared.loader import Loader
from scenes.global_to_shared.plot import LoadStep, Plot
from scenes.global_to_shared.reading import Reading
from scenes.global_to_shared.scene import GlobalToShared, hops
from scenes.global_to_shared.two_orders import TwoOrders
from scenes.global_to_shared.windows import Window
from scenes.kit.amounts import grouped, plural
from scenes.kit.look import PIXEL, Box, Look
from scenes.kit.motion import Travel
from scenes.kit.type import Tags
from tests.screening import configured, screen
from tests.tilings import DIRECT, FILMED, random_choices
from tiling.expand import accumulator_map
from tiling.presets import Choice, choose
from tiling.shapes import Gemm, Tiling

PRESETS = [choose(name) for name in FILMED]
CHANGED = [
    choose("sgemm", None, {"vector": "4"}),
    choose("small", None, {"vector": "2", "pad": "4"}),
    choose("seed", None, {"pad": "1", "block": "0,1"}),
    Choice("unaligned", Gemm(100, 64, 41), Tiling(16, 16, 8, 4, 4, vector=4), (6, 1)),
    Choice("one k", Gemm(40, 40, 1), Tiling(8, 8, 1, 1, 1), (1, 1)),
]
TILED = [*PRESETS, *CHANGED, *random_choices(8)]
UNLIKE = [
    Choice("columns", Gemm(64, 512, 64), Tiling(32, 256, 4, 1, 8, direct=True), (0, 0)),
    Choice("apart", Gemm(256, 256, 256), Tiling(128, 128, 8, 4, 4, direct=True), (0, 0)),
    Choice("unaligned", Gemm(64, 100, 9), Tiling(32, 32, 1, 1, 1, direct=True), (0, 1)),
    Choice("idle", Gemm(40, 8, 12), Tiling(32, 32, 4, 1, 1, direct=True), (0, 0)),
    Choice("one row", Gemm(1, 64, 8), Tiling(32, 32, 8, 1, 1, direct=True), (0, 0)),
    Choice("one lane", Gemm(8, 8, 8), Tiling(8, 1, 8, 8, 1, direct=True), (0, 0)),
]
"""Better down columns; lanes that are no neighbours; unaligned rows; threads outside C."""
EVERY = [*TILED, *DIRECT, *UNLIKE]

Element = tuple[int, int]


def name_of(choice: Choice) -> str:
    tiling = choice.tiling
    return f"{choice.gemm} in {tiling} {tiling.vector} {tiling.pad}{' direct' * tiling.direct}"


class Truth:
    """Who loads what, by the rule of the kernel and nothing else."""

    def __init__(self, choice: Choice, operand: str, down: bool = False, most: int = 2) -> None:
        gemm, tiling, (i, j) = choice.gemm, choice.tiling, choice.cta
        self.tiling, self.operand = tiling, operand
        # Asynchronous copies of A are of one float each: in As neighbours are apart.
        self.vector = 1 if operand == "A" and tiling.stages > 1 else tiling.vector
        if operand == "A":
            self.origin, shape = (i * tiling.bm, 0), (tiling.bm, tiling.bk)
            self.limit = gemm.m, gemm.k
        else:
            self.origin, shape = (0, j * tiling.bn), (tiling.bk, tiling.bn)
            self.limit = gemm.k, gemm.n
        # (tile row, tile col), thread and turn of each element, in the order of the turns
        self.elements: list[Element] = []
        self.thread: list[int] = []
        self.turn: list[int] = []
        self.busy = dict.fromkeys(range(tiling.threads), True)
        if tiling.direct:
            self.values(choice, down, min(most, gemm.k))
            return
        rows, groups = shape[0], shape[1] // self.vector
        order = [(r, g) for r in range(rows) for g in range(groups)]
        if down:
            order = [(r, g) for g in range(groups) for r in range(rows)]
        for number, (r, g) in enumerate(order):
            for v in range(self.vector):
                self.elements.append((r, g * self.vector + v))
                self.thread.append(number % tiling.threads)
                self.turn.append(number // tiling.threads)
        self.told = len(self.elements)

    def values(self, choice: Choice, down: bool, ks: int) -> None:
        """Fragments from global memory at each k: one value of every thread after the other."""
        tiling, gemm, (row0, col0) = self.tiling, choice.gemm, choice.cta
        wm, wn = tiling.warp or (tiling.bm, tiling.bn)
        tall, wide = wm // tiling.tm, wn // tiling.tn  # lanes of a warp tile
        places = []
        for thread in range(tiling.threads):
            warp, lane = divmod(thread, tall * wide)
            if down:
                row, col = warp % (tiling.bm // wm), warp // (tiling.bm // wm)
                places.append((row * tall + lane % tall, col * wide + lane // tall))
            else:
                row, col = divmod(warp, tiling.bn // wn)
                places.append((row * tall + lane // wide, col * wide + lane % wide))

        def at(position: int, i: int, warp: int, size: int) -> int:
            quad, lanes = 4 if tiling.split else size, warp // size
            first = position // lanes * warp + position % lanes * quad
            return first + i // quad * (warp // (size // quad)) + i % quad

        for thread, (row, col) in enumerate(places):
            first = at(row, 0, wm, tiling.tm), at(col, 0, wn, tiling.tn)
            down_there, right_there = row0 * tiling.bm + first[0], col0 * tiling.bn + first[1]
            self.busy[thread] = down_there < gemm.m and right_there < gemm.n
        size = tiling.tm if self.operand == "A" else tiling.tn
        for k in range(ks):
            for i in range(size):
                for thread, (row, col) in enumerate(places):
                    a, b = (at(row, i, wm, tiling.tm), k), (k, at(col, i, wn, tiling.tn))
                    self.elements.append(a if self.operand == "A" else b)
                    self.thread.append(thread)
                    self.turn.append(k * size + i)
        self.told = size * tiling.threads

    def word(self, e: int) -> Element:
        """(k, i) in As or Bs, where a swizzle may have moved i; (value, thread) in registers."""
        if self.tiling.direct:
            turns = self.turn[self.told - 1] + 1
            return self.turn[e] % turns, self.thread[e]
        if self.operand == "B":
            return self.elements[e]
        (row, k), tiling = self.elements[e], self.tiling
        if not tiling.swizzle:
            return k, row
        return k, row ^ k // self.vector * 4 * max(1, 8 * self.vector // tiling.bk) % 32

    def place(self, e: int) -> Element:
        return self.origin[0] + self.elements[e][0], self.origin[1] + self.elements[e][1]

    def there(self, e: int) -> bool:
        row, col = self.place(e)
        return row < self.limit[0] and col < self.limit[1]

    def inside(self, e: int) -> bool:
        return self.there(e) and self.busy[self.thread[e]]

    def sector(self, e: int) -> int:
        row, col = self.place(e)
        return (row * self.limit[1] + col) * 4 // 32

    def numbers(self, asked: int) -> dict[Element, str]:
        """Of each element the lane that has asked for it last, or how many did at once; also where
        there is none."""
        found: dict[Element, tuple[tuple[int, int], list[int]]] = {}
        for e in range(asked):
            if self.there(e) and not self.inside(e):
                continue
            request = self.turn[e], self.thread[e] // 32
            before, lanes = found.get(self.place(e), (request, []))
            lanes = [*lanes, self.thread[e] % 32] if before == request else [self.thread[e] % 32]
            found[self.place(e)] = request, lanes
        return {
            place: str(lanes[0]) if len(lanes) == 1 else f"{len(lanes)}×"
            for place, (_, lanes) in found.items()
        }

    def requests(self, first: int, last: int) -> dict[tuple[int, int, int], set[int]]:
        """Sectors of each request that elements first to last make."""
        found: dict[tuple[int, int, int], set[int]] = {}
        vector = self.vector
        for e in range(first, last):
            if not self.inside(e):
                continue
            group = range(e - e % vector, e - e % vector + vector)
            row, col = self.place(group[0])
            wide = all(map(self.inside, group))
            wide = wide and (row * self.limit[1] + col) % vector == 0
            key = self.turn[e], self.thread[e] // 32, 0 if wide else 1 + e % vector
            found.setdefault(key, set()).add(self.sector(e))
        return found

    def sectors(self, first: int, last: int) -> int:
        return sum(map(len, self.requests(first, last).values()))

    def sum_of_sectors(self) -> str:
        """Of all elements, turn by turn: `3+3+2 = 8` if up to four turns touch any."""
        each, first = [], 0
        while first < len(self.elements):
            end = self.turn_end(first)
            each.append(self.sectors(first, end))
            first = end
        total, each = sum(each), [many for many in each if many]
        summed = f"{'+'.join(map(str, each))} = " if 1 < len(each) <= 4 else ""
        return f"{summed}{grouped(total)}"

    def turn_end(self, first: int) -> int:
        """Behind the last element of the warp's turn that begins with this one."""
        mine = self.turn[first], self.thread[first] // 32
        end = first
        while end < len(self.elements) and (self.turn[end], self.thread[end] // 32) == mine:
            end += 1
        return end


def cell_at(crop: Crop, x: float, y: float) -> Element:
    """The cell of a crop in which a point lies, as (row, col) of the matrix."""
    row = (y - crop.box.y) / crop.box.h * crop.rows
    col = (x - crop.box.x) / crop.box.w * crop.cols
    assert 0 <= row <= crop.rows and 0 <= col <= crop.cols
    return crop.row + int(row), crop.col + int(col)


def seen(crop: Crop, place: Element) -> bool:
    row, col = place[0] - crop.row, place[1] - crop.col
    return 0 <= row < crop.rows and 0 <= col < crop.cols


def read(plot: Plot, names: tuple[str, ...]) -> dict[Element, str]:
    """The number in each cell."""
    found = {}
    for name in names:
        cells = plot.cells[name]
        for box, text in zip(cells.boxes, cells.texts.flat, strict=True):
            cell = cell_at(plot.crop, *box.center)
            assert cell not in found
            found[cell] = text
    return found


def covered(look: Look, plot: Plot, name: str) -> set[Element]:
    """Cells whose middle lies in a filled patch: each of its boxes is four lines, 16 points."""
    found: set[Element] = set()
    crop = plot.crop
    for box in boxes_of(look, plot.patches[name].points):
        for row in range(crop.row, crop.row + crop.rows):
            for col in range(crop.col, crop.col + crop.cols):
                x, y = crop.part(row, col).center
                if box.x < x < box.right and box.y < y < box.bottom:
                    assert (row, col) not in found
                    found.add((row, col))
    return found


def pixels(look: Look, points: np.ndarray) -> np.ndarray:
    """Design pixels (points, 2)."""
    x = points[:, 0] / PIXEL + look.frame.w / 2
    return np.stack([x, look.frame.h / 2 - points[:, 1] / PIXEL], axis=1)


def boxes_of(look: Look, points: np.ndarray) -> Iterator[Box]:
    for corners in pixels(look, points).reshape(-1, 16, 2):
        low, high = corners.min(axis=0), corners.max(axis=0)
        yield Box(*low, *(high - low))


def outlined(look: Look, window: Window) -> set[Element]:
    """Cells between the two long lines of an outline."""
    found: set[Element] = set()
    lines = pixels(look, window.patches["sectors"].points).reshape(-1, 4, 2)
    for line in lines:
        (x0, y0), (x1, y1) = line[0], line[-1]
        if abs(y0 - y1) < 1e-3:
            row, first = cell_at(window.crop, x0 + 1, y0)
            _, last = cell_at(window.crop, x1 - 1, y1)
            found |= {(row, col) for col in range(first, last + 1)}
    return found


@pytest.fixture
def in_manim():
    with configured(Clip("global_to_shared", choose())):
        yield


def check_window(window: Window, truth: Truth, step: LoadStep, legible: bool) -> None:
    look, crop = window.look, window.crop
    asked = truth.numbers(step.asked if step.numbered else 0)
    asked = {place: text for place, text in asked.items() if seen(crop, place)}
    numbers = read(window, ("before", "now", "outside"))
    assert numbers == asked if legible else numbers in ({}, asked)
    for name, first, last in ("before", 0, step.since), ("now", step.since, step.asked):
        want = {truth.place(e) for e in range(first, last) if truth.inside(e)}
        assert covered(look, window, name) == {place for place in want if seen(crop, place)}
    lit: set[int] = set()
    if step.lit:
        lit = set().union(*truth.requests(step.since, step.asked).values())
    rows, cols = truth.limit
    assert outlined(look, window) == {
        (row, col)
        for row in range(crop.row, min(rows, crop.row + crop.rows))
        for col in range(crop.col, min(cols, crop.col + crop.cols))
        if (row * cols + col) // 8 in lit
    }


def check_tile(loader: Loader, truth: Truth) -> None:
    """Word k·stride + i of As holds row i at k; of Bs column i at k."""
    tile, step = loader.tile, loader.step
    turned = {e: truth.word(e) for e in range(step.landed)}
    lanes = {place: str(truth.thread[e] % 32) for e, place in turned.items()}
    shown = {place: lane for place, lane in lanes.items() if seen(tile.crop, place)}
    assert read(tile, ("data", "zeros")) == (shown if step.numbered else {})
    for name, inside in ("data", True), ("zeros", False):
        want = {turned[e] for e in turned if truth.inside(e) == inside}
        found = covered(tile.look, tile, name)
        assert found == {place for place in want if seen(tile.crop, place)}


def check_lanes(loader: Loader, truth: Truth) -> None:
    """Numbers: every lane of the warp that exists once; filled: those that ask."""
    lanes, step = loader.lanes, loader.step
    now = range(step.since, step.asked)
    warp = truth.thread[step.asked - 1] // 32 if step.asked else 0
    exist = set(range(min(32, truth.tiling.threads - 32 * warp)))
    asking = {truth.thread[e] % 32 for e in now if truth.inside(e)}
    zeros = {truth.thread[e] % 32 for e in now} - asking
    cols = lanes.crop.cols
    numbers = read(lanes, ("asking", "rest"))
    assert numbers == {divmod(lane, cols): str(lane) for lane in exist | asking}
    assert {int(lane) for lane in read(lanes, ("asking",)).values()} == asking
    for name, want in ("asking", asking), ("zeros", zeros):
        assert covered(lanes.look, lanes, name) == {divmod(lane, cols) for lane in want}
    whose, *more = lanes.cells["told"].texts.tolist()
    warps = {truth.thread[e] // 32 for e in now}
    assert whose == ("several warps" if len(warps) > 1 else f"warp {warp}")
    told = "  ".join(more)
    assert bool(told) == (step.asked > step.since)
    for said, noun in re.findall(r"([\d,]+) (\w+)", told):
        count = int(said.replace(",", ""))
        requests = truth.requests(step.since, step.asked)
        match noun.rstrip("s"):
            case "sector":
                assert step.lit and count == truth.sectors(step.since, step.asked)
            case "request":
                assert count == len(requests)
            case "lane":
                assert count == len(asking)
            case "for":
                assert count == len(zeros)
            case "idle":
                assert count == len(exist - asking - zeros)
            case "of":
                turns = truth.turn[truth.told - 1] + 1
                k, turn = divmod(truth.turn[step.asked - 1], turns)
                assert f"turn {turn + 1} of {turns}" in told
                assert not truth.tiling.direct or told.startswith(f"k {k}  ")
            case _:
                raise AssertionError(told)


@pytest.mark.parametrize("aspect", ["wide", "tall"])
@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_each_picture_shows_what_the_threads_have_done(choice: Choice, aspect: str) -> None:
    truths = {operand: Truth(choice, operand) for operand in "AB"}
    orders, rest = (
        [Truth(choice, operand, down, most=1) for down in (False, True)] for operand in "AB"
    )
    steps: dict[str, list[LoadStep]] = {"A": [], "B": []}
    whole = {"A": False, "B": False}

    def look_at(film: GlobalToShared) -> None:
        for loader in film.a, film.b:
            operand = loader.load.operand
            if not steps[operand] or steps[operand][-1] != loader.step:
                steps[operand].append(loader.step)
                check_window(loader.window, truths[operand], loader.step, legible=True)
                check_tile(loader, truths[operand])
                check_lanes(loader, truths[operand])
            whole[operand] |= loader.step.landed == truths[operand].told
        if hasattr(film, "orders"):
            for window, truth in zip(film.orders.windows, orders, strict=True):
                check_window(window, truth, film.orders.step, legible=False)
            shown = [cells.texts[0, 0] for cells in film.orders.bars.cells.values()]
            counted = [truth.sectors(0, film.orders.counted) for truth in orders]
            if choice.tiling.direct and film.orders.whole:
                counted = [a + b.sectors(0, b.told) for a, b in zip(counted, rest, strict=True)]
            assert [text.split(" ")[0] for text in shown] == [
                f"{grouped(count)}" if count else "" for count in counted
            ]

    screen(Clip("global_to_shared", choice, aspect=aspect, quality="draft"), look_at)
    assert whole == {"A": True, "B": True}
    for operand, truth in truths.items():
        assert steps[operand][0] == LoadStep() == steps[operand][-1]
        ends = {step.asked for step in steps[operand]}
        assert truth.turn_end(0) in ends  # the first turn of the first warp is seen alone


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_elements_travel_from_their_cell_to_their_word(choice: Choice, in_manim) -> None:
    for operand in "A", "B":
        loader, truth = Loader(Look(), choice.schedule(), operand), Truth(choice, operand)
        size = len(truth.elements)
        moves = loader.to(LoadStep(size, 0, True, size), ask=(0, 0.5), land=(0.5, 1))
        flights = [m for m in moves if isinstance(m, Travel) and m.mobject.get_color() is not None]
        boxes = [m for m in flights if len(m.start) % 16 == 0 and not hasattr(m.mobject, "texts")]
        asking, landing = boxes if len(boxes) == 2 else (boxes[0], boxes[-1])
        window, tile, look = loader.window.crop, loader.tile.crop, Look()
        want = [
            (truth.thread[e] % 32, truth.place(e), truth.word(e))
            for e in range(size)
            if truth.inside(e) and seen(window, truth.place(e))
        ]
        cols = loader.lanes.crop.cols
        found = [
            (cell_at(loader.lanes.crop, *here.center), cell_at(window, *there.center))
            for here, there in zip(
                boxes_of(look, asking.start), boxes_of(look, asking.end), strict=True
            )
        ]
        together: dict[tuple[int, Element], list[int]] = {}  # of those that ask at once, one
        for e in range(size):
            if truth.inside(e) and seen(window, truth.place(e)):
                key = truth.turn[e] * 10**6 + truth.thread[e] // 32, truth.place(e)
                together.setdefault(key, []).append(truth.thread[e] % 32)
        assert found == [
            (divmod(lanes[len(lanes) // 2], cols), place) for (_, place), lanes in together.items()
        ]
        found = [
            (cell_at(window, *here.center), cell_at(tile, *there.center))
            for here, there in zip(
                boxes_of(look, landing.start), boxes_of(look, landing.end), strict=True
            )
        ]
        assert found == [(place, word) for _, place, word in want if seen(tile, word)]


@pytest.mark.parametrize("choice", TILED, ids=name_of)
def test_the_fragment_that_is_outlined(choice: Choice, in_manim) -> None:
    loader, tiling = Loader(Look(), choice.schedule(), "A"), choice.tiling
    reading = Reading(Look(), loader, Box(80, 830, 1700, 190))
    as_it_is, kept = (words.tolist() for words in reading.words)
    rows = accumulator_map(tiling)[0][0].tolist()
    assert as_it_is == rows  # at k = 0 no swizzle has begun
    assert kept == [row * tiling.bk for row in rows]
    groups = [row * tiling.bk // Truth(choice, "A").vector for row in rows]
    assert reading.loaded == [group % tiling.threads for group in groups]

    window, tile = loader.window.crop, loader.tile.crop
    top = choice.schedule().origin("A")[0]
    numbers = 0
    for tags in (part for part in reading.submobjects if isinstance(part, Tags)):
        for box, text in zip(tags.boxes, tags.texts, strict=True):
            if window.box.meets(box):
                row, _ = cell_at(window, *box.center)
                assert text == str((row - top) * tiling.bk)
                assert row - top in rows
            elif tile.box.meets(box):
                assert text == str(cell_at(tile, *box.center)[1])
                assert int(text) in as_it_is
            numbers += 1
    assert numbers or tiling.bm > 12


def test_the_captions_of_the_toy_by_hand() -> None:
    film = screen(Clip("global_to_shared", choose()), lambda film: None)
    assert [mark.text for mark in film.captions] == [
        "A toy: 24 elements of A for 9 threads: who fetches which?",
        "Lanes in order: each fetches the next element",
        "One request: 9 lanes, 3 sectors of 32 bytes",
        "A row of A becomes a column of As in shared memory",
        "Turn by turn: the last leaves 3 threads idle",
        "Why transposed? Thread 0 reads 2 rows at one k: neighbours",
        "B keeps its shape: a row of B is a row of Bs",
        "Barrier: nobody reads before all have written",
        "And if lanes were numbered down the columns?",
        "One request: 3 sectors along rows, 6 down columns",
        "In all: 3+3+2 = 8 along rows, 6+6+6 = 18 down columns",
        "Neighbours load neighbours: 4 sectors a request in SGEMM, not 32",
        "A toy: 24 elements of A for 9 threads: who fetches which?",
    ]


def test_a_toy_ends_with_one_request_of_the_real_thing() -> None:
    """By hand: 32 lanes along rows of 8 floats are 4 rows, a sector each; down a column 32 rows."""
    bars: list[list[str]] = []

    def look_at(film: GlobalToShared) -> None:
        if film.captions[-1].text.endswith("in SGEMM, not 32"):
            (orders,) = [
                one for one in film.get_mobject_family_members() if isinstance(one, TwoOrders)
            ]
            assert orders is not film.orders
            assert {load.schedule.gemm for load in orders.loads} == {Gemm(4096, 4096, 4096)}
            bars.append([cells.texts[0, 0] for cells in orders.bars.cells.values()])

    screen(Clip("global_to_shared", choose()), look_at)
    assert bars[0] == ["", ""] and bars[-1] == ["4 sectors", "32 sectors"]


def test_the_words_for_those_who_cannot_watch_by_hand() -> None:
    film = screen(Clip("global_to_shared", choose()), lambda film: None)
    shows = " ".join(mark.shows for mark in film.captions)
    for told in (
        "Lane 0 takes row 6, column 0; lane 1 takes row 6, column 1",
        "counted from where A begins: 9, 10, 12.",
        "Lane 0 writes word 0, which is As[0][0]; lane 1 writes word 6, which is As[1][0]",
        "24 elements in 3 requests that touch 8 sectors in all",
        "reads words 0, 1 of As. Threads 0, 4 loaded them",
        "they would be words 0, 4.",
        "24 elements in 3 requests that touch 7 sectors in all",
        "8 sectors with lanes along the rows, 18 sectors with lanes down the columns",
    ):
        assert told in shows


def test_the_captions_of_the_real_thing_by_hand() -> None:
    said = {
        mark.text
        for mark in screen(Clip("global_to_shared", choose("sgemm")), lambda film: None).captions
    }
    assert said >= {
        "1024 elements of A for 256 threads: who fetches which?",
        "One request: 32 lanes, 4 sectors of 32 bytes",
        "8 warps in 4 turns: 32 requests load A's tile",
        "One request: 4 sectors along rows, 32 down columns",
        "Neighbours load neighbours: 128 sectors for A's tile, not 1024",
    }


@pytest.mark.parametrize("choice", TILED, ids=name_of)
def test_counts_in_captions(choice: Choice) -> None:
    film = screen(Clip("global_to_shared", choice), lambda film: None)
    said = [mark.text for mark in film.captions]
    rows, columns = Truth(choice, "A"), Truth(choice, "A", down=True)
    good, bad = (truth.sectors(0, len(truth.elements)) for truth in (rows, columns))
    first = rows.turn_end(0)
    requests = rows.requests(0, first)
    lanes = {rows.thread[e] for e in range(first) if rows.inside(e)}
    start = next(text for text in said if text.endswith(" of 32 bytes"))
    numbers = [int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", start)]
    if len(requests) > 1:
        assert numbers.pop(0) == len(requests)
    assert numbers == [len(lanes), rows.sectors(0, first), 32]
    toy = choice.tiling.threads < 32
    real = "Neighbours load neighbours: 4 sectors a request in SGEMM, not 32"
    assert toy == (real in said)
    results = [t for t in said if t.startswith(("Neighbours", "For this tile")) and t != real]
    assert len(results) == (not toy or good >= bad)
    for result in results:
        assert (good < bad) == result.startswith("Neighbours")
        assert (good == bad) == ("the same" in result)
        assert f"{grouped(good)} sector" in result or f"not {grouped(good)}" in result
        assert f"{grouped(bad)}" in result
    for text in said:
        if text.startswith("In all"):
            want = rows.sum_of_sectors(), columns.sum_of_sectors()
            assert text == f"In all: {want[0]} along rows, {want[1]} down columns"
        if "the last leaves" in text:
            threads = choice.tiling.threads
            last = sum(turn == rows.turn[-1] for turn in rows.turn) // rows.vector
            assert f" {threads - last} thread" in text
        if text.startswith("Outside A"):
            assert not all(map(rows.inside, range(rows.told)))


@pytest.mark.parametrize("choice", [*DIRECT, *UNLIKE], ids=name_of)
def test_counts_in_captions_without_shared_memory(choice: Choice) -> None:
    film = screen(Clip("global_to_shared", choice), lambda film: None)
    said = " | ".join(mark.text for mark in film.captions)
    rows, columns = (
        {operand: Truth(choice, operand, down, most=1) for operand in "AB"}
        for down in (False, True)
    )
    for truth, caption in (
        (rows["A"], "One request: {lanes}, {sectors} of 32 bytes"),
        (rows["B"], "One request for B: {lanes}, {sectors}"),
    ):
        first = truth.turn_end(0)
        lanes = sum(map(truth.inside, range(first)))
        counts = {
            "lanes": plural(lanes, "lane"),
            "sectors": plural(truth.sectors(0, first), "sector"),
        }
        assert caption.format(**counts) in said
    (good, more), (bad, less) = (
        [truth.sectors(0, truth.told) for truth in both.values()] for both in (rows, columns)
    )
    along, down = (
        f"{grouped(good)}+{grouped(more)} = {grouped(good + more)}",
        f"{grouped(bad)}+{grouped(less)} = {grouped(bad + less)}",
    )
    assert f"A and B at k 0: {along} along rows, {down} down columns" in said
    good, bad = good + more, bad + less
    if good == bad:
        result = f"For this tiling it is the same: {plural(good, 'sector')} either way"
    elif good > bad:
        result = "For this tiling the columns would do better"
        result += f": {plural(bad, 'sector')}, not {grouped(good)}"
    else:
        neighbours = "Neighbours load neighbours"
        result = neighbours if choice.tiling.tn == 1 else "Along rows it takes fewer"
        result += f": {plural(good, 'sector')} at k 0, not {grouped(bad)}"
    assert result in said
    again = Truth(choice, "A")
    one, other = (
        set().union(*again.requests(*part).values())
        for part in ((0, again.told), (again.told, len(again.elements)))
    )
    assert ("At the next k" in said) == bool(other)
    assert ("the same sectors of A are requested again" in said) == (one == other)
    assert "barrier" not in said.lower() and "shared memory: who" in said
    first = range(rows["A"].turn_end(0))
    if not all(map(rows["A"].inside, first)):
        what = "C" if all(map(rows["A"].there, first)) else "A"
        assert f"Outside {what} nothing is requested: these lanes hold zeros" in said
    rows_asked = {rows["A"].place(e)[0] for e in first}
    all_alike = len(rows_asked) == 1 and all(map(rows["A"].inside, first))
    assert ("all fetch the same" in said) == (all_alike and choice.tiling.threads > 1)


def test_the_naive_kernel_by_hand() -> None:
    """Kernels 1 and 2 of every ladder: a warp reads one row of A and 32 columns of B, or worse."""
    said = [
        mark.text
        for mark in screen(Clip("global_to_shared", choose("naive")), lambda film: None).captions
    ]
    assert said == [
        "No shared memory: who fetches what at each k?",
        "Lanes in order: all fetch the same element",
        "One request: 32 lanes, 1 sector of 32 bytes",
        "Each keeps it in a register, where no other thread sees it",
        "32 warps in 1 turn: 32 requests for A at this k",
        "At the next k the same sectors of A are requested again",
        "One request for B: 32 lanes, 4 sectors",
        "And if lanes were numbered down the columns of C?",
        "One request for A: 1 sector along rows, 32 down columns",
        "A and B at k 0: 32+128 = 160 along rows, 1024+32 = 1056 down columns",
        "Neighbours load neighbours: 160 sectors at k 0, not 1056",
        "No shared memory: who fetches what at each k?",
    ]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("end", [1, 2, 3, 5, 6, 7, 8, 20, 16384])
def test_hops_cover_the_turns(first: int, end: int) -> None:
    found = hops(first, end)
    assert [turn for a, b in found for turn in range(a, b)] == list(range(first, end))
    assert len(found) <= 7


def test_the_bad_order_is_not_the_kernels(in_manim) -> None:
    """Side by side stands the order of the schedule and the other one, in this order."""
    orders = TwoOrders(Look(), choose().schedule())
    assert orders.totals == [8, 18]
