"""The matrices whose elements are requested, and the tiles that lie in shared memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenes.kit.amounts import grouped
from scenes.kit.figure import Figure
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.matrix import ABC, Corner, Name, cut
from scenes.kit.panel import LINE, PAD, Panel
from scenes.kit.places import LETTER_ROOM
from scenes.kit.product import GAP, LETTER, letters, stretched
from scenes.kit.shapes import Pose, Slab
from scenes.kit.type import ADVANCE, CAP, MONO, Label, Lettering, Texts, width_of
from tiling.for_scenes.tally import Count, Region, results_of
from tiling.layout import AB, Operand
from tiling.schedule import Schedule
from tiling.shapes import dims

SMALLEST = 22
"""Design pixels of the smallest number in a cell."""

PIECES = 4
"""Regions of one matrix that differ, at most: CTAs are counted row by row."""

NAME = 28
"""Design pixels of the tiles' names."""

PALEST = 0.25
"""Opacity of what has been requested least; that of what has been requested most is 1."""

ABOVE, BELOW = 61, 48
"""Design pixels above and below the matrices, for a heading or a letter."""


@dataclass(frozen=True, eq=False)
class Seen:
    """How far the two schedules have been counted. The matrices show the tiled one once it is."""

    naive: Count
    tiled: Count | None = None

    @property
    def shown(self) -> Count:
        return self.tiled or self.naive


class CountedMatrices(Figure[Seen]):
    """A, B and C in global memory. Where it can be read, each element of A and B bears the number
    of its requests, else each region in which they are equal; its tint grows with the number."""

    def __init__(self, look: Look, box: Box, schedule: Schedule, start: Seen) -> None:
        super().__init__(look)
        gemm, tiling, tint = schedule.gemm, schedule.tiling, look.theme.tint
        self.gemm = gemm
        self.panel = Panel(look, box, "GLOBAL MEMORY", str(gemm))
        side = LETTER_ROOM + 16
        within = Box(box.x + side, box.y + ABOVE, box.w - 2 * side, box.h - ABOVE - BELOW)
        self.corner = Corner(gemm.m, gemm.n, gemm.k, within, GAP)
        lower = 0
        if self.corner.stretched:
            self.panel.head(stretched(self.corner))
            lower = 2 * LINE  # under the heading's second line
        elif self.corner.box("B").center[0] + LABEL > box.right - PAD - width_of(
            str(gemm), LABEL, MONO
        ):
            lower = LINE  # N under its first
        if lower:
            within = Box(within.x, within.y + lower, within.w, within.h - lower)
            self.corner = Corner(gemm.m, gemm.n, gemm.k, within, GAP)
        self.add(self.panel)
        self.size = self._size()
        for name in ABC:
            whole = self.corner.box(name)
            self.add(Slab(look, whole, fill=tint(name, 0.06)))
            for i in range(PIECES):
                self.slab(f"{name} {i}", whole, tint(name, 0.5))
        for name in ABC:
            whole, tile = self.corner.box(name), tiling.tile_shape(name)
            self.add(cut(look, whole, name, gemm.shape(name), tile))
        for operand in AB:
            self.slab(f"{operand} lit", self.corner.box(operand), stroke=look.theme.ink, width=4)
        self.slab("C unit", self.corner.box("C"), stroke=look.theme.ink, width=4)
        self.add(*letters(look, self.corner, {"A": "A", "B": "B"}, "MNK", LETTER))
        c = self.corner.box("C")
        beside, ink = (c.right + 12, c.center[1] + CAP * LETTER / 2), look.theme.ink_of["C"]
        self.add(Label(look, "C", *beside, LETTER, ink, weight="SEMIBOLD"))
        self.add_cells(self.cells_at(start))
        self.settle(start)

    def _size(self) -> float:
        """Of the numbers in the cells of A and B; 0 where they could not be read."""
        digits = len(str(max(self.gemm.m, self.gemm.n)))
        cells = [self.corner.box(op).part(*self.gemm.shape(op), 0, 0, 1, 1) for op in AB]
        size = min(min(cell.h * 0.76, cell.w * 0.9 / (digits * ADVANCE)) for cell in cells)
        # Smaller where it may be, or the digits of neighbours would look like one number.
        return max(SMALLEST, min(size * 0.85, LABEL + 8)) if size >= SMALLEST else 0

    def place(self, name: Name, region: Region) -> Box:
        return self.corner.part(name, region.row, region.col, region.rows, region.cols)

    def poses(self, state: Seen) -> dict[str, Pose]:
        count, poses = state.shown, {}
        made = count.done.made
        for operand, most in zip(AB, (self.gemm.n, self.gemm.m), strict=True):
            asked = [one for one in count.regions(operand) if one.times]
            tints = [PALEST + (1 - PALEST) * one.times / most for one in asked]
            poses.update(self._pieces(operand, asked, tints))
            at_work = count.done is count.before
            lit = count.lit(operand) if at_work else None
            poses[f"{operand} lit"] = self._outlined(f"{operand} lit", operand, lit)
        poses.update(self._pieces("C", made, [1.0] * len(made)))
        unit = Region(*results_of(count.plan), 1) if count.step else None
        poses["C unit"] = self._outlined("C unit", "C", unit)
        return poses

    def _pieces(
        self, name: Name, regions: Sequence[Region], tints: Sequence[float]
    ) -> dict[str, Pose]:
        """Slabs over these regions. One that is not needed goes where it lies."""
        poses = {f"{name} {i}": self._unseen(f"{name} {i}") for i in range(PIECES)}
        for i, (region, tint) in enumerate(zip(regions, tints, strict=True)):
            poses[f"{name} {i}"] = Pose(self.place(name, region), tint)
        return poses

    def _outlined(self, slab: str, name: Name, region: Region | None) -> Pose:
        return self._unseen(slab) if region is None else Pose(self.place(name, region), 0, 1)

    def _unseen(self, slab: str) -> Pose:
        return Pose(self.slabs[slab].pose.box, 0, 0)

    def cells_at(self, state: Seen) -> dict[str, Texts]:
        shown: dict[str, Texts] = {}
        for operand in AB:
            regions = [one for one in state.shown.regions(operand) if one.times]
            if self.size:
                texts = np.full(self.gemm.shape(operand), "", object)
                for one in regions:
                    rows, cols = (
                        slice(one.row, one.row + one.rows),
                        slice(one.col, one.col + one.cols),
                    )
                    texts[rows, cols] = str(one.times)
                whole = self.corner.box(operand)
                shown[operand] = Texts(self.look, whole, texts, self.size, self.look.theme.ink)
                continue
            for i in range(PIECES):
                shown[f"{operand} {i}"] = self._number(operand, regions[i : i + 1])
        return shown

    def _number(self, operand: Operand, regions: Sequence[Region]) -> Texts:
        """The number of a whole region, if there is one and it can hold it."""
        size, box, texts = LABEL + 4, self.corner.box(operand), None
        for one in regions:
            box, text = self.place(operand, one), f"{grouped(one.times)}×"
            if box.h >= 1.3 * size and box.w >= (len(text) + 0.6) * ADVANCE * size:
                texts = np.array([[text]], object)
        return Texts(self.look, box, texts, size, self.look.theme.ink)


class CopiedTiles(Figure[Seen]):
    """The tiles in the shared memory of the CTA at work, and what of them it reads at one k."""

    def __init__(self, look: Look, box: Box, schedule: Schedule, start: Seen) -> None:
        super().__init__(look)
        tiling, tint = schedule.tiling, look.theme.tint
        sizes = dims(tiling.bm, tiling.bn, tiling.bk)
        self.panel = Panel(look, box, "SHARED MEMORY", "not used" if tiling.direct else sizes)
        self.add(self.panel)
        if tiling.direct:
            return
        beside = 290 if look.aspect == "wide" else 250
        within = Box(box.x + beside, box.y + 22, box.w - 2 * beside, box.h - 44)
        self.corner = Corner(tiling.bm, tiling.bn, tiling.bk, within, GAP / 2)
        if self.corner.stretched:
            self.panel.head(stretched(self.corner))
        a, b = self.corner.box("A"), self.corner.box("B")
        for operand, box in zip(AB, (a, b), strict=True):
            self.add(Slab(look, box, fill=tint(operand, 0.06)))
            self.slab(f"{operand}s", box, tint(operand, 0.5))
            self.slab(f"{operand}s k", box, tint(operand, 0.95))
            tile = tiling.tile_shape(operand)
            self.add(cut(look, box, operand, tile, tile))
        middle, ink = CAP * NAME / 2, look.theme.ink_of
        bold: Lettering = {"weight": "SEMIBOLD"}
        at_a, at_b = (a.x - 12, a.center[1] + middle), (b.right + 12, b.center[1] + middle)
        self.add(Label(look, "As", *at_a, NAME, ink["A"], "right", **bold))
        self.add(Label(look, "Bs", *at_b, NAME, ink["B"], **bold))
        self.settle(start)

    def poses(self, state: Seen) -> dict[str, Pose]:
        poses = {name: Pose(slab.pose.box, 0) for name, slab in self.slabs.items()}
        count = state.tiled
        if not poses or count is None or count.done is not count.before:
            return poses
        for operand in AB:
            if tile := count.lit(operand):
                here = self.place(operand, Region(0, 0, tile.rows, tile.cols, 1))
                poses[f"{operand}s"] = Pose(here)
                if k := count.used(operand):
                    at_k = Region(k.row - tile.row, k.col - tile.col, k.rows, k.cols, 1)
                    poses[f"{operand}s k"] = Pose(self.place(operand, at_k))
        return poses

    def place(self, operand: Operand, region: Region) -> Box:
        return self.corner.part(operand, region.row, region.col, region.rows, region.cols)
