"""Shots as data: what is said, and what is shown meanwhile."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from scenes.kit.paced import Show
from scenes.kit.shot import Hold, Said, Shot
from scenes.kit.timing import FRAME, to_read

LONGEST, STILL = 60, 4.0
"""Characters of a caption, and seconds in which nothing moves, at most."""


class Take(NamedTuple):
    said: Said
    shows: list[Show]
    seconds: float


def takes_of(shots: Iterable[Shot]) -> list[Take]:
    """What is shown by what is said. Each caption can be read, and nothing stands still for long:
    that is looked at here, for all scenes that are told so."""
    takes: list[Take] = []
    for shot in shots:
        if isinstance(shot, Said):
            takes.append(Take(shot, [], 0))
        seconds = getattr(shot, "seconds", 0.0)
        assert round(seconds / FRAME, 6).is_integer()
        assert not isinstance(shot, Hold) or seconds <= STILL
        said, shows, before = takes[-1]
        more = [shot] if isinstance(shot, Show) else []
        takes[-1] = Take(said, [*shows, *more], before + seconds)
    assert takes[0].said.chapter == "start"
    for take in takes:
        assert len(take.said.text) <= LONGEST, take.said.text
        assert take.seconds >= to_read(take.said.text) - 1e-9, take.said.text
    return takes


def states_of(takes: Iterable[Take]) -> list[Any]:
    return [state for take in takes for show in take.shows for state in show.states]
