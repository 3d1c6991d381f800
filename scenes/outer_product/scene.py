"""One column times one row makes a whole tile of products."""

from manim import Animation, VMobject

from scenes.kit.bars import Bars, Parts
from scenes.kit.look import Box, Look
from scenes.kit.motion import Jump, Move, exchange
from scenes.kit.panel import PAD, Panel
from scenes.kit.shot import Act
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import FRAME
from scenes.outer_product.counters import ThreadCounters
from scenes.outer_product.growth import Growth
from scenes.outer_product.places import outer_product_places
from scenes.outer_product.shots import (
    Compare,
    Fetch,
    Go,
    Larger,
    Multiply,
    Read,
    Restart,
    first_k_tile,
    shots,
)
from scenes.outer_product.slices import Slices
from scenes.outer_product.thread import Thread
from tiling.for_scenes.numbers import thread_values
from tiling.for_scenes.one_thread import THREAD, Dot, Moment
from tiling.for_scenes.reuse import dot_words_per_fma, ways
from tiling.layout import AB
from tiling.schedule import Fragments
from tiling.state import state_at


class OuterProduct(TilingScene):
    """One thread in one k-tile: dot products, then outer products, then larger thread tiles."""

    def construct(self) -> None:
        look, places = self.look, outer_product_places(self.look)
        self.schedule = first_k_tile(self.choice)
        self.values = thread_values(self.schedule, THREAD)
        self.slices = Slices(look, places, self.schedule, self.values)
        self.thread = Thread(look, places, self.schedule)
        self.counters = ThreadCounters(look, places.counters, self.schedule)
        tiling = self.schedule.tiling
        self.ways, self.grown = ways((tiling.tm, tiling.tn)), list[str]()
        self.growth = Growth(look, places.panels["growth"], self.ways)
        self.near: list[VMobject] = [self.slices, self.thread, self.counters]
        self.far: list[VMobject] = [self.growth]
        panel, self.bars = self._panel(places.panels["bars"])
        self.add(panel, self.bars, *self.near)
        self.compared = self.bars
        if look.aspect == "tall":  # beside larger tiles there is more room for bars
            self.near += [panel, self.bars]
            panel, self.compared = self._panel(places.panels["compared"])
            self.far += [panel, self.compared]
        self._settle(Dot())
        self.tell(shots(self.schedule, self.values))

    def act(self, act: Act) -> None:
        match act:
            case Fetch(seconds, after):
                told = self.thread.fetches(self.slices, after)
                moves = self.counters.moves(after, 0.9)
                self._play(after, seconds, *self._lit(after), *told, *moves)
            case Go(seconds, moment):
                self._play(moment, seconds, *self._moves(moment))
            case Read(seconds, step):
                self._read(step, seconds)
            case Multiply(seconds, step):
                self._multiply(step, seconds)
            case Compare(seconds, name):
                self._compare(name, seconds)
            case Larger(seconds):
                self.growth.settle(self.grown)
                self.compared.settle(self._bars_now())
                self.play_for(seconds, *exchange(self.near, self.far))
            case Restart(seconds):
                self._restart(seconds)

    def _restart(self, seconds: float) -> None:
        self.grown.clear()
        self._settle(Dot())
        nothing, back = self._bars_now(), list[Animation]()
        if self.bars is self.compared:
            back = self.bars.moves(nothing, 0)
        else:
            self.bars.settle(nothing)
        self._play(Dot(), seconds, *exchange(self.far, self.near), *back)
        self.bars.settle(nothing)
        self.wait(FRAME)

    def _play(self, after: Moment, seconds: float, *animations: Animation) -> None:
        self.moment = after
        self.play_for(seconds, *animations)
        self._settle(after)

    def _settle(self, moment: Moment) -> None:
        self.moment = moment
        for part in self.slices, self.thread, self.counters:
            part.settle(moment)

    def _moves(self, moment: Moment, swap: float = 0.5) -> list[Animation]:
        parts = self.slices, self.thread, self.counters
        return [move for part in parts for move in part.moves(moment, swap)]

    def _read(self, step: int, seconds: float) -> None:
        after, event = state_at(self.schedule, step), self.schedule.events[step - 1]
        assert isinstance(event, Fragments)
        here = {operand: self.slices.fragment(operand, event.k) for operand in AB}
        told = self.thread.reads(here, after)
        self._play(after, seconds, *self._lit(after), *told, *self.counters.moves(after, 0.9))

    def _multiply(self, step: int, seconds: float) -> None:
        after, acc = state_at(self.schedule, step), self.thread.slabs["acc"]
        told = [*self.thread.multiplies(after), Move(acc, self.thread.poses(after)["acc"])]
        self._play(after, seconds, *self._lit(after), *told, *self.counters.moves(after, 0.6))

    def _lit(self, after: Moment) -> list[Animation]:
        """What is read lights up before it travels."""
        poses = self.slices.poses(after)
        return [Jump(self.slices.slabs[name], pose, (0, 0.3)) for name, pose in poses.items()]

    def _compare(self, name: str, seconds: float) -> None:
        self.grown.append(name)
        products, bars = list[Animation](), self.bars
        if self.growth in self.mobjects:
            products, bars = self.growth.multiplies(self.grown), self.compared
        self.play_for(seconds, *products, *bars.moves(self._bars_now(), 0.9))
        bars.settle(self._bars_now())

    def _panel(self, panel: Box) -> tuple[Panel, Bars]:
        bars = _bars(self.look, panel, [way.name for way in self.ways])
        return Panel(self.look, panel, "WORDS READ PER FMA", ""), bars

    def _bars_now(self) -> list[Parts]:
        return [
            {part: words if way.name in self.grown else 0.0 for part, words in way.words.items()}
            for way in self.ways
        ]


def _bars(look: Look, panel: Box, labels: list[str]) -> Bars:
    box = Box(panel.x + PAD, panel.y + 92, panel.w - 2 * PAD, panel.h - 92 - PAD)
    most = sum(dot_words_per_fma().values())
    return Bars(look, box, labels, most, lambda value: f"{value:.3g}" if value else "")
