"""The threads load together, and neighbours load neighbours."""

from itertools import pairwise

from manim import VGroup

from scenes.stage.film import Film
from scenes.stage.loading import rooms
from scenes.stage.loading.copying import Step
from scenes.stage.loading.facing import ORDERS, Facing
from scenes.stage.loading.lanes import plural
from scenes.stage.loading.loader import THREAD, Loader, Reading
from scenes.stage.pace import FRAME, to_read
from scenes.stage.shapes import Dissolve, Pulse
from scenes.stage.zone import Zone
from tiling.layout import arrangement, shared_layout
from tiling.presets import choose
from tiling.schedule import Copy
from tiling.sectors import SECTOR, turns
from tiling.shapes import WARP, ceil_div, dims

FEW = 3
"""Lanes that are shown one by one."""

APART = 4
"""Turns up to which each is shown by itself."""

HOPS = 4
"""Plays in which the turns between the second and the last go by, if there are more."""


class GlobalToShared(Film):
    """The loads of the first k-tile: A slowly, B quickly, the barrier; then A's lanes turned."""

    def construct(self) -> None:
        self.plan = self.choice.schedule()
        places = rooms.Rooms(self.look)
        gemm, tiling = self.plan.gemm, self.plan.tiling
        sizes = dims(tiling.bm, tiling.bn, tiling.bk)
        self.memory = Zone(self.look, places.memory, "GLOBAL MEMORY", places.sizes(str(gemm)))
        self.shared = Zone(self.look, places.shared, "SHARED MEMORY", places.sizes(sizes))
        self.a, self.b = (Loader(self.look, self.plan, operand) for operand in ("A", "B"))
        self.on_right = VGroup(self.shared, self.a.target, self.b.target)
        self.add(self.memory, self.a.source, self.a.strip, self.on_right)

        opening = self._opening()
        self.say(opening, "who fetches what", self._scene_in_words())
        self.hold(to_read(opening))
        self._ask()
        self._land()
        self._go_on()
        self._read()
        self._load_b()
        self._wait()
        self._compare()
        self._close(opening)

    def _opening(self) -> str:
        tiling, size = self.plan.tiling, self.a.load.size
        toy = "A toy: " if tiling.threads < WARP else ""
        elements, threads = plural(size, "element"), plural(tiling.threads, "thread")
        return f"{toy}{elements} of A for {threads}: who fetches which?"

    def _scene_in_words(self) -> str:
        tiling = self.plan.tiling
        return (
            f"A window on A in global memory around the first tile of the CTA at {self.plan.cta}, "
            f"{dims(*tiling.tile_shape('A'))} elements, cut into sectors as they lie in memory; "
            f"the lanes of a warp; and As and Bs, still empty, in shared memory."
        )

    def _ask(self) -> None:
        """The first turn: a few lanes one by one, then the rest; and the sectors they share."""
        load, vector = self.a.load, self.plan.tiling.request("A")
        edges = load.turns.edges
        self.say(self._order(), "lanes in order", self._first_lanes())
        first = int(edges[1])
        stops = [vector * i for i in range(1, FEW + 1) if vector * i < first]
        for stop, seconds in zip([*stops, first], (0.8, 0.6, 0.6, 1.0), strict=False):
            self.play_for(seconds, *self.a.to(Step(stop), ask=(0.1, 0.8)))

        turns = load.turns
        lanes, touched = plural(int(turns.lanes[0]), "lane"), int(turns.sectors[0])
        asked = int(turns.requests[0])
        said = "One request" if asked == 1 else plural(asked, "request")
        shared = plural(touched, "sector")
        self.say(f"{said}: {lanes}, {shared} of {SECTOR} bytes", "sectors", self._first_sectors())
        self.play_for(1.4, *self.a.to(Step(first, lit=True), light=(0.2, 0.8)))
        self.hold(1.0)

    def _order(self) -> str:
        tiling = self.plan.tiling
        if tiling.threads == 1:
            return "The one thread fetches element after element"
        vector = tiling.request("A")
        if vector == tiling.bk:
            return "Lanes in order: each fetches the next row of the tile"
        several = "" if vector == 1 else f"{vector} "
        return f"Lanes in order: each fetches the next {several}element{'s' * bool(several)}"

    def _first_lanes(self) -> str:
        load = self.a.load
        found = zip(load.lane, load.row, load.col, load.inside, strict=True)
        told = [
            f"lane {lane} takes row {row}, column {col}"
            for _, (lane, row, col, inside) in zip(range(4), found, strict=False)
            if inside
        ]
        return f"{sentence(told)} And so on through the first turn."

    def _first_sectors(self) -> str:
        load = self.a.load
        first = load.span(0, int(load.turns.edges[1])) & load.inside
        found = sorted(set(load.sector[first].tolist()))
        numbers = ", ".join(map(str, found[:8])) + (", …" if len(found) > 8 else "")
        return f"Outlined are the sectors they lie in, counted from where A begins: {numbers}."

    def _land(self) -> None:
        """The first turn's elements reach As: those of one row first, then the rest."""
        load = self.a.load
        first = int(load.turns.edges[1])
        one_row = load.span(0, first) & (load.row == load.row[0])
        stops = sorted({int(one_row.sum()), first})
        self.say("A row of A becomes a column of As in shared memory", "to shared", self._words())
        hangs = not load.inside[:first].all()
        for stop in stops:
            if hangs and stop == first:
                zeros = int((~load.inside).sum())
                shows = f"{zeros} of the tile's {load.size} elements lie outside A: pale in As."
                self.say("Outside A nothing is requested: these lanes write zeros", shows=shows)
            step = Step(first, lit=True, landed=stop)
            self.play_for(1.6, *self.a.to(step, land=(0.05, 0.9)))

    def _words(self) -> str:
        load, tile = self.a.load, shared_layout(self.plan.tiling)["A"]
        found = zip(load.lane, load.k, load.i, strict=True)
        told = [
            f"lane {lane} writes word {tile.word(k, i)}, which is As[{k}][{i}]"
            for _, (lane, k, i) in zip(range(3), found, strict=False)
        ]
        return sentence(told)

    def _go_on(self) -> None:
        """The other turns of all warps, the last one by itself."""
        load, tiling = self.a.load, self.plan.tiling
        of = load.turns
        count = int(of.turn[-1]) + 1
        idle = count * tiling.threads - ceil_div(load.size, tiling.request("A"))
        if len(of.turn) > 1:
            what, warps = plural(int(of.requests.sum()), "request"), int(of.warp.max()) + 1
            text = f"{plural(warps, 'warp')} in {plural(count, 'turn')}: {what} load A's tile"
            if not load.inside.all() and load.inside[: of.edges[1]].all():
                text = "Outside A nothing is requested: zeros are written"
            elif idle:
                text = f"The last turn leaves {plural(idle, 'thread')} with nothing to load"
            self.say(text, "turn by turn", self._totals())
            self._turns(self.a, 1, 1.2)
        self.hold(0.4)
        self.play_for(0.6, *self.a.to(Step(load.size, load.size, landed=load.size)))

    def _totals(self) -> str:
        of, size = self.a.load.turns, self.a.load.size
        return (
            f"{plural(size, 'element')} in {plural(int(of.requests.sum()), 'request')} that touch "
            f"{plural(int(of.sectors.sum()), 'sector')} in all; lanes that take no part are grey."
        )

    def _turns(self, loader: Loader, first: int, seconds: float) -> None:
        """All turns from `first` on: few one by one, of many those in the middle together."""
        edges = loader.load.turns.edges
        for begin, end in hops(first, len(edges) - 1):
            since, asked = int(edges[begin]), int(edges[end])
            step = Step(asked, since, lit=True, landed=asked)
            if end - begin == 1:
                ways = {"ask": (0, 0.4), "light": (0, 0.6), "land": (0.55, 0.95)}
                self.play_for(seconds, *loader.to(step, **ways))
            else:
                self.play_for(0.6, *loader.to(step, land=(0.1, 0.95)))

    def _read(self) -> None:
        """Why As is turned: what a thread reads at one k are neighbours."""
        tm = self.plan.tiling.tm
        self.reading = VGroup()
        if tm == 1:
            return
        self.reading = Reading(self.look, self.a, rooms.Rooms(self.look).strip)
        groups = tm // arrangement(self.plan.tiling).rows.quad
        where = "neighbours in As" if groups == 1 else f"in As {groups} groups of neighbours"
        text = f"Why? Thread {THREAD} will read {tm} rows at one k: {where}"
        self.say(text, "why transposed", self._reads())
        self.play_for(1.0, Dissolve(self.a.strip, False), Dissolve(self.reading, True))
        self.hold(to_read(text) - 1.0)

    def _reads(self) -> str:
        as_it_is, kept = (", ".join(map(str, w[:8])) for w in self.reading.words)
        loaded = ", ".join(map(str, self.reading.loaded[:8]))
        return (
            f"At k = 0 thread {THREAD} reads words {as_it_is} of As. Threads {loaded} loaded them: "
            f"who loads is not who computes. Had A kept its shape, "
            f"they would be words {kept}. Outlined in A they stand one below the other."
        )

    def _load_b(self) -> None:
        """B as it lies, quickly."""
        b, strip = self.b, self.reading if len(self.reading) else self.a.strip
        of = b.load.turns
        text = "B keeps its shape: a row of B is a row of Bs"
        told = (
            f"The window now shows B. {plural(b.load.size, 'element')} in "
            f"{plural(int(of.requests.sum()), 'request')} that touch "
            f"{plural(int(of.sectors.sum()), 'sector')} in all."
        )
        self.say(text, "B", told)
        leave = [Dissolve(part, False) for part in (self.a.source, strip)]
        self.play_for(0.8, *leave, *(Dissolve(part, True) for part in (b.source, b.strip)))
        self._turns(b, 0, 0.8)

    def _wait(self) -> None:
        text = "Barrier: nobody reads before all have written"
        if self.plan.tiling.asynchronous:
            text = "Each waits for its own copies; then a barrier, for those of all"
        self.say(text, "barrier", "The border of shared memory lights up.")
        done = self.b.load.size
        border = Pulse(self.shared.panel, self.look.theme.ink, 6)
        self.play_for(1.2, border, *self.b.to(Step(done, done, landed=done)))
        self.hold(to_read(text) - 1.2)

    def _compare(self) -> None:
        """The same tile with lanes numbered down its columns, beside it, and both counted."""
        self.facing = Facing(self.look, self.plan)
        facing = self.facing
        ask = "And if lanes were numbered down the columns?"
        shows = (
            "Two windows on A's tile: at the left lanes are numbered along its rows, at the right "
            "down its columns. The first turn of a warp is filled in, lane by lane."
        )
        if self.look.aspect == "tall":
            shows = shows.replace("the left", "the top").replace("the right", "the bottom")
        self.say(ask, "down the columns", shows)
        leave = [Dissolve(part, False) for part in (self.b.source, self.b.strip, self.on_right)]
        self.play_for(1.0, *leave, Dissolve(facing, True))
        vector, first = self.plan.tiling.request("A"), int(facing.edges[1])
        for stop in [*(vector * i for i in range(1, FEW + 2) if vector * i < first), first]:
            self.play_for(0.4, *facing.to(Step(stop), 0))
        good, bad = (int(load.turns.sectors[0]) for load in facing.loads)
        one = "One request" if facing.loads[1].turns.requests[0] == 1 else "One turn of a warp"
        text = f"{one}: {plural(good, 'sector')} along rows, {bad} down columns"
        self.say(text)
        self.play_for(1.2, *facing.to(Step(first, lit=True), 1))
        self.hold(to_read(text) - 1.2)
        count = len(facing.edges) - 1
        if count > 1:
            good, bad = facing.totals
            text = f"The whole tile: {good:,} along rows, {bad:,} down columns"
            self.say(text, shows=facing.told)
            for begin, end in hops(1, count):
                since, asked = int(facing.edges[begin]), int(facing.edges[end])
                self.play_for(0.8, *facing.to(Step(asked, since, True), end))

    def _close(self, opening: str) -> None:
        """What it comes to, for the real thing as well if this is a toy; then back to the start."""
        good, bad = self.facing.totals
        both = f"{plural(good, 'sector')} for A's tile, not {bad:,}"
        closing = f"Neighbours load neighbours: {both}"
        if good == bad:
            closing = f"For this tile it is the same: {plural(good, 'sector')} either way"
        elif good > bad:
            closing = f"For this tile the columns would do better: {bad:,} sectors, not {good:,}"
        self.say(closing, "result", "The sectors of the first turn are outlined again.")
        first = int(self.facing.edges[1])
        count = len(self.facing.edges) - 1
        self.play_for(1.2, *self.facing.to(Step(first, lit=True), count))
        self.poster_at = self.now
        self.hold(max(0.6, to_read(closing) - 1.2))
        if self.plan.tiling.threads < WARP:
            real = choose("sgemm").schedule()
            rows, columns = (
                int(turns(real, Copy("A", 0), order).sectors.max()) for order in ORDERS
            )
            closing = f"In a real SGEMM, {WARP} lanes: {rows} sectors a request, not {columns}"
            self.say(closing, shows=f"That is {real.gemm} in tiles {real.tiling}.")
            self.hold(to_read(closing))
        self.say(opening)
        for loader in self.a, self.b:
            loader.settle(Step())
        first = self.a.source, self.a.strip, self.on_right
        self.play_for(1.0, Dissolve(self.facing, False), *(Dissolve(part, True) for part in first))
        self.wait(FRAME)


def sentence(parts: list[str]) -> str:
    """One sentence of several, none of whose other letters change."""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def hops(first: int, end: int) -> list[tuple[int, int]]:
    """(first turn, behind the last) of each play: the second and the last turn by themselves."""
    if end - first <= APART:
        return [(turn, turn + 1) for turn in range(first, end)]
    stops = [first, *(first + 1 + (end - first - 2) * i // HOPS for i in range(HOPS + 1)), end]
    return [pair for pair in pairwise(stops) if pair[0] < pair[1]]
