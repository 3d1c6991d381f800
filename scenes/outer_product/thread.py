"""The registers of the thread, also where it makes its results one by one."""

import numpy as np
from manim import Animation

from scenes.kit.look import Box, Look
from scenes.kit.matrix import Corner
from scenes.kit.motion import LANDED, Move, Swap, carried
from scenes.kit.places import Places
from scenes.kit.registers import RegistersPanel
from scenes.kit.shapes import Pose
from scenes.kit.type import Texts, as_text
from scenes.outer_product.shots import OneThread
from tiling.for_scenes.one_thread import Dot, extent_inside
from tiling.layout import AB, Operand
from tiling.schedule import Fragments, OuterProduct, Schedule
from tiling.state import State


class Thread(RegistersPanel[OneThread]):
    """The way to a moment tells its last event: what is loaded comes from where `memory` has it."""

    def __init__(self, look: Look, places: Places, schedule: Schedule, memory: Corner) -> None:
        self.memory, self.extent = memory, extent_inside(schedule)
        super().__init__(look, places, schedule)
        self.settle(OneThread())

    def cells_at(self, state: OneThread) -> dict[str, Texts]:
        moment, values, (tm, tn) = state.moment, self.values, self.corner.shape("C")
        if isinstance(moment, State):
            return self.cells_in(moment)
        a, b, acc = (np.full(shape, "", object) for shape in ((tm, 1), (1, tn), (tm, tn)))
        if values is not None:
            (row, col), (rows, cols, ks) = moment.result(self.schedule), self.extent
            done = np.arange(rows * cols).reshape(rows, cols) < moment.done
            acc[:rows, :cols][done] = as_text(values.acc[ks - 1].astype(float))[:rows, :cols][done]
            if moment.held is not None:
                a[row], b[0, col] = (
                    f"{values.a[moment.held, row]:g}",
                    f"{values.b[moment.held, col]:g}",
                )
                acc[row, col] = f"{values.acc[moment.k - 1, row, col] if moment.k else 0:g}"
        return self.written(a, b, acc)

    def poses(self, state: OneThread) -> dict[str, Pose]:
        moment, part = state.moment, self.corner.part
        if isinstance(moment, State):
            return self.poses_in(moment)
        (row, col), held = moment.result(self.schedule), float(moment.held is not None)
        here = {"a": part("A", row, 0, 1, 1), "b": part("B", 0, col, 1, 1)}
        here["acc"] = part("C", row, col, 1, 1)
        return self.poses_in(State()) | {name: Pose(box, held) for name, box in here.items()}

    def settle(self, state: OneThread) -> None:
        super().settle(state)
        self.moment = state.moment

    def moves(self, state: OneThread, swap: float = 0.5) -> list[Animation]:
        moment, (rows, cols, _) = state.moment, self.extent
        if moment == self.moment:  # something else moves
            return []
        if isinstance(moment, Dot):
            loads = moment.held == moment.k
            return self._fetches(state, moment.k) if loads else super().moves(state, swap)
        match self.schedule.events[moment.step - 1 : moment.step]:
            case (Fragments(_, k),):
                a, b = self.memory.part("A", 0, k, rows, 1), self.memory.part("B", k, 0, 1, cols)
                return self.reads({"A": [a], "B": [b]}, moment)
            case (OuterProduct(),):
                acc = Move(self.slabs["acc"], self.poses(state)["acc"])
                return [*self.multiplies(moment), acc]
        return super().moves(state, swap)

    def _fetches(self, state: OneThread, k: int) -> list[Animation]:
        """The two operands of one product on their way to the registers."""
        assert isinstance(state.moment, Dot)
        poses, numbers = self.poses(state), self.cells_at(state)
        row, col = state.moment.result(self.schedule)
        here = self.memory.part("A", row, k, 1, 1), self.memory.part("B", k, col, 1, 1)
        moves: list[Animation] = [Move(self.slabs["acc"], poses["acc"], (0, 0.3))]
        for operand, name, box in zip(AB, ("a", "b"), here, strict=True):
            moves += [
                carried(self.look, box, poses[name].box, self.route(operand), 1, (0.3, LANDED)),
                Move(self.slabs[name], poses[name], (LANDED, 1)),
                Swap(self.cells[name], numbers[name], LANDED),
            ]
        return [*moves, Swap(self.cells["acc"], numbers["acc"], 0.3)]

    def parts(self, operand: Operand, count: int, buffer: int = 0) -> list[Box]:
        """Of a fragment what lies inside the matrix."""
        rows, cols, _ = self.extent
        inside = (rows, 1) if operand == "A" else (1, cols)
        return [self.corner.part(operand, 0, 0, *inside)] * count
