"""What the thread has loaded and made, in numbers."""

import numpy as np

from scenes.kit.amounts import grouped
from scenes.kit.figure import Figure
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.panel import LINE
from scenes.kit.type import ADVANCE, CAP, MONO, Label, Texts
from scenes.outer_product.shots import OneThread, memory_of
from tiling.for_scenes.one_thread import Dot, extent_inside, loads_and_fma
from tiling.schedule import Schedule

SIZE = LABEL + 4
"""Design pixels of the letters."""


class ThreadCounters(Figure[OneThread]):
    """Elements that the thread has loaded, and its multiply-adds; none past an edge counts."""

    def __init__(self, look: Look, box: Box, schedule: Schedule) -> None:
        super().__init__(look)
        self.schedule = schedule
        rows, cols, _ = extent_inside(schedule)
        self.names = f"loads from {memory_of(schedule.tiling)} memory", "multiply-adds (FMA)"
        longest = max(len(grouped(n)) for n in loads_and_fma(schedule, Dot(rows * cols)))
        self.places, x, y = [], box.x, box.y + 6
        for name in self.names:
            width = (len(name) + 1) * ADVANCE * SIZE
            if x + width + longest * ADVANCE * SIZE > box.right:  # in tall on a line of its own
                x, y = box.x, y + LINE
            self.add(Label(look, name, x, y + CAP * SIZE, SIZE, look.theme.muted, font=MONO))
            self.places.append(Box(x + width, y, longest * ADVANCE * SIZE, CAP * SIZE))
            x += width + (longest + 3) * ADVANCE * SIZE
        self.add_cells(self.cells_at(OneThread()))

    def cells_at(self, state: OneThread) -> dict[str, Texts]:
        numbers, color = loads_and_fma(self.schedule, state.moment), self.look.theme.ink
        return {
            name: Texts(self.look, place, np.array([[grouped(number)]], object), SIZE, color)
            for name, place, number in zip(self.names, self.places, numbers, strict=True)
        }
