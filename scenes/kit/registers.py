"""The registers of the followed thread: fragments and accumulators, with their numbers."""

import numpy as np
from manim import Animation, VGroup

from scenes.kit.figure import S
from scenes.kit.look import LABEL, LEAST, MADE, Box, Look
from scenes.kit.matrix import ABC, Corner, Name, frame, marks
from scenes.kit.motion import GROWN, LANDED, Glimpse, Move, Spread, Swap, carried
from scenes.kit.places import Places
from scenes.kit.product import GAP, LETTER, ProductPanel
from scenes.kit.route import Route
from scenes.kit.shapes import Pose, Slab
from scenes.kit.type import ADVANCE, CAP, Texts, Written, as_text, fitting_size
from tiling.for_scenes.numbers import ThreadValues, magnitudes, thread_values
from tiling.for_scenes.one_thread import THREAD
from tiling.layout import AB, Operand
from tiling.schedule import Schedule
from tiling.shapes import dims
from tiling.state import State


class RegistersPanel(ProductPanel[S]):
    """What the followed thread holds: fragments, accumulators; with numbers where they fit."""

    def __init__(self, look: Look, places: Places, schedule: Schedule) -> None:
        tiling = schedule.tiling
        self.buffers = tiling.fragments
        room = places.content["registers"]
        corner = Corner(tiling.tm, tiling.tn, self.buffers, room, GAP / 2, floor=0.125)
        heading = [f"REGISTERS · THREAD {THREAD}", dims(tiling.tm, tiling.tn)]
        super().__init__(look, places, "registers", heading, corner)
        corner = self.corner
        self.schedule, self.places = schedule, places
        tint = look.theme.tint
        for name, operand in zip("ab", AB, strict=True):
            box = corner.box(operand)
            self.add(Slab(look, box, fill=tint(operand, 0.08)))
            for buffer in range(self.buffers):
                self.slab(held(name, buffer), self.buffer(operand, buffer), tint(operand, 0.95))
            self.add(self._frame(operand))
        self.add(Slab(look, corner.box("C"), fill=tint("C", 0.12)))
        self.slab("acc", corner.box("C"), tint("C", MADE))
        for name, operand in zip("ab", AB, strict=True):
            self.slab(f"{name} spread", corner.box(operand), tint(operand, 0.95))
        self.slab("products", corner.box("C"), tint("C", MADE))
        self.add(self._frame("C"))
        along = "" if self.buffers == 1 else f"{self.buffers} k"
        self.letters({"A": "a", "B": "b", "C": "acc"}, ("TM", "TN", along), LETTER - 4)
        self.values = self._values()
        self.add_cells(self.cells_in(State()))
        self.panel.foot("acc[i][j] += a[i] * b[j]")

    def _values(self) -> ThreadValues | None:
        """The thread's numbers, or None if the largest result would be too small to read."""
        schedule, largest_value = self.schedule, self.places.value_size
        _, digits = magnitudes(schedule.gemm.k)
        digits_of: dict[Name, int] = {"A": 1, "B": 1, "C": digits}
        self.sizes = {
            name: fitting_size(self.cell(name), many, largest_value)
            for name, many in digits_of.items()
        }
        legible = min(self.sizes.values()) >= LEAST
        return thread_values(schedule, THREAD) if legible else None

    def cells_in(self, state: State) -> dict[str, Texts]:
        """The thread's numbers in a state: before the first fragments no a and b, and zeros."""
        a, b, acc = (np.full(self.corner.shape(name), "", object) for name in ABC)
        if self.values is not None:
            for buffer, (k_tile, k) in state.fragments.items():
                k += k_tile * self.schedule.tiling.bk
                a[:, buffer], b[buffer] = as_text(self.values.a[k]), as_text(self.values.b[k])
            done = self.values.acc[state.k_done - 1] if state.k_done else self.values.acc[0] * 0
            acc = as_text(done)
        return self.written(a, b, acc)

    def written(self, a: Written, b: Written, acc: Written) -> dict[str, Texts]:
        """These numbers in the cells of the fragments and accumulators."""
        texts = zip(("a", "b", "acc"), ABC, (a, b, acc), strict=True)
        return {
            key: Texts(self.look, self.corner.box(name), each, self.sizes[name], self._ink(name))
            for key, name, each in texts
        }

    def reads(self, here: dict[Operand, list[Box]], after: State) -> list[Animation]:
        """Fragments on their way from the memory where their groups lie `here`."""
        assert after.fragment is not None
        moves: list[Animation] = []
        numbers, poses = self.cells_in(after), self.poses_in(after)
        buffer = after.fragment[1] % self.buffers
        for operand, name in zip(AB, ("a", "b"), strict=True):
            route = self.route(operand)
            for box, there in zip(
                here[operand], self.parts(operand, len(here[operand]), buffer), strict=True
            ):
                moves.append(carried(self.look, box, there, route, 1, (0.3, LANDED)))
            slab = held(name, buffer)
            moves.append(Move(self.slabs[slab], poses[slab], (LANDED, 1)))
            moves.append(Swap(self.cells[name], numbers[name], LANDED))
        return moves

    def route(self, operand: Operand) -> Route:
        """The way on which fragments come."""
        direct = self.schedule.tiling.direct
        return Route(operand, "global" if direct else "shared", "registers")

    def buffer(self, operand: Operand, buffer: int) -> Box:
        """The place of one buffer of fragments: they lie one behind the other along k."""
        rows, cols = self.corner.shape(operand)
        if operand == "A":
            return self.corner.part("A", 0, buffer, rows, 1)
        return self.corner.part("B", buffer, 0, 1, cols)

    def parts(self, operand: Operand, count: int, buffer: int = 0) -> list[Box]:
        """A fragment, cut into so many groups."""
        box = self.buffer(operand, buffer)
        if operand == "A":
            return [box.part(count, 1, i, 0, 1, 1) for i in range(count)]
        return [box.part(1, count, 0, i, 1, 1) for i in range(count)]

    def multiplies(self, after: State) -> list[Animation]:
        """Each value of a spreads along its row of the accumulators, each of b down its column;
        where they meet are products, in the colour of C."""
        products, over = self.products_at(after), self.corner.box("C")
        return [
            *(Spread(self.slabs[f"{name} spread"], over) for name in ("a", "b")),
            Spread(self.slabs["products"], over, opacity=1),
            Swap(self.cells["acc"], self.cells_in(after)["acc"], GROWN),
            *([Glimpse(products, GROWN)] if products else []),
        ]

    def products_at(self, state: State) -> Texts | None:
        """What the outer product adds to each accumulator, under its number, where that fits."""
        size, cell = LABEL, self.cell("C")
        lower = self.sizes["C"] * CAP / 2 + size * 0.75
        room = cell.h / 2 - lower >= size * 0.45 and cell.w >= len("+9·9") * ADVANCE * size
        if self.values is None or not room:
            return None
        a, b = self.values.a[state.k_done - 1], self.values.b[state.k_done - 1]
        texts = [[f"+{x:g}·{y:g}" for y in b] for x in a]
        box = self.corner.box("C")
        return Texts(self.look, box, np.array(texts, object), size, self._ink("C"), lower)

    def _ink(self, name: Name) -> str:
        theme = self.look.theme
        return theme.ink if name == "C" else theme.ink_on(theme.tint(name, 0.95))

    def poses_in(self, state: State) -> dict[str, Pose]:
        c = self.corner.box("C")
        poses = {"acc": Pose(c, float(state.k_done > 0)), "products": Pose(Box(c.x, c.y, 0, 0), 0)}
        # The fragments that are multiplied next.
        turn = state.k_done % self.schedule.tiling.bk % self.buffers
        for name, operand in zip(("a", "b"), AB, strict=True):
            for buffer in range(self.buffers):
                seen = float(buffer in state.fragments)
                poses[held(name, buffer)] = Pose(self.buffer(operand, buffer), seen)
            poses[f"{name} spread"] = Pose(self.buffer(operand, turn), 0)
        return poses

    def _frame(self, name: Name) -> VGroup:
        box = self.corner.box(name)
        rows, cols = self.corner.shape(name)
        return frame(self.look, box, name, marks(box.h, rows, rows), marks(box.w, cols, cols))


def held(name: str, buffer: int) -> str:
    """The slab of one buffer of fragments."""
    return f"{name} {buffer}" if buffer else name
