"""Making clips: what the processes rendered, put together and moved into place as whole files."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from publish.cache import fingerprint, versions
from publish.captions import transcript, vtt
from publish.description import Chapter, Description, Marks, text_of
from publish.files import move, private_folder, unwritable
from publish.pool import Advanced, Done, GaveUp, MemoryUsed, RenderFailed, Total, share
from publish.sealed import Unfit
from publish.settings import ANIMATED, KINDS, Clip, MovieKind
from publish.sources import digest
from publish.stale import described
from scenes import SCENES, title_of
from tiling.shapes import Refused
from tiling.verify import Rung


class Progress(Protocol):
    """Who wants to know how it goes."""

    def total(self, clip: Clip, frames: int) -> None: ...
    def advance(self, clip: Clip, frames: int) -> None: ...
    def done(self, clip: Clip) -> None: ...
    def failed(self, clip: Clip) -> None: ...
    def memory(self, needed: int) -> None:
        """Bytes that one process has needed so far."""


def render(
    clips: Sequence[Clip], verified: Sequence[Rung], jobs: int, progress: Progress
) -> dict[Clip, Exception]:
    """Render clips of one choice in so many processes, and put the files of each in place.

    Returns those that failed, and why: they leave what lay there before, and the others go on.
    """
    began = {clip: fingerprint(clip) for clip in clips}

    def finish(clip: Clip, folder: Path, done: Done) -> None:
        assert done.marks is not None
        _finish(clip, folder, done.marks, verified, began[clip])

    return work_on(clips, "publish.worker", jobs, progress, finish)


def add_pictures(clips: Sequence[Clip], jobs: int, progress: Progress) -> dict[Clip, Exception]:
    """Make moving pictures of the movies of clips, and put them beside. Returns those that failed,
    and why."""

    def finish(clip: Clip, folder: Path, done: Done) -> None:
        about, made = described(clip), {kind: folder / clip.file(kind).name for kind in ANIMATED}
        files = {**about.files, **{kind: digest(path) for kind, path in made.items()}}
        description = folder / clip.file(".json").name
        description.write_text(text_of(replace(about, files=files)), "utf-8")
        move([*made.values(), description], clip.out)

    return work_on(clips, "publish.animate", jobs, progress, finish)


def work_on(
    clips: Sequence[Clip],
    module: str,
    jobs: int,
    progress: Progress,
    finish: Callable[[Clip, Path, Done], None],
) -> dict[Clip, Exception]:
    """Let a module work on clips, in so many processes, and finish each when it is done. Returns
    those that failed, and why."""
    failed: dict[Clip, Exception] = {}
    with ExitStack() as stack:
        tasks = []
        for clip in clips:
            try:
                clip.out.mkdir(parents=True, exist_ok=True)
                tasks.append((clip, stack.enter_context(private_folder(clip.out))))
            except OSError as error:
                failed[clip] = unwritable("--out", clip.out, error)
        for told in share(tasks, jobs, module) if tasks else ():
            clip, folder = tasks[told.task]
            try:
                match told.news:
                    case Total(frames):
                        progress.total(clip, frames)
                    case Advanced(frames):
                        progress.advance(clip, frames)
                    case MemoryUsed(needed):
                        progress.memory(needed)
                    case Done():
                        finish(clip, folder, told.news)
                        progress.done(clip)
                    case GaveUp(why):
                        raise why
            except OSError as error:
                failed[clip] = unwritable("--out", clip.out, error)
            except (RenderFailed, Refused) as error:
                failed[clip] = error
            except Unfit as error:
                failed[clip] = RenderFailed(f"its description was changed meanwhile: {error}")
            if isinstance(told.news, Done | GaveUp):
                shutil.rmtree(folder, ignore_errors=True)
                if clip in failed:
                    progress.failed(clip)
    return failed


def _finish(clip: Clip, folder: Path, marks: Marks, verified: Sequence[Rung], began: str) -> None:
    """The clip's files from what was rendered into its private folder.

    began: its fingerprint before anything of it was imported.
    """
    from PIL import Image

    from publish.encode import CODECS, segment

    if fingerprint(clip, known={}) != began:
        raise RenderFailed("its sources were changed while it was rendered (run it again)")
    chapters = range(len(marks.chapters))
    parts = {kind: [segment(folder, chapter, kind) for chapter in chapters] for kind in CODECS}
    join_movies(clip, folder, parts, marks.frames)
    with Image.open(folder / "poster.png") as poster:
        poster.save(folder / clip.file(".jpg").name, quality=90, optimize=True)
    heading = [f"{title_of(clip.scene)}: {SCENES[clip.scene]}"]
    put_in_place(clip, folder, marks, heading, verified, began)


def join_movies(
    clip: Clip,
    folder: Path,
    parts: Mapping[MovieKind, Sequence[Path]],
    frames: int,
    chapters: Sequence[Chapter] = (),
) -> None:
    """Each kind of movie from its parts, in the folder, as far as it is worth having.

    Raises RenderFailed where the parts do not have all frames.
    """
    from publish.encode import join

    made = {}
    for kind, paths in parts.items():
        made[kind] = folder / clip.file(kind).name
        if (found := join(paths, made[kind], chapters)) != frames:
            raise RenderFailed(f"{found} frames were encoded of {frames}")
    worth = clip.card or ".webm" not in made  # a card is only ever a part of a film
    if not worth and made[".webm"].stat().st_size >= made[".mp4"].stat().st_size:
        made[".webm"].unlink()


def put_in_place(
    clip: Clip,
    folder: Path,
    marks: Marks,
    heading: Sequence[str],
    verified: Sequence[Rung],
    fingerprint: str,
    scenes: Sequence[str] = (),
) -> None:
    """Write the texts about a clip whose movies and poster lie in a private folder; move all.

    `scenes`: of a film.
    """
    from publish.encode import CODECS, mime

    schedule = clip.choice.schedule()
    proved = [f"Verified, {rung.name}: {rung.says}." for rung in verified]
    what = f"C = A·B, {schedule.gemm} in {schedule.tiling}, CTA {schedule.cta}."
    text = transcript([*heading, what, *proved], marks)
    (folder / clip.file(".vtt").name).write_text(vtt(marks, clip.fps), "utf-8")
    (folder / clip.file(".txt").name).write_text(text, "utf-8")
    files = {kind: folder / clip.file(kind).name for kind in KINDS}
    files = {kind: path for kind, path in files.items() if path.exists()}
    about = Description(
        scene=clip.scene,
        scenes=tuple(scenes),
        card=clip.card,
        choice=clip.choice,
        theme=clip.theme,
        aspect=clip.aspect,
        quality=clip.quality,
        frames=marks.frames,
        captions=marks.captions,
        chapters=marks.chapters,
        fingerprint=fingerprint,
        verified=tuple(replace(rung, seconds=0.0, found={}) for rung in verified),
        versions=versions(),
        types={movie: mime(files[movie]) for movie in CODECS if movie in files},
        files={kind: digest(path) for kind, path in files.items()},
    )
    description = folder / clip.file(".json").name
    description.write_text(text_of(about), "utf-8")
    # The description comes last: while it does not fit the other files, the clip is rendered again.
    move([*files.values(), description], clip.out)
    for kind in KINDS:
        if kind not in files:
            clip.file(kind).unlink(missing_ok=True)
