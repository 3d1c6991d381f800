"""Whether words stand long enough to be read, and what else holds of all marks of a clip."""

import re
from collections.abc import Iterator

from scenes.kit.tiling_scene import TilingScene

LONGEST = 60
"""Characters of a caption."""

PACE, EACH = 12, 0.5
"""Characters in a second, and seconds more for each number."""

FRAME = 0.2
"""Seconds that are whole frames at 15, 30 and 60 a second."""


def hasty(film: TilingScene) -> Iterator[str]:
    """What is wrong with what a clip says, and with when. Its last words are its first again: what
    explains a word of them has been read."""
    ends = [mark.seconds for mark in film.captions[1:]] + [film.now]
    for caption, end in zip(film.captions, ends, strict=True):
        text = caption.text if end == film.now else f"{caption.text} {caption.note}".strip()
        numbers = re.findall(r"[0-9]+(?:[.,][0-9]+)*", text)
        needs = len(text) / PACE + EACH * len(numbers)
        if end - caption.seconds < needs - 1e-6:
            yield f"{text!r} stands {end - caption.seconds:.1f} s and needs {needs:.1f}"
        if len(caption.text) > LONGEST:
            yield f"{caption.text!r} has {len(caption.text)} characters"
    for mark in (*film.captions, *film.chapters):
        if not round(mark.seconds / FRAME, 6).is_integer():
            yield f"{mark.text!r} begins within a frame"
    if not film.chapters or film.chapters[0].seconds:
        yield "no chapter begins with the clip"
    if not 0 < film.poster_at < film.now:
        yield "no still stands for the clip"
