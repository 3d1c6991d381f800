"""What one thread loads in one k-tile, and what it makes of it: result by result, each a dot
product, or all at once by outer products. Numbers are those of the schedule's own execution."""

from manim import Animation

from scenes.kit.look import LEAST, Look
from scenes.kit.matrix import ABC, Corner, frame, marks
from scenes.kit.motion import Move
from scenes.kit.places import Places
from scenes.kit.product import GAP, LETTER, ProductPanel
from scenes.kit.shapes import Pose
from scenes.kit.type import Texts, as_text, fitting_size
from scenes.outer_product.shots import OneThread, matrices_of, memory_of
from tiling.for_scenes.numbers import thread_values
from tiling.for_scenes.one_thread import THREAD, extent_inside
from tiling.layout import AB
from tiling.schedule import Schedule
from tiling.state import State

PALE, LIT = 0.3, 0.6
"""Strengths of what waits in shared memory and of what is loaded: one ink is legible on both."""


class Slices(ProductPanel[OneThread]):
    """The thread's rows of As and columns of Bs at every k of the k-tile; its results where they
    meet. Without shared memory they are rows of A and columns of B."""

    def __init__(self, look: Look, places: Places, schedule: Schedule) -> None:
        tiling, self.schedule, tint = schedule.tiling, schedule, look.theme.tint
        rows, cols, ks = self.extent = extent_inside(schedule)
        corner = Corner(rows, cols, ks, places.content["shared"], GAP)
        heading = [f"{memory_of(tiling)} memory".upper(), f"what thread {THREAD} loads"]
        super().__init__(look, places, "shared", heading, corner)
        corner, values = self.corner, thread_values(schedule, THREAD)
        for operand in AB:
            self.slab(f"{operand}s", corner.box(operand), tint(operand, PALE))
            self.slab(f"{operand}s lit", corner.box(operand), tint(operand, LIT), look.theme.ink)
        for name in "made", "made row", "making":
            self.slab(name, corner.box("C"), tint("C", 0.95 if name == "making" else 0.5))
        numbers = {"A": values.a[:ks, :rows].T, "B": values.b[:ks, :cols]}
        for name in ABC:
            box, (height, width) = corner.box(name), corner.shape(name)
            lines = marks(box.h, height, height), marks(box.w, width, width)
            self.add(frame(look, box, name, *lines))
            size = fitting_size(self.cell(name), 1, places.value_size)
            if name in numbers and size >= LEAST:
                ink = look.theme.ink_on(tint(name, PALE))
                self.add(Texts(look, box, as_text(numbers[name].astype(float)), size, ink))
        sides = zip(("TM", "TN", "BK"), (tiling.tm, tiling.tn, tiling.bk), self.extent, strict=True)
        axes = [name if whole == inside else "" for name, whole, inside in sides]
        self.letters(dict(zip(AB, matrices_of(tiling), strict=True)), axes, LETTER)

    def poses(self, state: OneThread) -> dict[str, Pose]:
        moment, part, (rows, cols, _) = state.moment, self.corner.part, self.extent
        c = self.corner.box("C")
        poses = {f"{operand}s": Pose(self.corner.box(operand)) for operand in AB}
        if isinstance(moment, State):
            lit, k = (
                float(moment.fragment is not None),
                moment.fragment[1] if moment.fragment else 0,
            )
            return poses | {
                "As lit": Pose(part("A", 0, k, rows, 1), lit, lit),
                "Bs lit": Pose(part("B", k, 0, 1, cols), lit, lit),
                "made": Pose(c, float(moment.k_done > 0)),
                "made row": Pose(c, 0),
                "making": Pose(c, 0),
            }
        (row, col), k = moment.result(self.schedule), moment.held or 0
        lit, (full, rest) = float(moment.held is not None), divmod(moment.done, cols)
        return poses | {
            "As lit": Pose(part("A", row, k, 1, 1), lit, lit),
            "Bs lit": Pose(part("B", k, col, 1, 1), lit, lit),
            "making": Pose(part("C", row, col, 1, 1), lit),
            "made": Pose(part("C", 0, 0, max(full, 1), cols), float(full > 0)),
            "made row": Pose(part("C", min(full, row), 0, 1, max(rest, 1)), float(rest > 0)),
        }

    def moves(self, state: OneThread, swap: float = 0.5) -> list[Animation]:
        """What is loaded lights up before it travels."""
        return [Move(self.slabs[name], pose, (0, 0.3)) for name, pose in self.poses(state).items()]
