"""Where things stand on the frame, in both aspects: the caption; zones, strip and counters."""

from dataclasses import dataclass

from scenes.stage.look import Box, Look


@dataclass(frozen=True)
class Arrangement:
    """Boxes in design pixels. `content` is where the matrices of a zone may lie, by zone."""

    zones: dict[str, Box]
    content: dict[str, Box]
    strip: Box
    counters: Box
    value_size: float


ROOM = 40
"""Beside matrices, for the letters M, N, K and the names."""


def caption_line(look: Look) -> tuple[Box, float]:
    """Where every scene's caption stands, and the size of its letters."""
    frame, wide = look.margin, look.aspect == "wide"
    return Box(frame.x, frame.y, frame.w, 116 if wide else 136), 52 if wide else 50


def below_caption(look: Look) -> Box:
    """What a scene has for its picture."""
    frame, top = look.margin, 182.0 if look.aspect == "wide" else 232.0
    return Box(frame.x, top, frame.w, frame.bottom - top)


def arrange(look: Look) -> Arrangement:
    """The three memories side by side, or in tall one above the other, headings at the left."""
    return (_wide if look.aspect == "wide" else _tall)(look)


def _wide(look: Look) -> Arrangement:
    frame = look.margin
    gap, top, height = 66.0, 182.0, 716.0
    widths = {"global": 624.0, "shared": 560.0, "registers": frame.w - 1184 - 2 * gap}
    zones, content, left = {}, {}, frame.x
    for name, width in widths.items():
        zones[name] = Box(left, top, width, height)
        room = width - 44 - 2 * ROOM, height - 138 - 2 * ROOM
        content[name] = Box(left + 22 + ROOM, top + 86 + ROOM, *room)
        left += width + gap
    return Arrangement(
        zones=zones,
        content=content,
        strip=Box(frame.x, 942, frame.w, 42),
        counters=Box(frame.x, 996, frame.w, 40),
        value_size=56,
    )


def _tall(look: Look) -> Arrangement:
    frame = look.margin
    heights = {"global": 588.0, "shared": 492.0, "registers": 348.0}
    zones, content, top, gap = {}, {}, 232.0, 18.0
    side = 250.0  # the column of headings
    for name, height in heights.items():
        zones[name] = Box(frame.x, top, frame.w, height)
        beside = 190 if name == "shared" else 0  # room for words to the right of C
        room = frame.w - side - 22 - 2 * ROOM - beside, height - 44 - 2 * ROOM
        content[name] = Box(frame.x + side + ROOM, top + 22 + ROOM, *room)
        top += height + gap
    return Arrangement(
        zones=zones,
        content=content,
        strip=Box(frame.x, top + 14, frame.w, 40),
        counters=Box(frame.x, top + 60, frame.w, 66),
        value_size=50,
    )
