"""What one thread reads in one k-tile, and what it makes of it: result by result, each a dot
product, or all at once by outer products. Numbers are those of the schedule's own execution."""

import numpy as np

from scenes.kit.look import LEAST, Box, Look
from scenes.kit.matrix import Corner, Name, frame, marks
from scenes.kit.places import Places
from scenes.kit.product import GAP, LETTER, ProductPanel
from scenes.kit.shapes import Pose
from scenes.kit.type import Texts, as_text, fitting_size
from scenes.outer_product.shots import matrices_of, memory_of
from tiling.for_scenes.numbers import ThreadValues
from tiling.for_scenes.one_thread import THREAD, Dot, Moment, inside_at, reads_at
from tiling.layout import AB, Operand
from tiling.schedule import Schedule
from tiling.state import State

PALE, LIT = 0.3, 0.6
"""Strengths of what waits in shared memory and of what is read: one ink is legible on both."""


class Slices(ProductPanel[Moment]):
    """The thread's rows of As and columns of Bs at every k of the k-tile; its results where they
    meet. Without shared memory they are rows of A and columns of B."""

    def __init__(
        self, look: Look, places: Places, schedule: Schedule, values: ThreadValues
    ) -> None:
        tiling = schedule.tiling
        corner = Corner(tiling.tm, tiling.tn, tiling.bk, places.content["shared"], GAP)
        self.there, note = reads_at(schedule), f"first k-tile, thread {THREAD}"
        if not all(inside.all() for inside in inside_at(schedule).values()):
            note = "nothing past an edge" if tiling.direct else "zeros past an edge"
        heading = [f"{memory_of(tiling)} memory".upper(), note]
        super().__init__(look, places, "shared", heading, corner)
        corner = self.corner
        self.tiling = tiling
        tint = look.theme.tint
        for operand in AB:
            self.slab(f"{operand}s", corner.box(operand), tint(operand, PALE))
            self.slab(f"{operand}s lit", corner.box(operand), tint(operand, LIT), look.theme.ink)
        for name in "made", "made row", "making":
            self.slab(name, corner.box("C"), tint("C", 0.95 if name == "making" else 0.5))
        numbers: dict[Name, np.ndarray] = {"A": values.a.T, "B": values.b}
        names: tuple[Name, ...] = ("A", "B", "C")
        for name in names:
            box, (rows, cols) = corner.box(name), corner.shape(name)
            self.add(frame(look, box, name, marks(box.h, rows, rows), marks(box.w, cols, cols)))
            size = fitting_size(self.cell(name), 1, places.value_size)
            if name in numbers and size >= LEAST:
                shown = self.there["A"] if name == "A" else self.there["B"].T
                texts = np.where(shown, as_text(numbers[name]), "")
                color = look.theme.ink_on(tint(name, PALE))
                self.add(Texts(look, box, texts, size, color))
        self.letters(dict(zip(AB, matrices_of(tiling), strict=True)), ("TM", "TN", "BK"), LETTER)

    def fragment(self, operand: Operand, k: int) -> list[Box]:
        """What it reads at one k: a column of the rows of As, a row of the columns of Bs."""
        size = int(self.there[operand][:, k].sum())
        return [self.fragment_box(operand, 0, 0, k, size)] if size else []

    def read(self, state: Dot, operand: Operand) -> bool:
        """Whether the operand of the product that is being made has been read."""
        at = state.result(self.tiling)[AB.index(operand)]
        return state.held is not None and bool(self.there[operand][at, state.held])

    def poses(self, state: Moment) -> dict[str, Pose]:
        part, tn = self.corner.part, self.tiling.tn
        poses = {f"{operand}s": Pose(self.corner.box(operand)) for operand in AB}
        if isinstance(state, State):
            for operand in AB:
                name, k = f"{operand}s lit", state.fragment[1] if state.fragment else 0
                boxes = self.fragment(operand, k)
                lit = float(bool(boxes) and state.fragment is not None)
                poses[name] = Pose(boxes[0] if boxes else self.slabs[name].pose.box, lit, lit)
            poses["made"] = Pose(self.corner.box("C"), float(state.k_done > 0))
            poses["made row"] = poses["making"] = Pose(self.corner.box("C"), 0)
            return poses
        (row, col), k = state.result(self.tiling), state.held or 0
        lit = float(state.held is not None)
        rows, rest = divmod(state.done, tn)
        for operand, at in ("A", (row, k)), ("B", (k, col)):
            seen = float(self.read(state, operand))
            poses[f"{operand}s lit"] = Pose(part(operand, *at, 1, 1), seen, seen)
        poses["making"] = Pose(part("C", row, col, 1, 1), lit)
        poses["made"] = Pose(part("C", 0, 0, max(rows, 1), tn), float(rows > 0))
        poses["made row"] = Pose(part("C", min(rows, row), 0, 1, max(rest, 1)), float(rest > 0))
        return poses
