"""Global and shared memory. Each draws itself once, and says how its slabs lie in a state."""

from itertools import pairwise, product

import numpy as np

from scenes.stage.arrange import Arrangement
from scenes.stage.look import LABEL, Box, Look
from scenes.stage.matrix import Corner, Name, frame, marks, tile_marks
from scenes.stage.memory import AB, GAP, LETTER, Memory
from scenes.stage.registers import THREAD
from scenes.stage.shapes import STROKE, Path, Pose, Slab, dashed, outline
from scenes.stage.type import CAP, Cells, Label, fitting_size, width_of
from scenes.stage.zone import LINE, PAD
from tiling.expand import accumulator_map
from tiling.layout import Operand, arrangement
from tiling.schedule import Schedule
from tiling.shapes import dims
from tiling.state import State

DASH = 9
"""Design pixels of a dash in the lines between the CTAs' tiles of C."""


class GlobalMemory(Memory):
    """A, B and C whole; the tiles in use; this CTA's tile of C."""

    def __init__(self, look: Look, places: Arrangement, schedule: Schedule) -> None:
        tiling, (rows, cols) = schedule.tiling, schedule.grid
        padded = (rows * tiling.bm, cols * tiling.bn, schedule.k_tiles * tiling.bk)
        corner = Corner(*padded, places.content["global"], GAP)
        heading = ["GLOBAL MEMORY", str(schedule.gemm)]
        super().__init__(look, places, "global", heading, corner)
        self.schedule = schedule
        tint, whole = look.theme.tint, {}
        for name in "A", "B", "C":
            whole[name] = corner.part(name, 0, 0, *schedule.gemm.shape(name))
            self.add(Slab(look, whole[name], fill=tint(name, 0.1)))
        # The way of the CTA: its rows of A and its columns of B, over all of K.
        for operand in AB:
            self.add(Slab(look, self._way(operand), fill=tint(operand, 0.22)))
            self.slab(f"{operand} tile", self.inside(operand), tint(operand, 0.5))
        self.slab("C tile", self.inside("C"), tint("C", 0.6))
        for operand in AB:
            lines = [
                marks(length, count, tile)
                for length, count, tile in zip(
                    (whole[operand].h, whole[operand].w),
                    schedule.gemm.shape(operand),
                    tiling.tile_shape(operand),
                    strict=True,
                )
            ]
            self.add(frame(look, whole[operand], operand, *lines))
        m, n = schedule.gemm.m, schedule.gemm.n
        c = whole["C"]
        lines = [tile_marks(c.h, m, tiling.bm), tile_marks(c.w, n, tiling.bn)]
        dense = min(c.h * tiling.bm / m, c.w * tiling.bn / n) < 4 * DASH
        self.add(frame(look, c, "C", *lines, dash=None if dense else DASH))
        if padded != (m, n, schedule.gemm.k):
            reach = [outline(corner.box(name)) for name in whole]
            sides = [list(pair) for lines in reach for pair in pairwise(lines)]
            grey = {"stroke_color": look.theme.muted, "stroke_width": STROKE}
            self.add(Path(look, dashed(sides, DASH / 2), **grey))
        for name in whole:
            self.slab(f"{name} outline", self.tile(name), stroke=look.theme.ink)
        self.letters({"A": "A", "B": "B", "C": "C"}, "MNK", LETTER)

    def _way(self, operand: Operand) -> Box:
        row, col = self.schedule.origin(operand)
        rows, cols = self.schedule.inside(operand)
        if operand == "A":
            return self.corner.part("A", row, 0, rows, self.schedule.gemm.k)
        return self.corner.part("B", 0, col, self.schedule.gemm.k, cols)

    def tile(self, name: Name, k_tile: int = 0) -> Box:
        """This CTA's tile, also what of it hangs over an edge."""
        origin = self.schedule.origin(name, k_tile)
        return self.corner.part(name, *origin, *self.schedule.tiling.tile_shape(name))

    def inside(self, name: Name, k_tile: int = 0) -> Box:
        """The part of this CTA's tile that lies inside the matrix."""
        origin = self.schedule.origin(name, k_tile)
        return self.corner.part(name, *origin, *self.schedule.inside(name, k_tile))

    def poses(self, state: State) -> dict[str, Pose]:
        poses = {
            "C tile": Pose(self.inside("C"), float(state.stored > 0)),
            "C outline": Pose(self.tile("C"), 0, 1),
        }
        for operand in AB:
            k_tile = state.resident.get((0, operand))
            seen = float(k_tile is not None)
            poses[f"{operand} tile"] = Pose(self.inside(operand, k_tile or 0), seen)
            poses[f"{operand} outline"] = Pose(self.tile(operand, k_tile or 0), 0, seen)
        return poses


class SharedMemory(Memory):
    """As and Bs; and the CTA's tile of C, which is not in shared memory but in the registers."""

    def __init__(self, look: Look, places: Arrangement, schedule: Schedule) -> None:
        tiling = schedule.tiling
        corner = Corner(tiling.bm, tiling.bn, tiling.bk, places.content["shared"], GAP)
        heading = ["SHARED MEMORY", dims(tiling.bm, tiling.bn, tiling.bk)]
        super().__init__(look, places, "shared", heading, corner)
        self.schedule, self.axes = schedule, arrangement(tiling)
        # The filmed thread's rows and columns, by the first of each group of neighbours.
        rows, cols = accumulator_map(tiling)
        self.groups = [
            rows[THREAD, :: self.axes.rows.quad].tolist(),
            cols[THREAD, :: self.axes.cols.quad].tolist(),
        ]
        tint = look.theme.tint
        for operand in AB:
            box = corner.box(operand)
            self.add(Slab(look, box, fill=tint(operand, 0.05)))
            self.slab(f"{operand}s zeros", box, tint(operand, 0.16))
            self.slab(f"{operand}s", box, tint(operand, 0.5))
            self.slab(f"{operand}s k", box, tint(operand, 0.72))
            rows, cols = tiling.tile_shape(operand)
            self.add(frame(look, box, operand, marks(box.h, rows, rows), marks(box.w, cols, cols)))
            for part, _ in enumerate(self.fragment(operand, 0)):
                self.slab(f"{operand}s fragment {part}", box, tint(operand, 1))
                self.slab(f"{operand}s read {part}", box, stroke=look.theme.ink)
        c = corner.box("C")
        self.add(Slab(look, c, fill=tint("C", 0.05)))
        self.slab("accumulators", c, tint("C", 0.5))
        quads = [axis.quad for axis in (self.axes.rows, self.axes.cols)]
        lines = tile_marks(c.h, tiling.bm, quads[0]), tile_marks(c.w, tiling.bn, quads[1])
        self.add(frame(look, c, "C", *lines))
        self.add_cells(State())
        for row, col in product(*self.groups):
            self.add(Slab(look, corner.part("C", row, col, *quads), stroke=look.theme.ink))
        self.letters({"A": "As", "B": "Bs"}, ("BM", "BN", "BK"), LETTER)
        self._say_where_c_is()

    def _say_where_c_is(self) -> None:
        """This tile of C is not in shared memory: under it, on one line or in tall on two."""
        threads, c = self.schedule.tiling.threads, self.corner.box("C")
        lines = [f"in {threads} threads'" if threads > 1 else "in one thread's", "registers"]
        if self.look.aspect == "wide":
            lines = [" ".join(lines)]
        half = max(width_of(line, LABEL, weight="SEMIBOLD") for line in lines) / 2
        # Under a narrow C it keeps clear of the K beside it, and of the panel's border.
        x = min(c.center[0], self.zone.box.right - PAD - half)
        y = c.bottom + 14 + CAP * LABEL + (LINE if 2 * half > c.w + GAP else 0)
        style = {"weight": "SEMIBOLD", "anchor": "center"}
        for i, line in enumerate(lines):
            ink = self.look.theme.ink_of["C"]
            self.add(Label(self.look, line, x, y + i * LINE, LABEL, ink, **style))

    def cells_at(self, state: State) -> dict[str, Cells]:
        """The zeros that fill what hangs over an edge, where a cell is large enough to read one."""
        shown = {}
        for operand in AB:
            size, k_tile = fitting_size(self.cell(operand), 1, LABEL + 4), None
            if size >= LABEL:
                k_tile = state.resident.get((0, operand))
            texts = np.full(self.schedule.tiling.tile_shape(operand), "", object)
            if k_tile is not None:
                rows, cols = self.schedule.inside(operand, k_tile)
                texts[rows:], texts[:, cols:] = "0", "0"
            box, color = self.corner.box(operand), self.look.theme.muted
            shown[f"{operand}s zeros"] = Cells(self.look, box, texts, size, color)
        return shown

    def fragment(self, operand: Operand, k: int) -> list[Box]:
        """What the filmed thread reads at one k, a box for each group of neighbours."""
        rows, cols = self.groups
        if operand == "A":
            return [self.fragment_box("A", row, 0, k, self.axes.rows.quad) for row in rows]
        return [self.fragment_box("B", 0, col, k, self.axes.cols.quad) for col in cols]

    def resident(self, operand: Operand, k_tile: int) -> Box:
        """The part of the tile that lies inside the matrix."""
        return self.corner.part(operand, 0, 0, *self.schedule.inside(operand, k_tile))

    def poses(self, state: State) -> dict[str, Pose]:
        tiling, poses = self.schedule.tiling, {}
        tiles = {operand: state.resident.get((0, operand)) for operand in AB}
        k_tile, k = state.fragment or (None, 0)
        reading = float(k_tile is not None and set(tiles.values()) == {k_tile})
        for operand in AB:
            seen = float(tiles[operand] is not None)
            resident = self.resident(operand, tiles[operand] or 0)
            poses[f"{operand}s zeros"] = Pose(self.corner.box(operand), seen)
            poses[f"{operand}s"] = Pose(resident, seen)
            size = tiling.bm if operand == "A" else tiling.bn
            everyone = self.fragment_box(operand, 0, 0, k, size)
            poses[f"{operand}s k"] = _within(everyone, resident, reading)
            for part, box in enumerate(self.fragment(operand, k)):
                poses[f"{operand}s fragment {part}"] = _within(box, resident, reading)
                poses[f"{operand}s read {part}"] = Pose(box, 0, reading)
        share = state.k_done / (self.schedule.k_tiles * tiling.bk)
        poses["accumulators"] = Pose(self.corner.box("C"), 0.0 if state.stored else 0.9 * share)
        return poses


def _within(box: Box, resident: Box, seen: float) -> Pose:
    """What of a box is data and not zero fill, lit; nothing if it is all zeros."""
    inside = box.intersect(resident)
    return Pose(inside or box, seen if inside else 0.0)
