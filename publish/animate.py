"""Moving pictures for places that take no video: an animated WebP and a GIF of a clip's movie."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

from publish.pool import Done, News, RenderFailed
from publish.settings import ANIMATED, Clip
from scenes.kit.look import PALETTES

LONGER, FPS, QUALITY = 720, 12, 60
"""Pixels of the longer side, frames a second, and WebP's quality."""

ALIKE = 3
"""Steps of 255 up to which a pixel is taken for unchanged: a lossy movie trembles by as much."""

NEAR = 8
"""Steps of 255 within which a palette has no second colour beside the ground."""

COLORS = 255
"""Of a GIF's palette; one more stands for "unchanged"."""

Picture = npt.NDArray[np.uint8]


def work(clip: Clip, folder: Path, send: Callable[[News], None], first: bool) -> None:
    """Make SCENE.webp and SCENE.gif of a clip's movie, unless another process does it."""
    with suppress(FileExistsError):
        os.close(os.open(folder / "taken", os.O_CREAT | os.O_EXCL))
        targets = {kind: folder / clip.file(kind).name for kind in ANIMATED}
        ground = ImageColor.getrgb(PALETTES[clip.theme].background)
        pictures, lasts = zip(*_steady(clip.file(".mp4"), ground), strict=True)
        _webp(pictures, _milliseconds(lasts, clip.fps, 1), targets[".webp"])
        _gif(pictures, _milliseconds(lasts, clip.fps, 10), targets[".gif"])
    send(Done())


def _steady(movie: Path, ground: tuple[int, ...]) -> Iterator[tuple[Image.Image, int]]:
    """About FPS pictures a second, each with the frames for which it stands: where nothing changes
    pixels keep their colour exactly, which both formats store for next to nothing, and the ground
    is exactly the page's."""
    shown: Picture | None = None
    lasts = 0
    with av.open(movie) as source:
        stream = source.streams.video[0]
        every = max(1, round((stream.average_rate or FPS) / FPS))
        size = _size(stream.width, stream.height)
        for i, frame in enumerate(source.decode(stream)):
            if i % every:
                continue
            reduced = frame.reformat(*size, interpolation="AREA")
            small = cast(Picture, reduced.to_ndarray(format="rgb24"))
            small[np.abs(small.astype(np.int16) - ground).max(axis=2) <= ALIKE] = ground
            before = small if shown is None else shown
            changed = np.abs(small.astype(np.int16) - before).max(axis=2) > ALIKE
            if lasts and changed.any():
                yield Image.fromarray(before), lasts
                lasts = 0
            shown = np.where(changed[..., None], small, before)
            lasts += every
    if shown is None:
        raise RenderFailed(f"{movie.name} has no pictures")
    yield Image.fromarray(shown), lasts


def _milliseconds(lasts: tuple[int, ...], fps: int, step: int) -> list[int]:
    """How long each picture is shown, in whole steps of so many milliseconds, which GIF has 10 of.
    The times at which pictures begin are rounded, not the durations: the clip keeps its length."""
    begins = np.rint(np.cumsum([0, *lasts]) * 1000 / fps / step).astype(int) * step
    return [int(milliseconds) for milliseconds in np.diff(begins)]


def _size(width: int, height: int) -> tuple[int, int]:
    scale = LONGER / max(width, height)
    return round(width * scale), round(height * scale)


def _webp(pictures: tuple[Image.Image, ...], lasts: list[int], target: Path) -> None:
    options: dict[str, Any] = {"quality": QUALITY, "method": 4, "loop": 0, "duration": lasts}
    pictures[0].save(target, save_all=True, append_images=pictures[1:], **options)


def _gif(pictures: tuple[Image.Image, ...], lasts: list[int], target: Path) -> None:
    """One palette for all: with one a picture colours would flicker."""
    some = pictures[:: max(1, len(pictures) // 24)]
    width, height = some[0].size
    together = Image.new("RGB", (width, height * len(some)))
    for i, picture in enumerate(some):
        together.paste(picture, (0, height * i))
    palette = together.quantize(COLORS, Image.Quantize.MEDIANCUT, kmeans=1)
    # A palette's colours are averages, and Pillow looks for the nearest in steps: what is near to
    # the ground is made the ground.
    colors = np.array(palette.getpalette(), np.int16).reshape(-1, 3)
    ground = np.array(together.getpixel((0, 0)))
    colors[np.abs(colors - ground).max(axis=1) <= NEAR] = ground
    palette.putpalette(colors.flatten().tolist())
    plain = [p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]
    options: dict[str, Any] = {"optimize": True, "disposal": 1, "loop": 0, "duration": lasts}
    plain[0].save(target, save_all=True, append_images=plain[1:], **options)
