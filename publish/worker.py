"""One of the processes that render: it goes through a clip and takes the chapters nobody has."""

import logging
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import Any

from manim import config
from PIL import Image
from tqdm import tqdm  # of Manim

from publish.description import Caption, Chapter, Marks
from publish.encode import CODECS, Encoder, segment
from publish.frames import FrameRenderer, Pixels
from publish.pool import Advanced, Done, MemoryUsed, News, Total
from publish.settings import Clip
from scenes.kit.look import FRAMES, PALETTES, PIXEL, Look
from scenes.kit.tiling_scene import TilingScene
from scenes.title_card.scene import TitleCard

Send = Callable[[News], None]


def scene_class(clip: Clip) -> type[TilingScene]:
    """The scene's class, set to the clip's tiling and look."""
    set_to = {"choice": clip.choice, "look": Look(PALETTES[clip.theme], clip.aspect)}
    if clip.card:
        return type("Card", (TitleCard,), {**set_to, "scene": clip.scene})
    module = import_module(f"scenes.{clip.scene}.scene")
    name = clip.scene.title().replace("_", "")
    return type(name, (getattr(module, name),), set_to)


def manim_settings(clip: Clip, folder: Path) -> dict[str, Any]:
    """Manim's configuration for a clip; whatever it writes goes into the folder."""
    width, height = clip.pixels
    scale = PIXEL * min(FRAMES[clip.aspect]) / min(clip.pixels)
    return {
        "pixel_width": width,
        "pixel_height": height,
        "frame_width": width * scale,
        "frame_height": height * scale,
        "frame_rate": clip.fps,
        "format": "none",
        "media_dir": str(folder),
        "text_dir": str(folder / f"texts-{os.getpid()}"),  # one that nobody else writes to
        "disable_caching": True,
        "progress_bar": "none",
        "notify_outdated_version": False,
        "verbosity": "ERROR",
    }


@contextmanager
def configured(clip: Clip, folder: Path) -> Iterator[None]:
    """Manim with these settings. Its own tempconfig sets all others too, twice, among them the
    renderer, with which it changes the bases of all its classes: that takes milliseconds."""
    settings = manim_settings(clip, folder)
    before = {name: config[name] for name in settings}
    try:
        config.update(settings)
        yield
    finally:
        config.update(before)


def work(clip: Clip, folder: Path, send: Send, first: bool) -> None:
    """Render what no other process has taken of a clip. The first one counts its frames."""
    tqdm.set_lock(RLock())  # its own would outlive a process that is killed
    Work(clip, folder, send).run(count=first)


class Work:
    """Chapters of one clip that this process renders, each into segments of the folder, one of
    every kind of movie."""

    def __init__(self, clip: Clip, folder: Path, send: Send) -> None:
        self.clip, self.folder, self.send = clip, folder, send
        self.segments: list[Encoder] = []

    def run(self, count: bool) -> None:
        """Render the chapters that are to be had, and send the clip's marks.

        `count`: first go through the scene without drawing, and send how many frames it has.
        """
        logging.getLogger("manim").setLevel("ERROR")
        with configured(self.clip, self.folder):
            scene = scene_class(self.clip)
            if count:
                counter = FrameRenderer(self.put, lambda chapter: False)
                scene(renderer=counter).render()
                self.send(Total(counter.frames))
            renderer = FrameRenderer(self.put, self.take)
            film = scene(renderer=renderer)
            film.render()
        self.close()
        if renderer.poster is not None:
            Image.fromarray(renderer.poster).convert("RGB").save(self.folder / "poster.png")
        self.send(MemoryUsed(peak_memory()))
        self.send(Done(marks_of(film, renderer.frames)))

    def take(self, chapter: int) -> bool:
        """Take a chapter, unless another process has. The file is made by one process only."""
        self.close()
        try:
            os.close(os.open(self.folder / f"{chapter:03}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        paths = {kind: segment(self.folder, chapter, kind) for kind in CODECS}
        self.segments = [
            Encoder(path, kind, *self.clip.pixels, self.clip.fps, self.clip.quality == "draft")
            for kind, path in paths.items()
        ]
        return True

    def put(self, planes: list[Pixels], repeat: int) -> None:
        for encoder in self.segments:
            encoder.write(planes, repeat)
        self.send(Advanced(repeat))

    def close(self) -> None:
        for encoder in self.segments:
            encoder.close()
        self.segments = []


def marks_of(film: TilingScene, frames: int) -> Marks:
    """What a scene that was gone through has said."""
    return Marks(
        frames=frames,
        captions=tuple(Caption(mark.seconds, mark.text, mark.shows) for mark in film.captions),
        chapters=tuple(Chapter(mark.seconds, mark.text) for mark in film.chapters),
    )


def peak_memory() -> int:
    """Bytes that this process has held at most."""
    status = Path("/proc/self/status")
    if status.exists():  # elsewhere what the parent held before may be counted
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
