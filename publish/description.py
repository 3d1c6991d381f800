"""What is said of a clip: the .json beside it, written once, and checked whenever it is read."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from publish.sealed import CLIP, REPORT, Unfit, sealed, unsealed
from publish.settings import FILM, QUALITIES, Aspect, Clip, Kind, MovieKind, Quality, Theme
from scenes import SCENES
from tiling.presets import Choice
from tiling.shapes import Gemm, Tiling, cut_short
from tiling.verify import RUNGS, Rung

Seconds = Annotated[float, Meta(ge=0)]
Text = Annotated[str, Meta(min_length=1, max_length=10_000)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Movie = Annotated[str, Meta(pattern=r'^video/(mp4|webm); codecs="[\w.]{1,40}"$')]


@dataclass(frozen=True)
class Caption:
    """Said from a time of the clip on. `shows` says in words what is seen meanwhile, for those who
    cannot see it."""

    seconds: Seconds
    text: Text
    shows: Annotated[str, Meta(max_length=10_000)] = ""


@dataclass(frozen=True)
class Chapter:
    """A part of the clip that begins at a time, and its name."""

    seconds: Seconds
    text: Text


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What is where in a clip. Captions and chapters are in order, none of them empty."""

    frames: Annotated[int, Meta(ge=1)]
    captions: tuple[Caption, ...]
    chapters: tuple[Chapter, ...]

    def __post_init__(self) -> None:
        for name, marks in ("captions", self.captions), ("chapters", self.chapters):
            times = [mark.seconds for mark in marks]
            if not times or any(one >= other for one, other in pairwise(times)):
                raise ValueError(f"{name} are not one after the other")
            if not all(mark.text.isprintable() for mark in marks):
                raise ValueError(f"{name} have what cannot be printed")


@dataclass(frozen=True, kw_only=True)
class Description(Marks):
    """A clip as it was made.

    scenes       of a film, in order
    card         whether it is the scene's title card
    fingerprint  SHA-256 of all that it was made from
    verified     the rungs that were climbed for its tiling
    versions     of the packages that drew it, by name
    types        of its movies, as a page names them
    files        SHA-256 of each file
    """

    scene: Name
    scenes: tuple[Name, ...] = ()
    card: bool = False
    choice: Choice
    theme: Theme
    aspect: Aspect
    quality: Quality
    fingerprint: Digest
    verified: tuple[Rung, ...]
    versions: dict[Name, Name]
    types: dict[MovieKind, Movie]
    files: dict[Kind, Digest]

    def __post_init__(self) -> None:
        super().__post_init__()
        for scene in (*self.scenes, *({self.scene} - {FILM})):
            if scene not in SCENES:
                raise ValueError(f"{scene} is no scene of this version")
        if bool(self.scenes) != (self.scene == FILM):
            raise ValueError("a film has scenes, and nothing else has")
        self.choice.schedule()  # refuses a CTA that is not on the grid
        last = max(self.captions[-1].seconds, self.chapters[-1].seconds)
        if last >= self.frames / QUALITIES[self.quality][1]:
            raise ValueError("a caption or chapter begins after the end")
        if not {".mp4", ".jpg", ".vtt", ".txt"} | set(self.types) <= set(self.files):
            raise ValueError("a file is missing")
        if any(rung.name not in RUNGS for rung in self.verified):
            raise ValueError("a rung is not known")

    def clip(self, folder: Path = Path()) -> Clip:
        """The clip that it is about, in this folder."""
        look = self.theme, self.aspect, self.quality
        return Clip(self.scene, self.choice, *look, folder, self.card)

    @property
    def stem(self) -> str:
        """The name of the clip's files, without what they end in."""
        return self.clip().stem


@dataclass(frozen=True)
class Report:
    """What `verify --report` says of a choice, whose fields it has."""

    name: str
    gemm: Gemm
    tiling: Tiling
    cta: tuple[int, int]
    rungs: tuple[Rung, ...]


def text_of(description: Description) -> str:
    """The text of a clip's .json."""
    return sealed(CLIP, asdict(description))


def read(path: Path) -> Description | Report:
    """What a file says. Raises Unfit for whatever is no description or report of this version, or
    does not hold together."""
    kind, data = unsealed(path)
    try:
        if kind == REPORT:
            return msgspec.convert(data, Report)
        if kind != CLIP:
            raise Unfit(f"written by another version of this program: {cut_short(kind)}")
        about = msgspec.convert(data, Description)
    except msgspec.ValidationError as error:
        raise Unfit(f"not a description of a clip: {cut_short(error)}") from None
    if about.stem != path.stem:
        raise Unfit(f"about another clip: {cut_short(about.stem)}")
    return about
