"""The matrices whose elements are loaded, and the tiles that lie in shared memory."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from scenes.kit.amounts import grouped
from scenes.kit.figure import Figure
from scenes.kit.look import LABEL, LEAST, Box, Look
from scenes.kit.matrix import ABC, Corner, Name, cut
from scenes.kit.panel import LINE, PAD, Panel
from scenes.kit.places import LETTER_ROOM
from scenes.kit.product import GAP, LETTER, letters, stretched
from scenes.kit.shapes import Pose, Slab
from scenes.kit.type import ADVANCE, CAP, MONO, Label, Texts, width_of
from scenes.why_tile.shots import Seen
from tiling.for_scenes.tally import Region, results_of
from tiling.layout import AB, Operand
from tiling.schedule import Schedule
from tiling.shapes import Gemm, dims

PIECES = 4
"""Regions of one matrix that differ, at most: CTAs are counted row by row."""

PALEST = 0.25
"""Opacity of what has been loaded least; that of what has been loaded most is 1."""

NAME = 28
"""Design pixels of the names of As and Bs."""

ABOVE, BELOW = 61, 48
"""Design pixels above and below the matrices, for a heading or a letter."""


class CountedMatrices(Figure[Seen]):
    """A, B and C in global memory, or the `first` rows, columns and k of them. Each element of A
    and B bears the number of its loads where that can be read, else at the end all of them one;
    its tint grows with the number."""

    def __init__(self, look: Look, box: Box, plan: Schedule, first: Gemm) -> None:
        super().__init__(look)
        self.gemm, self.first, tint, ink = plan.gemm, first, look.theme.tint, look.theme.ink
        sizes = str(first) if first == plan.gemm else f"first {first}"
        self.panel = Panel(look, box, "GLOBAL MEMORY", sizes)
        self.add(self.panel)
        self.corner = self._corner(box, sizes)
        self.size = self._size()
        for name in ABC:
            whole = self.corner.box(name)
            self.add(Slab(look, whole, fill=tint(name, 0.06)))
            for i in range(PIECES):
                self.slab(f"{name} {i}", whole, tint(name, 0.5))
        self.slab("C uses", self.corner.box("C"), tint("C", 0.8))
        for name in ABC:
            whole, tile = self.corner.box(name), plan.tiling.tile_shape(name)
            self.add(cut(look, whole, name, first.shape(name), tile))
        for name in ABC:
            self.slab(f"{name} lit", self.corner.box(name), stroke=ink, width=4)
        self.add(*letters(look, self.corner, {name: name for name in ABC}, "MNK", LETTER))
        self.add_cells({op: Texts(look, self.corner.box(op), None, LABEL + 4, ink) for op in AB})

    def _corner(self, box: Box, sizes: str) -> Corner:
        """Under the heading's lines, where N or they would meet."""
        first, side = self.first, LETTER_ROOM + 16
        within = Box(box.x + side, box.y + ABOVE, box.w - 2 * side, box.h - ABOVE - BELOW)
        corner = Corner(first.m, first.n, first.k, within, GAP)
        middle = corner.box("B").center[0]
        room = middle - box.x if self.look.aspect == "tall" else box.right - middle
        lower = LINE * (width_of(sizes, LABEL, MONO) > room - PAD - LABEL)
        if corner.stretched:
            self.panel.head(stretched(corner))
            lower = 2 * LINE
        within = Box(within.x, within.y + lower, within.w, within.h - lower)
        return replace(corner, within=within)

    def _size(self) -> float:
        """Of the numbers in the cells of A and B; 0 where they could not be read. Near it is the
        first two threads that are counted."""
        digits = 1 if self.first != self.gemm else len(str(max(self.gemm.m, self.gemm.n)))
        cells = [self.corner.box(op).part(*self.first.shape(op), 0, 0, 1, 1) for op in AB]
        size = min(min(cell.h * 0.76, cell.w * 0.9 / (digits * ADVANCE)) for cell in cells)
        # Smaller where it may be, or the digits of neighbours would look like one number.
        return max(LEAST, min(size * 0.85, LABEL + 8)) if size >= LEAST else 0

    def place(self, name: Name, region: Region) -> Box:
        return self.corner.part(name, region.row, region.col, region.rows, region.cols)

    def _inside(self, name: Name, region: Region) -> Region:
        """What of a region is shown."""
        rows, cols = self.first.shape(name)
        row, col = min(region.row, rows), min(region.col, cols)
        ends = min(region.row + region.rows, rows), min(region.col + region.cols, cols)
        return Region(row, col, ends[0] - row, ends[1] - col, region.times)

    def _regions(self, operand: Operand, state: Seen) -> list[Region]:
        """What has been loaded of an operand."""
        shown = (self._inside(operand, one) for one in state.shown.regions(operand) if one.times)
        return [one for one in shown if one.rows and one.cols]

    def poses(self, state: Seen) -> dict[str, Pose]:
        count, poses = state.shown, dict[str, Pose]()
        at_work = count.done is count.before
        for operand, most in zip(AB, (self.gemm.n, self.gemm.m), strict=True):
            loaded = self._regions(operand, state)
            tints = [PALEST + (1 - PALEST) * one.times / most for one in loaded]
            poses |= self._pieces(operand, loaded, tints)
            lit = count.lit(operand) if at_work else None
            poses |= self._posed(f"{operand} lit", operand, lit, stroke=1)
        made = [self._inside("C", one) for one in count.done.made]
        poses |= self._pieces("C", made, [1.0] * len(made))
        results = Region(*results_of(count.plan), 1) if count.step else None
        poses |= self._posed("C lit", "C", results, stroke=1)
        using = Region(*results_of(count.plan)[:2], 1, results_of(count.plan)[3], 1)
        return poses | self._posed("C uses", "C", using if state.uses else None, fill=1)

    def _pieces(
        self, name: Name, regions: Sequence[Region], tints: Sequence[float]
    ) -> dict[str, Pose]:
        """Slabs over these regions. One that is not needed goes where it lies."""
        shown = list(zip(regions, tints, strict=True))
        poses = dict[str, Pose]()
        for i in range(PIECES):
            region, tint = shown[i] if i < len(shown) else (None, 0)
            poses |= self._posed(f"{name} {i}", name, region, fill=tint)
        return poses

    def _posed(
        self, slab: str, name: Name, region: Region | None, fill: float = 0, stroke: float = 0
    ) -> dict[str, Pose]:
        part = region and self._inside(name, region)
        if part and part.rows and part.cols:
            return {slab: Pose(self.place(name, part), fill, stroke)}
        return {slab: Pose(self.slabs[slab].pose.box, 0, 0)}

    def cells_at(self, state: Seen) -> dict[str, Texts]:
        ink, shown = self.look.theme.ink, dict[str, Texts]()
        made = sum(one.rows * one.cols for one in state.shown.done.made)
        for operand in AB:
            regions, box = self._regions(operand, state), self.corner.box(operand)
            if self.size:
                texts, size = np.full(self.first.shape(operand), "", object), self.size
                for one in regions:
                    texts[one.row :, one.col :][: one.rows, : one.cols] = str(one.times)
            else:  # one for all, when nothing is outlined any more
                whole = len(regions) == 1 and made == prod(self.gemm.shape("C"))
                number, size = f"{grouped(regions[0].times)}×" if whole else "", LABEL + 4.0
                fits = box.h > 1.3 * size and box.w > (len(number) + 0.6) * ADVANCE * size
                texts = np.array([[number * fits]], object)
            shown[operand] = Texts(self.look, box, texts, size, ink)
        return shown


class CopiedTiles(Figure[Seen]):
    """The tiles in the shared memory of the CTA at work, and what of them it uses at one k."""

    def __init__(self, look: Look, box: Box, plan: Schedule) -> None:
        super().__init__(look)
        tiling, tint = plan.tiling, look.theme.tint
        sizes = dims(tiling.bm, tiling.bn, tiling.bk)
        self.panel = Panel(look, box, "SHARED MEMORY", "not used" if tiling.direct else sizes)
        self.add(self.panel)
        if tiling.direct:
            return
        beside, top = (190, 70) if look.aspect == "wide" else (250, 22)
        within = Box(box.x + beside, box.y + top, box.w - 2 * beside, box.h - top - 26)
        self.corner = Corner(tiling.bm, tiling.bn, tiling.bk, within, GAP / 2)
        if self.corner.stretched:
            self.panel.head(stretched(self.corner))
            lower = LINE if look.aspect == "wide" else 0  # under that line, too
            within = Box(within.x, within.y + lower, within.w, within.h - lower)
            self.corner = replace(self.corner, within=within)
        for operand in AB:
            whole, tile = self.corner.box(operand), tiling.tile_shape(operand)
            self.add(Slab(look, whole, fill=tint(operand, 0.06)))
            self.slab(f"{operand}s", whole, tint(operand, 0.5))
            self.slab(f"{operand}s k", whole, tint(operand, 0.95))
            self.add(cut(look, whole, operand, tile, tile))
        a, b, ink = self.corner.box("A"), self.corner.box("B"), look.theme.ink_of
        sides = ("As", a, a.x - 12, "right"), ("Bs", b, b.right + 12, "left")
        for name, side, x, anchor in sides:
            place = x, side.center[1] + CAP * NAME / 2, NAME, ink[name[0]], anchor
            self.add(Label(look, name, *place, weight="SEMIBOLD"))

    def poses(self, state: Seen) -> dict[str, Pose]:
        poses = {name: Pose(slab.pose.box, 0) for name, slab in self.slabs.items()}
        count = state.tiled
        if not poses or count is None or count.done is not count.before:
            return poses
        for operand in AB:
            if tile := count.lit(operand):
                poses[f"{operand}s"] = Pose(self._place(operand, 0, 0, tile.rows, tile.cols))
                if k := count.used(operand):
                    at_k = k.row - tile.row, k.col - tile.col, k.rows, k.cols
                    poses[f"{operand}s k"] = Pose(self._place(operand, *at_k))
        if state.uses:
            poses["As k"] = Pose(self._place("A", 0, 0, 1, 1))
        return poses

    def _place(self, operand: Operand, row: int, col: int, rows: int, cols: int) -> Box:
        return self.corner.part(operand, row, col, rows, cols)
