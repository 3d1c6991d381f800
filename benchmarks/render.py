"""How long rendering takes, side by side in one run. `--write` puts the table into the README.

    python -m benchmarks.render [--write]

- overview: the whole command after verification, from the first process to the last file
- encoder alone: the frames of that clip, ready in memory, through the same encoder in one process
- a Square a cell: two seconds of film as people write it by hand, with Manim's own renderer
"""

import logging
import os
import sys
import tempfile
import time
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
from publish.encode import Encoder
from publish.settings import Clip
from publish.worker import manim_settings
from tiling.presets import choose

JOBS = os.cpu_count() or 1
FPS = 60


def overview(preset: str, out: Path) -> tuple[float, int]:
    """(seconds, frames) of rendering a clip."""
    frames = []
    start = time.perf_counter()
    render(Clip("overview", choose(preset), out=out), [], JOBS, frames.append, lambda n: None)
    return time.perf_counter() - start, frames[0]


def encoder_alone(movie: Path) -> float:
    """Seconds that the encoder needs for a clip's frames, which are decoded beforehand."""
    seconds = 0.0
    with av.open(movie) as source, tempfile.TemporaryDirectory() as folder:
        stream = source.streams.video[0]
        encoder = Encoder(Path(folder) / "alone.mp4", stream.width, stream.height, FPS)
        decoded = source.decode(stream)
        while ready := [planes(frame) for frame in islice(decoded, 200)]:
            start = time.perf_counter()
            for frame in ready:
                encoder.write(frame, 1)
            seconds += time.perf_counter() - start
        start = time.perf_counter()
        encoder.close()
    return seconds + time.perf_counter() - start


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
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for preset in "seed", "sgemm":
            out = Path(folder) / preset
            seconds, frames = overview(preset, out)
            alone = encoder_alone(out / "overview.mp4")
            film = frames / FPS
            rows.append(
                [
                    f"`overview`, `{preset}`",
                    f"{film:.1f}",
                    f"{seconds:.1f}",
                    f"{seconds * 1000 / frames:.1f}",
                    f"{seconds / film:.2f}",
                    f"{seconds / alone:.2f}",
                ]
            )
            rows.append(
                [
                    f"its frames through the encoder alone, `{preset}`",
                    f"{film:.1f}",
                    f"{alone:.1f}",
                    f"{alone * 1000 / frames:.1f}",
                    f"{alone / film:.2f}",
                    "1.00",
                ]
            )
    for side in 12, 32, 64:
        seconds, ms = per_cell(side)
        name = f"one load with a `Square` a cell, {side} a side"
        film = seconds / ms * 1000 / FPS
        rows.append(
            [name, f"{film:.1f}", f"{seconds:.1f}", f"{ms:.1f}", f"{seconds / film:.2f}", ""]
        )
    header = ["", "film, s", "render, s", "ms a frame", "render / film", "render / encoder"]
    text = f"{table(header, rows)}\n\n1080p60, {JOBS} processes, {machine()}."
    print(text)
    if "--write" in sys.argv:
        write("render benchmark", text)


if __name__ == "__main__":
    main()
