"""Where the overview's panels, strip and counters stand, in both aspects."""

from dataclasses import dataclass

from scenes.kit.look import Box, Look
from scenes.kit.places import LETTER_ROOM, Places


@dataclass(frozen=True)
class OverviewPlaces(Places):
    """And where the line of the kernel stands."""

    line: Box


def overview_places(look: Look) -> OverviewPlaces:
    """The three memories side by side; in tall global memory above the other two."""
    return (_wide if look.aspect == "wide" else _tall)(look)


def _wide(look: Look) -> OverviewPlaces:
    frame = look.margin
    gap, top, height = 66.0, 182.0, 676.0
    widths = {"global": 624.0, "shared": 560.0, "registers": frame.w - 1184 - 2 * gap}
    panels, content, left = {}, {}, frame.x
    for name, width in widths.items():
        panels[name] = Box(left, top, width, height)
        room = width - 44 - 2 * LETTER_ROOM, height - 138 - 2 * LETTER_ROOM
        content[name] = Box(left + 22 + LETTER_ROOM, top + 86 + LETTER_ROOM, *room)
        left += width + gap
    return OverviewPlaces(
        panels=panels,
        content=content,
        strip=Box(frame.x, 898, frame.w, 42),
        line=Box(frame.x, 952, frame.w, 30),
        counters=Box(frame.x, 996, frame.w, 40),
        value_size=56,
    )


def _tall(look: Look) -> OverviewPlaces:
    frame, gap, top = look.margin, 14.0, 182.0
    half, upper, lower = (frame.w - gap) / 2, 374.0, 446.0
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
    return OverviewPlaces(
        panels=panels,
        content=content,
        strip=Box(frame.x, low + 26, frame.w, 36),
        line=Box(frame.x, low + 72, frame.w, 60),
        counters=Box(frame.x, low + 136, frame.w, 66),
        value_size=44,
    )
