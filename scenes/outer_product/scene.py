"""One column times one row makes a whole tile of products."""

from manim import Animation, VMobject

from scenes.kit.amounts import grouped
from scenes.kit.bars import Bars, Parts
from scenes.kit.look import Box, Look
from scenes.kit.motion import Move, exchange
from scenes.kit.panel import PAD, Panel
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import FRAME, evenly, to_read
from scenes.outer_product.counters import ThreadCounters
from scenes.outer_product.growth import Growth
from scenes.outer_product.places import outer_product_places
from scenes.outer_product.slices import Slices, matrices_of, memory_of
from scenes.outer_product.thread import Thread
from tiling.fma import Floats
from tiling.for_scenes.numbers import thread_values
from tiling.for_scenes.one_thread import THREAD, Dot, Moment, words_and_fma
from tiling.for_scenes.reuse import SQUARES, dot_words_per_fma, larger_is_better, ways
from tiling.layout import AB
from tiling.schedule import Fragments, schedule
from tiling.shapes import Gemm, dims
from tiling.state import state_at
from tiling.traffic import traffic


class OuterProduct(TilingScene):
    """One thread in one k-tile: dot products, then outer products, then larger thread tiles."""

    def construct(self) -> None:
        whole, look = self.choice.schedule(), self.look
        self.tiling = whole.tiling.plain()  # when the fragments are read is not the point here
        # The first k-tile alone: its numbers may be larger than where all of K is summed.
        gemm = Gemm(whole.gemm.m, whole.gemm.n, min(whole.gemm.k, self.tiling.bk))
        self.schedule = schedule(gemm, self.tiling, whole.cta)
        places = outer_product_places(look)
        self.values = thread_values(self.schedule, THREAD)
        self.slices = Slices(look, places, self.schedule, self.values)
        self.thread = Thread(look, places, self.schedule)
        self.counters = ThreadCounters(look, places.counters, self.schedule)
        self.ways, self.grown = ways((self.tiling.tm, self.tiling.tn)), list[str]()
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

        opening = f"One thread makes {self._results()}: how many values must it read?"
        self.say(opening, "start", self._setting())
        self.hold(to_read(opening))
        self._dot_products()
        self._outer_products()
        self._larger_tiles()
        self.say(opening)
        self.grown.clear()
        self._settle(Dot())
        nothing, back = self._bars_now(), list[Animation]()
        if self.bars is self.compared:
            back = self.bars.moves(nothing, 0)
        else:
            self.bars.settle(nothing)
        self._play(Dot(), 1.0, *exchange(self.far, self.near), *back)
        self.bars.settle(nothing)
        self.wait(FRAME)

    def _dot_products(self) -> None:
        """The first result k by k, the others faster, as they come."""
        count = self.tiling.tm * self.tiling.tn
        text = "One by one: each a dot product, a row of A times a column of B"
        self.say(text, "dot products", self._dots_in_words())
        for k in range(self.tiling.bk):
            reading, added = Dot(0, k, k), Dot(0, k + 1, k)
            if k == 0:
                self._fetch(reading, 1.2)
                self._go(added, 0.8)
            elif k < 4:
                self._fetch(reading, 0.6)
                self._go(added, 0.4)
            elif k == self.tiling.bk - 1:
                self._go(added, 0.4)
        slow = min(count, 4)
        hops = [*range(1, slow), *evenly(slow - 1, count - 1, 5)[1:]]
        if count > 1:
            row = "row of A" if self.tiling.tn > 1 else "column of B"
            self.say(f"The next result reads the same {row} again")
        bk = self.tiling.bk
        for done in hops:
            if done == 2:
                self.say("So it goes on: a row and a column for each result")
            self._go(Dot(done, 0, None), 0.2)
            steps = evenly(0, bk, 4)[1:] if done == 1 else [bk]
            for k in steps:
                self._go(Dot(done, k, k - 1), 0.4 if done == 1 or count > slow else 0.8)
        words, fma = words_and_fma(self.schedule, Dot(count))
        but = "" if words == 2 * fma else ", none for zeros past an edge"
        self.say(f"{grouped(words)} words read for {grouped(fma)} FMA: two for each{but}")
        self._compare("dot product")

    def _outer_products(self) -> None:
        """All results at once: the first k in full, the others faster."""
        tm, tn, bk = self.tiling.tm, self.tiling.tn, self.tiling.bk
        text = "Instead read a column of A and a row of B, once for all results"
        if tm * tn == 1:
            text = "An outer product of one and one is one product: nothing is used twice"
        self.say(text, "outer product", self._outer_in_words())
        self._go(state_at(self.schedule, 0), 0.6)
        reads = [i for i, e in enumerate(self.schedule.events) if isinstance(e, Fragments)]
        self._read(reads[0] + 1, 1.6)
        words, fma = words_and_fma(self.schedule, state_at(self.schedule, reads[0] + 2))
        meets = f"{_each(tm, 'a')} meets {_each(tn, 'b')}: {fma} FMA, {words} words"
        self.say(meets[0].upper() + meets[1:])
        self._multiply(reads[0] + 2, 2.0)
        if bk > 1:
            self.say(f"So for each of the {bk} k of the tile: the products add up")
        slow = reads[1:4] if bk <= 8 else reads[1:3]
        for step in slow:
            self._read(step + 1, 0.8)
            self._multiply(step + 2, 0.8)
        rest = reads[1 + len(slow) :]
        for i in evenly(0, len(rest), 5)[1:]:
            self._go(state_at(self.schedule, rest[i - 1] + 2), 0.4)
        words, fma = words_and_fma(self.schedule, state_at(self.schedule, reads[-1] + 2))
        self.say(f"{grouped(words)} words read for {grouped(fma)} FMA, the same results")
        self._compare(f"outer {dims(tm, tn)}")

    def _larger_tiles(self) -> None:
        """The same count for larger thread tiles, and what they cost."""
        larger = "larger" if larger_is_better(self.ways) else "larger and squarer"
        text = f"The {larger} the thread tile, the more often each value is used"
        self.say(text, "larger tiles", self._bars_in_words())
        self.growth.settle(self.grown)
        self.compared.settle(self._bars_now())
        self.play_for(1.0, *exchange(self.near, self.far))
        for way in self.ways:
            self._compare(way.name)
        self.poster_at = self.now
        side = SQUARES[-1]
        way = next(way for way in self.ways if way.tile == (side, side))
        held = traffic(schedule(self.schedule.gemm, way.tiling)).accumulators
        closing = (
            f"{dims(side, side)} a thread: {way.read} words for {way.made} FMA, "
            f"and {held} accumulators to hold"
        )
        self.say(closing)
        self.hold(to_read(closing) + 0.4)

    # How the picture goes on

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

    def _go(self, after: Moment, seconds: float) -> None:
        self._play(after, seconds, *self._moves(after))

    def _fetch(self, after: Dot, seconds: float) -> None:
        told = self.thread.fetches(self.slices, after)
        self._play(after, seconds, *self._lit(after), *told, *self.counters.moves(after, 0.9))

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
        return [Move(self.slices.slabs[name], pose, (0, 0.3)) for name, pose in poses.items()]

    def _compare(self, label: str) -> None:
        """Let one more bar grow, and if it is seen the products of its thread tile."""
        if label in self.grown:
            return
        self.grown.append(label)
        products, bars = list[Animation](), self.bars
        if self.growth in self.mobjects:
            products, bars = self.growth.multiplies(self.grown), self.compared
        seconds = 1.2 if products else 0.8
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

    # In words

    def _results(self) -> str:
        tm, tn = self.tiling.tm, self.tiling.tn
        return f"{dims(tm, tn)} results" if tm * tn > 1 else "one result"

    def _setting(self) -> str:
        tm, tn, bk = self.tiling.tm, self.tiling.tn, self.tiling.bk
        a, b = matrices_of(self.tiling)
        return (
            f"Three panels. {memory_of(self.tiling).capitalize()} memory: {tm} rows of {a} and "
            f"{tn} columns of {b}, those of thread {THREAD}, at the {bk} k of a k-tile. {a} is "
            + "; ".join(_list(row) for row in self.values.a.T)
            + f", row by row, and {b} is "
            + "; ".join(_list(row) for row in self.values.b)
            + f". Registers of thread {THREAD}: {tm} values of a, {tn} of b, {tm * tn} "
            "accumulators. And bars, empty still: words read for each FMA."
        )

    def _dots_in_words(self) -> str:
        sums = self.values.acc[:, 0, 0]
        return (
            "The first result: at each k one value of a and one of b travel to the registers, and "
            f"their product is added: {_list(sums)}."
        )

    def _outer_in_words(self) -> str:
        each = ["; ".join(_list(row) for row in acc) for acc in self.values.acc[: self.tiling.bk]]
        return "After each k the accumulators are, row by row: " + ". Then ".join(each) + "."

    def _bars_in_words(self) -> str:
        each = [f"{way.name}: {sum(way.words.values()):.3g}" for way in self.ways]
        tiles = [
            f"{dims(*way.tile)}, {way.read} words and {way.made} FMA" for way in self.growth.ways
        ]
        memory = memory_of(self.tiling)
        return (
            f"Words read from {memory} memory for each FMA. {', '.join(each)}. Thread tiles side "
            f"by side, and what they read and make at each k: {'; '.join(tiles)}."
        )


def _each(count: int, name: str) -> str:
    return f"each of {count} values of {name}" if count > 1 else f"one value of {name}"


def _list(numbers: Floats) -> str:
    return ", ".join(f"{x:g}" for x in numbers)


def _bars(look: Look, panel: Box, labels: list[str]) -> Bars:
    box = Box(panel.x + PAD, panel.y + 92, panel.w - 2 * PAD, panel.h - 92 - PAD)
    most = sum(dot_words_per_fma().values())
    return Bars(look, box, labels, most, lambda value: f"{value:.3g}" if value else "")
