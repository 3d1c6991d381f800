"""Where things stand while a tile is loaded: two memories, the lanes of a warp, and what part of a
matrix can be drawn so large that numbers fit its cells."""

from dataclasses import dataclass

import numpy as np

from scenes.stage.arrange import below_caption
from scenes.stage.loading.copying import FLOATS, Crop, Load
from scenes.stage.look import LABEL, Box, Look
from scenes.stage.type import CAP
from scenes.stage.zone import PAD

NEEDED = 36
"""Design pixels of the smallest cell that holds a lane."""

NEEDED_BY_COUNT = 50
"""The same of one that holds how many lanes there are."""

LARGEST = 62
"""Design pixels of the largest cell."""

ROWS, COLS = 8, 16
"""Most cells of a window in which numbers are read."""

FINE = 6
"""Design pixels of the smallest row of a window without numbers."""

MAP = 150
"""Design pixels beside a window for a small picture of the whole tile."""


@dataclass(frozen=True)
class Rooms:
    """The boxes of the two zones and of the strip; and lines in a zone, by their baselines."""

    look: Look

    @property
    def memory(self) -> Box:
        room = below_caption(self.look)
        if self.look.aspect == "wide":
            return Box(room.x, room.y, (room.w - 56) / 2, 626)
        return Box(room.x, room.y, room.w, 400)

    @property
    def shared(self) -> Box:
        room, memory = below_caption(self.look), self.memory
        if self.look.aspect == "wide":
            return Box(room.right - memory.w, memory.y, memory.w, memory.h)
        return Box(room.x, room.bottom - memory.h, memory.w, memory.h)

    @property
    def strip(self) -> Box:
        room, memory = below_caption(self.look), self.memory
        if self.look.aspect == "wide":
            return Box(room.x, memory.bottom + 34, room.w, room.bottom - memory.bottom - 34)
        return Box(room.x, memory.bottom + 22, room.w, self.shared.y - memory.bottom - 44)

    @property
    def lanes(self) -> Box:
        """The cells of a warp's lanes, in the strip."""
        wide = self.look.aspect == "wide"
        return Box(self.strip.x, self.strip.y + 44, self.strip.w, 62 if wide else 92)

    def title(self, zone: Box) -> float:
        """Under the zone's heading."""
        return zone.y + PAD + CAP * LABEL + (54 if self.look.aspect == "wide" else 44)

    def sizes(self, text: str) -> str:
        """What stands in a zone's heading beside its name; in tall there is no room for it."""
        return text if self.look.aspect == "wide" else ""

    def foot(self, zone: Box) -> float:
        return zone.bottom - PAD

    def grid(self, zone: Box) -> Box:
        """What is left between title and foot."""
        top, bottom = self.title(zone) + 22, self.foot(zone) - CAP * LABEL - 24
        return Box(zone.x + PAD, top, zone.w - 2 * PAD, bottom - top)


def columns(load: Load, rows: int, most: int) -> tuple[int, int]:
    """First column and how many: from the sector in which the tile begins to that where it ends.

    Whole rows if there are no more than `most`, since sectors may run on from row to row.
    """
    (_, col), width = load.schedule.origin(load.operand), load.shape[1]
    tile_end = col + load.schedule.tiling.tile_shape(load.operand)[1]
    if max(width, tile_end) <= most:
        return 0, max(width, tile_end)
    origin_row = load.schedule.origin(load.operand)[0]
    inside_rows, inside_cols = load.schedule.inside(load.operand)
    starts = (origin_row + np.arange(min(rows, inside_rows))) * width
    first = col - int(((starts + col) % FLOATS).max())
    last = col + inside_cols - 1
    last += int((FLOATS - 1 - (starts + last) % FLOATS).max())
    first, end = max(0, first), max(min(last + 1, width), tile_end)
    if end - first > most >= FLOATS:
        most -= most % FLOATS
    return first, min(end - first, most)


def window(load: Load, area: Box) -> Crop:
    """The first rows of the tile in square cells large enough for numbers."""
    tile = load.schedule.tiling.tile_shape(load.operand)
    row, needed = load.schedule.origin(load.operand)[0], NEEDED if load.alone else NEEDED_BY_COUNT
    rows, room = min(tile[0], ROWS, int(area.h / needed)), area
    first, cols = columns(load, rows, min(COLS, int(room.w / needed)))
    if cropped(load, rows, first, cols):
        room = Box(area.x, area.y, area.w - MAP, area.h)
        first, cols = columns(load, rows, min(COLS, int(room.w / needed)))
    side = min(LARGEST, room.w / cols, room.h / rows)
    return Crop(_middle(room, side * cols, side * rows), row, first, rows, cols)


def cropped(load: Load, rows: int, first: int, cols: int) -> bool:
    """Whether a window leaves out a part of the tile."""
    tile = load.schedule.tiling.tile_shape(load.operand)
    return rows < tile[0] or first + cols < load.schedule.origin(load.operand)[1] + tile[1]


def map_box(load: Load, area: Box, crop: Crop) -> Box:
    """A small picture of the whole tile, to the right of its window."""
    rows, cols = load.schedule.tiling.tile_shape(load.operand)
    side = min((MAP - 56) / cols, crop.box.h / rows)
    w, h = max(30, side * cols), max(30, side * rows)
    x, y = area.right - (MAP - 30) / 2, area.y + area.h / 2
    return Box(x - w / 2, y - h / 2, w, h)


def fine(load: Load, area: Box, reach: tuple[int, int]) -> Crop:
    """So many of the tile's rows and columns as `reach` needs, as far as they can be drawn."""
    tile = load.schedule.tiling.tile_shape(load.operand)
    row = load.schedule.origin(load.operand)[0]
    rows = min(tile[0], max(ROWS, reach[0]), int(area.h / FINE))
    first, cols = columns(load, rows, COLS if reach[1] <= COLS else int(area.w / (2 * FINE)))
    high, wide = min(LARGEST, area.h / rows), min(LARGEST, area.w / cols)
    wide, high = min(wide, 5 * high), min(high, 2 * wide)
    return Crop(_middle(area, wide * cols, high * rows), row, first, rows, cols)


def target(load: Load, area: Box) -> Crop:
    """The first words of As or Bs at the first few k, with its padding if that is near enough; or
    the first values of the first threads."""
    tile = load.target
    most = min(ROWS, int(min(area.w, area.h) / NEEDED))
    rows, cols = min(tile.k, most), min(tile.stride, most)
    side = min(LARGEST, area.w / cols, area.h / rows)
    return Crop(_middle(area, side * cols, side * rows), 0, 0, rows, cols)


def _middle(area: Box, w: float, h: float) -> Box:
    x, y = area.center
    return Box(x - w / 2, y - h / 2, w, h)
