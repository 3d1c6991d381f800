"""The film: scenes one behind the other, each behind its title card, without encoding again."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from publish.cache import fingerprint, up_to_date
from publish.clip import (
    Progress,
    join_movies,
    private_folder,
    put_in_place,
    render,
    unwritable,
)
from publish.pool import RenderFailed
from publish.settings import Clip
from scenes import title_of
from tiling.verify import Rung


def film_of(scenes: Sequence[str], look: Clip) -> tuple[Clip, list[Clip]]:
    """The film as a clip, and the clips of its scenes; `look` has all but their names."""
    return replace(look, scene="film"), [replace(look, scene=scene) for scene in scenes]


def mark_of(parts: Sequence[Clip]) -> str:
    """Fingerprint of the film: of its cards and its scenes, in their order."""
    both = [fingerprint(clip) for part in parts for clip in (replace(part, card=True), part)]
    return hashlib.sha256(" ".join(both).encode()).hexdigest()


def make_film(
    film: Clip, parts: Sequence[Clip], verified: list[Rung], jobs: int, progress: Progress
) -> None:
    """Render what is missing of the scenes, then put the film's files in place.

    Raises RenderFailed where a scene could not be made, Refused where the folder takes no more.
    """
    with private_folder(film.out) as folder:
        cards = [replace(part, card=True, out=folder) for part in parts]
        stale = [part for part in parts if not up_to_date(part, fingerprint(part))]
        render([*cards, *stale], verified, jobs, progress)
        try:
            both = [clip for pair in zip(cards, parts, strict=True) for clip in pair]
            about = _join(film, both, folder)
            heading = [
                "Tilelapse: the film",
                ", ".join(title_of(part.scene) for part in parts) + ".",
            ]
            about["fingerprint"] = mark_of(parts)
            put_in_place(film, folder, about, heading, verified)
        except FileNotFoundError as missing:
            raise RenderFailed(f"{Path(missing.filename).name} was not made") from None
        except OSError as error:
            raise unwritable(film.out, error) from None


def _join(film: Clip, clips: Sequence[Clip], folder: Path) -> dict[str, Any]:
    """The film's movies and poster in its private folder, and all that is said about it."""
    from publish.encode import CODECS

    captions: list[dict[str, Any]] = []
    chapters: list[dict[str, Any]] = []
    frames = 0
    for clip in clips:
        about = json.loads(clip.file(".json").read_text("utf-8"))
        start = frames / film.fps
        captions += [{**mark, "seconds": _later(mark, start)} for mark in about["captions"]]
        if clip.card:
            chapters.append({"seconds": round(start, 3), "text": title_of(clip.scene)})
        frames += about["frames"]
    marks = [(chapter["seconds"], chapter["text"]) for chapter in chapters]
    movies = {kind: [clip.file(kind) for clip in clips] for kind in CODECS}
    # A kind that one of the scenes does not have the film does not have either.
    whole = {kind: paths for kind, paths in movies.items() if all(map(Path.exists, paths))}
    join_movies(film, folder, whole, frames, marks)
    shutil.copyfile(clips[1].file(".jpg"), folder / film.file(".jpg").name)
    return {
        "scene": film.scene,
        "scenes": [clip.scene for clip in clips if clip.card],
        "theme": film.theme,
        "aspect": film.aspect,
        "width": film.pixels[0],
        "height": film.pixels[1],
        "fps": film.fps,
        "frames": frames,
        "captions": captions,
        "chapters": chapters,
    }


def _later(mark: dict[str, Any], start: float) -> float:
    return round(mark["seconds"] + start, 3)
