"""The registers of the filmed thread: fragments and accumulators, with their numbers."""

from typing import TypeAlias

import numpy as np
from manim import Animation, VGroup

from scenes.stage.arrange import Arrangement
from scenes.stage.look import LABEL, LEAST, Box, Look
from scenes.stage.matrix import Corner, Name, frame, marks
from scenes.stage.memory import AB, GAP, LETTER, Memory
from scenes.stage.numbers import Values, largest, values
from scenes.stage.shapes import (
    GROWN,
    LANDED,
    Glimpse,
    Move,
    Pose,
    Slab,
    Spread,
    Swap,
    carried,
)
from scenes.stage.type import ADVANCE, CAP, Cells, fitting_size, written
from tiling.layout import Operand
from tiling.schedule import Schedule
from tiling.shapes import dims
from tiling.state import State

THREAD = 0
"""The thread that is filmed. The first has a result inside C whatever hangs over the edges."""

Texts: TypeAlias = np.ndarray | None


class Registers(Memory):
    """What the filmed thread holds: fragments, accumulators; with numbers where they fit."""

    def __init__(self, look: Look, places: Arrangement, schedule: Schedule) -> None:
        tiling = schedule.tiling
        corner = Corner(tiling.tm, tiling.tn, 1, places.content["registers"], GAP / 2, floor=0.125)
        heading = [f"REGISTERS · THREAD {THREAD}", dims(tiling.tm, tiling.tn)]
        super().__init__(look, places, "registers", heading, corner)
        self.schedule, self.places = schedule, places
        tint = look.theme.tint
        for name, operand in ("a", "A"), ("b", "B"):
            box = corner.box(operand)
            self.add(Slab(look, box, fill=tint(operand, 0.08)))
            self.slab(name, box, tint(operand, 0.95))
            self.add(self._frame(operand))
        self.add(Slab(look, corner.box("C"), fill=tint("C", 0.12)))
        self.slab("acc", corner.box("C"), tint("C", 0.5))
        for name, operand in ("a", "A"), ("b", "B"):
            self.slab(f"{name} spread", corner.box(operand), tint(operand, 0.95))
        self.add(self._frame("C"))
        self.letters({"A": "a", "B": "b", "C": "acc"}, ("TM", "TN", ""), LETTER - 4)
        self.values = self._values()
        self.add_cells(State())
        self.zone.foot("acc[i][j] += a[i] * b[j]")

    def _values(self) -> Values | None:
        """The thread's numbers, or None if the largest result would be too small to read."""
        schedule, largest_value = self.schedule, self.places.value_size
        digits = len(str(schedule.gemm.k * largest(schedule.gemm.k) ** 2))
        self.sizes = {name: fitting_size(self.cell(name), 1, largest_value) for name in AB}
        self.sizes["C"] = fitting_size(self.cell("C"), digits, largest_value)
        legible = min(self.sizes.values()) >= LEAST
        return values(schedule, THREAD) if legible else None

    def cells_at(self, state: State) -> dict[str, Cells]:
        """The thread's numbers in a state: before the first fragments no a and b, and zeros."""
        a = b = acc = None
        if self.values is not None:
            if state.fragment is not None:
                k = self._k(state)
                a = written(self.values.a[k][:, None])
                b = written(self.values.b[k][None, :])
            done = self.values.acc[state.k_done - 1] if state.k_done else self.values.acc[0] * 0
            acc = written(done)
        shown: tuple[tuple[str, Name, Texts], ...] = (
            ("a", "A", a),
            ("b", "B", b),
            ("acc", "C", acc),
        )
        return {
            key: Cells(self.look, self.corner.box(name), texts, self.sizes[name], self._ink(name))
            for key, name, texts in shown
        }

    def reads(self, here: dict[Operand, list[Box]], after: State) -> list[Animation]:
        """Fragments on their way from shared memory, where their groups lie `here`."""
        moves: list[Animation] = []
        numbers, poses = self.cells_at(after), self.poses(after)
        for operand, name in zip(AB, ("a", "b"), strict=True):
            for box, there in zip(
                here[operand], self.parts(operand, len(here[operand])), strict=True
            ):
                moves.append(carried(self.look, box, there, operand, 1, (0.3, LANDED)))
            moves.append(Move(self.slabs[name], poses[name], (LANDED, 1)))
            moves.append(Swap(self.cells[name], numbers[name], LANDED))
        return moves

    def parts(self, operand: Operand, count: int) -> list[Box]:
        """A fragment, cut into so many groups."""
        box = self.corner.box(operand)
        if operand == "A":
            return [box.part(count, 1, i, 0, 1, 1) for i in range(count)]
        return [box.part(1, count, 0, i, 1, 1) for i in range(count)]

    def multiplies(self, after: State) -> list[Animation]:
        """Each value of a spreads along its row of the accumulators, each of b down its column."""
        products, over = self.products_at(after), self.corner.box("C")
        return [
            *(Spread(self.slabs[f"{name} spread"], over) for name in ("a", "b")),
            Swap(self.cells["acc"], self.cells_at(after)["acc"], GROWN),
            *([Glimpse(products, GROWN)] if products else []),
        ]

    def products_at(self, state: State) -> Cells | None:
        """What the outer product adds to each accumulator, under its number, where that fits."""
        size, cell = LABEL, self.cell("C")
        lower = self.sizes["C"] * CAP / 2 + size * 0.75
        room = cell.h / 2 - lower >= size * 0.45 and cell.w >= len("+9·9") * ADVANCE * size
        if self.values is None or not room:
            return None
        k = self._k(state)
        a, b = self.values.a[k], self.values.b[k]
        texts = [[f"+{x:g}·{y:g}" for y in b] for x in a]
        box = self.corner.box("C")
        return Cells(self.look, box, np.array(texts, object), size, self._ink("C"), lower)

    def _k(self, state: State) -> int:
        """The k of the fragments in registers, counted over all k-tiles."""
        assert state.fragment is not None
        return state.fragment[0] * self.schedule.tiling.bk + state.fragment[1]

    def _ink(self, name: Name) -> str:
        theme = self.look.theme
        return theme.ink if name == "C" else theme.ink_on(theme.tint(name, 0.95))

    def poses(self, state: State) -> dict[str, Pose]:
        held = float(state.fragment is not None)
        box = self.corner.box
        return {
            "a": Pose(box("A"), held),
            "b": Pose(box("B"), held),
            "acc": Pose(box("C"), float(state.k_done > 0)),
            "a spread": Pose(box("A"), 0),
            "b spread": Pose(box("B"), 0),
        }

    def _frame(self, name: Name) -> VGroup:
        box = self.corner.box(name)
        rows, cols = self.corner.shape(name)
        return frame(self.look, box, name, marks(box.h, rows, rows), marks(box.w, cols, cols))
