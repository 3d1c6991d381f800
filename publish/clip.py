"""Making a clip: processes that share its chapters, and whole files moved into place."""

import contextlib
import json
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread
from typing import Any

from publish.cache import describe, digest, fingerprint, versions
from publish.captions import vtt
from publish.settings import Clip
from tiling.schedule import Schedule
from tiling.shapes import Refused
from tiling.verify import Rung

PRIVATE = ".rendering-"


class RenderFailed(Exception):
    """A clip could not be made; the text says why. Nothing was written under a final name."""


def render(
    clip: Clip,
    verified: list[Rung],
    jobs: int,
    total: Callable[[int], None],
    advance: Callable[[int], None],
) -> None:
    """Render a clip in so many processes and put its files in place: .mp4, .jpg, .vtt, .json.

    `total` is told how many frames there are, `advance` how many more are done. Raises Refused
    where the folder cannot take the files, RenderFailed for anything else.
    """
    mark = fingerprint(clip)
    try:
        clip.out.mkdir(parents=True, exist_ok=True)
        with _private_folder(clip.out) as folder:
            marks = _share(clip, folder, jobs, total, advance)
            files = _assemble(clip, folder, marks)
            about = _about(clip, mark, marks, verified, files)
            description = folder / clip.file(".json").name
            description.write_text(json.dumps(about, indent=2) + "\n", "utf-8")
            # The description comes last and goes first: while it is missing or does not fit the
            # other files, `up_to_date` is false and the clip is rendered again.
            clip.file(".json").unlink(missing_ok=True)
            for path in [*files, description]:
                path.replace(clip.out / path.name)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        remedy = "nothing was changed; make room, or try another folder"
        raise Refused("--out", clip.out, f"cannot be written: {reason}", remedy) from None


def _share(
    clip: Clip,
    folder: Path,
    jobs: int,
    total: Callable[[int], None],
    advance: Callable[[int], None],
) -> dict[str, Any]:
    """Let `jobs` processes render the clip's chapters. Returns its marks."""
    # A fresh interpreter each: forking one that has threads is not safe.
    context = multiprocessing.get_context("spawn")
    processes, ends = [], []
    for number in range(jobs):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=_process, args=(os.getpid(), clip, folder, theirs, number == 0), daemon=True
        )
        process.start()
        theirs.close()
        processes.append(process)
        ends.append(ours)
    try:
        return _listen(ends, total, advance)
    finally:
        for process in processes:
            process.kill()
            process.join()


def _process(parent: int, clip: Clip, folder: Path, progress: Connection, count: bool) -> None:
    """The whole life of a process that renders. What goes wrong is sent, not raised."""
    Thread(target=_die_with, args=(parent,), daemon=True).start()
    from publish.worker import Work  # imports Manim

    try:
        Work(clip, folder, progress).run(count)
    except OSError as error:
        progress.send(("no room", error.strerror or str(error)))
    except Exception as error:
        # Manim's text comes by way of files, and one that was cut short fails as something else.
        try:
            (folder / "probe").write_bytes(bytes(2**20))
        except OSError as full:
            progress.send(("no room", full.strerror or str(full)))
        else:
            progress.send(("failed", f"{type(error).__name__}: {error}"))


def _die_with(parent: int) -> None:
    """End this process when whoever started it is gone, killed perhaps."""
    while os.getppid() == parent:
        time.sleep(0.1)
    os._exit(1)


def _listen(
    ends: list[Connection], total: Callable[[int], None], advance: Callable[[int], None]
) -> dict[str, Any]:
    """Hear all processes out. Each ends with its marks, which are the same, or with a failure."""
    marks: list[dict[str, Any]] = []
    open_ends = list(ends)
    while open_ends:
        for end in wait(open_ends):
            assert isinstance(end, Connection)
            try:
                kind, value = end.recv()
            except EOFError:
                open_ends.remove(end)
                continue
            match kind:
                case "total":
                    total(value)
                case "frames":
                    advance(value)
                case "marks":
                    marks.append(json.loads(value))
                case "no room":
                    raise OSError(None, value)
                case _:
                    raise RenderFailed(value)
    if len(marks) < len(ends):
        raise RenderFailed("a rendering process ended before its work was done")
    return marks[0]


def _assemble(clip: Clip, folder: Path, marks: dict[str, Any]) -> list[Path]:
    """The MP4 from its chapters, the JPEG poster and the subtitles, in the private folder."""
    from PIL import Image

    from publish.encode import join

    movie, poster = folder / clip.file(".mp4").name, folder / clip.file(".jpg").name
    chapters = [folder / f"{i:03}.mp4" for i in range(len(marks["chapters"]))]
    frames = join(chapters, movie)
    if frames != marks["frames"]:
        raise RenderFailed(f"{frames} frames were encoded of {marks['frames']}")
    Image.open(folder / "poster.png").save(poster, quality=90, optimize=True)
    subtitles = folder / clip.file(".vtt").name
    subtitles.write_text(vtt({**marks, "fps": clip.fps}), "utf-8")
    return [movie, poster, subtitles]


def _about(
    clip: Clip, mark: str, marks: dict[str, Any], verified: list[Rung], files: list[Path]
) -> dict[str, Any]:
    schedule = clip.choice.schedule()
    return {
        "scene": clip.scene,
        "theme": clip.theme,
        "aspect": clip.aspect,
        "width": clip.pixels[0],
        "height": clip.pixels[1],
        "fps": clip.fps,
        **marks,
        "choice": describe(clip.choice),
        "schedule": schedule_fingerprint(schedule),
        "verified": [{k: v for k, v in vars(rung).items() if k != "seconds"} for rung in verified],
        "versions": versions(),
        "files": {path.name: digest(path) for path in files},
        "fingerprint": mark,
    }


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


@contextlib.contextmanager
def _private_folder(out: Path) -> Iterator[Path]:
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
