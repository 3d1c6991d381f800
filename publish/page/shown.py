"""What lies rendered in a folder: each clip with all the looks in which it is there."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publish.page.stale import clip_of, why_stale
from publish.settings import ASPECTS, THEMES, Clip
from scenes import SCENES, title_of
from tiling.presets import DEFAULT, Choice, presets
from tiling.shapes import Gemm, Refused, Tiling, dims

FILM = "film"

About = dict[str, Any]
"""A clip's description, as its .json has it, and its `stem`: the name of its files."""


@dataclass(frozen=True)
class Shown:
    """One clip in one or more looks. `folder` is where its files lie."""

    folder: Path
    looks: dict[tuple[str, str], About]
    """By (theme, aspect), in the order of THEMES and ASPECTS."""

    @property
    def first(self) -> About:
        """The look that is shown where nothing speaks for another."""
        return next(iter(self.looks.values()))

    @property
    def title(self) -> str:
        return title_of(self.first["scene"])

    @property
    def claim(self) -> str:
        parts = self.first.get("scenes", [])
        return SCENES.get(self.first["scene"]) or ", ".join(map(title_of, parts)) + "."

    @property
    def tiling(self) -> str:
        """What is multiplied, and in which tiles."""
        gemm, tiling = self.choice.gemm, self.choice.tiling
        tile, each = dims(tiling.bm, tiling.bn, tiling.bk), dims(tiling.tm, tiling.tn)
        usual = Tiling(tiling.bm, tiling.bn, tiling.bk, tiling.tm, tiling.tn)
        more = [
            name if value is True else f"{name} {dims(*value) if name == 'warp' else value}"
            for name, value in vars(tiling).items()
            if value != getattr(usual, name) and name != "large_shared"
        ]
        return ", ".join([f"C = A·B, {gemm} in {tile} tiles", f"{each} a thread", *more])

    @property
    def choice(self) -> Choice:
        """The tiling of which it was made."""
        data = self.first["choice"]
        warp = data["tiling"]["warp"]
        tiling = Tiling(**{**data["tiling"], "warp": tuple(warp) if warp else None})
        return Choice(data["name"], Gemm(**data["gemm"]), tiling, tuple(data["cta"]))

    @property
    def stale(self) -> dict[str, str]:
        """Why, for each look that is not what would be rendered now, by the name of its files."""
        found = {}
        for about in self.looks.values():
            if why := why_stale(clip_of(about, self.choice, self.folder), about):
                found[about["stem"]] = why
        return found

    def text(self, about: About, suffix: str) -> str:
        return (self.folder / (about["stem"] + suffix)).read_text("utf-8")


def lacking(clip: Clip) -> str | None:
    """Why a clip cannot be shown as it lies on disk, None if it can: it is missing, or stale."""
    about = _read(clip.file(".json"))
    if about is None:
        return f"needs {clip.file('.mp4')}"
    why = why_stale(clip, about)
    return f"{clip.file('.mp4')} is stale: {why}" if why else None


def in_looks(clips: Iterable[Clip]) -> Shown:
    """The clips, which differ in their look only, as they lie on disk.

    Raises Refused where one is missing or stale.
    """
    looks = {}
    for clip in clips:
        if why := lacking(clip):
            raise Refused("scene", clip.scene, why, f"try {_command(clip)}")
        looks[clip.theme, clip.aspect] = _read(clip.file(".json")) or {}
        folder = clip.out
    return Shown(folder, looks)


def all_in(folder: Path) -> list[Shown]:
    """Every clip in a folder, in the order of the film, the preset `seed` first."""
    found: dict[str, dict[tuple[str, str], About]] = {}
    for path in sorted(folder.glob("*.json")):
        if about := _read(path):
            size = min(about["width"], about["height"])
            what = about["scene"], about.get("scenes"), about["choice"], size, about["fps"]
            found.setdefault(json.dumps(what), {})[about["theme"], about["aspect"]] = about
    order = [(theme, aspect) for theme in THEMES for aspect in ASPECTS]
    shown = [
        Shown(folder, {look: looks[look] for look in order if look in looks})
        for looks in found.values()
    ]
    scenes = [FILM, *SCENES]
    return sorted(shown, key=lambda one: (_rank(one.first), scenes.index(one.first["scene"])))


def _rank(about: About) -> tuple[bool, str, int]:
    name = about["choice"]["name"]
    return name != DEFAULT, name, -about["height"]


def _read(path: Path) -> About | None:
    """A clip's description, if it is one and all its files lie beside it."""
    try:
        about = json.loads(path.read_text("utf-8"))
        if about["scene"] not in (FILM, *SCENES) or about["theme"] not in THEMES:
            return None
        if not about["types"] or not all((path.parent / name).is_file() for name in about["files"]):
            return None
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return {**about, "stem": path.stem}


def _command(clip: Clip) -> str:
    """What renders the clip in every look that is asked for."""
    if clip.scene == FILM:
        words = f"python render.py film --theme {clip.theme} --aspect {clip.aspect}"
    else:
        words = f"python render.py clip {clip.scene} --theme both --aspect both"
    usual = Clip(clip.scene, clip.choice)
    if clip.quality != usual.quality:
        words += f" --quality {clip.quality}"
    if clip.out != usual.out:
        words += f" --out {clip.out}"
    if clip.choice.name == DEFAULT:
        return words
    known = clip.choice.name in presets()
    return f"{words} --preset {clip.choice.name}" if known else f"{words} with the same tiling"
