"""Both schedules' requests side by side, and their ratio."""

import numpy as np
from manim import Animation

from scenes.kit.amounts import WHOLE, amount, grouped
from scenes.kit.bars import HIGH, Bars, Parts
from scenes.kit.figure import Figure
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.panel import LINE, PAD, Panel
from scenes.kit.type import ADVANCE, CAP, Label, Texts, width_of, wrap
from scenes.why_tile.matrices import Seen
from tiling.for_scenes.naive import is_naive
from tiling.for_scenes.tally import Count
from tiling.layout import AB
from tiling.schedule import Schedule
from tiling.shapes import dims
from tiling.traffic import Traffic, bytes_of, naive_requested

LARGE = {"wide": 88, "tall": 64}
"""Design pixels of the ratio."""

BARS = {"wide": 112, "tall": 88}
"""Design pixels from one bar to the other."""


class Totals(Figure[Seen]):
    """Both schedules' requests as bars, and what that is for an element and for a result."""

    ROWS = ("per element of A", "per element of B", "per result")

    def __init__(self, look: Look, box: Box, schedule: Schedule, start: Seen) -> None:
        super().__init__(look)
        theme, wide = look.theme, look.aspect == "wide"
        most = naive_requested(schedule.gemm)
        self.bytes = most >= WHOLE
        unit = "bytes" if self.bytes else "elements"
        self.panel = Panel(look, box, "REQUESTED FROM GLOBAL MEMORY", unit)
        self.large, pitch = LARGE[look.aspect], BARS[look.aspect]
        inner, top = box.inset(PAD, 0), box.y + (76 if wide else 100)
        bars = Box(inner.x, top, inner.w, 2 * pitch)
        tiling = schedule.tiling
        name = f"in {dims(tiling.bm, tiling.bn, tiling.bk)} tiles"
        if tiling.direct:
            thread = f"in {dims(tiling.tm, tiling.tn)} thread tiles"
            name = "this kernel" if is_naive(tiling) else thread
        names = ["without tiles", name]
        self.bars = Bars(look, bars, names, most, self.write)
        self.add(self.panel, self.bars)
        head = top + pitch + HIGH + (46 if wide else 32)
        width = inner.w if wide else 0.66 * inner.w
        self.columns = [inner.x + width * 0.76, inner.x + width]
        self.lines = [head + LINE * 1.15 * (i + 1) for i in range(len(self.ROWS))]
        heads = "without", "here" if is_naive(tiling) else "tiles"
        for x, word in zip(self.columns, heads, strict=True):
            self.add(Label(look, word, x, head, LABEL, theme.muted, "right"))
        inks = theme.ink_of["A"], theme.ink_of["B"], theme.ink_of["C"]
        for y, word, ink in zip(self.lines, self.ROWS, inks, strict=True):
            self.add(Label(look, word, inner.x, y, LABEL + 2, ink))
        # Where the ratio will stand.
        self.ratio_at = (
            (inner.x, self.lines[-1] + 108) if wide else (inner.x + width + 40, head + 28)
        )
        self.room = inner.w if wide else inner.right - self.ratio_at[0]
        self.add_cells(self.cells_at(start))
        self.settle(start)

    def ratio(self, counts: Traffic) -> list[Label]:
        """How many times as many elements are requested without tiles, large, and what it means."""
        theme, (x, y) = self.look.theme, self.ratio_at
        text = times(counts) + "×"
        large = Label(self.look, text, x, y, self.large, theme.ink, weight="SEMIBOLD")
        words, note = "as many requests without tiles", "requests of threads, not time"
        if self.look.aspect == "wide":
            left = x + width_of(text, self.large, weight="SEMIBOLD") + 24
            lines = wrap(words, LABEL + 4, self.room - (left - x))
            said = [(line, left, y - LINE * (len(lines) - 1 - i)) for i, line in enumerate(lines)]
            beside = x, y + 1.6 * LINE, "left"
        else:
            lines = wrap(words, LABEL, self.room)
            said = [(line, x, y + LINE * (1.1 + 0.9 * i)) for i, line in enumerate(lines)]
            # No room is left under it, but there is beside the panel's heading.
            beside = x + self.room, self.panel.box.y + PAD + CAP * LABEL + LINE, "right"
        size = LABEL + 4 if self.look.aspect == "wide" else LABEL
        small = [Label(self.look, *line, size, theme.muted) for line in said]
        small.append(Label(self.look, note, *beside[:2], LABEL, theme.muted, beside[2]))
        return [large, *small]

    def write(self, elements: float) -> str:
        """A number of elements as it is shown, in bytes where they are too many to add up."""
        return (
            amount(bytes_of(int(elements))) + "B" if self.bytes else amount(int(elements)).strip()
        )

    def parts(self, state: Seen) -> list[Parts]:
        counts = state.naive, state.tiled
        return [{op: float(one.requested(op)) if one else 0.0 for op in AB} for one in counts]

    def cells_at(self, state: Seen) -> dict[str, Texts]:
        shown = {}
        for column, one in enumerate((state.naive, state.tiled)):
            texts = self.texts(one)
            for row, text in enumerate(texts):
                size = LABEL + 2
                width = len(text) * ADVANCE * size
                y, x = self.lines[row] - CAP * size, self.columns[column] - width
                place = Box(x, y, width, CAP * size)
                cell = np.array([[text]], object)
                shown[f"{column} {row}"] = Texts(self.look, place, cell, size, self.look.theme.ink)
        return shown

    def texts(self, one: Count | None) -> list[str]:
        """How often an element of A and one of B has been requested, and elements per result."""
        if one is None:
            return ["", "", ""]
        result = one.done.per_result
        each = "" if np.isnan(result) else f"{result:.3g}"
        if result >= 1000:
            each = grouped(round(result))
        return [*(grouped(one.most(op)) if one.most(op) else "" for op in AB), each]

    def settle(self, state: Seen) -> None:
        super().settle(state)
        self.bars.settle(self.parts(state))

    def moves(self, state: Seen, swap: float = 0.5) -> list[Animation]:
        return [*super().moves(state, swap), *self.bars.moves(self.parts(state), swap)]


def times(counts: Traffic) -> str:
    """How many times as many elements are requested without tiles."""
    return f"{counts.times_naive:.3g}"
