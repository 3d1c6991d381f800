"""Where the overview's panels, strip and counters stand, in both aspects."""

from scenes.kit.look import Box, Look
from scenes.kit.places import LETTER_ROOM, Places


def overview_places(look: Look) -> Places:
    """The three memories side by side; in tall global memory above the other two."""
    return (_wide if look.aspect == "wide" else _tall)(look)


def _wide(look: Look) -> Places:
    frame = look.margin
    gap, top, height = 66.0, 182.0, 716.0
    widths = {"global": 624.0, "shared": 560.0, "registers": frame.w - 1184 - 2 * gap}
    panels, content, left = {}, {}, frame.x
    for name, width in widths.items():
        panels[name] = Box(left, top, width, height)
        room = width - 44 - 2 * LETTER_ROOM, height - 138 - 2 * LETTER_ROOM
        content[name] = Box(left + 22 + LETTER_ROOM, top + 86 + LETTER_ROOM, *room)
        left += width + gap
    return Places(
        panels=panels,
        content=content,
        strip=Box(frame.x, 942, frame.w, 42),
        counters=Box(frame.x, 996, frame.w, 40),
        value_size=56,
    )


def _tall(look: Look) -> Places:
    frame, gap, top = look.margin, 14.0, 182.0
    half, upper, lower = (frame.w - gap) / 2, 404.0, 476.0
    panels = {
        "global": Box(frame.x, top, frame.w, upper),
        "shared": Box(frame.x, top + upper + gap, half, lower),
        "registers": Box(frame.x + half + gap, top + upper + gap, half, lower),
    }
    content = {}
    for name, panel in panels.items():
        above = 70 if name == "global" else 172  # headings, then letters
        below = {"global": 62, "shared": 122, "registers": 84}[name]
        content[name] = Box(panel.x + 58, panel.y + above, panel.w - 116, panel.h - above - below)
    low = panels["shared"].bottom
    return Places(
        panels=panels,
        content=content,
        strip=Box(frame.x, low + 26, frame.w, 36),
        counters=Box(frame.x, low + 68, frame.w, 66),
        value_size=44,
    )
