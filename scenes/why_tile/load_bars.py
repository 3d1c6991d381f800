"""Both schedules' loads side by side, and their ratio."""

from manim import Animation

from scenes.kit.amounts import amount
from scenes.kit.bars import BarPanel, Bars, Parts
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.motion import Fade
from scenes.kit.panel import LINE, PAD, Panel
from scenes.kit.type import Label, width_of
from scenes.why_tile.shots import Seen, times
from tiling.for_scenes.naive import is_naive
from tiling.layout import AB
from tiling.schedule import Schedule
from tiling.shapes import dims
from tiling.traffic import naive_requested


class LoadBars(BarPanel[Seen]):
    """A bar for each schedule, and large below them how many times as many."""

    def __init__(self, look: Look, box: Box, plan: Schedule) -> None:
        wide, tiling, ink = look.aspect == "wide", plan.tiling, look.theme.ink
        panel = Panel(look, box, "LOADED FROM GLOBAL MEMORY", "elements")
        top, pitch, large = (76, 124, 96) if wide else (100, 88, 72)
        inner = Box(box.x + PAD, box.y + top, box.w - 2 * PAD, 2 * pitch)
        name = f"in {dims(tiling.bm, tiling.bn, tiling.bk)} tiles"
        if tiling.direct:
            thread = f"in {dims(tiling.tm, tiling.tn)} thread tiles"
            name = "this kernel" if is_naive(tiling) else thread
        most = naive_requested(plan.gemm)
        super().__init__(look, panel, Bars(look, inner, ["without tiles", name], most, _write))
        text, base = f"{times(plan)}×", box.bottom - PAD - 4
        beside = inner.x + width_of(text, large, weight="SEMIBOLD") + 24
        lines = ("as many loads without tiles", base - LINE), ("loads, not time", base)
        self.ratio = [Label(look, text, inner.x, base, large, ink, weight="SEMIBOLD")]
        self.ratio += [
            Label(look, line, beside, y, LABEL + 2, look.theme.muted) for line, y in lines
        ]
        self.add(*self.ratio)

    def parts(self, state: Seen) -> list[Parts]:
        return [
            {op: float(one.loaded(op)) if one else 0.0 for op in AB}
            for one in (state.naive, state.tiled)
        ]

    def settle(self, state: Seen) -> None:
        super().settle(state)
        for label in self.ratio:
            label.set_fill(opacity=float(state.ratio))

    def moves(self, state: Seen, swap: float = 0.5) -> list[Animation]:
        hidden = [label for label in self.ratio if not label.get_fill_opacity()]
        come = [Fade(label, appear=True) for label in hidden] if state.ratio else []
        return [*super().moves(state, swap), *come]


def _write(elements: float) -> str:
    """In its own units, whatever the bar's scale."""
    return amount(int(elements)).strip()
