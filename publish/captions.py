"""The caption line as text: a subtitle track, and a transcript of what is said and seen."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from publish.description import Marks

WIDTH = 88
"""Characters of a line of a transcript."""


def vtt(marks: Marks, fps: int) -> str:
    """WebVTT of a clip's captions, each until the next begins, the last until the clip ends."""
    ends = [caption.seconds for caption in marks.captions[1:]] + [marks.frames / fps]
    cues = [
        f"{_stamp(caption.seconds)} --> {_stamp(end)}\n{caption.text}\n"
        for caption, end in zip(marks.captions, ends, strict=True)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def transcript(heading: Sequence[str], marks: Marks) -> str:
    """For who cannot watch: captions with their times, and under each what the picture shows."""
    first, *rest = heading
    lines = [first, "=" * len(first), "", *rest]
    chapters = {chapter.seconds: chapter.text for chapter in marks.chapters}
    for caption in marks.captions:
        if name := chapters.get(caption.seconds):
            lines += ["", name[0].upper() + name[1:], "-" * len(name)]
        seconds = int(caption.seconds)
        lines += ["", *_hanging(f"{seconds // 60}:{seconds % 60:02}", caption.text)]
        lines += _hanging("", caption.shows)
    return "\n".join(lines) + "\n"


def _hanging(mark: str, text: str) -> Iterator[str]:
    for i, line in enumerate(wrap(text, WIDTH - 6)):
        yield f"{mark if i == 0 else '':<6}{line}"


def _stamp(seconds: float) -> str:
    """hh:mm:ss.mmm"""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
