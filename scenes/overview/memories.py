"""Global and shared memory. Each draws itself once, and says how its slabs lie in a state."""

from dataclasses import replace
from itertools import pairwise, product
from math import gcd, prod

import numpy as np
from manim import Animation

from scenes.kit.amounts import plural
from scenes.kit.look import LABEL, MADE, Box, Look
from scenes.kit.matrix import ABC, Corner, Name, cut, frame, marks, tile_marks
from scenes.kit.motion import Arrive
from scenes.kit.panel import LINE, NOTCH, Panel
from scenes.kit.places import Places
from scenes.kit.product import GAP, LETTER, ProductPanel
from scenes.kit.registers import RegistersPanel
from scenes.kit.shapes import STROKE, Patch, Path, Pose, Slab, Style, dashed, outline
from scenes.kit.type import ADVANCE, CAP, Label, Texts, fitting_size, width_of
from tiling.for_scenes.one_thread import read_groups
from tiling.for_scenes.waiting import waiting
from tiling.layout import AB, Operand, arrangement
from tiling.schedule import Schedule
from tiling.shapes import dims
from tiling.state import State

APART = 38
"""Design pixels between As or Bs and the CTA's tile of C, which is in another memory."""

INSIDE = 14
"""Design pixels between a panel's border and what is written in the corner."""

DASH = 9
"""Design pixels of a dash in the lines between the CTAs' tiles of C."""


class GlobalMemory(ProductPanel[State]):
    """A, B and C whole; the tiles in use; this CTA's tile of C."""

    def __init__(self, look: Look, places: Places, schedule: Schedule) -> None:
        tiling, (rows, cols) = schedule.tiling, schedule.grid
        padded = (rows * tiling.bm, cols * tiling.bn, schedule.k_tiles * tiling.bk)
        corner = Corner(*padded, places.content["global"], GAP)
        heading = ["GLOBAL MEMORY", str(schedule.gemm)]
        super().__init__(look, places, "global", heading, corner)
        corner = self.corner
        self.schedule = schedule
        tint = look.theme.tint
        whole: dict[Name, Box] = {}
        for name in ABC:
            whole[name] = corner.part(name, 0, 0, *schedule.gemm.shape(name))
            self.add(Slab(look, whole[name], fill=tint(name, 0.1)))
        # The way of the CTA: its rows of A and its columns of B, over all of K.
        for operand in AB:
            self.add(Slab(look, self._way(operand), fill=tint(operand, 0.22)))
            self.slab(f"{operand} tile", self.inside(operand), tint(operand, 0.5))
        self.slab("C tile", self.inside("C"), tint("C", MADE))
        for operand in AB:
            box, shape = whole[operand], schedule.gemm.shape(operand)
            self.add(cut(look, box, operand, shape, tiling.tile_shape(operand)))
        m, n = schedule.gemm.m, schedule.gemm.n
        c = whole["C"]
        rows_at, cols_at = tile_marks(c.h, m, tiling.bm), tile_marks(c.w, n, tiling.bn)
        dense = min(c.h * tiling.bm / m, c.w * tiling.bn / n) < 4 * DASH
        self.add(frame(look, c, "C", rows_at, cols_at, None if dense else DASH))
        if padded != (m, n, schedule.gemm.k):
            reach = [outline(corner.box(name)) for name in whole]
            sides = [list(pair) for lines in reach for pair in pairwise(lines)]
            grey: Style = {"stroke_color": look.theme.muted, "stroke_width": STROKE}
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

    def everyone(self, operand: Operand, k_tile: int, k: int) -> Box | None:
        """What all threads of a tiling without shared memory read at one k; None behind K."""
        k += k_tile * self.schedule.tiling.bk
        (row, col), (rows, cols) = self.schedule.origin("C"), self.schedule.inside("C")
        if k >= self.schedule.gemm.k:
            return None
        return self.fragment_box(operand, row, col, k, rows if operand == "A" else cols)

    def fragment(self, operand: Operand, k_tile: int, k: int) -> list[Box]:
        """What of that the followed thread reads, a box for each group of neighbours."""
        k += k_tile * self.schedule.tiling.bk
        row, col = self.schedule.origin("C")
        return [
            self.fragment_box(operand, row + first, col + first, k, size)
            for first, size in read_groups(self.schedule.tiling)[operand]
        ]

    def poses(self, state: State) -> dict[str, Pose]:
        results = prod(self.schedule.inside("C"))
        poses = {
            "C tile": Pose(self.inside("C"), state.stored / results),
            "C outline": Pose(self.tile("C"), 0, 1),
        }
        for operand in AB:
            if self.schedule.tiling.direct:
                seen = float(state.fragment is not None)
                box = self.everyone(operand, *(state.fragment or (0, 0)))
                inside = tile = box or self.slabs[f"{operand} tile"].pose.box
                seen = seen if box else 0.0
            else:
                k_tile = state.copied(operand)
                seen = float(k_tile is not None)
                inside, tile = self.inside(operand, k_tile or 0), self.tile(operand, k_tile or 0)
            poses[f"{operand} tile"] = Pose(inside, seen)
            poses[f"{operand} outline"] = Pose(tile, 0, seen)
        return poses


COMING = 0.35
"""How opaque a tile is that is on its way to its stage."""


class SharedMemory(ProductPanel[State]):
    """As and Bs, of several stages one behind the other along k; and the CTA's tile of C, which is
    not in shared memory but in the registers."""

    def __init__(self, look: Look, places: Places, schedule: Schedule) -> None:
        tiling = schedule.tiling
        self.stages = 0 if tiling.direct else tiling.stages
        within, depth = places.content["shared"], self.stages * tiling.bk
        corner = Corner(tiling.bm, tiling.bn, depth, within, APART)
        if tiling.direct:
            corner = replace(corner, floor=0)  # no room for As and Bs
        else:
            corner = _with_room(corner, places.panels["shared"].right, NARROWEST[look.aspect])
        sizes = dims(tiling.bm, tiling.bn, tiling.bk)
        heading = ["SHARED MEMORY", sizes]
        if tiling.direct:  # then only C's tile is here
            heading = ["REGISTERS · CTA", plural(tiling.threads, "thread")]
        super().__init__(look, places, "shared", heading, corner)
        corner = self.corner
        self.schedule, self.groups = schedule, read_groups(tiling)
        tint = look.theme.tint
        for operand in AB if self.stages else ():
            self._draw(operand)
        c, axes = corner.box("C"), arrangement(tiling)
        self.add(Slab(look, c, fill=tint("C", 0.05)))
        self.slab("accumulators", c, tint("C", MADE))
        quads = axes.rows.quad, axes.cols.quad
        lines = tile_marks(c.h, tiling.bm, quads[0]), tile_marks(c.w, tiling.bn, quads[1])
        self.add(frame(look, c, "C", *lines))
        if tiling.shared_store:
            self.slab("Cs", self.exchange, tint("C", MADE), tint("C", 0.9))
        self.add_cells(self.cells_at(State()))
        self.waiting = [
            Patch(
                look,
                [outline(corner.part("C", *part)) for part in parts],
                fill_color=look.theme.ink,
                fill_opacity=0,
                stroke_width=0,
            )
            for parts in waiting(tiling)
        ]
        self.add(*self.waiting)
        for (row, _), (col, _) in product(self.groups["A"], self.groups["B"]):
            self.add(Slab(look, corner.part("C", row, col, *quads), stroke=look.theme.ink))
        if self.stages:
            along = "BK" if self.stages == 1 else f"{self.stages}·BK"
            self.letters({"A": "As", "B": "Bs"}, ("BM", "BN", along), LETTER)
            self._registers()
        else:
            ink, y = look.theme.ink_of["C"], c.bottom + 14 + CAP * LETTER
            self.add(Label(look, "C", c.center[0], y, LETTER, ink, "center", weight="SEMIBOLD"))

    def _draw(self, operand: Operand) -> None:
        """The buffers of one operand, and what is read of them."""
        look, tint, box = self.look, self.look.theme.tint, self.corner.box(operand)
        self.add(Slab(look, box, fill=tint(operand, 0.05)))
        for stage in range(self.stages):
            place = self.stage(operand, stage)
            self.slab(f"{operand}s zeros {stage}", place, tint(operand, 0.16))
            self.slab(f"{operand}s stage {stage}", place, tint(operand, 0.5))
        self.slab(f"{operand}s k", box, tint(operand, 0.72))
        rows, cols = self.corner.shape(operand)
        self.add(frame(look, box, operand, marks(box.h, rows, rows), marks(box.w, cols, cols)))
        for stage in range(self.stages if self.stages > 1 else 0):
            self.add(Slab(look, self.stage(operand, stage), stroke=tint(operand, 0.9)))
        for part, _ in enumerate(self.groups[operand]):
            self.slab(f"{operand}s fragment {part}", box, tint(operand, 1))
            self.slab(f"{operand}s read {part}", box, stroke=look.theme.ink)

    def _registers(self) -> None:
        """C's tile is not in shared memory: a panel of its own, in the corner that is left of it,
        with its name below, on one line or on two."""
        look, c, whole = self.look, self.corner.box("C"), self.panel.box
        margin = (APART - NOTCH) / 2
        x, y = c.x - margin + NOTCH / 2, c.y - margin + NOTCH / 2
        box = Box(x, y, whole.right - x, whole.bottom - y)
        self.panel.notch(box)
        self.add(Panel(look, box, memory="registers"))
        threads = plural(self.schedule.tiling.threads, "thread")
        short, longer = ["REGISTERS", "CTA", threads], ["REGISTERS · CTA", threads]
        for lines in ([f"REGISTERS · CTA · {threads}"], longer, short):
            wide = max(width_of(line, LABEL, weight="SEMIBOLD") for line in lines)
            if wide <= box.w - 2 * INSIDE:
                break
        x = min(max(c.center[0], box.x + INSIDE + wide / 2), box.right - INSIDE - wide / 2)
        top = c.bottom + 18 + CAP * LABEL
        for i, line in enumerate(lines):
            at = x, top + i * LINE, LABEL, look.theme.muted, "center"
            self.add(Label(look, line, *at, weight="SEMIBOLD"))

    def arrive(self) -> list[Animation]:
        """All come to a barrier one after another, and go on together."""
        many = len(self.waiting)
        # In an order that looks like none; the followed thread's is the first, and waits longest.
        turns = [place * 7 % many if gcd(7, many) == 1 else place for place in range(many)]
        return [
            Arrive(one, EARLIEST + (LATEST - EARLIEST) * turn / max(1, many - 1))
            for one, turn in zip(self.waiting, turns, strict=True)
        ]

    def cells_at(self, state: State) -> dict[str, Texts]:
        """The zeros that fill what hangs over an edge, where a cell is large enough to read one;
        and which row of each thread lies where the tiles lay."""
        shown, tiling = {}, self.schedule.tiling
        for operand in AB if self.stages else ():
            size = fitting_size(self.cell(operand), 1, LABEL + 4)
            texts = np.full(self.corner.shape(operand), "", object) if size >= LABEL else None
            for (stage, of), k_tile in state.resident.items():
                if of == operand and texts is not None:
                    row, col = self._offset(operand, stage)
                    tile_rows, tile_cols = tiling.tile_shape(operand)
                    tile = texts[row : row + tile_rows, col : col + tile_cols]
                    rows, cols = self.schedule.inside(operand, k_tile)
                    tile[rows:], tile[:, cols:] = "0", "0"
            box, color = self.corner.box(operand), self.look.theme.muted
            shown[f"{operand}s zeros"] = Texts(self.look, box, texts, size, color)
        if tiling.shared_store:
            text = "" if state.exchanged is None else f"row {state.exchanged} of each thread"
            box = self.exchange
            size = min(LABEL + 4, box.w * 0.9 / (len("row 0 of each thread") * ADVANCE))
            if min(size, box.h * 0.7) < LABEL:
                text = ""
            texts, ink = np.array([[text]], object), self.look.theme.ink
            shown["Cs"] = Texts(self.look, box, texts, max(size, LABEL), ink)
        return shown

    @property
    def exchange(self) -> Box:
        """Where the rows lie that are exchanged, one of each thread: as wide as C's tile, and in
        the room of Bs as high as they are, if there is room. (Their words begin with those of As.)
        """
        tiling, (depth, cols) = self.schedule.tiling, self.corner.shape("B")
        return self.corner.part("B", 0, 0, min(tiling.bm // tiling.tm, depth), cols)

    def _offset(self, operand: Operand, stage: int) -> tuple[int, int]:
        """(row, col) where a stage begins."""
        along = stage * self.schedule.tiling.bk
        return (0, along) if operand == "A" else (along, 0)

    def stage(self, operand: Operand, stage: int) -> Box:
        """The place of one stage."""
        shape = self.schedule.tiling.tile_shape(operand)
        return self.corner.part(operand, *self._offset(operand, stage), *shape)

    def fragment(self, operand: Operand, k: int, stage: int = 0) -> list[Box]:
        """What the followed thread reads at one k, a box for each group of neighbours."""
        k += stage * self.schedule.tiling.bk
        return [
            self.fragment_box(operand, first, first, k, size)
            for first, size in self.groups[operand]
        ]

    def resident(self, operand: Operand, k_tile: int, stage: int = 0) -> Box:
        """The part of the tile that lies inside the matrix."""
        inside = self.schedule.inside(operand, k_tile)
        return self.corner.part(operand, *self._offset(operand, stage), *inside)

    def stored(self) -> Box:
        """The part of C's tile that lies inside the matrix."""
        return self.corner.part("C", 0, 0, *self.schedule.inside("C"))

    def poses(self, state: State) -> dict[str, Pose]:
        tiling, poses = self.schedule.tiling, {}
        total = self.schedule.k_tiles * tiling.bk
        kept = 1 - state.stored / prod(self.schedule.inside("C"))
        poses["accumulators"] = Pose(self.corner.box("C"), 0.9 * state.k_done / total * kept)
        if tiling.shared_store:
            seen = float(state.exchanged is not None)
            poses["Cs"] = Pose(self.exchange, seen, seen)
        for operand in AB if self.stages else ():
            for stage in range(self.stages):
                k_tile = state.resident.get((stage, operand))
                coming = state.coming.get((stage, operand))
                arrived = float(k_tile is not None)
                seen = COMING if k_tile is None and coming is not None else arrived
                tile = self.resident(operand, k_tile or coming or 0, stage)
                poses[f"{operand}s zeros {stage}"] = Pose(self.stage(operand, stage), arrived)
                poses[f"{operand}s stage {stage}"] = Pose(tile, seen)
            poses |= self._read(operand, state)
        return poses

    def _read(self, operand: Operand, state: State) -> dict[str, Pose]:
        """What of the tile is read at one k, by all threads and by the followed one."""
        tiling = self.schedule.tiling
        k_tile, k = state.fragment or (0, 0)
        stage = k_tile % self.stages
        there = {state.resident.get((stage, operand)) for operand in AB}
        reading = float(state.fragment is not None and there == {k_tile})
        resident = self.resident(operand, k_tile, stage)
        size = tiling.bm if operand == "A" else tiling.bn
        everyone = self.fragment_box(operand, 0, 0, k + stage * tiling.bk, size)
        poses = {f"{operand}s k": _within(everyone, resident, reading)}
        for part, box in enumerate(self.fragment(operand, k, stage)):
            poses[f"{operand}s fragment {part}"] = _within(box, resident, reading)
            poses[f"{operand}s read {part}"] = Pose(box, 0, reading)
        return poses


NARROWEST, LEAST_WIDE = {"wide": 256, "tall": 172}, 90
"""Design pixels across the panel of the CTA's registers, so that its name fits on two lines, in
tall on three; if all matrices together are then not narrower than LEAST_WIDE."""


def _with_room(corner: Corner, right: float, wanted: float) -> Corner:
    """The corner drawn smaller, if need be, so that there is room right of C's left side."""
    while right - corner.box("C").x < wanted and corner.within.w > LEAST_WIDE:
        within = corner.within
        corner = replace(corner, within=Box(within.x, within.y, within.w - 8, within.h))
    return corner


EARLIEST, LATEST = 0.05, 0.7
"""Shares of a barrier's time in which the first and the last come to it."""


def _within(box: Box, resident: Box, seen: float) -> Pose:
    """What of a box is data and not zero fill, lit; nothing if it is all zeros."""
    inside = box.intersect(resident)
    return Pose(inside or box, seen if inside else 0.0)


class ThreadRegisters(RegistersPanel[State]):
    """The registers of the followed thread."""

    def cells_at(self, state: State) -> dict[str, Texts]:
        return self.cells_in(state)

    def poses(self, state: State) -> dict[str, Pose]:
        return self.poses_in(state)
