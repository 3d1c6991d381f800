"""Requests for global memory, counted for each element while a schedule is carried out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from manim import Animation, VGroup, rate_functions

from scenes.stage.arrange import ROOM, below_caption
from scenes.stage.bars import PITCH, Bars, Parts
from scenes.stage.counters import WHOLE, count
from scenes.stage.figure import Figure
from scenes.stage.look import LABEL, Box, Look
from scenes.stage.matrix import Corner, Name, frame, marks
from scenes.stage.memories import AB, GAP, LETTER
from scenes.stage.memory import letters
from scenes.stage.shapes import Carry, Move, Pose, Slab
from scenes.stage.stage import LANDED
from scenes.stage.type import ADVANCE, CAP, Cells, Label, width_of, wrap
from scenes.stage.zone import LINE, PAD, Zone
from tiling.layout import Operand
from tiling.schedule import Copy, Schedule
from tiling.shapes import WORD, dims
from tiling.tally import Count, Region, results
from tiling.traffic import Traffic, naive_requested

SMALLEST = 22
"""Design pixels of the smallest number in a cell."""

PIECES = 4
"""Regions of one matrix that differ, at most: CTAs are counted row by row."""

NAME = 28
"""Design pixels of the tiles' names."""

LARGE = 88
"""Design pixels of the ratio."""

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


class Requests(Figure[Seen]):
    """A, B and C in global memory. Where it can be read, each element of A and B bears the number
    of its requests, else each region in which they are equal; its tint grows with the number."""

    def __init__(self, look: Look, box: Box, schedule: Schedule, start: Seen) -> None:
        super().__init__(look)
        gemm, tiling, tint = schedule.gemm, schedule.tiling, look.theme.tint
        self.gemm = gemm
        self.zone = Zone(look, box, "GLOBAL MEMORY", str(gemm))
        side = ROOM + 16
        within = Box(box.x + side, box.y + ABOVE, box.w - 2 * side, box.h - ABOVE - BELOW)
        self.corner = Corner(gemm.m, gemm.n, gemm.k, within, GAP)
        if self.corner.stretched:
            self.zone.head(", ".join(self.corner.stretched).lower() + " stretched")
            lower = 2 * LINE  # under the heading's second line
            within = Box(within.x, within.y + lower, within.w, within.h - lower)
            self.corner = Corner(gemm.m, gemm.n, gemm.k, within, GAP)
        self.add(self.zone)
        self.size = self._size()
        for name in "A", "B", "C":
            whole = self.corner.box(name)
            self.add(Slab(look, whole, fill=tint(name, 0.06)))
            for i in range(PIECES):
                self.slab(f"{name} {i}", whole, tint(name, 0.5))
        for name in "A", "B", "C":
            whole, sides = self.corner.box(name), gemm.shape(name)
            tile = tiling.tile_shape(name)
            lines = (
                marks(length, *side)
                for length, *side in zip((whole.h, whole.w), sides, tile, strict=True)
            )
            self.add(frame(look, whole, name, *lines))
        for operand in AB:
            self.slab(f"{operand} lit", self.corner.box(operand), stroke=look.theme.ink, width=4)
        self.slab("C unit", self.corner.box("C"), stroke=look.theme.ink, width=4)
        self.add(*letters(look, self.corner, {"A": "A", "B": "B"}, "MNK", LETTER))
        c = self.corner.box("C")
        beside, ink = (c.right + 12, c.center[1] + CAP * LETTER / 2), look.theme.ink_of["C"]
        self.add(Label(look, "C", *beside, LETTER, ink, weight="SEMIBOLD"))
        self.add_cells(start)
        self.settle(start)

    def _size(self) -> float:
        """Of the numbers in the cells of A and B; 0 where they could not be read."""
        digits = len(str(max(self.gemm.m, self.gemm.n)))
        cells = [self.corner.box(op).part(*self.gemm.shape(op), 0, 0, 1, 1) for op in AB]
        size = min(min(cell.h * 0.76, cell.w * 0.9 / (digits * ADVANCE)) for cell in cells)
        return min(size, LABEL + 8) if size >= SMALLEST else 0

    def place(self, name: Name, region: Region) -> Box:
        return self.corner.part(name, region.row, region.col, region.rows, region.cols)

    def poses(self, state: Seen) -> dict[str, Pose]:
        count, poses = state.shown, {}
        made = count.done.made
        for operand, most in ("A", self.gemm.n), ("B", self.gemm.m):
            asked = [one for one in count.regions(operand) if one.times]
            tints = [PALEST + (1 - PALEST) * one.times / most for one in asked]
            poses.update(self._pieces(operand, asked, tints))
            at_work = count.done is count.before
            lit = count.lit(operand) if at_work else None
            poses[f"{operand} lit"] = self._outlined(f"{operand} lit", operand, lit)
        poses.update(self._pieces("C", made, [1.0] * len(made)))
        unit = Region(*results(count.plan), 1) if count.step else None
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

    def cells_at(self, state: Seen) -> dict[str, Cells]:
        shown = {}
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
                shown[operand] = Cells(self.look, whole, texts, self.size, self.look.theme.ink)
                continue
            for i in range(PIECES):
                shown[f"{operand} {i}"] = self._number(operand, regions[i : i + 1])
        return shown

    def _number(self, operand: Operand, regions: Sequence[Region]) -> Cells:
        """The number of a whole region, if there is one and it can hold it."""
        size, box, texts = LABEL + 4, self.corner.box(operand), None
        for one in regions:
            box, text = self.place(operand, one), f"{one.times}×"
            if box.h >= 1.3 * size and box.w >= (len(text) + 0.6) * ADVANCE * size:
                texts = np.array([[text]], object)
        return Cells(self.look, box, texts, size, self.look.theme.ink)


class Copies(Figure[Seen]):
    """The tiles in the shared memory of the CTA at work, and what of them it reads at one k."""

    def __init__(self, look: Look, box: Box, schedule: Schedule, start: Seen) -> None:
        super().__init__(look)
        tiling, tint = schedule.tiling, look.theme.tint
        sizes = dims(tiling.bm, tiling.bn, tiling.bk)
        self.zone = Zone(look, box, "SHARED MEMORY", sizes)
        self.add(self.zone)
        within = Box(box.x + 290, box.y + 22, box.w - 580, box.h - 44)
        self.corner = Corner(tiling.bm, tiling.bn, tiling.bk, within, GAP / 2)
        if self.corner.stretched:
            self.zone.head(", ".join(self.corner.stretched).lower() + " stretched")
        a, b = self.corner.box("A"), self.corner.box("B")
        for operand, whole in ("A", a), ("B", b):
            self.add(Slab(look, whole, fill=tint(operand, 0.06)))
            self.slab(f"{operand}s", whole, tint(operand, 0.5))
            self.slab(f"{operand}s k", whole, tint(operand, 0.95))
            sides = zip((whole.h, whole.w), tiling.tile_shape(operand), strict=True)
            lines = (marks(length, side, side) for length, side in sides)
            self.add(frame(look, whole, operand, *lines))
        middle, ink = CAP * NAME / 2, look.theme.ink_of
        bold = {"weight": "SEMIBOLD"}
        at_a, at_b = (a.x - 12, a.center[1] + middle), (b.right + 12, b.center[1] + middle)
        self.add(Label(look, "As", *at_a, NAME, ink["A"], "right", **bold))
        self.add(Label(look, "Bs", *at_b, NAME, ink["B"], **bold))
        self.settle(start)

    def poses(self, state: Seen) -> dict[str, Pose]:
        poses = {name: Pose(slab.pose.box, 0) for name, slab in self.slabs.items()}
        count = state.tiled
        if count is None or count.done is not count.before:
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


class Totals(Figure[Seen]):
    """Both schedules' requests as bars, and what that is for an element and for a result."""

    ROWS = ("per element of A", "per element of B", "per result")

    def __init__(self, look: Look, box: Box, schedule: Schedule, start: Seen) -> None:
        super().__init__(look)
        theme, wide = look.theme, look.aspect == "wide"
        most = naive_requested(schedule.gemm)
        self.bytes = most >= WHOLE
        unit = "bytes" if self.bytes else "elements"
        self.zone = Zone(look, box, "REQUESTED FROM GLOBAL MEMORY", unit)
        inner, top = box.inset(PAD, 0), box.y + (76 if wide else 104)
        bars = Box(inner.x, top, inner.w, 2 * PITCH)
        tile = dims(schedule.tiling.bm, schedule.tiling.bn, schedule.tiling.bk)
        names = ["without tiles", f"in {tile} tiles"]
        self.bars = Bars(look, bars, names, most, self.write)
        self.add(self.zone, self.bars)
        head = top + 189 + (46 if wide else 38)
        width = inner.w if wide else 0.54 * inner.w
        self.columns = [inner.x + width * 0.76, inner.x + width]
        self.lines = [head + LINE * 1.15 * (i + 1) for i in range(len(self.ROWS))]
        for x, word in zip(self.columns, ("without", "tiles"), strict=True):
            self.add(Label(look, word, x, head, LABEL, theme.muted, "right"))
        inks = theme.ink_of["A"], theme.ink_of["B"], theme.ink_of["C"]
        for y, word, ink in zip(self.lines, self.ROWS, inks, strict=True):
            self.add(Label(look, word, inner.x, y, LABEL + 2, ink))
        # Where the ratio will stand.
        self.ratio_at = (
            (inner.x, self.lines[-1] + 108) if wide else (inner.x + width + 60, head + 44)
        )
        self.room = inner.w if wide else inner.right - self.ratio_at[0]
        self.add_cells(start)
        self.settle(start)

    def ratio(self, counts: Traffic) -> list[Label]:
        """How many times as many elements are requested without tiles, large, and what it means."""
        theme, (x, y) = self.look.theme, self.ratio_at
        text = times(counts) + "×"
        large = Label(self.look, text, x, y, LARGE, theme.ink, weight="SEMIBOLD")
        words, note = "as many requests without tiles", "requests, not time: caches stand between"
        if self.look.aspect == "wide":
            left = x + width_of(text, LARGE, weight="SEMIBOLD") + 24
            lines = wrap(words, LABEL + 4, self.room - (left - x))
            said = [(line, left, y - LINE * (len(lines) - 1 - i)) for i, line in enumerate(lines)]
            beside = x, y + 1.6 * LINE, "left"
        else:
            lines = wrap(words, LABEL + 4, self.room)
            said = [(line, x, y + LINE * (1.3 + i)) for i, line in enumerate(lines)]
            # No room is left under it, but there is beside the zone's heading.
            beside = x + self.room, self.zone.box.y + PAD + CAP * LABEL + LINE, "right"
        small = [Label(self.look, *line, LABEL + 4, theme.muted) for line in said]
        small.append(Label(self.look, note, *beside[:2], LABEL, theme.muted, beside[2]))
        return [large, *small]

    def write(self, elements: float) -> str:
        """A number of elements as it is shown, in bytes where they are too many to add up."""
        return count(int(elements) * WORD) + "B" if self.bytes else count(int(elements)).strip()

    def parts(self, state: Seen) -> list[Parts]:
        counts = state.naive, state.tiled
        return [{op: float(one.requested(op)) if one else 0.0 for op in AB} for one in counts]

    def cells_at(self, state: Seen) -> dict[str, Cells]:
        shown = {}
        for column, one in enumerate((state.naive, state.tiled)):
            texts = self.texts(one)
            for row, text in enumerate(texts):
                size = LABEL + 2
                width = len(text) * ADVANCE * size
                y, x = self.lines[row] - CAP * size, self.columns[column] - width
                place = Box(x, y, width, CAP * size)
                cell = np.array([[text]], object)
                shown[f"{column} {row}"] = Cells(self.look, place, cell, size, self.look.theme.ink)
        return shown

    def texts(self, one: Count | None) -> list[str]:
        """How often an element of A and one of B has been requested, and elements per result."""
        if one is None:
            return ["", "", ""]
        result = one.done.per_result
        each = "" if np.isnan(result) else f"{result:.3g}" if result < 1000 else f"{result:.0f}"
        return [*(str(one.most(op)) if one.most(op) else "" for op in AB), each]

    def settle(self, state: Seen) -> None:
        super().settle(state)
        self.bars.settle(self.parts(state))

    def moves(self, state: Seen, swap: float = 0.5) -> list[Animation]:
        return [*super().moves(state, swap), *self.bars.moves(self.parts(state), swap)]


def times(counts: Traffic) -> str:
    """How many times as many elements are requested without tiles."""
    return f"{counts.naive_requested / counts.total.requested:.3g}"


class Comparison(VGroup):
    """All zones of one choice. It keeps no state: animations copy what they move, and a state holds
    a schedule."""

    def __init__(self, look: Look, schedule: Schedule, start: Seen) -> None:
        zones = _zones(look)
        self.memory = Requests(look, zones["global"], schedule, start)
        self.copies = Copies(look, zones["shared"], schedule, start)
        self.totals = Totals(look, zones["requested"], schedule, start)
        self.look = look
        super().__init__(self.memory, self.copies, self.totals)

    def settle(self, state: Seen) -> None:
        for figure in (self.memory, self.copies, self.totals):
            figure.settle(state)

    def moves(self, state: Seen, swap: float = 0.5) -> list[Animation]:
        """The way to a state. If the last event is a copy, its tile travels to shared memory."""
        for figure in (self.memory, self.copies):
            for name, pose in figure.poses(state).items():
                slab = figure.slabs[name]
                if not (slab.pose.fill or slab.pose.stroke):  # what appears comes from nowhere
                    slab.take(Pose(pose.box, 0, 0))
        memory, totals = self.memory.moves(state, swap), self.totals.moves(state, swap)
        copies, count = self.copies.moves(state), state.shown
        event = count.plan.events[count.step - 1] if count.step else None
        if isinstance(event, Copy) and (tile := count.lit(event.operand)):
            name = f"{event.operand}s"
            held, there = self.copies.slabs[name], self.copies.poses(state)[name]
            here, theme = self.memory.place(event.operand, tile), self.look.theme
            slab = Slab(self.look, here, theme.tint(event.operand, 0.5), theme.ink)
            copies = [move for move in copies if move.mobject is not held]
            copies.append(Carry(slab, there.box, (0.3, LANDED)))
            copies.append(Move(held, there, (LANDED, 1)))
        return [*memory, *totals, *copies]


def _zones(look: Look) -> dict[str, Box]:
    """Global memory, and at its right, or in tall below it, shared memory and the requests."""
    area, gap, wide = below_caption(look), 24.0, look.aspect == "wide"
    requested = 620.0 if wide else 478.0
    shared = area.h - requested - gap if wide else 186.0
    width = 930.0 if wide else area.w
    height = area.h if wide else area.h - requested - shared - 2 * gap
    x, w = (area.x + width + gap, area.w - width - gap) if wide else (area.x, area.w)
    top = area.y if wide else area.y + height + gap
    return {
        "global": Box(area.x, area.y, width, height),
        "shared": Box(x, top, w, shared),
        "requested": Box(x, area.bottom - requested, w, requested),
    }


class Through(Animation):
    """The states of a comparison one after another, each for the same time."""

    def __init__(self, comparison: Comparison, states: Sequence[Seen], **options: object) -> None:
        self.states, self.now = states, -1
        super().__init__(comparison, rate_func=rate_functions.linear, **options)

    def create_starting_mobject(self) -> Comparison:
        """Each state is shown from scratch, so no copy of the first is wanted."""
        return self.mobject

    def interpolate_mobject(self, alpha: float) -> None:
        now = min(len(self.states) - 1, int(alpha * len(self.states)))
        if now != self.now:
            self.now = now
            self.mobject.settle(self.states[now])
