"""One operand on its way out of global memory: what lanes ask for, the sectors they touch, where it
lands. Numbers in cells are lanes; `32×` is of so many lanes that ask for one element at once."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from manim import VGroup

from scenes.global_to_shared.crops import Crop
from scenes.global_to_shared.plot import LoadStep, Plot
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.matrix import CELL
from scenes.kit.shapes import STROKE, Patch, Path, Slab, Style, dashed, outline
from scenes.kit.type import CAP, MONO, Label, Texts, width_of
from tiling.expand import Bools
from tiling.for_scenes.loads import Load, SectorRun, sector_runs
from tiling.sectors import SECTOR, SECTOR_FLOATS

NOW, BEFORE, ZERO = 0.85, 0.5, 0.16
"""Strength of the tint: of what is asked for now, of what was before, of zero fill."""


class Window(Plot):
    """A part of A or B in global memory, with the boundaries of the sectors."""

    def __init__(self, look: Look, load: Load, crop: Crop) -> None:
        super().__init__(look, load)
        self.crop = crop
        theme, (rows, cols) = look.theme, load.shape
        tint = theme.tint
        inside = crop.within(0, 0, rows, cols)
        tile = crop.within(*load.schedule.origin(load.operand), *load.tile)
        self.add(Slab(look, inside.box, fill=tint(load.operand, 0.06)))
        self.add(self.filled(crop.cover(load.row[load.inside], load.col[load.inside]), 0.2))
        empty = LoadStep()
        for name, patch in self._fills(empty).items():
            self.patches[name] = patch
            self.add(patch)
        if not load.inside.all():
            self.add(self.grid(tile))
        self.add(self.grid(inside), self._borders())
        self.add(Slab(look, inside.box, stroke=tint(load.operand, 0.9)))
        if not load.inside.all():
            grey: Style = {"stroke_color": theme.muted, "stroke_width": 2 * STROKE}
            corners = outline(tile.box)
            sides = [list(pair) for pair in pairwise(corners)]
            self.add(Path(look, dashed(sides, 6), **grey))
        self.patches["sectors"] = self._lit(empty)
        self.add(self.patches["sectors"])
        self.add_cells(self.cells_at(empty))

    def patches_at(self, step: LoadStep) -> dict[str, Patch]:
        return {**self._fills(step), "sectors": self._lit(step)}

    def _fills(self, step: LoadStep) -> dict[str, Patch]:
        load, spans = self.load, {"before": (0, step.since), "now": (step.since, step.asked)}
        fills = {}
        for name, strength in ("before", BEFORE), ("now", NOW):
            which = load.span(*spans[name]) & load.inside
            fills[name] = self.filled(self.crop.cover(load.row[which], load.col[which]), strength)
        return fills

    def cells_at(self, step: LoadStep) -> dict[str, Texts]:
        """The lane in each element that it has asked for, or would have if it were inside."""
        load, muted = self.load, self.look.theme.muted
        asked = step.asked if step.numbered else 0
        before, now = load.span(0, min(step.since, asked)), load.span(step.since, asked)
        before &= load.inside
        now_inside = now & load.inside
        again = np.isin(load.element, load.element[now_inside])
        rows, cols = load.shape
        outside = (load.row >= rows) | (load.col >= cols)
        return {
            "before": self._lanes(before & ~again, self.ink_on(BEFORE)),
            "now": self._lanes(now_inside, self.ink_on(NOW)),
            "outside": self._lanes(load.span(0, asked) & outside, muted),
        }

    def _lanes(self, which: Bools, color: str) -> Texts:
        """In each cell the lane that has asked for it last, or how many if they did so at once."""
        load = self.load
        which = which & self.crop.holds(load.row, load.col)
        asked: dict[tuple[int, int], list[int]] = {}
        turn_of: dict[tuple[int, int], int] = {}
        arrays = (array[which].tolist() for array in (load.row, load.col, load.turn, load.lane))
        for row, col, turn, lane in zip(*arrays, strict=True):  # turn after turn
            if turn_of.get((row, col)) != turn:
                asked[row, col], turn_of[row, col] = [], turn
            asked[row, col].append(lane)
        lanes = asked.values()
        texts = [str(those[0]) if len(those) == 1 else f"{len(those)}×" for those in lanes]
        return self.numbers([self.crop.part(*place) for place in asked], texts, color)

    def boxes(self, which: Bools) -> list[Box]:
        """The cells of elements, in their order."""
        places = zip(self.load.row[which], self.load.col[which], strict=True)
        return [self.crop.part(row, col) for row, col in places]

    def _runs(self) -> Iterator[SectorRun]:
        """What each sector has in each row drawn."""
        crop, (rows, cols) = self.crop, self.load.shape
        last = min(crop.col + crop.cols, cols) - 1
        for row in range(crop.row, min(crop.row + crop.rows, rows)):
            yield from sector_runs(cols, row, crop.col, last)

    def _borders(self) -> Path:
        """Where in a row one sector ends and the next begins."""
        lines = []
        for run in self._runs():
            if run.begins and run.first > self.crop.col:
                box = self.crop.part(run.row, run.first)
                lines.append([(box.x, box.y), (box.x, box.bottom)])
        color = self.look.theme.tint(self.load.operand, 0.9)
        return Path(self.look, lines, stroke_color=color, stroke_width=3 * STROKE)

    def _lit(self, step: LoadStep) -> Patch:
        """The sectors of what is asked for now; open where they go on in another row, or beyond
        what is drawn."""
        load, lines = self.load, []
        which = load.span(step.since, step.asked) & load.inside
        lit = set(load.sector[which].tolist()) if step.lit else set()
        gap = min(4.0, self.crop.cell.h * 0.12)
        for run in self._runs():
            if run.sector not in lit:
                continue
            box = self.crop.part(run.row, run.first, 1, run.last - run.first + 1)
            left, right = box.x + gap * run.begins, box.right - gap * run.ends
            top, bottom = box.y + gap, box.bottom - gap
            lines.append([(left, top), (right, top)])
            lines.append([(left, bottom), (right, bottom)])
            lines += [[(left, top), (left, bottom)]] * run.begins
            lines += [[(right, top), (right, bottom)]] * run.ends
        width = 4 if self.crop.cell.h > 24 else 2
        ink = self.look.theme.ink
        return Patch(self.look, lines, stroke_color=ink, stroke_width=width * STROKE)


class Whole(Plot):
    """The whole tile, small, where a window shows a part of it: how much of it was asked for."""

    def __init__(self, look: Look, load: Load, window: Crop, box: Box) -> None:
        super().__init__(look, load)
        self.crop = Crop(box, *load.schedule.origin(load.operand), *load.tile)
        self.add(Slab(look, box, fill=look.theme.tint(load.operand, 0.2)))
        self.patches = self.patches_at(LoadStep())
        self.add(*self.patches.values())
        self.add(Slab(look, box, stroke=look.theme.tint(load.operand, 0.9)))
        part = self.crop.within(window.row, window.col, window.rows, window.cols)
        self.add(Slab(look, part.box.at_least(CELL), stroke=look.theme.ink))

    def patches_at(self, step: LoadStep) -> dict[str, Patch]:
        load = self.load
        which = load.span(0, step.asked) & load.inside
        return {"asked": self.filled(self.crop.cover(load.row[which], load.col[which]), NOW)}


class Landing(Plot):
    """Where it lands: As or Bs in shared memory, a row for each k; or registers, a row for each
    value of a fragment and a column for each thread."""

    def __init__(self, look: Look, load: Load, crop: Crop) -> None:
        super().__init__(look, load)
        self.crop, tint = crop, look.theme.tint
        self.extent = load.target.extent
        data = crop.part(0, 0, crop.rows, min(crop.cols, self.extent))
        self.add(Slab(look, data, fill=tint(load.operand, 0.06)))
        self.patches = self.patches_at(LoadStep())
        self.add(*self.patches.values())
        self.add(self.grid(crop), Slab(look, crop.box, stroke=tint(load.operand, 0.9)))
        self.add_cells(self.cells_at(LoadStep()))

    def patches_at(self, step: LoadStep) -> dict[str, Patch]:
        load, landed = self.load, self.load.span(0, step.landed)
        fills = {"data": (landed & load.inside, BEFORE), "zeros": (landed & ~load.inside, ZERO)}
        return {
            name: self.filled(self.crop.cover(load.at[which], load.place[which]), strength)
            for name, (which, strength) in fills.items()
        }

    def cells_at(self, step: LoadStep) -> dict[str, Texts]:
        """The lane that has written each word."""
        load, shown = self.load, {}
        numbered = load.span(0, step.landed if step.numbered else 0)
        landed = numbered & self.crop.holds(load.at, load.place)
        for name, which, color in (
            ("data", landed & load.inside, self.ink_on(BEFORE)),
            ("zeros", landed & ~load.inside, self.look.theme.muted),
        ):
            texts = [str(lane) for lane in load.lane[which]]
            shown[name] = self.numbers(self.boxes(which), texts, color)
        return shown

    def boxes(self, which: Bools) -> list[Box]:
        """The words of elements, in their order."""
        places = zip(self.load.at[which], self.load.place[which], strict=True)
        return [self.crop.part(at, place) for at, place in places]


def legend(look: Look, load: Load, x: float, right: float, baseline: float) -> VGroup:
    """What the outlines are: a sector and its size; and what seems odd of some, where that fits."""
    size, ink = LABEL, look.theme.ink
    box = Box(x, baseline - CAP * size - 1, SECTOR_FLOATS * 12, CAP * size + 2)
    cells = Crop(box, 0, 0, 1, SECTOR_FLOATS).lines()
    color = look.theme.tint(load.operand, 0.6)
    words, spans = f"a sector: {SECTOR_FLOATS} floats, {SECTOR} bytes", "; some span rows"
    if load.shape[1] % SECTOR_FLOATS and box.right + 16 + width_of(words + spans, size) <= right:
        words += spans
    return VGroup(
        Path(look, cells, stroke_color=color, stroke_width=STROKE),
        Slab(look, box, stroke=ink, width=3),
        Label(look, words, box.right + 16, baseline, size, look.theme.muted),
    )


def heading(look: Look, operand: str, name: str, words: str, x: float, baseline: float) -> VGroup:
    """The name of a matrix or of its tile in the colour of its operand, and what is shown of it."""
    ink = look.theme.ink_of[operand]
    mono = {"font": MONO} if "[" in name else {"weight": "SEMIBOLD"}
    size = LABEL + 6 if look.aspect == "wide" or len(name) == 1 else LABEL
    head = Label(look, name, x, baseline, size, ink, **mono)
    if not words:
        return VGroup(head)
    after = Label(look, words, head.boxes[0].right + 16, baseline, LABEL, look.theme.muted)
    return VGroup(head, after)
