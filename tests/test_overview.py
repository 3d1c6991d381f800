"""The overview shows every event once and in order, and what it shows is what the readers say."""

import re
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from publish.settings import Clip
from scenes.kit.look import Box, Look
from scenes.kit.motion import Carry, Pulse, Spread
from scenes.kit.shapes import Pose
from scenes.kit.shot import Said
from scenes.kit.timing import FRAME
from scenes.kit.type import Label
from scenes.overview.board import ThreeMemories
from scenes.overview.counters import Counters
from scenes.overview.pace import pace
from scenes.overview.scene import Overview
from scenes.overview.shots import shots
from tests.screening import configured, screen
from tests.tilings import DIRECT, FILMED, TOYS, random_choices
from tiling.execute import execute
from tiling.expand import expand_fragments
from tiling.for_scenes.numbers import operands
from tiling.presets import Choice, choose
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Exchange,
    Fragments,
    OuterProduct,
    Store,
    Wait,
    schedule,
)
from tiling.state import state_at

PRESETS = [choose(name) for name in FILMED]
EVERY = [*PRESETS, *TOYS, *DIRECT, *random_choices(6)]


def name_of(choice: Choice) -> str:
    return f"{choice.gemm} in {choice.tiling}"


@pytest.fixture
def board_of(request: pytest.FixtureRequest):
    """Boards outside a scene, in the wide paper look."""

    def make(choice: Choice) -> ThreeMemories:
        return ThreeMemories(choice, Look())

    with configured(Clip("overview", choose())):
        yield make


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_every_event_is_enacted_once_and_in_order(choice: Choice) -> None:
    steps = [0]
    screen(Clip("overview", choice), lambda film: steps.append(film.board.state.step))
    shown = [step for before, step in pairwise(steps) if step != before]
    # In the end it goes back, to loop.
    assert shown == [*(beat.last for beat in pace(choice.schedule())), 0]


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_beats_cover_the_schedule_in_whole_frames(choice: Choice) -> None:
    events = choice.schedule().events
    beats = list(pace(choice.schedule()))
    assert beats[0].first == 0 and beats[-1].last == len(events)
    assert all(one.last == two.first for one, two in pairwise(beats))
    assert all(beat.last > beat.first for beat in beats)
    assert all(round(beat.seconds / FRAME, 6).is_integer() for beat in beats)


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_the_lit_tiles_are_those_the_events_name(choice: Choice, board_of) -> None:
    board, plan = board_of(choice), choice.schedule()
    rng = np.random.default_rng(1)
    steps = rng.choice(len(plan.events), min(40, len(plan.events)), replace=False)
    for step in sorted(map(int, steps)):
        board.settle(state_at(plan, step + 1))
        event = plan.events[step]
        if isinstance(event, Copy):
            row, col = plan.origin(event.operand, event.k_tile)
            rows, cols = plan.inside(event.operand, event.k_tile)
            want = board.memory.corner.part(event.operand, row, col, rows, cols)
            assert board.slabs[f"{event.operand} tile"].pose.box == want
        if isinstance(event, Fragments):
            reads = expand_fragments(plan, event)
            if plan.tiling.direct:
                continue  # test_what_is_read_of_global_memory
            for operand in "A", "B":
                mine = reads[operand]
                k = event.k_tile * plan.tiling.bk
                row, col = plan.origin(operand, event.k_tile)
                behind = event.stage * plan.tiling.bk
                row, col = (row, col - behind) if operand == "A" else (row - behind, col)
                quad = 4 if plan.tiling.split else mine.row.shape[1]
                for part in range(mine.row.shape[1] // quad):
                    ends = part * quad, part * quad + quad - 1
                    first, last = (
                        (int(mine.row[0, end]) - row, int(mine.col[0, end]) - col) for end in ends
                    )
                    size = last[0] - first[0] + 1, last[1] - first[1] + 1
                    want = board.shared.corner.part(operand, *first, *size)
                    assert board.slabs[f"{operand}s read {part}"].pose.box == want
                assert (row if operand == "B" else col) == k - behind


@pytest.mark.parametrize("choice", DIRECT, ids=name_of)
def test_what_is_read_of_global_memory(choice: Choice, board_of) -> None:
    """By all threads of the CTA, and by the filmed one, against what each of them reads."""
    board, plan = board_of(choice), choice.schedule()
    for step, event in enumerate(plan.events[:40]):
        if not isinstance(event, Fragments):
            continue
        board.settle(state_at(plan, step + 1))
        for operand, read in expand_fragments(plan, event).items():
            there = read.predicate
            slab = board.slabs[f"{operand} tile"].pose
            assert slab.fill == float(there.any())
            if there.any():
                ends = [(x[there].min(), x[there].max()) for x in (read.row, read.col)]
                size = [last - first + 1 for first, last in ends]
                want = board.memory.corner.part(operand, ends[0][0], ends[1][0], *size)
                assert slab.box == want
            mine = board.memory.fragment(operand, event.k_tile, event.k)
            one = [board.memory.corner.part(operand, x.row, x.col, *x.size) for x in first(read)]
            assert mine == one


@pytest.mark.parametrize("choice", DIRECT, ids=name_of)
def test_the_second_panel_is_the_registers_of_the_cta(choice: Choice, board_of) -> None:
    shared, threads = board_of(choice).shared, choice.tiling.threads
    words = {one.text for one in shared.get_family() if isinstance(one, Label)}
    assert words == {"REGISTERS · CTA", f"{threads} thread" + "s" * (threads > 1), "C"}
    c, within = shared.corner.box("C"), shared.corner.within
    assert max(c.w / within.w, c.h / within.h) > 0.9


def first(read) -> list[Any]:
    """Of thread 0's reads of an operand: row, col and (rows, cols) of each run of neighbours."""
    places = np.stack([read.row[0], read.col[0]], axis=1)
    cuts = np.flatnonzero(np.diff(places, axis=0).sum(axis=1) != 1) + 1
    return [
        SimpleNamespace(row=int(run[0, 0]), col=int(run[0, 1]), size=np.ptp(run, axis=0) + 1)
        for run in np.split(places, cuts)
    ]


TOLD = [*map(choose, ("seed", "ragged", "small")), *TOYS, DIRECT[1]]


@pytest.mark.parametrize("choice", TOLD, ids=name_of)
def test_the_numbers_in_registers_after_every_event(choice: Choice, board_of) -> None:
    """Against NumPy's own products of the zero-filled rows and columns of the filmed thread."""
    board, plan = board_of(choice), choice.schedule()
    tiling, (row, col) = plan.tiling, plan.origin("C")
    k_all = plan.k_tiles * tiling.bk
    a_all, b_all = operands(plan)
    a = np.zeros((tiling.tm, k_all))
    b = np.zeros((k_all, tiling.tn))
    part = a_all[row : row + tiling.tm]
    a[: part.shape[0], : part.shape[1]] = part
    part = b_all[:, col : col + tiling.tn]
    b[: part.shape[0], : part.shape[1]] = part
    for step, event in enumerate(plan.events):
        state = state_at(plan, step + 1)
        board.settle(state)
        cells = board.registers.cells
        acc = a[:, : state.k_done] @ b[: state.k_done]
        np.testing.assert_array_equal(cells["acc"].texts.astype(float), acc)
        if isinstance(event, Fragments | OuterProduct):
            k = event.k_tile * tiling.bk + event.k
            held = cells["a"].texts[:, event.buffer], cells["b"].texts[event.buffer]
            np.testing.assert_array_equal(held[0].astype(float), a[:, k])
            np.testing.assert_array_equal(held[1].astype(float), b[k])
        if isinstance(event, OuterProduct):
            products = board.registers.products_at(state)
            if products is not None:
                want = [[f"+{x:g}·{y:g}" for y in b[k]] for x in a[:, k]]
                assert products.texts.tolist() == want
    whole = execute(plan, a_all, b_all, ctas=[plan.cta])[
        row : row + tiling.tm, col : col + tiling.tn
    ]
    np.testing.assert_array_equal(acc[: whole.shape[0], : whole.shape[1]], whole)


SPLIT = choose("small", None, {"cta": "32x16x8", "thread": "8x4", "split": True, "swizzle": True})


@pytest.mark.parametrize("choice", [*TOLD, SPLIT], ids=name_of)
def test_every_event_is_told_by_what_it_moves(choice: Choice, board_of) -> None:
    board, plan = board_of(choice), choice.schedule()
    shared, registers, memory = board.shared, board.registers, board.memory
    for step, event in enumerate(plan.events):
        board.settle(state_at(plan, step))
        after = state_at(plan, step + 1)
        moves = board.enact(step + 1)
        for move in moves:
            move.begin()
            move.interpolate(0)
        carried = {(m.start.box, m.to) for m in moves if isinstance(m, Carry)}
        match event:
            case Copy(operand, k_tile, number):
                tile = memory.inside(operand, k_tile), shared.resident(operand, k_tile, number)
                assert carried == {tile}
            case Fragments(k_tile, k, number, buffer):
                want = set()
                for op in "A", "B":
                    if plan.tiling.direct:
                        here = memory.fragment(op, k_tile, k)
                    else:
                        here = shared.fragment(op, k, number)
                    want |= set(zip(here, registers.parts(op, len(here), buffer), strict=True))
                assert carried == want
            case OuterProduct():
                spreads = [m for m in moves if isinstance(m, Spread)]
                assert [m.over for m in spreads] == [registers.corner.box("C")] * 3
                assert [m.start.box for m in spreads[:2]] == [
                    registers.buffer(op, event.buffer) for op in ("A", "B")
                ]
                assert spreads[2].mobject is registers.slabs["products"]
                assert not carried
            case Barrier():
                assert [m.mobject for m in moves if isinstance(m, Pulse)] == [shared.panel.border]
            case Exchange():
                rows = min(plan.tiling.bm // plan.tiling.tm, shared.corner.k)
                strip = shared.corner.part("B", 0, 0, rows, plan.tiling.bn)
                assert carried == {(shared.corner.box("C"), strip)}
            case Store(row):
                results = shared.corner.part("C", 0, 0, *plan.inside("C"))
                here = results if row is None else strip
                assert carried == {(here, memory.inside("C"))}
            case Commit() | Wait():
                assert not carried
        for move in moves:
            move.interpolate(1)
        assert all(
            board.slabs[name].pose == pose
            for name, pose in board.picture(after).items()
            if not name.endswith((" spread", "products"))  # these settle when they have faded
        )
        for memory_ in board.memories:
            for key, cells in memory_.cells_at(after).items():
                if not key.endswith("zeros"):  # these settle when the tile has arrived
                    assert memory_.cells[key].texts is None or (
                        memory_.cells[key].texts.tolist() == cells.texts.tolist()
                    )


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_the_playhead_goes_right_with_every_step(choice: Choice, board_of) -> None:
    timeline, events = board_of(choice).timeline, choice.schedule().events
    places = [timeline.x(step) for step in range(len(events) + 1)]
    assert places[0] == timeline.box.x
    assert places[-1] == pytest.approx(timeline.box.right)
    assert all(one < two for one, two in pairwise(places))


@pytest.mark.parametrize("choice", PRESETS, ids=name_of)
def test_counters_say_what_the_state_counts(choice: Choice, board_of) -> None:
    board, plan = board_of(choice), choice.schedule()
    end = state_at(plan, len(plan.events))
    for step in np.linspace(0, len(plan.events), 9, dtype=int):
        state = state_at(plan, int(step))
        board.settle(state)
        k_tile, k = (board.counters.submobjects[i].text.split() for i in (0, 1))
        begun = [e.k_tile for e in plan.events[:step] if isinstance(e, Barrier | Wait | Fragments)]
        now = max((k_tile for k_tile in begun if k_tile is not None), default=0)
        assert k_tile[1:] == [str(now + 1), "of", str(plan.k_tiles)]
        done = sum(isinstance(event, OuterProduct) for event in plan.events[:step])
        assert k[1:] == [str(min(done, plan.gemm.k)), "of", str(plan.gemm.k)]
        fma, requested = (board.counters.submobjects[i].text for i in (2, 3))
        assert approximately(fma, state.fma, end.fma)
        assert approximately(requested, state.requested_bytes, end.requested_bytes)


def approximately(shown: str, now: int, total: int) -> bool:
    """Whether both numbers of a counter are as they should be, in the scales that they have. The
    first may have none of its own: then it is the other's."""
    scale = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
    found = re.fullmatch(r"\w+ +([\d.,]+) ?([kMGT]?)B? of ([\d.,]+) ?([kMGT]?)B?", shown)
    assert found, shown
    first, own, last, unit = found.groups()
    own = own or (unit if not shown.partition(" of ")[0].endswith("B") and "." in first else "")
    for digits, prefix, value in (first, own, now), (last, unit, total):
        by = scale.get(prefix, 1)
        least = 10.0 ** -len(digits.partition(".")[2])
        if abs(float(digits.replace(",", "")) * by - value) > by * least / 2:
            return False
    return True


def test_counts_are_whole_where_they_are_small(board_of) -> None:
    plan = schedule(choose().gemm, choose().tiling)
    texts = Counters(Look(), Box(0, 0, 1000, 50), plan).texts(state_at(plan, len(plan.events)))
    assert texts == ["k-tile 3 of 3", "k 12 of 12", "FMA 432 of 432", "requested 576 of 576 B"]


@pytest.mark.parametrize("choice", EVERY, ids=name_of)
def test_a_clip_ends_where_it_begins(choice: Choice, board_of) -> None:
    board = board_of(choice)
    first = {name: slab.pose for name, slab in board.slabs.items()}
    captions: list[str] = []
    poses: list[dict[str, Pose]] = []

    def look_at(film: Overview) -> None:
        captions.append(film.captions[-1].text)
        poses.append({name: slab.pose for name, slab in film.board.slabs.items()})

    film = screen(Clip("overview", choice), look_at)
    assert captions[0] == captions[-1]
    assert poses[-1] == first
    before_the_last_wait = {k: v for k, v in poses[-2].items() if first[k].fill or first[k].stroke}
    assert before_the_last_wait.items() <= first.items()  # it glides there, it does not jump
    assert film.board.counters.texts(film.board.state) == [
        label.text for label in film.board.counters.submobjects
    ]
    assert film.board.state.step == 0


# By hand. seed: 6·6 results of K = 12; A and B 6·12 floats each. ragged: of the tile 1×5 results
# lie inside C, of K = 10; 10 floats of A and 50 of B; 9 threads make 4 FMAs at each of 3·4 k.
@pytest.mark.parametrize(
    ("preset", "says"),
    [
        ("seed", "864 FLOP for 576 B requested: 1.5 FLOP per byte"),
        ("ragged", "0.417 FLOP per byte; 50 of 432 FMA are of the product"),
    ],
)
def test_it_ends_with_what_was_done_for_what_was_requested(preset: str, says: str) -> None:
    told = [shot for shot in shots(choose(preset).schedule(), None) if isinstance(shot, Said)]
    assert told[-2].text == says  # the last is the first again
