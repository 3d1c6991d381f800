"""The threads load together, and neighbours load neighbours."""

from itertools import pairwise

from manim import VGroup

from scenes.global_to_shared.loader import Loader
from scenes.global_to_shared.places import LoadPlaces
from scenes.global_to_shared.plot import LoadStep
from scenes.global_to_shared.reading import Reading
from scenes.global_to_shared.two_orders import TwoOrders
from scenes.global_to_shared.words import (
    OfTile,
    OfValues,
    first_lanes,
    first_request,
    first_sectors,
    totals,
)
from scenes.kit.motion import Pulse, exchange
from scenes.kit.panel import Panel
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import FRAME, evenly, to_read
from tiling.for_scenes.one_thread import THREAD
from tiling.layout import arrangement
from tiling.presets import choose
from tiling.shapes import WARP

FEW = 3
"""Lanes that are shown one by one."""

APART = 4
"""Turns up to which each is shown by itself."""

HOPS = 4
"""Plays in which the turns between the second and the last go by, if there are more."""


class GlobalToShared(TilingScene):
    """The loads of the first k-tile: A slowly, B quickly, the barrier; then A's lanes turned.

    Without shared memory: what threads read at the first k for themselves, and again at the next.
    """

    def construct(self) -> None:
        self.plan = self.choice.schedule()
        places, direct = LoadPlaces(self.look), self.plan.tiling.direct
        self.a, self.b = (Loader(self.look, self.plan, operand) for operand in ("A", "B"))
        loads = self.a.load, self.b.load
        self.words = OfValues(self.plan, *loads) if direct else OfTile(self.plan, *loads)
        name, sizes = self.words.target
        self.memory = Panel(
            self.look, places.memory, "GLOBAL MEMORY", places.sizes(str(self.plan.gemm))
        )
        self.target = Panel(self.look, places.shared, name, places.sizes(sizes))
        self.on_right = VGroup(self.target, self.a.target, self.b.target)
        self.add(self.memory, self.a.source, self.a.strip, self.on_right)

        opening = self.words.opening()
        self.say(*opening)
        self.hold(to_read(opening.text))
        self._ask()
        self._land()
        self._go_on()
        self.reading = VGroup()
        if isinstance(self.words, OfValues):
            self._again(self.words)
        elif self.plan.tiling.tm > 1:
            self._read()
        self._load_b()
        if not direct:
            self._wait()
        self._compare()
        self._close(opening.text)

    def _ask(self) -> None:
        """The first turn: a few lanes one by one, then the rest; and the sectors they share."""
        load, vector = self.a.load, self.plan.tiling.request("A")
        edges = load.turns.edges
        self.say(self.words.order(), "lanes in order", first_lanes(load))
        first = int(edges[1])
        stops = [vector * i for i in range(1, FEW + 1) if vector * i < first]
        for stop, seconds in zip([*stops, first], (0.8, 0.6, 0.6, 1.0), strict=False):
            self.play_for(seconds, *self.a.to(LoadStep(stop), ask=(0.1, 0.8)))

        self.say(first_request(load), "sectors", first_sectors(load))
        self.play_for(1.4, *self.a.to(LoadStep(first, lit=True), light=(0.2, 0.8)))
        self.hold(0.4)

    def _land(self) -> None:
        """The first turn's elements land: for As those of one row first, then the rest."""
        load = self.a.load
        first = int(load.turns.edges[1])
        one_row = load.span(0, first) & (load.row == load.row[0])
        stops = sorted({int(one_row.sum()), first})
        self.say(*self.words.landing())
        hangs = not load.inside[:first].all()
        for stop in stops:
            if hangs and stop == first:
                self.say(*self.words.zeros())
            step = LoadStep(first, lit=True, landed=stop)
            self.play_for(1.6, *self.a.to(step, land=(0.05, 0.9)))

    def _go_on(self) -> None:
        """The other turns of all warps, the last one by itself."""
        load = self.a.load
        if load.told > 1:
            shows = f"{totals(load)}; lanes that take no part are grey."
            self.say(self.words.turn_by_turn(), "turn by turn", shows)
            self._turns(self.a, 1, 1.2)
        self.play_for(0.6, *self.a.to(LoadStep(load.done, load.done, landed=load.done)))

    def _turns(self, loader: Loader, first: int, seconds: float) -> None:
        """All turns from `first` on: few one by one, of many those in the middle together."""
        edges = loader.load.turns.edges
        for begin, end in hops(first, loader.load.told):
            since, asked = int(edges[begin]), int(edges[end])
            step = LoadStep(asked, since, lit=True, landed=asked)
            if end - begin == 1:
                ways = {"ask": (0, 0.4), "light": (0, 0.6), "land": (0.55, 0.95)}
                self.play_for(seconds, *loader.to(step, **ways))
            else:
                self.play_for(0.6, *loader.to(step, land=(0.1, 0.95)))

    def _read(self) -> None:
        """Why As is turned: what a thread reads at one k are neighbours."""
        tm = self.plan.tiling.tm
        self.reading = reading = Reading(self.look, self.a, LoadPlaces(self.look).strip)
        groups = tm // arrangement(self.plan.tiling).rows.quad
        where = "neighbours" if groups == 1 else f"{groups} groups of neighbours"
        text = f"Why transposed? Thread {THREAD} reads {tm} rows at one k: {where}"
        self.say(text, "why transposed", self._reads(reading))
        # The numbers are words now, no lanes.
        bare = self.a.renumber(False)
        self.play_for(1.0, *bare, *exchange([self.a.strip], [self.reading]))
        self.hold(to_read(text) - 1.0)

    def _reads(self, reading: Reading) -> str:
        as_it_is, kept = (", ".join(map(str, w[:8])) for w in reading.words)
        loaded = ", ".join(map(str, reading.loaded[:8]))
        return (
            f"At k = 0 thread {THREAD} reads words {as_it_is} of As. Threads {loaded} loaded them: "
            f"who loads is not who computes. Had A kept its shape, "
            f"they would be words {kept}. Outlined in A they stand one below the other."
        )

    def _again(self, words: OfValues) -> None:
        """The second k, if there is one."""
        load = self.a.load
        if load.size > load.done:
            again = words.again()
            self.say(*again)
            step = LoadStep(load.size, load.done, lit=True, landed=load.done)
            self.play_for(1.4, *self.a.to(step, light=(0.3, 0.9)))
            self.hold(to_read(again.text) - 1.4)

    def _load_b(self) -> None:
        """B as it lies, quickly."""
        b, strip = self.b, self.reading if len(self.reading) else self.a.strip
        shows = f"The window now shows B. {totals(b.load)}."
        self.say(self.words.other(), "B", shows)
        parts = exchange([self.a.source, strip], [b.source, b.strip])
        self.play_for(0.8, *parts, *self.a.renumber(True))
        # Of values the caption tells of the first request: it stays a little.
        self._turns(b, 0, 1.6 if self.plan.tiling.direct else 0.8)

    def _wait(self) -> None:
        text = "Barrier: nobody reads before all have written"
        if self.plan.tiling.asynchronous:
            text = "Each waits for its own copies; then a barrier, for those of all"
        self.say(text, "barrier", "The border of shared memory lights up.")
        done = self.b.load.size
        border = Pulse(self.target.border, self.look.theme.ink, 6)
        self.play_for(1.2, border, *self.b.to(LoadStep(done, done, landed=done)))
        self.hold(to_read(text) - 1.2)

    def _compare(self) -> None:
        """The same tile with lanes numbered down its columns, beside it, and both counted."""
        self.orders = TwoOrders(self.look, self.plan)
        orders = self.orders
        self.say(*self.words.columns(self.look.aspect == "tall"))
        self.play_for(1.0, *exchange([self.b.source, self.b.strip, self.on_right], [orders]))
        vector, first = self.plan.tiling.request("A"), int(orders.edges[1])
        for stop in [*(vector * i for i in range(1, FEW + 2) if vector * i < first), first]:
            self.play_for(0.4, *orders.to(LoadStep(stop), 0))
        text = self.words.first(*orders.loads)
        self.say(text)
        self.play_for(1.2, *orders.to(LoadStep(first, lit=True), 1))
        self.poster_at = self.now
        self.hold(to_read(text) - 1.2)
        count = len(orders.edges) - 1
        if count > 1 or orders.rest:
            self.say(*self.words.whole(*orders.loads, *orders.totals))
            for begin, end in hops(1, count) or [(0, 1)]:
                step = LoadStep(int(orders.edges[end]), int(orders.edges[begin]), True)
                self.play_for(0.8, *orders.to(step, end, whole=True))

    def _close(self, opening: str) -> None:
        """What it comes to, or for a toy what it comes to in the real thing; then the start."""
        good, bad = self.orders.totals
        toy = self.plan.tiling.threads < WARP and not self.plan.tiling.direct
        if not toy or good >= bad:  # else the real thing says it
            closing = self.words.closing(good, bad)
            self.say(closing, "result")
            self.hold(to_read(closing))
        last = self._real() if toy else self.orders
        self.say(opening)
        for loader in self.a, self.b:
            loader.settle(LoadStep())
        first = [self.a.source, self.a.strip, self.on_right]
        if self.memory not in self.mobjects:
            first.append(self.memory)
        self.play_for(1.0, *exchange([last], first))
        self.wait(FRAME)

    def _real(self) -> VGroup:
        """One request of the real thing in both orders; and what is in the picture then."""
        real = choose("sgemm", None, {"block": "0,0"}).schedule()
        places, orders = LoadPlaces(self.look), TwoOrders(self.look, real, one=True)
        sizes = places.sizes(f"{real.gemm} in {real.tiling}")
        picture = VGroup(Panel(self.look, places.memory, "GLOBAL MEMORY", sizes), orders)
        good, bad = orders.totals
        text = f"Neighbours load neighbours: {good} sectors a request in SGEMM, not {bad}"
        self.say(
            text,
            "in a real SGEMM",
            f"Two windows on A's tile again, of {real.gemm} in {real.tiling}. One request of a "
            f"warp, with its lanes along {good} rows of the tile, each of them one sector; with "
            f"its lanes down a column, {bad} rows.",
        )
        self.play_for(0.8, *exchange([self.orders, self.memory], [picture]))
        first = int(orders.edges[1])
        self.play_for(1.2, *orders.to(LoadStep(first, lit=True), 1))
        self.hold(to_read(text) - 1.0)
        return picture


def hops(first: int, end: int) -> list[tuple[int, int]]:
    """(first turn, behind the last) of each play: the second and the last turn by themselves."""
    if end - first <= APART:
        return [(turn, turn + 1) for turn in range(first, end)]
    return list(pairwise([first, *evenly(first + 1, end - 1, HOPS), end]))
