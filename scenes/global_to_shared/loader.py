"""One operand's tile being loaded: window, lanes and shared tile together, and the ways between;
and the words that one thread reads of As."""

from dataclasses import replace

import numpy as np
from manim import Animation, VGroup

from scenes.global_to_shared import crops
from scenes.global_to_shared.crops import Crop
from scenes.global_to_shared.lanes import LaneStrip
from scenes.global_to_shared.places import MAP, LoadPlaces
from scenes.global_to_shared.plot import LoadStep
from scenes.global_to_shared.windows import NOW, Landing, Whole, Window, heading, legend
from scenes.kit.flight import Flight, Memory
from scenes.kit.look import LABEL, LEAST, Box, Look
from scenes.kit.motion import Relight, Swap, Travel
from scenes.kit.panel import LINE, PAD
from scenes.kit.type import CAP, Label, Tags, fitting_size
from tiling.expand import Bools
from tiling.for_scenes.loads import first_load
from tiling.layout import Operand
from tiling.schedule import Schedule
from tiling.shapes import WARP, dims

SIDE = {"A": "row", "B": "col"}
"""What the words of As and of Bs are numbered by at one k."""

BETWEEN = 48
"""Design pixels between As and Bs."""


class Loader:
    """`source` is what stands in global memory, `strip` the lanes, `target` what lies in shared."""

    def __init__(self, look: Look, schedule: Schedule, operand: Operand) -> None:
        self.look, self.load, self.step = look, first_load(schedule, operand), LoadStep()
        places = LoadPlaces(look)
        panel = places.memory
        area = places.grid(panel)
        crop = crops.window(self.load, area)
        self.window = Window(look, self.load, crop)
        self.lanes = LaneStrip(look, self.load, places.lanes)
        self.plots = [self.window, self.lanes]
        said = extent(crop, self.load.shape)
        mapped = crops.cropped(self.load, crop.rows, crop.col, crop.cols)
        right = panel.right - (MAP if mapped else PAD)
        self.source = VGroup(
            self.window,
            heading(look, operand, operand, said, panel.x + PAD, places.title(panel)),
            legend(look, self.load, panel.x + PAD, right, places.foot(panel)),
        )
        self.strip = VGroup(self.lanes, *absent(look, schedule.tiling.threads, places))
        if mapped:
            box = crops.map_box(self.load, area, crop)
            whole = Whole(look, self.load, crop, box)
            self.plots.append(whole)
            words = Label(
                look, "whole tile", panel.right - PAD, places.foot(panel), LABEL,
                look.theme.muted, "right",
            )  # fmt: skip
            self.source.add(whole, words)
        self._add_target(places)

    def _add_target(self, places: LoadPlaces) -> None:
        look, panel, operand = self.look, places.shared, self.load.operand
        area = places.grid(panel)
        width = area.w / 2 - BETWEEN / 2
        half = Box(area.x if operand == "A" else area.right - width, area.y, width, area.h)
        self.tile = Landing(look, self.load, crops.target(self.load, half))
        self.plots.append(self.tile)
        crop, tile = self.tile.crop, self.load.target
        pad = tile.stride - tile.extent
        words = f"({tile.extent}+{pad})" if pad else f"{tile.extent}"
        wide = look.aspect == "wide"
        swapped = "^s" if tile.twist else ""
        name, words = (
            f"{operand}s[k][{SIDE[operand]}{swapped}]",
            dims(tile.k, words) + " words" * wide,
        )
        if direct := self.load.schedule.tiling.direct:
            name, words = f"{operand.lower()}[i]", f"{tile.k} a thread" * wide
        self.target = VGroup(
            self.tile, heading(look, operand, name, words, half.x, places.title(panel))
        )
        if crop.rows < tile.k or crop.cols < tile.stride:
            side = "word" if tile.twist else SIDE[operand]
            words = f"k {upto(0, crop.rows)}, {side} {upto(0, crop.cols)}"
            words += " of the tile" * wide
            if direct:
                words = f"i {upto(0, crop.rows)}, threads {upto(0, crop.cols)}"
            self.target.add(Label(look, words, half.x, places.foot(panel), LABEL, look.theme.muted))

    def settle(self, step: LoadStep) -> None:
        self.step = step
        for plot in self.plots:
            plot.settle(step)

    def to(
        self,
        step: LoadStep,
        ask: tuple[float, float] = (0, 0),
        land: tuple[float, float] = (0, 0),
        light: tuple[float, float] = (0, 1),
    ) -> list[Animation]:
        """The way to a step: lanes fly to what they ask for, then elements to where they land,
        each in its part of the run time."""
        before, load = self.step, self.load
        moves: list[Animation] = []
        for plot in self.plots:
            at = land[1] if plot is self.tile else 0 if plot is self.lanes else ask[1]
            for name, patch in plot.patches_at(step).items():
                here = plot.patches[name]
                if np.array_equal(here.points, patch.points):
                    continue
                lit = name == "sectors"
                moves.append(Relight(here, patch, light) if lit else Swap(here, patch, at))
            for name, cells in plot.cells_at(step).items():
                moves.append(Swap(plot.cells[name], cells, at))
        if ask[1]:
            moves += self._asking(load.span(before.asked, step.asked), ask)
        if land[1]:
            moves += self._landing(load.span(before.landed, step.landed) & load.inside, land)
        self.step = step
        return moves

    def renumber(self, numbered: bool) -> list[Animation]:
        """Lanes leave their cells, or come back: when what stood there instead has gone; in global
        memory not before the play ends, in which it may go."""
        self.step = replace(self.step, numbered=numbered)
        return [
            Swap(plot.cells[name], cells, moment)
            for plot, moment in ((self.window, float(numbered)), (self.tile, 0.7 * numbered))
            for name, cells in plot.cells_at(self.step).items()
        ]

    def _asking(self, which: Bools, part: tuple[float, float]) -> list[Animation]:
        """One of the lanes that ask for an element at once stands for all of them. Where they would
        be in one another's way, what they ask for lights up and no lane flies."""
        load = self.load
        which = which & self.window.crop.holds(load.row, load.col) & load.inside
        asked: dict[tuple[int, int, int], list[int]] = {}
        for one in np.flatnonzero(which).tolist():
            asked.setdefault((load.turn[one], load.row[one], load.col[one]), []).append(one)
        lanes = [load.lane[together] for together in asked.values()]
        here = [self.lanes.cell(int(those[len(those) // 2])) for those in lanes]
        there = [self.window.crop.part(row, col) for _, row, col in asked]
        texts = [str(those[0]) if len(those) == 1 else f"{len(those)}×" for those in lanes]
        return self._fly(here, there, texts, part, None)

    def _landing(self, which: Bools, part: tuple[float, float]) -> list[Animation]:
        """Of what is seen at both ends."""
        load = self.load
        which = which & self.window.crop.holds(load.row, load.col)
        which = which & self.tile.crop.holds(load.at, load.place)
        texts = [str(lane) for lane in load.lane[which]]
        there: Memory = "registers" if load.schedule.tiling.direct else "shared"
        flight = Flight(load.operand, "global", there)
        return self._fly(self.window.boxes(which), self.tile.boxes(which), texts, part, flight)

    def _fly(
        self,
        here: list[Box],
        there: list[Box],
        texts: list[str],
        part: tuple[float, float],
        flight: Flight | None,
    ) -> list[Animation]:
        if not here:
            return []
        apart = keep_apart(here, there)
        if flight is None and not apart:
            return []
        one, other = self.window.filled(here, NOW), self.window.filled(there, NOW)
        flights: list[Animation] = [Travel(one, other, part, flight)]
        digits = max(2, *map(len, ["", *texts]))
        size = min(fitting_size(box, digits, LABEL + 6) for box in (here[0], there[0]))
        if size >= LEAST and apart:
            ink = self.window.ink_on(NOW)
            tags, landed = (Tags(self.look, boxes, texts, size, ink) for boxes in (here, there))
            flights.append(Travel(tags, landed, part, flight))
        return flights


def keep_apart(here: list[Box], there: list[Box]) -> bool:
    """Whether no two of the boxes lie over one another on their straight ways."""
    starts, ends = (np.array([(*b.center, b.w, b.h) for b in boxes]) for boxes in (here, there))
    for share in np.linspace(0, 1, 9):
        x, y, w, h = (starts + (ends - starts) * share)[..., None].swapaxes(0, 1)
        # Two whose centres are nearer than half of both their sides, in both directions.
        near = (abs(x - x.T) * 2 < 0.9 * (w + w.T)) & (abs(y - y.T) * 2 < 0.9 * (h + h.T))
        if near.sum() > len(here):
            return False
    return True


def extent(crop: Crop, shape: tuple[int, int]) -> str:
    """Which rows and columns of a matrix are drawn."""
    rows = upto(crop.row, min(crop.row + crop.rows, shape[0]))
    cols = upto(crop.col, min(crop.col + crop.cols, shape[1]))
    return f"rows {rows} of {shape[0]}, columns {cols} of {shape[1]}"


def upto(first: int, end: int) -> str:
    """`6–11`, or `6` alone."""
    return f"{first}–{end - 1}" if end - first > 1 else f"{first}"


def absent(look: Look, threads: int, places: LoadPlaces) -> list[Label]:
    """That a warp is not whole."""
    if threads >= WARP:
        return []
    words = f"lanes {upto(threads, WARP)} do not exist: the CTA has {threads} threads"
    if threads == WARP - 1:
        words = f"lane {threads} does not exist: the CTA has {threads} threads"
    elif threads == 1:
        words = "the other lanes do not exist: the CTA has one thread"
    y = places.lanes.bottom + 20 + CAP * LABEL
    if look.aspect == "tall":
        y += LINE  # under what is counted
    return [Label(look, words, places.lanes.right - 3, y, LABEL, look.theme.muted, "right")]
