"""What one thread reads in one k-tile, and what it makes of it: result by result, each a dot
product, or all at once by outer products. Numbers are those of the schedule's own execution."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from manim import Animation

from scenes.stage.amounts import grouped
from scenes.stage.arrange import Arrangement
from scenes.stage.figure import Figure
from scenes.stage.look import LABEL, LEAST, Box, Look
from scenes.stage.matrix import Corner, Name, frame, marks
from scenes.stage.memory import AB, GAP, LETTER, Memory
from scenes.stage.numbers import Values
from scenes.stage.registers import THREAD, Registers
from scenes.stage.shapes import LANDED, Move, Pose, Swap, carried
from scenes.stage.type import ADVANCE, CAP, MONO, Cells, Label, fitting_size, written
from scenes.stage.zone import LINE
from tiling.expand import Bools, expand_fragments
from tiling.layout import Operand
from tiling.schedule import Fragments, Schedule
from tiling.shapes import Tiling
from tiling.state import State


@dataclass(frozen=True)
class Dot:
    """Result by result: `done` whole ones, of the next one `k` products added, and in registers the
    operands of its product at k = `held`, or none."""

    done: int = 0
    k: int = 0
    held: int | None = None


PALE, LIT = 0.3, 0.6
"""Strengths of what waits in shared memory and of what is read: one ink is legible on both."""

Moment: TypeAlias = State | Dot

SIZE = LABEL + 4
"""Design pixels of the tally's letters."""


def source(tiling: Tiling) -> str:
    """The memory that threads read their fragments from."""
    return "global" if tiling.direct else "shared"


def matrices(tiling: Tiling) -> tuple[str, str]:
    """What they are fragments of."""
    return ("A", "B") if tiling.direct else ("As", "Bs")


def within(schedule: Schedule) -> dict[Operand, Bools]:
    """(TM, BK) and (TN, BK): which of its rows of A and columns of B lie inside, at each k."""
    ks = range(schedule.tiling.bk)
    reads = [expand_fragments(schedule, Fragments(0, k)) for k in ks]
    return {o: np.array([read[o].predicate[THREAD] for read in reads]).T for o in AB}


def there(schedule: Schedule) -> dict[Operand, Bools]:
    """The same of what it reads: in As and Bs zeros as well, in A and B what lies inside."""
    return {o: inside | (not schedule.tiling.direct) for o, inside in within(schedule).items()}


def result(state: Dot, tiling: Tiling) -> tuple[int, int]:
    """(row, col) in the thread tile of the result that is being made, or was made last."""
    row, col = divmod(min(state.done, tiling.tm * tiling.tn - 1), tiling.tn)
    return row, col


class Slices(Memory):
    """The thread's rows of As and columns of Bs at every k of the k-tile; its results where they
    meet. Without shared memory they are rows of A and columns of B."""

    def __init__(self, look: Look, places: Arrangement, schedule: Schedule, values: Values) -> None:
        tiling = schedule.tiling
        corner = Corner(tiling.tm, tiling.tn, tiling.bk, places.content["shared"], GAP)
        self.there, note = there(schedule), f"first k-tile, thread {THREAD}"
        if not all(inside.all() for inside in within(schedule).values()):
            note = "nothing past an edge" if tiling.direct else "zeros past an edge"
        heading = [f"{source(tiling)} memory".upper(), note]
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
                texts = np.where(shown, written(numbers[name]), "")
                color = look.theme.ink_on(tint(name, PALE))
                self.add(Cells(look, box, texts, size, color))
        self.letters(dict(zip(AB, matrices(tiling), strict=True)), ("TM", "TN", "BK"), LETTER)

    def fragment(self, operand: Operand, k: int) -> list[Box]:
        """What it reads at one k: a column of the rows of As, a row of the columns of Bs."""
        size = int(self.there[operand][:, k].sum())
        return [self.fragment_box(operand, 0, 0, k, size)] if size else []

    def read(self, state: Dot, operand: Operand) -> bool:
        """Whether the operand of the product that is being made has been read."""
        at = result(state, self.tiling)[AB.index(operand)]
        return state.held is not None and bool(self.there[operand][at, state.held])

    def poses(self, state: Moment) -> dict[str, Pose]:  # type: ignore[override]
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
        (row, col), k = result(state, self.tiling), state.held or 0
        lit = float(state.held is not None)
        rows, rest = divmod(state.done, tn)
        for operand, at in ("A", (row, k)), ("B", (k, col)):
            seen = float(self.read(state, operand))
            poses[f"{operand}s lit"] = Pose(part(operand, *at, 1, 1), seen, seen)
        poses["making"] = Pose(part("C", row, col, 1, 1), lit)
        poses["made"] = Pose(part("C", 0, 0, max(rows, 1), tn), float(rows > 0))
        poses["made row"] = Pose(part("C", min(rows, row), 0, 1, max(rest, 1)), float(rest > 0))
        return poses


class Thread(Registers):
    """The thread's registers, also where it makes its results one by one."""

    def __init__(self, look: Look, places: Arrangement, schedule: Schedule) -> None:
        self.there = there(schedule)
        super().__init__(look, places, schedule)

    def cells_at(self, state: Moment) -> dict[str, Cells]:  # type: ignore[override]
        if isinstance(state, State):
            return super().cells_at(state)
        tiling, values = self.schedule.tiling, self.values
        a = np.full((tiling.tm, 1), "", object)
        b = np.full((1, tiling.tn), "", object)
        acc = np.full((tiling.tm, tiling.tn), "", object)
        if values is not None:
            row, col = result(state, tiling)
            acc.flat[: state.done] = written(values.acc[-1]).flat[: state.done]
            if state.held is not None:
                a[row], b[0, col] = (f"{x:g}" for x in self._operands(state))
                sums = values.acc[:, row, col]
                acc[row, col] = f"{sums[state.k - 1] if state.k else 0:g}"
        shown: tuple[tuple[str, Name, np.ndarray], ...] = (
            ("a", "A", a),
            ("b", "B", b),
            ("acc", "C", acc),
        )
        return {
            key: Cells(self.look, self.corner.box(name), texts, self.sizes[name], self._ink(name))
            for key, name, texts in shown
        }

    def poses(self, state: Moment) -> dict[str, Pose]:  # type: ignore[override]
        if isinstance(state, State):
            return super().poses(state)
        row, col = result(state, self.schedule.tiling)
        held, part = float(state.held is not None), self.corner.part
        return {
            **super().poses(State()),
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
                moves.append(carried(self.look, here, there, operand, 1, (0.3, LANDED)))
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
        row, col = result(state, self.schedule.tiling)
        return self.values.a[state.held, row], self.values.b[state.held, col]


class Tally(Figure[Moment]):
    """Words that the thread has read, and its multiply-adds. Of shared memory it reads zeros past
    an edge as well, of global memory only what is there."""

    def __init__(self, look: Look, box: Box, schedule: Schedule) -> None:
        super().__init__(look)
        self.box, self.schedule, tiling = box, schedule, schedule.tiling
        self.there = there(schedule)
        self.names = f"words read from {source(tiling)} memory", "FMA"
        longest = max(len(grouped(n)) for n in self.counts(Dot(tiling.tm * tiling.tn)))
        self.places, x, y = [], box.x, box.y + 6
        for name in self.names:
            width = (len(name) + 1) * ADVANCE * SIZE
            if x + width + longest * ADVANCE * SIZE > box.right:  # in tall on a line of its own
                x, y = box.x, y + LINE
            self.add(Label(look, name, x, y + CAP * SIZE, SIZE, look.theme.muted, font=MONO))
            self.places.append(Box(x + width, y, longest * ADVANCE * SIZE, CAP * SIZE))
            x += width + (longest + 3) * ADVANCE * SIZE
        self.add_cells(State())

    def counts(self, state: Moment) -> tuple[int, int]:
        """(words, multiply-adds) of this thread."""
        tiling, a, b = self.schedule.tiling, self.there["A"], self.there["B"]
        if isinstance(state, State):
            k = state.fragment[1] + 1 if state.fragment else 0
            return int(a[:, :k].sum() + b[:, :k].sum()), state.fma // tiling.threads
        whole = a.sum(1)[:, None] + b.sum(1)  # of each result
        (row, col), k = result(state, tiling), state.k + (state.held == state.k)
        words = whole.flat[: state.done].sum() + a[row, :k].sum() + b[col, :k].sum()
        return int(words), state.done * tiling.bk + state.k

    def cells_at(self, state: Moment) -> dict[str, Cells]:
        color = self.look.theme.ink
        return {
            name: Cells(self.look, place, np.array([[grouped(number)]], object), SIZE, color)
            for name, place, number in zip(self.names, self.places, self.counts(state), strict=True)
        }
