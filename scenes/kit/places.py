"""Where things stand on the frame, in both aspects: the caption; panels, strip and counters."""

from dataclasses import dataclass

from scenes.kit.look import Box, Look


@dataclass(frozen=True)
class Places:
    """Boxes in design pixels. `content` is where the matrices of a panel may lie, by panel."""

    panels: dict[str, Box]
    content: dict[str, Box]
    strip: Box
    counters: Box
    value_size: float


LETTER_ROOM = 40
"""Beside matrices, for the letters M, N, K and the names."""


def caption_line(look: Look) -> tuple[Box, float]:
    """Where every scene's caption stands, and the size of its letters."""
    frame, wide = look.margin, look.aspect == "wide"
    return Box(frame.x, frame.y, frame.w, 116), 52 if wide else 38


def note_line(look: Look) -> tuple[float, float]:
    """On which line a word of the caption is explained, and the size of the letters."""
    return (164.0, 28) if look.aspect == "wide" else (170.0, 22)


def below_caption(look: Look) -> Box:
    """What a scene has for its picture."""
    frame, top = look.margin, 182.0
    return Box(frame.x, top, frame.w, frame.bottom - top)
