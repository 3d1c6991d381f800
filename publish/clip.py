"""Making clips: what the processes rendered, put together and moved into place as whole files."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from publish.cache import describe, digest, fingerprint, versions
from publish.captions import transcript, vtt
from publish.pool import RenderFailed, share
from publish.settings import Clip
from scenes import SCENES, title_of
from tiling.schedule import Schedule
from tiling.shapes import Refused
from tiling.verify import Rung

PRIVATE = ".rendering-"

KINDS = (".mp4", ".webm", ".jpg", ".vtt", ".txt")
"""The files of a clip beside its description, which is .json. A .webm that is not smaller than the
.mp4 is left out."""


class Progress(Protocol):
    """Who wants to know how it goes."""

    def total(self, clip: Clip, frames: int) -> None: ...
    def advance(self, clip: Clip, frames: int) -> None: ...
    def done(self, clip: Clip) -> None: ...
    def failed(self, clip: Clip, why: Exception) -> None:
        """`why` is Refused where the folder or the scene says no, else RenderFailed."""

    def memory(self, needed: int) -> None:
        """Bytes that one process has needed so far."""


def render(clips: Sequence[Clip], verified: list[Rung], jobs: int, progress: Progress) -> None:
    """Render clips of one choice in so many processes, and put the files of each in place.

    A clip that fails is told to `progress`, and leaves what lay there before; the others go on.
    """
    with ExitStack() as stack:
        tasks = []
        for clip in clips:
            try:
                clip.out.mkdir(parents=True, exist_ok=True)
                tasks.append((clip, stack.enter_context(private_folder(clip.out))))
            except OSError as error:
                progress.failed(clip, unwritable(clip.out, error))
        for number, kind, value in share(tasks, jobs) if tasks else ():
            clip, folder = tasks[number]
            try:
                match kind:
                    case "total":
                        progress.total(clip, value)
                    case "frames":
                        progress.advance(clip, value)
                    case "memory":
                        progress.memory(value)
                    case "marks":
                        _finish(clip, folder, json.loads(value), verified)
                        progress.done(clip)
                    case "failed":
                        raise value
            except OSError as error:
                progress.failed(clip, unwritable(clip.out, error))
            except (RenderFailed, Refused) as error:
                progress.failed(clip, error)
            if kind in ("marks", "failed"):
                shutil.rmtree(folder, ignore_errors=True)


def unwritable(out: Path, error: OSError) -> Refused:
    reason = (error.strerror or str(error)).lower()
    remedy = "nothing was changed; make room, or try another folder"
    return Refused("--out", out, f"cannot be written: {reason}", remedy)


def _finish(clip: Clip, folder: Path, marks: dict[str, Any], verified: list[Rung]) -> None:
    """The clip's files from what was rendered into its private folder."""
    from PIL import Image

    from publish.encode import CODECS, segment

    chapters = range(len(marks["chapters"]))
    join_movies(
        clip,
        folder,
        {kind: [segment(folder, chapter, kind) for chapter in chapters] for kind in CODECS},
        marks["frames"],
    )
    poster = Image.open(folder / "poster.png")
    poster.save(folder / clip.file(".jpg").name, quality=90, optimize=True)
    about = {
        "scene": clip.scene,
        "theme": clip.theme,
        "aspect": clip.aspect,
        "width": clip.pixels[0],
        "height": clip.pixels[1],
        "fps": clip.fps,
        **marks,
        "fingerprint": fingerprint(clip),
    }
    heading = [f"{title_of(clip.scene)}: {SCENES[clip.scene]}"]
    put_in_place(clip, folder, about, heading, verified)


def join_movies(
    clip: Clip,
    folder: Path,
    parts: Mapping[str, Sequence[Path]],
    frames: int,
    chapters: Sequence[tuple[float, str]] = (),
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
    clip: Clip, folder: Path, about: dict[str, Any], heading: Sequence[str], verified: list[Rung]
) -> None:
    """Write the texts about a clip whose movies and poster lie in a private folder; move all."""
    from publish.encode import CODECS, mime

    schedule = clip.choice.schedule()
    proved = [f"Verified, {rung.name}: {rung.says}." for rung in verified]
    what = f"C = A·B, {schedule.gemm} in {schedule.tiling}, CTA {schedule.cta}."
    text = transcript([*heading, what, *proved], about)
    (folder / clip.file(".vtt").name).write_text(vtt(about), "utf-8")
    (folder / clip.file(".txt").name).write_text(text, "utf-8")
    files = {kind: folder / clip.file(kind).name for kind in KINDS}
    files = {kind: path for kind, path in files.items() if path.exists()}
    about = {
        **about,
        "types": {kind: mime(path) for kind, path in files.items() if kind in CODECS},
        "choice": describe(clip.choice),
        "schedule": schedule_fingerprint(schedule),
        "verified": [{k: v for k, v in vars(rung).items() if k != "seconds"} for rung in verified],
        "versions": versions(),
        "files": {path.name: digest(path) for path in files.values()},
    }
    description = folder / clip.file(".json").name
    description.write_text(json.dumps(about, indent=2) + "\n", "utf-8")
    # The description comes last and goes first: while it is missing or does not fit the other
    # files, `up_to_date` is false and the clip is rendered again.
    clip.file(".json").unlink(missing_ok=True)
    for kind in KINDS:
        if kind not in files:
            clip.file(kind).unlink(missing_ok=True)
    for path in [*files.values(), description]:
        path.replace(clip.out / path.name)


def schedule_fingerprint(schedule: Schedule) -> str:
    """SHA-256 of the schedule's GEMM, tiling, CTA and events."""
    import hashlib

    text = repr((schedule.gemm, schedule.tiling, schedule.cta, schedule.events))
    return hashlib.sha256(text.encode()).hexdigest()


def sweep(out: Path) -> None:
    """Remove what runs that were killed have left in a folder, even after their last file."""
    for left in out.glob(PRIVATE + "*"):
        if not _alive(left.name.removeprefix(PRIVATE).split("-")[0]):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def private_folder(out: Path) -> Iterator[Path]:
    """A folder beside the final files: moving them is one rename."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PRIVATE}{os.getpid()}-", dir=out))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True
