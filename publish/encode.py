"""Encoding: frames to a segment of H.264, segments to one MP4 without encoding again."""

from fractions import Fraction
from pathlib import Path
from queue import Queue
from threading import Thread

import av
import numpy as np

from publish.frames import Pixels

OPTIONS = {"preset": "veryfast", "crf": "23", "threads": "1"}
"""One thread: chapters are encoded side by side, and bytes do not depend on the machine's cores."""

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


class Segment:
    """An encoder in a thread of its own, so that the next frames are drawn meanwhile."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.queue: Queue[tuple[list[Pixels], int] | None] = Queue(maxsize=8)
        self.error: BaseException | None = None
        self.thread = Thread(target=self._work, daemon=True)
        self.thread.start()

    def put(self, planes: list[Pixels], repeat: int) -> None:
        if self.error is not None:
            raise self.error
        self.queue.put((planes, repeat))

    def close(self) -> None:
        self.queue.put(None)
        self.thread.join()
        if self.error is not None:
            raise self.error

    def _work(self) -> None:
        try:
            while (item := self.queue.get()) is not None:
                self.encoder.write(*item)
            self.encoder.close()
        except BaseException as error:
            self.error = error
            while self.queue.get() is not None:  # whoever puts must not wait for ever
                pass


def join(segments: list[Path], target: Path) -> int:
    """Put segments one behind the other, index in front ("faststart"). Returns the frames."""
    frames = 0
    with av.open(target, "w", options={"movflags": "faststart"}) as whole:
        stream = None
        for path in segments:
            with av.open(path) as part:
                source = part.streams.video[0]
                stream = stream or whole.add_stream_from_template(source)
                ticks = round(1 / source.average_rate / source.time_base)
                for packet in part.demux(source):
                    if packet.dts is not None:
                        packet.pts += frames * ticks
                        packet.dts += frames * ticks
                        packet.stream = stream
                        whole.mux(packet)
                frames += source.frames
    return frames
