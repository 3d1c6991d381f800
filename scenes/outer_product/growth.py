"""Thread tiles side by side on one scale: at each k what is loaded grows like a side, what is made
of it like an area."""

from collections.abc import Sequence

from manim import Animation

from scenes.kit.figure import Figure
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.matrix import Corner, Name, frame, marks
from scenes.kit.motion import GROWN, Spread
from scenes.kit.panel import LINE, PAD, Panel
from scenes.kit.shapes import Pose, Slab
from scenes.kit.type import CAP, MONO, Label, Tags, Texts, width_of
from scenes.outer_product.shots import OneThread
from tiling.for_scenes.reuse import Way, distinct
from tiling.shapes import dims

CELL = 64
"""Design pixels of an element's side, or less where tiles are large."""

NEAR, APART = 6, 18
"""Design pixels between the parts of a tile, and from tile to tile at least."""

ROWS = ("loads", "FMA")
"""What is written under each tile."""

PARTS: tuple[Name, Name] = ("A", "B")


class Growth(Figure[OneThread]):
    """Products are seen of the ways that have grown."""

    def __init__(self, look: Look, panel: Box, ways: Sequence[Way]) -> None:
        super().__init__(look)
        self.ways = distinct(ways)
        self.add(Panel(look, panel, "THREAD TILES", "results of one thread, at each k"))
        tall = look.aspect == "tall"
        self.size = LABEL if tall else LABEL + 6
        top, line = PAD + LINE * (1 + tall) + 8, 1.5 * self.size
        foot = 3 * line + PAD
        head = max(self._width(row) for row in ROWS)
        left, width = panel.x + PAD + head, panel.w - 2 * PAD - head
        room = Box(left, panel.y + top, width, panel.h - top - foot)
        self.lines = [room.bottom + (i + 1) * line for i in range(3)]
        for row, base in zip(ROWS, self.lines[1:], strict=True):
            self.add(Label(look, row, panel.x + PAD, base, self.size, look.theme.muted, font=MONO))
        self.corners = dict(zip((way.name for way in self.ways), self._corners(room), strict=True))
        for way in self.ways:
            self._draw(way, self.corners[way.name])
        self.add_cells(self.cells_at(OneThread()))

    def _corners(self, room: Box) -> list[Corner]:
        """Each tile, as large as all of them can be on one scale, standing on the room's floor."""

        def widths(cell: float) -> list[float]:
            return [
                max(_side(way.tile[1], cell), self._width(dims(*way.tile))) for way in self.ways
            ]

        tallest = max(way.tile[0] for way in self.ways)
        cell, free = min(CELL, (room.h - NEAR) / (1 + tallest)), room.w - APART * len(self.ways)
        while sum(widths(cell)) > free:
            cell *= 0.98
        apart = (room.w - sum(widths(cell))) / len(self.ways)
        corners, x = [], room.x + apart
        for way, width in zip(self.ways, widths(cell), strict=True):
            tm, tn = way.tile
            w, h = _side(tn, cell), _side(tm, cell)
            box = Box(x + (width - w) / 2, room.bottom - h, w, h)
            corners.append(Corner(tm, tn, 1, box, NEAR, floor=0))
            x += width + apart
        return corners

    def _width(self, text: str) -> float:
        return width_of(text, self.size, MONO)

    def _draw(self, way: Way, corner: Corner) -> None:
        look, tint = self.look, self.look.theme.tint
        for part in PARTS:
            self.add(Slab(look, corner.box(part), tint(part, 0.95)))
        self.add(Slab(look, corner.box("C"), tint("C", 0.12)))
        self.slab(way.name, corner.box("C"), tint("C", 0.8))
        for part in (*PARTS, "C"):
            box, (rows, cols) = corner.box(part), corner.shape(part)
            self.add(frame(look, box, part, marks(box.h, rows, rows), marks(box.w, cols, cols)))
        middle, ink = corner.within.center[0], look.theme.ink
        for text, base in zip((dims(*way.tile), f"{way.loaded}"), self.lines, strict=False):
            self.add(Label(look, text, middle, base, self.size, ink, "center", MONO))

    def poses(self, state: OneThread) -> dict[str, Pose]:
        return {
            name: Pose(corner.box("C"), float(name in state.grown))
            for name, corner in self.corners.items()
        }

    def cells_at(self, state: OneThread) -> dict[str, Texts]:
        high, made = CAP * self.size, [way for way in self.ways if way.name in state.grown]
        middles = [self.corners[way.name].within.center[0] for way in made]
        places = [Box(x, self.lines[2] - high, 0, high) for x in middles]
        texts = [f"{way.made}" for way in made]
        return {"FMA": Tags(self.look, places, texts, self.size, self.look.theme.ink)}

    def moves(self, state: OneThread, swap: float = GROWN) -> list[Animation]:
        """Each element of a spreads along its row, each of b down its column; where they meet are
        products."""
        moves, tint = super().moves(state, GROWN), self.look.theme.tint
        for name, pose in self.poses(state).items():
            if pose.fill > self.slabs[name].pose.fill:
                for part in PARTS:
                    slab = Slab(self.look, self.corners[name].box(part), tint(part, 0.95))
                    moves.append(Spread(slab, pose.box, passing=True))
                start = Box(pose.box.x, pose.box.y, 0, 0)
                met = Slab(self.look, start, tint("C", 0.8))
                moves.append(Spread(met, pose.box, passing=True, opacity=1))
        return moves


def _side(count: int, cell: float) -> float:
    """Design pixels of so many values and one more, with the gap between."""
    return (1 + count) * cell + NEAR
