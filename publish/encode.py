"""Encoding: frames to a segment of H.264, segments to one MP4 without encoding again."""

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
from av.video.stream import VideoStream

from publish.description import Chapter
from publish.frames import Pixels, values_of
from publish.settings import MovieKind

T = TypeVar("T")

GOP = 600
"""Frames from one key frame to the next at most. Chapters begin with one: jumping to them is quick
whatever this is."""

CODECS: dict[MovieKind, tuple[str, dict[str, str]]] = {
    ".mp4": ("libx264", {"preset": "veryfast", "crf": "24", "threads": "1"}),
    ".webm": ("libsvtav1", {"preset": "8", "crf": "44", "svtav1-params": "lp=1:scm=0"}),
}
"""Encoder of each kind of movie and its options; `benchmarks/formats.py` compares others. One
thread: chapters are encoded side by side, and bytes do not depend on the machine's cores."""

DRAFT = {".mp4": {}, ".webm": {"preset": "10"}}
"""What is different for a draft, which is to be seen soon, and by its author alone."""

CPU = Path("/proc/cpuinfo")
if CPU.exists() and "avx512f" in CPU.read_text():
    # With AVX-512 x264's macroblock tree reads memory that nobody has written: the same frames then
    # give other bytes from run to run. With AVX2 they do not.
    CODECS[".mp4"][1]["x264-params"] = "asm=avx2"

BT709 = 1
"""Its number in the tables of primaries, transfer and matrix: without it players guess."""


def segment(folder: Path, chapter: int, kind: MovieKind) -> Path:
    """Where a chapter's frames lie until they are joined."""
    return folder / f"{chapter:03}-{CODECS[kind][0]}.mp4"


class Encoder:
    """Some frames, encoded as the movies of one kind of CODECS are. Give frames to `write`, then
    `close`."""

    def __init__(
        self, path: Path, kind: MovieKind, width: int, height: int, fps: int, draft: bool = False
    ) -> None:
        # It tells of itself each time, and calls a movie that was given up an error: silence.
        os.environ.setdefault("SVT_LOG", "0")
        codec, options = CODECS[kind]
        if draft:
            options = {**options, **DRAFT[kind]}
        # MP4 whatever the kind: WebM rounds times to milliseconds, and they are added up in `join`.
        self.container = av.open(path, "w", format="mp4")
        stream = self.container.add_stream(codec, rate=fps, options={**options, "g": str(GOP)})
        assert isinstance(stream, VideoStream)
        self.stream = stream
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
                values_of(plane)[:] = values
            frame.pts, frame.time_base = self.frames, self.time_base
            self.frames += 1
            self.container.mux(self.stream.encode(frame))

    def close(self) -> None:
        self.container.mux(self.stream.encode(None))
        self.container.close()


def join(segments: Sequence[Path], target: Path, chapters: Sequence[Chapter] = ()) -> int:
    """Put segments one behind the other, the index in front. Returns the frames.

    Players show `chapters` in their own way.
    """
    frames = 0
    webm = {"cues_to_front": "1", "fflags": "+bitexact"}  # else it is given a number by chance
    index = webm if target.suffix == ".webm" else {"movflags": "faststart"}
    with av.open(target, "w", options=index) as whole:
        stream = None
        for path in segments:
            with av.open(path) as part:
                source = part.streams.video[0]
                if stream is None:
                    stream = whole.add_stream_from_template(source, opaque=True)
                    if chapters:
                        whole.set_chapters(_marks(chapters, _length(segments)))
                start = round(frames / _known(source.average_rate) / _known(source.time_base))
                for packet in part.demux(source):
                    if packet.pts is not None and packet.dts is not None:
                        frames += 1
                        packet.pts += start
                        packet.dts += start
                        packet.stream = stream
                        whole.mux(packet)
    return frames


def mime(movie: Path) -> str:
    """Type of a movie for a page, with the codec's profile and level: a browser knows by it whether
    it can play the movie without asking for it.

    ISO/IEC 14496-15 (avcC) and the AV1 ISO media file format binding (av1C) say where they lie.
    """
    with av.open(movie) as container:
        head = _known(container.streams.video[0].codec_context.extradata)
    if movie.suffix == ".webm":
        profile, level, tier = head[1] >> 5, head[1] & 31, "H" if head[2] >> 7 else "M"
        return f'video/webm; codecs="av01.{profile}.{level:02}{tier}.08"'
    return f'video/mp4; codecs="avc1.{head[1:4].hex()}"'


def _known(value: T | None) -> T:
    """What every movie that was encoded here has."""
    assert value is not None
    return value


def _length(segments: Sequence[Path]) -> float:
    """Seconds of all segments together."""
    seconds = 0.0
    for path in segments:
        with av.open(path) as part:  # WebM does not say how many frames it has
            stream = part.streams.video[0]
            count = sum(packet.dts is not None for packet in part.demux(stream))
            seconds += count / float(_known(stream.average_rate))
    return seconds


def _marks(chapters: Sequence[Chapter], end: float) -> list[Any]:
    """Chapters as PyAV takes them, each until the next begins, in milliseconds."""
    ends = [chapter.seconds for chapter in chapters[1:]] + [end]
    return [
        {
            "id": number,
            "start": round(chapter.seconds * 1000),
            "end": round(until * 1000),
            "time_base": Fraction(1, 1000),
            "metadata": {"title": chapter.text},
        }
        for number, (chapter, until) in enumerate(zip(chapters, ends, strict=True))
    ]
