"""Encoding: frames to a segment of H.264, segments to one MP4 without encoding again."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from publish.frames import Pixels

OPTIONS = {"preset": "veryfast", "crf": "23", "threads": "1"}
"""One thread: chapters are encoded side by side, and bytes do not depend on the machine's cores."""

CPU = Path("/proc/cpuinfo")
if CPU.exists() and "avx512f" in CPU.read_text():
    # With AVX-512 x264's macroblock tree reads memory that nobody has written: the same frames then
    # give other bytes from run to run. With AVX2 they do not.
    OPTIONS["x264-params"] = "asm=avx2"

BT709 = 1
"""Its number in H.264's tables of primaries, transfer and matrix: without it players guess."""


class Encoder:
    """An MP4 of some frames. Give frames to `write`, then `close`."""

    def __init__(self, path: Path, width: int, height: int, fps: int) -> None:
        self.container = av.open(path, "w")
        self.stream = self.container.add_stream("libx264", rate=fps, options=OPTIONS)
        self.stream.width, self.stream.height, self.stream.pix_fmt = width, height, "yuv420p"
        context = self.stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = 1
        self.time_base, self.frames = Fraction(1, fps), 0

    def write(self, planes: list[Pixels], repeat: int) -> None:
        height, width = planes[0].shape
        for _ in range(repeat):
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane, values in zip(frame.planes, planes, strict=True):
                buffer = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
                buffer[:, : plane.width] = values
            frame.pts, frame.time_base = self.frames, self.time_base
            self.frames += 1
            self.container.mux(self.stream.encode(frame))

    def close(self) -> None:
        self.container.mux(self.stream.encode(None))
        self.container.close()


def join(segments: Sequence[Path], target: Path, chapters: Sequence[tuple[float, str]] = ()) -> int:
    """Put segments one behind the other, index in front ("faststart"). Returns the frames.

    `chapters` are (seconds at which it begins, title), which players show in their own way.
    """
    frames = 0
    with av.open(target, "w", options={"movflags": "faststart"}) as whole:
        stream = None
        for path in segments:
            with av.open(path) as part:
                source = part.streams.video[0]
                if stream is None:
                    stream = whole.add_stream_from_template(source)
                    if chapters:
                        whole.set_chapters(_marks(chapters, _length(segments)))
                ticks = round(1 / source.average_rate / source.time_base)
                for packet in part.demux(source):
                    if packet.dts is not None:
                        packet.pts += frames * ticks
                        packet.dts += frames * ticks
                        packet.stream = stream
                        whole.mux(packet)
                frames += source.frames
    return frames


def _length(segments: Sequence[Path]) -> float:
    """Seconds of all segments together."""
    seconds = 0.0
    for path in segments:
        with av.open(path) as part:
            stream = part.streams.video[0]
            seconds += stream.frames / float(stream.average_rate)
    return seconds


def _marks(chapters: Sequence[tuple[float, str]], end: float) -> list[dict[str, object]]:
    """Chapters as PyAV takes them, each until the next begins, in milliseconds."""
    ends = [seconds for seconds, _ in chapters[1:]] + [end]
    return [
        {
            "id": number,
            "start": round(seconds * 1000),
            "end": round(until * 1000),
            "time_base": Fraction(1, 1000),
            "metadata": {"title": title},
        }
        for number, ((seconds, title), until) in enumerate(zip(chapters, ends, strict=True))
    ]
