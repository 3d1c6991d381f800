"""The same tile under two orders of its lanes, both counted."""

import numpy as np
from manim import Animation, VGroup

from scenes.global_to_shared import crops
from scenes.global_to_shared.loader import extent
from scenes.global_to_shared.places import LoadPlaces
from scenes.global_to_shared.plot import LoadStep
from scenes.global_to_shared.windows import Window, heading
from scenes.kit.amounts import plural
from scenes.kit.bars import HIGH, PITCH, Bars
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.motion import Relight, Swap
from scenes.kit.panel import PAD, Panel
from scenes.kit.type import Label
from tiling.for_scenes.loads import first_load
from tiling.for_scenes.orders import Order
from tiling.schedule import Schedule

ORDERS: tuple[Order, Order] = ("rows", "columns")
"""Lanes numbered along the rows of a tile, as the schedule does, and down its columns."""


class TwoOrders(VGroup):
    """The same part of A under both orders side by side, and a bar for each one's sectors: with
    those of B, where who reads which element of A says who reads which of B.

    `one`: the bars are for the first request alone.
    """

    def __init__(self, look: Look, schedule: Schedule, one: bool = False) -> None:
        super().__init__()
        rows, columns = (first_load(schedule, "A", order, 1) for order in ORDERS)
        self.loads = rows, columns
        direct = schedule.tiling.direct
        # The same groups in another order.
        self.edges = self.loads[0].turns.edges[: self.loads[0].told + 1]
        others = [first_load(schedule, "B", order, 1) for order in ORDERS] if direct else []
        self.rest = [other.count(other.turns.sectors) for other in others]
        a = [
            int(load.turns.sectors[0]) if one else load.count(load.turns.sectors)
            for load in self.loads
        ]
        self.totals = [sum(both) for both in zip(a, self.rest or (0, 0), strict=True)]
        self.windows: list[Window] = []
        self.step = LoadStep()
        self.counted, self.whole = 0, False  # what the bars count: elements of A, and all of B
        places = LoadPlaces(look)
        names, first, what = (
            ("along its rows", "down its columns"),
            "turn of a warp",
            "one request, lanes" if one else "A's tile, lanes",
        )
        if direct:
            names, first, what = ("along rows of C", "down columns of C"), "request", "lanes"
        reach = self._reach()
        here = places.memory, places.shared
        for load, panel, name in zip(self.loads, here, names, strict=True):
            crop = crops.fine(load, places.grid(panel), reach)
            window = Window(look, load, crop)
            self.windows.append(window)
            words = extent(crop, load.shape)
            told = f"lanes {name}; outlined: one {first}"
            self.add(
                window,
                heading(
                    look,
                    "A",
                    "A",
                    told,
                    panel.x + PAD,
                    places.title(panel),
                ),
                Label(look, words, panel.x + PAD, places.foot(panel), LABEL, look.theme.muted),
            )
        sizes = places.sizes(str(schedule.gemm))
        self.add(Panel(look, places.shared, "GLOBAL MEMORY", sizes))
        labels = [f"{what} {name}" for name in names]
        room = places.strip
        free = room.h - min(PITCH, room.h / 2) - HIGH
        box = Box(room.x + 4, room.y + free / 2, room.w - 8, room.h)
        self.bars = Bars(look, box, labels, max(self.totals), self._count, parts=("A", "B"))
        self.add(self.bars)

    def _reach(self) -> tuple[int, int]:
        """How many rows and columns of the tile one turn of a warp spans, in either order."""
        first = int(self.edges[1])
        row, col = self.loads[0].schedule.origin("A")
        down = max(int(load.row[:first].max()) - row + 1 for load in self.loads)
        right = max(int(load.col[:first].max()) - col + 1 for load in self.loads)
        return down, right

    def _count(self, sectors: float) -> str:
        return plural(int(sectors), "sector") if sectors else ""

    def to(self, step: LoadStep, turns: int, whole: bool = False) -> list[Animation]:
        """The way of both to a step, and of the bars to what so many turns have touched, and with
        the `whole` also B's."""
        moves: list[Animation] = []
        for window in self.windows:
            for name, patch in window.patches_at(step).items():
                here = window.patches[name]
                lit = name == "sectors"
                if not np.array_equal(here.points, patch.points):
                    moves.append(Relight(here, patch, (0, 1)) if lit else Swap(here, patch, 0.3))
            for name, cells in window.cells_at(step).items():
                moves.append(Swap(window.cells[name], cells, 0.3))
        self.step, self.counted, self.whole = step, int(self.edges[turns]), whole
        counts = [{"A": float(load.turns.sectors[:turns].sum())} for load in self.loads]
        for parts, rest in zip(counts, self.rest, strict=False):
            parts["B"] = float(rest if whole else 0)
        return [*moves, *self.bars.moves(counts)]
