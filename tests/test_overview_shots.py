"""What the overview says, as data: words tied to the events they speak of. Nothing is drawn."""

import re

import pytest

from scenes.kit.said import Said
from scenes.overview.shots import closing, opening, shots
from tests.test_imports import modules_after
from tests.tilings import DIRECT, FILMED, TOYS, random_choices
from tiling.presets import Choice, choose
from tiling.schedule import Barrier, Commit, Copy, Event, Exchange, Fragments, Store, Wait

EVERY = [*map(choose, FILMED), *TOYS, *DIRECT, *random_choices(12)]

SPEAKS = {
    "barrier": r"[Bb]arrier",
    "for reads": r"tiles are complete|tile is complete",
    "for an overwrite": r"nobody reads",
    "wait": r"^Wait: |had a whole k-tile of time|nothing more is to be copied",
    "copy": r"Loading|[Cc]opies .*begin|next tiles|last tiles|on (their|its) way|beyond an edge",
    "commit": r"Commit",
    "read": r"outer products|[Tt]hreads read|next fragments|So it goes on",
    "store": r"[Ss]tore[ds]? |stored|go where the tiles lay",
}


def expected(event: Event) -> set[str]:
    """Of what a caption may speak that begins with this event."""
    match event:
        case Copy():
            return {"copy"}
        case Commit():
            return {"commit"}
        case Wait():
            return {"wait", "copy"}
        case Barrier(None):
            return {"barrier", "for an overwrite", "store"}
        case Barrier(_, "reads"):
            return {"barrier", "for reads"}
        case Barrier(_, "overwrite"):
            return {"barrier", "for an overwrite"}
        case Barrier(_, "both"):
            return {"barrier", "for reads", "for an overwrite"}
        case Fragments():
            return {"read"}
        case Exchange() | Store():
            return {"store"}
        case _:
            return set()


def spoken(said: Said) -> set[str]:
    return {what for what, words in SPEAKS.items() if re.search(words, said.text)}


@pytest.mark.parametrize("choice", EVERY, ids=lambda c: f"{c.gemm} in {c.tiling}")
def test_words_are_about_the_event_they_begin_with(choice: Choice) -> None:
    plan, step, chapters = choice.schedule(), 0, []
    for shot in shots(plan, None):
        event = plan.events[step]
        assert shot.last > step and shot.seconds > 0
        if shot.said and "same for each" not in shot.said.text:
            assert spoken(shot.said) and spoken(shot.said) <= expected(event), shot.said
            if isinstance(event, Barrier) and event.before == "both":
                assert spoken(shot.said) == expected(event)
        if shot.said and shot.said.chapter:
            chapters.append(shot.said.chapter)
        step = shot.last
    assert step == len(plan.events)
    assert len(set(chapters)) == len(chapters) and chapters[-1] == "store"


def test_a_caption_of_another_event_is_found() -> None:
    said = Said("Barrier: wait until nobody reads the old tiles")
    assert not spoken(said) <= expected(Barrier(0, "reads"))
    assert not spoken(said) <= expected(Wait(0, 0))


@pytest.mark.parametrize("choice", EVERY, ids=lambda c: f"{c.gemm} in {c.tiling}")
def test_one_shot_is_the_poster(choice: Choice) -> None:
    plan = choice.schedule()
    assert sum(shot.poster for shot in shots(plan, None)) == 1
    assert opening(plan).chapter == "start" and closing(plan)


def test_shots_need_no_manim() -> None:
    assert "manim" not in modules_after("import scenes.overview.shots")
