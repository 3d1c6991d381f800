"""Where the panels of the scene stand, in both aspects."""

from scenes.kit.look import Box, Look
from scenes.kit.places import Places, below_caption


def outer_product_places(look: Look) -> Places:
    """Shared memory, registers and bars side by side; in tall shared memory above the others.

    In place of the first two comes `growth`, in tall in place of the first.
    """
    room, panels = below_caption(look), {}
    if look.aspect == "wide":
        widths, gap = {"shared": 730.0, "registers": 610.0, "bars": 0.0}, 30.0
        widths["bars"] = room.w - sum(widths.values()) - 2 * gap
        height, left = room.h - 64, room.x
        for name, width in widths.items():
            panels[name] = Box(left, room.y, width, height)
            left += width + gap
        panels["growth"] = Box(room.x, room.y, panels["registers"].right - room.x, height)
        feet = {"shared": 66, "registers": 90}  # registers have a line of code at their foot
        content = {
            name: Box(panels[name].x + 62, room.y + 130, panels[name].w - 124, height - 130 - each)
            for name, each in feet.items()
        }
    else:
        gap, upper, foot = 14.0, 500.0, 84.0
        half, lower = (room.w - gap) / 2, room.h - upper - gap - foot
        low = room.y + upper + gap
        panels = {
            "shared": Box(room.x, room.y, room.w, upper),
            "registers": Box(room.x, low, half, lower),
            "bars": Box(room.x + half + gap, low, half, lower),
            "growth": Box(room.x, room.y, room.w, upper),
        }
        content = {
            "shared": Box(room.x + 58, room.y + 88, room.w - 116, upper - 150),
            "registers": Box(room.x + 58, low + 136, half - 88, lower - 200),
        }
    high = 40 if look.aspect == "wide" else 72
    counters = Box(room.x, room.bottom - high, room.w, high)
    return Places(panels, content, counters, counters, 50)
