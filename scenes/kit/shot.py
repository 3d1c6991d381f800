"""What a scene is told as: shot after shot, without Manim. `TilingScene.tell` plays them."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Said(NamedTuple):
    """A caption, the chapter that begins with it, and what the picture shows meanwhile, for those
    who cannot see it."""

    text: str
    chapter: str = ""
    shows: str = ""


@dataclass(frozen=True)
class Hold:
    """The picture stands."""

    seconds: float


@dataclass(frozen=True)
class Poster:
    """The still that stands for the clip is taken here."""


@dataclass(frozen=True)
class Act:
    """Something happens in the picture: each scene has acts of its own."""

    seconds: float


Shot: TypeAlias = Said | Hold | Poster | Act
