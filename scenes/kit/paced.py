"""Shots whose acts are states of a board, slowed down until what is said can be read meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Generic, TypeVar

from scenes.kit.shot import Act, Hold, Poster, Said, Shot
from scenes.kit.timing import FRAME, to_read

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Show(Act, Generic[T]):
    """The way to a state; or, of several, one after another, each for the same time."""

    states: tuple[T, ...]


def paced(said: Said, *shots: Act | Hold | Poster) -> Iterator[Shot]:
    """Something said, and shots that together take as long as it takes to read, at least."""
    yield said
    planned = sum(shot.seconds for shot in shots if not isinstance(shot, Poster))
    slower = max(1.0, to_read(said.text) / planned)
    end, frames = 0.0, 0
    for shot in shots:
        if not isinstance(shot, Poster):
            end += shot.seconds * slower
            before, frames = frames, ceil(round(end / FRAME, 3))
            shot = replace(shot, seconds=round((frames - before) * FRAME, 1))
        yield shot
