"""The caption line as a subtitle track: the same words, at the same frames."""

from typing import Any


def vtt(marks: dict[str, Any]) -> str:
    """WebVTT of a clip's captions, each until the next begins, the last until the clip ends."""
    captions = marks["captions"]
    ends = [caption["seconds"] for caption in captions[1:]] + [marks["frames"] / marks["fps"]]
    cues = [
        f"{_stamp(caption['seconds'])} --> {_stamp(end)}\n{caption['text']}\n"
        for caption, end in zip(captions, ends, strict=True)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _stamp(seconds: float) -> str:
    """hh:mm:ss.mmm"""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
