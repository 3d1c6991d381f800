"""What the thread has read and made, in numbers."""

import numpy as np

from scenes.kit.amounts import grouped
from scenes.kit.figure import Figure
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.panel import LINE
from scenes.kit.type import ADVANCE, CAP, MONO, Label, Texts
from scenes.outer_product.shots import memory_of
from tiling.for_scenes.one_thread import Dot, Moment, words_and_fma
from tiling.schedule import Schedule
from tiling.state import State

SIZE = LABEL + 4
"""Design pixels of the letters."""


class ThreadCounters(Figure[Moment]):
    """Words that the thread has read, and its multiply-adds. Of shared memory it reads zeros past
    an edge as well, of global memory only what is there."""

    def __init__(self, look: Look, box: Box, schedule: Schedule) -> None:
        super().__init__(look)
        self.box, self.schedule, tiling = box, schedule, schedule.tiling
        self.names = f"words read from {memory_of(tiling)} memory", "FMA"
        longest = max(len(grouped(n)) for n in words_and_fma(schedule, Dot(tiling.tm * tiling.tn)))
        self.places, x, y = [], box.x, box.y + 6
        for name in self.names:
            width = (len(name) + 1) * ADVANCE * SIZE
            if x + width + longest * ADVANCE * SIZE > box.right:  # in tall on a line of its own
                x, y = box.x, y + LINE
            self.add(Label(look, name, x, y + CAP * SIZE, SIZE, look.theme.muted, font=MONO))
            self.places.append(Box(x + width, y, longest * ADVANCE * SIZE, CAP * SIZE))
            x += width + (longest + 3) * ADVANCE * SIZE
        self.add_cells(self.cells_at(State()))

    def cells_at(self, state: Moment) -> dict[str, Texts]:
        color = self.look.theme.ink
        return {
            name: Texts(self.look, place, np.array([[grouped(number)]], object), SIZE, color)
            for name, place, number in zip(
                self.names, self.places, words_and_fma(self.schedule, state), strict=True
            )
        }
