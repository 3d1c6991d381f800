"""What is rendered, decided once: scene, tiling, look, quality, and where it goes."""

from dataclasses import dataclass
from pathlib import Path

from tiling.presets import DEFAULT, Choice

QUALITIES = {"draft": (540, 15), "web": (1080, 60), "uhd": (2160, 60)}
"""(pixels of the shorter side, frames a second)."""

THEMES = ("paper", "night")
ASPECTS = ("wide", "tall")


@dataclass(frozen=True)
class Clip:
    """One clip to be made."""

    scene: str
    choice: Choice
    theme: str = "paper"
    aspect: str = "wide"
    quality: str = "web"
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
