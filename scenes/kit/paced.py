"""What a scene plays, without Manim: words, and states slowed down until the words can be read."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Generic, TypeAlias, TypeVar

from scenes.kit.said import Said
from scenes.kit.timing import FRAME, to_read

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Show(Generic[T]):
    """The way to a state; or, of several, one after another, each for the same time."""

    seconds: float
    states: tuple[T, ...]


@dataclass(frozen=True)
class Hold:
    """The picture stands."""

    seconds: float


@dataclass(frozen=True)
class Poster:
    """The still that stands for the clip is taken here."""


Play: TypeAlias = Said | Show[Any] | Hold | Poster


def paced(said: Said, *plays: Show[Any] | Hold | Poster) -> Iterator[Play]:
    """Something said, and plays that together take as long as it takes to read, at least."""
    yield said
    planned = sum(play.seconds for play in plays if not isinstance(play, Poster))
    slower = max(1.0, to_read(said.text) / planned)
    end, frames = 0.0, 0
    for play in plays:
        if not isinstance(play, Poster):
            end += play.seconds * slower
            before, frames = frames, ceil(round(end / FRAME, 3))
            play = replace(play, seconds=round((frames - before) * FRAME, 1))
        yield play
