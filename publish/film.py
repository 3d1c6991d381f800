"""The film: scenes one behind the other, each behind its title card, without encoding again."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from publish.cache import mark_of
from publish.clip import Progress, join_movies, put_in_place, render
from publish.description import Caption, Chapter, Marks
from publish.files import private_folder, unwritable
from publish.pool import RenderFailed
from publish.sealed import Unfit
from publish.settings import Clip
from publish.stale import described, lacking
from scenes import title_of
from tiling.shapes import Refused
from tiling.verify import Rung


def make_film(
    film: Clip, parts: Sequence[Clip], verified: Sequence[Rung], jobs: int, progress: Progress
) -> None:
    """Render what is missing of the scenes, then put the film's files in place.

    Raises RenderFailed where a scene could not be made, Refused where the folder takes no more.
    """
    with private_folder(film.out) as folder:
        mark = mark_of(parts)
        cards = [replace(part, card=True, out=folder) for part in parts]
        stale = [part for part in parts if lacking(part)]
        for clip, why in render([*cards, *stale], verified, jobs, progress).items():
            if isinstance(why, Refused):  # of a card, its folder is this one's own
                at = film.out if clip.card and why.field == "--out" else why.value
                raise Refused(why.field, at, why.rule, why.remedy)
            raise RenderFailed(f"{clip.stem}: {why}")
        try:
            both = [clip for pair in zip(cards, parts, strict=True) for clip in pair]
            marks = _join(film, both, folder)
            names = [title_of(part.scene) for part in parts]
            heading = ["Tilelapse: the film", ", ".join(names) + "."]
            scenes = [part.scene for part in parts]
            put_in_place(film, folder, marks, heading, verified, mark, scenes)
        except Unfit as why:
            raise RenderFailed(f"a scene was changed meanwhile: {why}") from None
        except OSError as error:
            raise unwritable("--out", film.out, error) from None


def _join(film: Clip, clips: Sequence[Clip], folder: Path) -> Marks:
    """The film's movies and poster in its private folder, and what is where in it."""
    from publish.encode import CODECS

    captions: list[Caption] = []
    chapters: list[Chapter] = []
    frames = 0
    for clip in clips:
        about = described(clip)
        start = frames / film.fps
        captions += [replace(one, seconds=round(one.seconds + start, 3)) for one in about.captions]
        if clip.card:
            chapters.append(Chapter(round(start, 3), title_of(clip.scene)))
        frames += about.frames
    movies = {kind: [clip.file(kind) for clip in clips] for kind in CODECS}
    # A kind that one of the scenes does not have the film does not have either.
    whole = {kind: paths for kind, paths in movies.items() if all(map(Path.exists, paths))}
    join_movies(film, folder, whole, frames, chapters)
    shutil.copyfile(clips[1].file(".jpg"), folder / film.file(".jpg").name)
    return Marks(frames=frames, captions=tuple(captions), chapters=tuple(chapters))
