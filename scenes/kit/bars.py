"""Numbers side by side: a bar each, on one scale that begins at zero."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from manim import Animation

from scenes.kit.figure import Figure, S
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.motion import Swap
from scenes.kit.panel import Panel
from scenes.kit.shapes import Pose
from scenes.kit.type import ADVANCE, CAP, Label, Tags, Texts

Parts: TypeAlias = dict[str, float]
"""The parts of one bar's value, by the operand whose colour they have; "" for no operand's."""

PITCH = 150
"""Design pixels from bar to bar, or less where the box is too low for that."""

THICK = 44
"""Design pixels of a bar, or less where bars are close."""

UNDER, OVER = 14, 12
"""Design pixels from a label to its bar, and from the bar to the next label, at least."""

THINNEST = 3
"""Design pixels under which a bar that is not zero would be lost."""

SIZE = LABEL + 2

HIGH = round(CAP * SIZE) + UNDER + THICK
"""Design pixels of a label and the bar under it."""


class Bars(Figure[Sequence[Parts]]):
    """A state is the parts of each bar, from the top; `most` is the sum that fills the width.

    A bar's label stands over it at the left; at the right its value, the sum of the parts as
    `write` writes it ("" hides it). In a part stands its operand, where there is room.
    """

    def __init__(
        self,
        look: Look,
        box: Box,
        labels: Sequence[str],
        most: float,
        write: Callable[[float], str],
        parts: Sequence[str] = ("A", "B"),
    ) -> None:
        super().__init__(look)
        self.box, self.most, self.write = box, most, write
        self.pitch = min(PITCH, box.h / len(labels))
        self.thick = min(THICK, self.pitch - CAP * SIZE - UNDER - OVER)
        for row, label in enumerate(labels):
            baseline = box.y + row * self.pitch + CAP * SIZE
            self.add(Label(look, label, box.x, baseline, SIZE, look.theme.ink))
            for part in parts:
                color = look.theme.tint(part, 0.9) if part else look.theme.muted
                self.slab(f"{row} {part}", self._bar(row, 0, 0), color)
        nothing = [dict.fromkeys(parts, 0.0) for _ in labels]
        self.add_cells(self.cells_at(nothing))
        self.letters = self._letters(nothing)
        self.add(self.letters)
        self.settle(nothing)

    def poses(self, state: Sequence[Parts]) -> dict[str, Pose]:
        poses = {}
        for row, parts in enumerate(state):
            before = 0.0
            for part, value in parts.items():
                poses[f"{row} {part}"] = Pose(self._bar(row, before, value), float(value > 0))
                before += value
        return poses

    def settle(self, state: Sequence[Parts]) -> None:
        super().settle(state)
        self.letters.take(self._letters(state))

    def moves(self, state: Sequence[Parts], swap: float = 0.5) -> list[Animation]:
        """Letters go before their parts move, and come when these have room for them."""
        moves, letters = super().moves(state, swap), self._letters(state)
        if letters.boxes != self.letters.boxes:
            nothing = [dict.fromkeys(parts, 0.0) for parts in state]
            moves += [
                Swap(self.letters, self._letters(nothing), 0),
                Swap(self.letters, letters, 0.95),
            ]
        return moves

    def _letters(self, state: Sequence[Parts]) -> Tags:
        theme, poses = self.look.theme, self.poses(state)
        room = 1.6 * SIZE, CAP * SIZE + 4
        wide = {n: p.box for n, p in poses.items() if p.box.w >= room[0] and p.box.h >= room[1]}
        names = [name.split(" ")[1] for name in wide]
        ink = theme.ink_on(theme.tint("A", 0.9))
        return Tags(self.look, list(wide.values()), names, SIZE, ink)

    def cells_at(self, state: Sequence[Parts]) -> dict[str, Texts]:
        shown = {}
        for row, parts in enumerate(state):
            text = self.write(sum(parts.values()))
            width = len(text) * ADVANCE * SIZE
            place = Box(self.box.right - width, self.box.y + row * self.pitch, width, CAP * SIZE)
            texts = np.array([[text]], object)
            shown[f"{row}"] = Texts(self.look, place, texts, SIZE, self.look.theme.ink)
        return shown

    def _bar(self, row: int, before: float, value: float) -> Box:
        scale = self.box.w / self.most
        y = self.box.y + row * self.pitch + CAP * SIZE + UNDER
        width = max(THINNEST, value * scale) if value else 0
        return Box(self.box.x + before * scale, y, width, self.thick)


class BarPanel(Figure[S]):
    """A panel with bars in it: `parts` says which, in a state."""

    def __init__(self, look: Look, panel: Panel, bars: Bars) -> None:
        super().__init__(look)
        self.panel, self.bars = panel, bars
        self.add(panel, bars)

    def parts(self, state: S) -> list[Parts]:
        raise NotImplementedError

    def settle(self, state: S) -> None:
        super().settle(state)
        self.bars.settle(self.parts(state))

    def moves(self, state: S, swap: float = 0.5) -> list[Animation]:
        return [*super().moves(state, swap), *self.bars.moves(self.parts(state), swap)]
