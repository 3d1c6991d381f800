"""Why movies are encoded as they are: size, likeness and time of several settings, side by side on
the same lossless frames of `overview`, `seed`, 1080p60. `--write` puts the table into the README.

    python -m benchmarks.formats [--write]

SSIM is FFmpeg's over all three planes, 1 where nothing differs: its mean, and its lowest frame.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import av
import numpy as np
from av.filter import Graph

from benchmarks.render import Tally
from benchmarks.tables import machine, table, write
from publish.clip import add_pictures, render
from publish.encode import CODECS, Encoder, join, segment
from publish.pool import Done, News
from publish.settings import ANIMATED, Clip
from publish.worker import Work
from tiling.presets import choose

LOSSLESS = {".mp4": ("libx264", {"preset": "ultrafast", "qp": "0"})}

OTHERS = {
    ".mp4": [{"crf": "20"}, {"crf": "28"}, {"preset": "medium"}],
    ".webm": [{"crf": "40"}, {"crf": "60"}, {"preset": "6"}],
}
"""What is changed of the settings in use, one row each."""

LIMITS = {".mp4": 1200, ".webm": None, ".webp": 2500, ".gif": 2500}
"""Kilobytes that each kind may have for this clip."""


def lossless(clip: Clip, folder: Path) -> list[Path]:
    """The clip's chapters as they were drawn."""
    heard: list[News] = []
    with patch.dict(CODECS, LOSSLESS, clear=True):
        Work(clip, folder, heard.append).run(False)
    (done,) = (news for news in heard if isinstance(news, Done))
    return [segment(folder, chapter, ".mp4") for chapter in range(len(done.marks.chapters))]


def encoded(parts: Sequence[Path], target: Path, options: dict[str, str]) -> float:
    """Seconds that the parts take to encode into one movie with these options."""
    codec, usual = CODECS[target.suffix]
    pieces, seconds = [], 0.0
    with patch.dict(CODECS, {target.suffix: (codec, {**usual, **options})}):
        for number, part in enumerate(parts):
            pieces.append(target.with_name(f"{number}.mp4"))
            with av.open(part) as source:
                stream = source.streams.video[0]
                size, rate = (stream.width, stream.height), int(stream.average_rate)
                encoder = Encoder(pieces[-1], target.suffix, *size, rate)
                for frame in source.decode(stream):
                    planes = list(_planes(frame))
                    start = time.perf_counter()
                    encoder.write(planes, 1)
                    seconds += time.perf_counter() - start
            start = time.perf_counter()
            encoder.close()
            seconds += time.perf_counter() - start
    join(pieces, target)
    return seconds


def ssim(parts: Sequence[Path], movie: Path, log: Path) -> tuple[float, float]:
    """(mean, lowest) SSIM of a movie's frames and those it was made from."""
    _compare(parts, movie, log)
    lines = log.read_text().splitlines()
    found = [float(line.split("All:")[1].split()[0]) for line in lines]
    return float(np.mean(found)), min(found)


def _compare(parts: Sequence[Path], movie: Path, log: Path) -> None:
    """Let FFmpeg's filter write a line for each frame. It is complete when the graph is gone."""
    with av.open(movie) as container:
        stream = container.streams.video[0]
        graph = Graph()
        shape = {"width": stream.width, "height": stream.height, "format": "yuv420p"}
        both = [graph.add_buffer(**shape, time_base=stream.time_base) for _ in range(2)]
        compare = graph.add("ssim", f"stats_file={log}")
        for pad, buffer in enumerate(both):
            buffer.link_to(compare, 0, pad)
        sink = graph.add("buffersink")
        compare.link_to(sink)
        graph.configure()
        pairs = zip(_frames(parts), container.decode(stream), strict=True)
        for number, pair in enumerate(pairs):
            for buffer, frame in zip(both, pair, strict=True):
                # Of the bare planes: where two streams name their colours differently, or one of
                # them not at all, the filter would convert one to the other.
                plain = av.VideoFrame.from_ndarray(frame.to_ndarray(), "yuv420p")
                plain.pts, plain.time_base = number, stream.time_base
                buffer.push(plain)
            sink.pull()


def _frames(parts: Sequence[Path]) -> Iterator[av.VideoFrame]:
    for part in parts:
        with av.open(part) as source:
            yield from source.decode(video=0)


def _planes(frame: av.VideoFrame) -> Iterator[np.ndarray]:
    for p in frame.planes:
        yield np.frombuffer(p, np.uint8).reshape(p.height, p.line_size)[:, : p.width].copy()


def named(kind: str, options: dict[str, str]) -> str:
    codec = {".mp4": "H.264", ".webm": "AV1"}[kind]
    if options:
        return f"{codec}, " + ", ".join(f"{key} {value}" for key, value in options.items())
    _, usual = CODECS[kind]
    return f"**{codec} as used**: preset {usual['preset']}, crf {usual['crf']}"


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = Clip("overview", choose(), out=folder / "media")
        parts = lossless(clip, folder)
        for kind, others in OTHERS.items():
            for options in ({}, *others):
                target = folder / f"movie{kind}"
                seconds = encoded(parts, target, options)
                mean, lowest = ssim(parts, target, folder / "log")
                size = target.stat().st_size / 1000
                values = f"{size:.0f}", f"{mean:.4f}", f"{lowest:.4f}", f"{seconds:.1f}"
                rows.append([named(kind, options), *values])
                print(rows[-1], flush=True)
        render([clip], [], 2, Tally())
        for why in add_pictures([clip], 1, Tally()).values():
            raise why
        for kind in ANIMATED:
            rows.append(
                [f"{kind}, 720 px", f"{clip.file(kind).stat().st_size / 1000:.0f}", *3 * [""]]
            )
        for kind, most in LIMITS.items():
            size = clip.file(kind).stat().st_size / 1000
            print(f"{kind}: {size:.0f} kB" + (f" of {most}" if most else ""))
    header = ["", "kB", "SSIM", "lowest", "seconds"]
    text = f"{table(header, rows)}\n\n{machine()}."
    print(text)
    if "--write" in sys.argv:
        write("formats benchmark", text)


if __name__ == "__main__":
    main()
