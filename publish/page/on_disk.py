"""What lies rendered in a folder: each clip with all the looks in which it is there."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from publish.description import Description, Report, read
from publish.sealed import Unfit
from publish.settings import ASPECTS, FILM, THEMES, Aspect, Clip, Theme
from publish.stale import described, lacking, why_stale
from scenes import SCENES, title_of
from tiling.presets import DEFAULT, Choice, presets
from tiling.shapes import Refused, Tiling, dims


@dataclass(frozen=True)
class Shown:
    """One clip in one or more looks. `folder` is where its files lie."""

    folder: Path
    looks: dict[tuple[Theme, Aspect], Description]
    """In the order of THEMES and ASPECTS."""

    @property
    def first(self) -> Description:
        """The look that is shown where nothing speaks for another."""
        return next(iter(self.looks.values()))

    @property
    def choice(self) -> Choice:
        return self.first.choice

    @property
    def title(self) -> str:
        return title_of(self.first.scene)

    @property
    def claim(self) -> str:
        return SCENES.get(self.first.scene) or ", ".join(map(title_of, self.first.scenes)) + "."

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
    def stale(self) -> dict[str, str]:
        """Why, for each look that is not what would be rendered now, by the name of its files."""
        reasons = {
            about.stem: why_stale(about.clip(self.folder), about) for about in self.looks.values()
        }
        return {stem: why for stem, why in reasons.items() if why}


@dataclass
class Found:
    """What the .json files of a folder are: clips, reports of proof, and what is neither, by name
    with the reason."""

    shown: list[Shown] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def in_looks(clips: Iterable[Clip]) -> Shown:
    """The clips, which differ in their look only, as they lie on disk.

    Raises Refused where one is missing or stale.
    """
    looks = {}
    for clip in clips:
        if why := lacking(clip):
            raise Refused("scene", clip.scene, why, f"try {_command(clip)}")
        looks[clip.theme, clip.aspect] = described(clip)
        folder = clip.out
    return Shown(folder, looks)


def all_in(folder: Path) -> Found:
    """Everything in a folder; the clips in the order of the film, the preset `seed` first."""
    found = Found()
    clips: dict[tuple[object, ...], dict[tuple[Theme, Aspect], Description]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            about = read(path)
            if isinstance(about, Report):
                found.reports.append(about)
                continue
            if missing := [k for k in about.files if not about.clip(folder).file(k).is_file()]:
                raise Unfit(f"its {missing[0]} is missing")
        except Unfit as why:
            found.skipped[path.name] = str(why)
            continue
        what = about.scene, about.scenes, about.card, about.choice, about.quality
        clips.setdefault(what, {})[about.theme, about.aspect] = about
    order = [(theme, aspect) for theme in THEMES for aspect in ASPECTS]
    for looks in clips.values():
        found.shown.append(Shown(folder, {look: looks[look] for look in order if look in looks}))
    found.shown.sort(key=_rank)
    return found


def _rank(shown: Shown) -> tuple[bool, str, int, int]:
    name, pixels = shown.choice.name, shown.first.clip().pixels
    scene = [FILM, *SCENES].index(shown.first.scene)
    return name != DEFAULT, name, -pixels[1], scene


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
