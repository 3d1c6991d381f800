"""The registers of the thread, also where it makes its results one by one."""

import numpy as np
from manim import Animation

from scenes.kit.flight import Flight
from scenes.kit.look import Box, Look
from scenes.kit.motion import LANDED, Move, Swap, carried
from scenes.kit.places import Places
from scenes.kit.registers import RegistersPanel
from scenes.kit.shapes import Pose
from scenes.kit.type import Texts, as_text
from scenes.outer_product.shots import memory_of
from scenes.outer_product.slices import Slices
from tiling.for_scenes.one_thread import Dot, Moment, reads_at
from tiling.layout import AB, Operand
from tiling.schedule import Schedule
from tiling.state import State


class Thread(RegistersPanel[Moment]):
    """The thread's registers, also where it makes its results one by one."""

    def __init__(self, look: Look, places: Places, schedule: Schedule) -> None:
        self.there = reads_at(schedule)
        super().__init__(look, places, schedule)

    def cells_at(self, state: Moment) -> dict[str, Texts]:
        if isinstance(state, State):
            return self.cells_in(state)
        tiling, values = self.schedule.tiling, self.values
        a = np.full((tiling.tm, 1), "", object)
        b = np.full((1, tiling.tn), "", object)
        acc = np.full((tiling.tm, tiling.tn), "", object)
        if values is not None:
            row, col = state.result(tiling)
            acc.flat[: state.done] = as_text(values.acc[-1]).flat[: state.done]
            if state.held is not None:
                a[row], b[0, col] = (f"{x:g}" for x in self._operands(state))
                sums = values.acc[:, row, col]
                acc[row, col] = f"{sums[state.k - 1] if state.k else 0:g}"
        return self.written(a, b, acc)

    def poses(self, state: Moment) -> dict[str, Pose]:
        if isinstance(state, State):
            return self.poses_in(state)
        row, col = state.result(self.schedule.tiling)
        held, part = float(state.held is not None), self.corner.part
        return {
            **self.poses_in(State()),
            "a": Pose(part("A", row, 0, 1, 1), held),
            "b": Pose(part("B", 0, col, 1, 1), held),
            "acc": Pose(part("C", row, col, 1, 1), held),
        }

    def fetches(self, slices: Slices, after: Dot) -> list[Animation]:
        """The two operands of one product on their way to the registers."""
        poses, numbers = self.poses(after), self.cells_at(after)
        lit = slices.poses(after)
        moves: list[Animation] = [Move(self.slabs["acc"], poses["acc"], (0, 0.3))]
        for operand, name in zip(AB, ("a", "b"), strict=True):
            here, there = lit[f"{operand}s lit"].box, poses[name].box
            if slices.read(after, operand):
                flight = Flight(operand, memory_of(self.schedule.tiling), "registers")
                moves.append(carried(self.look, here, there, flight, 1, (0.3, LANDED)))
            moves.append(Move(self.slabs[name], poses[name], (LANDED, 1)))
            moves.append(Swap(self.cells[name], numbers[name], LANDED))
        return [*moves, Swap(self.cells["acc"], numbers["acc"], 0.3)]

    def parts(self, operand: Operand, count: int, buffer: int = 0) -> list[Box]:
        """Of a fragment what is read at the first k: later, while anything is, it is as much."""
        size = int(self.there[operand][:, 0].sum())
        rows, cols = (size, 1) if operand == "A" else (1, size)
        return [self.corner.part(operand, 0, 0, rows, cols)] * count

    def _operands(self, state: Dot) -> tuple[float, float]:
        assert self.values is not None and state.held is not None
        row, col = state.result(self.schedule.tiling)
        return self.values.a[state.held, row], self.values.b[state.held, col]
