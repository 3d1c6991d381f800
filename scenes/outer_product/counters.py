"""What the thread has read and made, in numbers."""

import numpy as np

from scenes.kit.amounts import grouped
from scenes.kit.figure import Figure
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.panel import LINE
from scenes.kit.type import ADVANCE, CAP, MONO, Cells, Label
from scenes.outer_product.one_thread import Dot, Moment, result, source, there
from tiling.schedule import Schedule
from tiling.state import State

SIZE = LABEL + 4
"""Design pixels of the tally's letters."""


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
