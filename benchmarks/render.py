"""How long rendering takes, side by side in one run. `--write` puts the table into the README.

    python -m benchmarks.render [--write]

- every scene in every look: all clips of `clip --all --quality draft`, by one process and by one a
  core
- overview: the whole command after verification, from the first process to the last file, in
  1080p60, and the most memory that one of the processes needed
- encoders alone: the frames of that clip, ready in memory, through the same encoders
- a Square a cell: two seconds of film as people write it by hand, with Manim's own renderer
"""

import logging
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import av
import numpy as np
from manim import (
    DOWN,
    LEFT,
    PURPLE,
    RED,
    RIGHT,
    TEAL,
    UP,
    ManimColor,
    Scene,
    Square,
    VGroup,
    tempconfig,
)

from benchmarks.tables import machine, table, write
from publish.clip import render
from publish.encode import CODECS, Encoder
from publish.settings import ASPECTS, THEMES, Clip
from publish.worker import manim_settings
from scenes import SCENES
from tiling.presets import choose

JOBS = os.cpu_count() or 1
FPS = 60


class Tally:
    """A Progress that sums."""

    def __init__(self) -> None:
        self.frames = self.bytes = 0

    def total(self, clip: Clip, frames: int) -> None:
        self.frames += frames

    def advance(self, clip: Clip, frames: int) -> None: ...

    def done(self, clip: Clip) -> None: ...

    def failed(self, clip: Clip) -> None: ...

    def memory(self, needed: int) -> None:
        self.bytes = max(self.bytes, needed)


def timed(clips: list[Clip], jobs: int) -> tuple[float, Tally]:
    """Seconds of rendering clips, and what was heard of them."""
    tally, start = Tally(), time.perf_counter()
    for why in render(clips, [], jobs, tally).values():
        raise why
    return time.perf_counter() - start, tally


def every_clip() -> str:
    """All scenes in all looks, by one process and by one a core."""
    rows, first = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        for jobs in sorted({1, JOBS}):
            clips = [
                Clip(scene, choose(), theme, aspect, "draft", Path(folder) / str(jobs))
                for scene in SCENES
                for theme in THEMES
                for aspect in ASPECTS
            ]
            seconds, tally = timed(clips, jobs)
            first = first or seconds
            film = tally.frames / clips[0].fps
            numbers = f"{film:.0f}", f"{seconds:.0f}", f"{first / seconds:.2f}"
            rows.append([f"{len(clips)} clips, 540p15, `--jobs {jobs}`", *numbers])
    return table(["", "film, s", "render, s", "faster than one"], rows)


def encoder_alone(movie: Path, count: int) -> float:
    """Seconds that so many pairs of encoders at once, one of each kind, need for a clip's frames,
    decoded beforehand."""
    seconds = 0.0
    with (
        av.open(movie) as source,
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(count) as pool,
    ):
        stream = source.streams.video[0]
        size = stream.width, stream.height
        encoders = [
            [Encoder(Path(folder) / f"{i}{kind}", kind, *size, FPS) for kind in CODECS]
            for i in range(count)
        ]
        decoded = source.decode(stream)
        while ready := [planes(frame) for frame in islice(decoded, 240)]:
            shares = [ready[i * 240 // count : (i + 1) * 240 // count] for i in range(count)]
            start = time.perf_counter()
            list(pool.map(write_all, encoders, shares))
            seconds += time.perf_counter() - start
        start = time.perf_counter()
        list(pool.map(close_all, encoders))
        return seconds + time.perf_counter() - start


def write_all(encoders: list[Encoder], frames: list[list[np.ndarray]]) -> None:
    for frame in frames:
        for encoder in encoders:
            encoder.write(frame, 1)


def close_all(encoders: list[Encoder]) -> None:
    for encoder in encoders:
        encoder.close()


def planes(frame: av.VideoFrame) -> list[np.ndarray]:
    return [
        np.frombuffer(p, np.uint8).reshape(p.height, p.line_size)[:, : p.width].copy()
        for p in frame.planes
    ]


class PerCell(Scene):
    """One load as people write it by hand: A, B and C of `side`×`side` squares, and a tile of A and
    one of B that fly to shared memory, each a group of squares."""

    side = 12

    def construct(self) -> None:
        side, half = self.side, self.side // 2
        a, b, _ = matrices = [self.matrix(side, color) for color in (RED, TEAL, PURPLE)]
        VGroup(*matrices).arrange(RIGHT).to_edge(UP)
        self.add(*matrices)
        for source, place in (a, LEFT), (b, RIGHT):
            tile = VGroup(*(source[row * side + col] for row in range(half) for col in range(half)))
            flying = tile.copy().set_fill(opacity=0.8)
            self.play(flying.animate.move_to(2 * DOWN + 2 * place), run_time=1)

    def matrix(self, side: int, color: ManimColor) -> VGroup:
        cells = (Square(3.2 / side, color=color, stroke_width=1) for _ in range(side**2))
        return VGroup(*cells).arrange_in_grid(side, side, buff=0)


def per_cell(side: int) -> tuple[float, float]:
    """(seconds, milliseconds a frame) of PerCell, drawn and encoded by Manim."""
    with tempfile.TemporaryDirectory() as folder:
        settings = manim_settings(Clip("overview", choose()), Path(folder))
        with tempconfig({**settings, "format": "mp4"}):
            start = time.perf_counter()
            scene = type("PerCell", (PerCell,), {"side": side})()
            scene.render()
            seconds = time.perf_counter() - start
            return seconds, seconds * 1000 / (scene.time * FPS)


def main() -> None:
    logging.getLogger("manim").setLevel("ERROR")
    rows, most = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for preset in "seed", "sgemm":
            out = Path(folder) / preset
            seconds, tally = timed([Clip("overview", choose(preset), out=out)], JOBS)
            frames, most = tally.frames, max(most, tally.bytes)
            film = frames / FPS
            taken_by = {f"`overview`, `{preset}`": seconds}
            for count in sorted({1, JOBS}):
                many = "one encoder of each kind" if count == 1 else f"{count} of each at once"
                movie = next(out.glob("*.mp4"))
                taken_by[f"its frames through {many}"] = encoder_alone(movie, count)
            one = taken_by["its frames through one encoder of each kind"]
            for name, taken in taken_by.items():
                ms, length, ratio = taken * 1000 / frames, taken / film, taken / one
                values = f"{film:.1f}", f"{taken:.1f}", f"{ms:.1f}", f"{length:.2f}", f"{ratio:.2f}"
                rows.append([name, *values])
    for side in 12, 32, 64:
        seconds, ms = per_cell(side)
        name = f"one load with a `Square` a cell, {side} a side"
        film = seconds / ms * 1000 / FPS
        rows.append(
            [name, f"{film:.1f}", f"{seconds:.1f}", f"{ms:.1f}", f"{seconds / film:.2f}", ""]
        )
    header = ["", "film, s", "render, s", "ms a frame", "render / film", "to the encoders"]
    needed = f"1080p60, {JOBS} processes of at most {most / 1e6:.0f} MB, {machine()}."
    text = f"{every_clip()}\n\n{table(header, rows)}\n\n{needed}"
    print(text)
    if "--write" in sys.argv:
        write("render benchmark", text)


if __name__ == "__main__":
    main()
