"""Faults that are planted are found by the lint of pictures, each by what it means."""

import re
from dataclasses import replace
from typing import Any

import pytest

from publish.settings import Clip
from scenes import SCENES
from scenes.kit import bars, motion
from scenes.kit.motion import Carry, Fade, Jump, Move
from scenes.kit.route import Route
from scenes.kit.shapes import Pose
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import to_read
from scenes.kit.type import Label
from scenes.overview import board
from tests.claims import Told, untrue
from tests.claims_of_scenes import CLAIMS
from tests.screening import flaws, lint, screen
from tests.tilings import DIRECT, FILMED
from tiling.presets import Choice, choose
from tiling.schedule import Barrier

TOY = choose("seed", None, {"gemm": "12x12x8"})


def found(scene: str, what: str, choice: Choice = TOY, aspect: str = "wide") -> bool:
    return any(re.search(what, wrong) for wrong in lint(Clip(scene, choice, aspect=aspect)))


class Enough(Exception):
    """What was to be seen has been seen."""


@pytest.mark.parametrize("scene", SCENES)
def test_words_in_wrong_places(scene: str) -> None:
    seen: list[str] = []

    def look_at(film: TilingScene) -> None:
        ink, margin = film.look.theme.ink, film.look.margin
        x, y = film._caption[0].boxes[0].center
        labels = [
            Label(film.look, "over", x, y, 60, ink),
            Label(film.look, "out of here", margin.right - 40, 1000, 30, ink),
            Label(film.look, "tiny", 500, 930, 12, ink),
            Label(film.look, "panel", margin.x - 5, 700, 60, ink),
            Label(film.look, "pale", 500, 975, 30, "#cccccc"),
        ]
        film.add(*labels)
        seen.extend(flaws(film))
        raise Enough

    with pytest.raises(Enough):
        screen(Clip(scene, choose(), quality="draft"), look_at)
    for what in ("'over'.*touches|touches.*'over'", "'out of here' leaves", "'tiny' is 12 px"):
        assert any(re.search(what, wrong) for wrong in seen), what
    for what in ("'panel' crosses", "'pale' has contrast"):
        assert any(re.search(what, wrong) for wrong in seen), what


def test_a_text_on_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "OVER", -20)
    assert found("outer_product", "lies on a bar", choose("naive"), "tall")


def test_an_outline_that_slides_over_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Jump, "interpolate_mobject", Move.interpolate_mobject)
    assert found("why_tile", "has an outline through it")


# A tile that flies from shared to global memory, or another one than the event's.


def backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """The boxes are swapped, whatever is said of them."""
    init = Carry.__init__

    def swapped(self: Carry, slab: Any, to: Any, *rest: Any) -> None:
        here = slab.pose
        init(self, slab.take(Pose(to, here.fill, here.stroke)), here.box, *rest)

    monkeypatch.setattr(Carry, "__init__", swapped)


def test_a_tile_that_flies_from_shared_to_global_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    backwards(monkeypatch)
    assert found("overview", r"operand='A', here='global', there='shared'\) begins or ends in")
    assert found("why_tile", r"operand='B', here='global', there='shared'\) begins or ends in")


def test_a_tile_that_says_so_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    real = board.carried

    def swapped(look: Any, here: Any, there: Any, route: Route, *rest: Any) -> Carry:
        return real(look, there, here, Route(route.operand, route.there, route.here), *rest)

    monkeypatch.setattr(board, "carried", swapped)
    assert found("overview", r"here='shared', there='global'\) is not in")


def test_another_operand_than_the_event_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"A": "B", "B": "A", "C": "C"}
    monkeypatch.setattr(board, "Route", lambda op, *rest: Route(other[op], *rest))
    assert found("overview", r"operand='B'.* is not in Copy\(operand='A'")


def test_the_colour_of_another_operand(monkeypatch: pytest.MonkeyPatch) -> None:
    real = motion.carried

    def tinted(look: Any, here: Any, there: Any, route: Route, *rest: Any) -> Carry:
        move = real(look, here, there, replace(route, operand="B"), *rest)
        move.route = route
        return move

    monkeypatch.setattr(board, "carried", tinted)
    assert found("overview", "operand='A'.* has the colour of B")


# A fade that does not fade.


@pytest.mark.parametrize("stands", [0, 1])
def test_a_fade_that_does_not_fade(stands: float, monkeypatch: pytest.MonkeyPatch) -> None:
    def still(self: Fade, alpha: float) -> None:
        self.mobject.set_fill(opacity=stands)

    monkeypatch.setattr(Fade, "interpolate_mobject", still)
    assert found("overview", "comes or goes at once")
    assert found("overview", "is taken away while it is seen") == bool(stands)


def test_a_flight_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def stays(self: Carry, alpha: float) -> None:
        self.mobject.take(Pose(self.to, 1, 1))

    monkeypatch.setattr(Carry, "interpolate_mobject", stays)
    assert found("overview", "is taken away while it is seen")


# Words that are not so.

EVERY = [*map(choose, FILMED), *DIRECT]


def wrong(scene: str, choice: Choice, text: str, step: int | None = None) -> list[str]:
    return list(untrue(Told(choice, text, step), CLAIMS[scene]))


@pytest.mark.parametrize("choice", EVERY, ids=lambda choice: choice.name)
def test_the_words_of_the_other_barrier(choice: Choice) -> None:
    words = {
        "reads": ("Barrier: wait until the tiles are complete"),
        "overwrite": ("Barrier: wait until nobody reads the old tiles"),
    }
    barriers = {
        event.before: step
        for step, event in enumerate(choice.schedule().events)
        if isinstance(event, Barrier) and event.k_tile is not None
    }
    for before, step in barriers.items():
        for what, text in words.items():
            assert bool(wrong("overview", choice, text, step)) == (before not in (what, "both"))


@pytest.mark.parametrize("choice", EVERY, ids=lambda choice: choice.name)
def test_what_a_neighbour_loads(choice: Choice) -> None:
    same, other = ("row", "column") if choice.gemm.n > 1 else ("column", "row")
    assert not wrong("why_tile", choice, f"Its neighbour loads the same {same} again")
    assert wrong("why_tile", choice, f"Its neighbour never loads the same {same}")
    assert wrong("why_tile", choice, f"Its neighbour loads the same {other} again")
    assert wrong("why_tile", choice, "Its neighbour needs nothing of it")  # nobody knows that


def test_its_neighbour_never_loads_the_same_row(monkeypatch: pytest.MonkeyPatch) -> None:
    say = TilingScene.say

    def denied(film: TilingScene, text: str, *rest: Any, **more: Any) -> None:
        say(film, re.sub(r"loads the same (\w+) again", r"never loads the same \1", text), *rest)

    monkeypatch.setattr(TilingScene, "say", denied)
    assert found("why_tile", "'neighbour never loads the same row' is not so")


def test_words_that_go_by_too_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenes.kit.tiling_scene.to_read", lambda text: to_read(text) - 0.4)
    monkeypatch.setattr("scenes.kit.paced.to_read", lambda text: to_read(text) - 0.4)
    assert found("overview", r"stands \d.* s and needs")
