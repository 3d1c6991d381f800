"""What is rendered, decided once: scene, tiling, look, quality, and where it goes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from tiling.presets import DEFAULT, Choice

Theme: TypeAlias = Literal["paper", "night"]
Aspect: TypeAlias = Literal["wide", "tall"]
Quality: TypeAlias = Literal["draft", "web", "uhd"]

QUALITIES: dict[Quality, tuple[int, int]] = {
    "draft": (540, 15),
    "web": (1080, 60),
    "uhd": (2160, 60),
}
"""(pixels of the shorter side, frames a second)."""

THEMES: tuple[Theme, ...] = ("paper", "night")
ASPECTS: tuple[Aspect, ...] = ("wide", "tall")

MovieKind: TypeAlias = Literal[".mp4", ".webm"]
Kind: TypeAlias = Literal[".mp4", ".webm", ".jpg", ".vtt", ".txt", ".webp", ".gif"]

KINDS: tuple[Kind, ...] = (".mp4", ".webm", ".jpg", ".vtt", ".txt")
"""The files of a clip beside its description, which is .json. A .webm that is not smaller than the
.mp4 is left out."""

ANIMATED: tuple[Kind, ...] = (".webp", ".gif")
"""Moving pictures, which are made where they are asked for."""

FILM = "film"
"""In the place of a scene's name: several scenes, joined."""


@dataclass(frozen=True)
class Clip:
    """One clip to be made."""

    scene: str
    choice: Choice
    theme: Theme = "paper"
    aspect: Aspect = "wide"
    quality: Quality = "web"
    out: Path = Path("media")
    card: bool = False
    """The scene's title card instead of the scene."""

    @property
    def stem(self) -> str:
        """Name of its files without suffix: plain for the defaults, a variant says so."""
        name = self.scene + ("-card" if self.card else "")
        usual = (self.choice.name, DEFAULT), (self.theme, THEMES[0]), (self.aspect, ASPECTS[0])
        variant = [value for value, default in (*usual, (self.quality, "web")) if value != default]
        return "-".join([name, *variant])

    @property
    def pixels(self) -> tuple[int, int]:
        """(width, height), both even."""
        short = QUALITIES[self.quality][0]
        long = round(short * 16 / 9 / 2) * 2
        return (long, short) if self.aspect == "wide" else (short, long)

    @property
    def fps(self) -> int:
        return QUALITIES[self.quality][1]

    def file(self, suffix: str) -> Path:
        return self.out / (self.stem + suffix)

    @property
    def names(self) -> list[str]:
        """Of all files that it may have."""
        return [self.stem + kind for kind in (*KINDS, *ANIMATED, ".json")]


def film_of(scenes: Sequence[str], look: Clip) -> tuple[Clip, list[Clip]]:
    """The film as a clip, and the clips of its scenes; `look` has all but their names."""
    return replace(look, scene=FILM), [replace(look, scene=scene) for scene in scenes]
