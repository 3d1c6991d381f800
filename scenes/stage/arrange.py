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
    return Box(frame.x, frame.y, frame.w, 116), 52 if wide else 38


def below_caption(look: Look) -> Box:
    """What a scene has for its picture."""
    frame, top = look.margin, 182.0
    return Box(frame.x, top, frame.w, frame.bottom - top)


def arrange(look: Look) -> Arrangement:
    """The three memories side by side; in tall global memory above the other two."""
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
    frame, gap, top = look.margin, 14.0, 182.0
    half, upper, lower = (frame.w - gap) / 2, 404.0, 476.0
    zones = {
        "global": Box(frame.x, top, frame.w, upper),
        "shared": Box(frame.x, top + upper + gap, half, lower),
        "registers": Box(frame.x + half + gap, top + upper + gap, half, lower),
    }
    content = {}
    for name, zone in zones.items():
        above = 70 if name == "global" else 172  # headings, then letters
        below = {"global": 62, "shared": 122, "registers": 84}[name]
        content[name] = Box(zone.x + 58, zone.y + above, zone.w - 116, zone.h - above - below)
    low = zones["shared"].bottom
    return Arrangement(
        zones=zones,
        content=content,
        strip=Box(frame.x, low + 26, frame.w, 36),
        counters=Box(frame.x, low + 68, frame.w, 66),
        value_size=44,
    )
