"""Which part of a matrix is drawn, and where: so large that numbers fit its cells."""

from dataclasses import dataclass

import numpy as np

from scenes.global_to_shared.places import MAP
from scenes.kit.look import Box
from scenes.kit.matrix import CELL
from tiling.expand import Bools
from tiling.for_scenes.loads import Load
from tiling.layout import Ints

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


@dataclass(frozen=True)
class Crop:
    """Of a matrix: rows×cols cells from (row, col) on, drawn in a box."""

    box: Box
    row: int
    col: int
    rows: int
    cols: int

    @property
    def cell(self) -> Box:
        return self.part(self.row, self.col)

    def part(self, row: float, col: float, rows: float = 1, cols: float = 1) -> Box:
        return self.box.part(self.rows, self.cols, row - self.row, col - self.col, rows, cols)

    def within(self, row: int, col: int, rows: int, cols: int) -> "Crop":
        """Of what is drawn, that which lies in these rows and columns: some does."""
        top, left = max(row, self.row), max(col, self.col)
        bottom = min(row + rows, self.row + self.rows)
        right = min(col + cols, self.col + self.cols)
        box = self.part(top, left, bottom - top, right - left)
        return Crop(box, top, left, bottom - top, right - left)

    def holds(self, row: Ints, col: Ints) -> Bools:
        down, right = row - self.row, col - self.col
        return (down >= 0) & (down < self.rows) & (right >= 0) & (right < self.cols)

    def cover(self, row: Ints, col: Ints) -> list[Box]:
        """Boxes that cover these cells: runs along a row, with equal runs of the rows below."""
        mask = np.zeros((self.rows, self.cols + 2), np.int8)
        seen = self.holds(row, col)
        mask[row[seen] - self.row, col[seen] - self.col + 1] = 1
        boxes: list[Box] = []
        edges = [np.flatnonzero(np.diff(line)) for line in mask]
        top = 0
        for bottom in range(1, self.rows + 1):
            if bottom == self.rows or not np.array_equal(edges[bottom], edges[top]):
                for left, right in edges[top].reshape(-1, 2):
                    at = self.row + top, self.col + left
                    boxes.append(self.part(*at, bottom - top, right - left))
                top = bottom
        return boxes

    def lines(self) -> list[list[tuple[float, float]]]:
        """Between cells where these are large enough."""
        box, found = self.box, []
        if box.h >= CELL * self.rows:
            ys = [box.y + box.h * row / self.rows for row in range(1, self.rows)]
            found += [[(box.x, y), (box.right, y)] for y in ys]
        if box.w >= CELL * self.cols:
            xs = [box.x + box.w * col / self.cols for col in range(1, self.cols)]
            found += [[(x, box.y), (x, box.bottom)] for x in xs]
        return found


def window(load: Load, area: Box) -> Crop:
    """The first rows of the tile in square cells large enough for numbers."""
    tile = load.schedule.tiling.tile_shape(load.operand)
    row, needed = load.schedule.origin(load.operand)[0], NEEDED if load.alone else NEEDED_BY_COUNT
    rows, room = min(tile[0], ROWS, int(area.h / needed)), area
    first, cols = load.columns(rows, min(COLS, int(room.w / needed)))
    if cropped(load, rows, first, cols):
        room = Box(area.x, area.y, area.w - MAP, area.h)
        first, cols = load.columns(rows, min(COLS, int(room.w / needed)))
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
    first, cols = load.columns(rows, COLS if reach[1] <= COLS else int(area.w / (2 * FINE)))
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
