"""What the overview says, as data: words tied to the events they speak of. Nothing is drawn."""

import re

import pytest

from scenes.kit.shot import Hold, Poster, Said
from scenes.overview.shots import Enact, Rewind, shots
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
    plan, step, chapters, told = choice.schedule(), 0, [], list(shots(choice.schedule(), None))
    first, *middle = told[: [isinstance(shot, Hold) for shot in told].index(True)]
    assert isinstance(first, Said) and first.chapter == "start"
    for shot in middle[:-1]:  # the last says what it came to
        event = plan.events[step]
        match shot:
            case Enact(seconds, last):
                assert last > step and seconds > 0
                step = last
            case Said(text, chapter):
                if "same for each" not in text:
                    assert spoken(shot) and spoken(shot) <= expected(event), shot
                if isinstance(event, Barrier) and event.before == "both":
                    assert spoken(shot) == expected(event)
                chapters += [chapter] if chapter else []
    assert step == len(plan.events)
    assert len(set(chapters)) == len(chapters) and chapters[-1] == "store"
    assert [isinstance(shot, Poster) for shot in told].count(True) == 1
    assert told[-2] == Said(first.text) and isinstance(told[-1], Rewind)


def test_a_caption_of_another_event_is_found() -> None:
    said = Said("Barrier: wait until nobody reads the old tiles")
    assert not spoken(said) <= expected(Barrier(0, "reads"))
    assert not spoken(said) <= expected(Wait(0, 0))


def test_shots_need_no_manim() -> None:
    assert "manim" not in modules_after("import scenes.overview.shots")
