"""One thread, or thread tiles side by side; and the loads of each."""

from scenes.kit.bars import BarPanel, Bars, Parts
from scenes.kit.board import StateBoard
from scenes.kit.figure import Figure
from scenes.kit.look import Box, Look
from scenes.kit.panel import PAD, Panel
from scenes.outer_product.counters import ThreadCounters
from scenes.outer_product.growth import Growth
from scenes.outer_product.places import outer_product_places
from scenes.outer_product.shots import OneThread
from scenes.outer_product.slices import Slices
from scenes.outer_product.thread import Thread
from tiling.for_scenes.reuse import Way, dot_loads_per_fma, ways
from tiling.schedule import Schedule


class LoadsPerFma(BarPanel[OneThread]):
    """A bar for each way to make results."""

    def __init__(self, look: Look, box: Box, compared: list[Way]) -> None:
        self.compared = compared
        inner = Box(box.x + PAD, box.y + 92, box.w - 2 * PAD, box.h - 92 - PAD)
        names, most = [way.name for way in compared], sum(dot_loads_per_fma().values())
        bars = Bars(look, inner, names, most, lambda value: f"{value:.3g}" if value else "")
        super().__init__(look, Panel(look, box, "LOADS PER FMA", ""), bars)

    def parts(self, state: OneThread) -> list[Parts]:
        return [
            {part: each * (way.name in state.grown) for part, each in way.loads.items()}
            for way in self.compared
        ]


class ThreadBoard(StateBoard[OneThread]):
    """The first k-tile of the thread that is followed."""

    def __init__(self, look: Look, plan: Schedule) -> None:
        self.look, places = look, outer_product_places(look)
        compared = ways((plan.tiling.tm, plan.tiling.tn))
        self.slices = Slices(look, places, plan)
        self.thread = Thread(look, places, plan, self.slices.corner)
        self.counters = ThreadCounters(look, places.counters, plan)
        self.growth = Growth(look, places.panels["growth"], compared)
        self.bars = LoadsPerFma(look, places.panels["bars"], compared)
        super().__init__(OneThread())

    def figures(self, state: OneThread) -> list[Figure[OneThread]]:
        """In tall thread tiles come above the registers, in wide in place of them."""
        if not state.tiles:
            return [self.slices, self.thread, self.counters, self.bars]
        stays = [self.thread, self.counters] if self.look.aspect == "tall" else []
        return [self.growth, *stays, self.bars]
