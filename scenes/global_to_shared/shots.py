"""What is shown and said of the first loads of a CTA, shot after shot, from the schedule alone.

The loads of the first k-tile: A slowly, why As is transposed and what that costs, B quickly, the
barrier; then both orders of A's lanes. Without shared memory: what threads load at the first k for
themselves, and again at the next.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np

from scenes.global_to_shared.views import (
    BEFORE,
    EMPTY,
    NOW,
    Cells,
    Flight,
    View,
    ViewedLoad,
    strip,
)
from scenes.kit.amounts import grouped, plural
from scenes.kit.paced import Show, paced
from scenes.kit.shot import Hold, Poster, Said, Shot
from scenes.kit.timing import FRAME, evenly
from tiling.for_scenes import loads as model
from tiling.for_scenes.one_thread import THREAD
from tiling.for_scenes.orders import ORDERS
from tiling.layout import AB
from tiling.presets import choose
from tiling.schedule import Schedule
from tiling.shapes import BANKS, WARP, dims

FEW, HOPS = 3, 4
"""Lanes that are shown one by one; most plays in which the other requests go by."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What each part shows, and what has travelled on the way here.

    cells    by part: those that are not among them are not on the screen
    bars     sectors of A and of B so far, with lanes along rows and down columns
    barrier  whether all threads go on
    """

    cells: dict[str, Cells]
    flights: tuple[Flight, ...] = ()
    bars: tuple[dict[str, float], ...] = ()
    barrier: bool = False


def _show(
    seconds: float,
    cells: dict[str, Cells],
    flights: tuple[Flight, ...] = (),
    bars: tuple[dict[str, float], ...] = (),
    barrier: bool = False,
) -> Show[Picture]:
    return Show(seconds, (Picture(cells, flights, bars, barrier),))


class FirstLoads:
    """The shots of a schedule, and the views that they fill, by part.

    orders  of lanes along rows, then down columns, what is compared: the load of A, and where who
            loads what of A says who loads what of B, that of B. No tile hangs over an edge
    totals  sectors of each
    """

    def __init__(self, plan: Schedule) -> None:
        self.plan, self.tiling, self.direct = plan, plan.tiling, plan.tiling.direct
        self.toy, threads = self.tiling.threads < WARP, self.tiling.threads
        self.a, self.b = a, b = [ViewedLoad(model.first_load(plan, name)) for name in AB]
        warp = f"A warp: {WARP} lanes, threads that run and request as one"
        if self.toy:
            warp = f"A toy, {threads} of a warp's {WARP} lanes: they run and request as one"
        self.views = {"A": a.window, "As": a.target, "B": b.window, "Bs": b.target}
        self.views |= {f"lanes{name}": View(name, warp, "", 1, WARP) for name in AB}
        whole, names = model.whole_tiles(plan), AB if self.direct else AB[:1]
        self.orders = [[model.first_load(whole, name, order) for name in names] for order in ORDERS]
        self.totals = [sum(int(load.sectors.sum()) for load in loads) for loads in self.orders]
        of = " of C" * self.direct
        self.ways = f"lanes along rows{of}", f"lanes down columns{of}"

    def shots(self) -> Iterator[Shot]:
        opening = self._opening()
        yield from paced(opening, Hold(1.0))
        yield from self._ask()
        yield from self._land()
        if self.direct:
            yield from self._again()
        else:
            yield from self._read()
            yield from self._price()
        yield from self._load_b()
        if not self.direct:
            yield from self._wait()
        yield from self._compare()
        yield from paced(Said(opening.text), Show(1.0, (self.start(),)))
        yield Hold(FRAME)

    def start(self) -> Picture:
        return Picture(self._load(self.a))

    def _load(
        self,
        of: ViewedLoad,
        since: int = 0,
        asked: int = 0,
        landed: int = 0,
        before: int = 0,
        lit: bool = False,
    ) -> dict[str, Cells]:
        """How far one operand's load is, in elements, and what has become of the other. Those that
        land now are numbered, from `before` on, and with the last all of them."""
        name, other = of.load.operand, self.a if of is self.b else self.b
        lit |= landed > before
        return {
            name: of.asked(since, asked, lit, landed),
            f"{name}s": of.landed(landed, 0 if landed == of.end else before),
            f"{other.load.operand}s": other.landed(other.end if of is self.b else 0, other.end),
            f"lanes{name}": of.lanes(since, asked, lit),
        }

    @property
    def _loaded(self) -> int:
        """Up to where in the first request something is loaded: zeros may follow."""
        load = self.a.load
        return int(np.flatnonzero(load.inside[: load.ends[1]])[-1]) + 1

    def _opening(self) -> Said:
        text = "No shared memory: who loads what?" if self.direct else (
            "Who loads which element of A and B?"
        )  # fmt: skip
        return Said(
            text,
            "start",
            f"A window on A in global memory around the first tile of the CTA at {self.plan.cta}, "
            f"{dims(*self.tiling.tile_shape('A'))} elements, cut into sectors as they lie in "
            f"memory; the lanes of a warp; and, still empty, "
            f"{'registers of the first threads' if self.direct else 'As and Bs'}.",
        )

    def _ask(self) -> Iterator[Shot]:
        """The first request: a few lanes one by one, then the rest; and the sectors it moves."""
        load = self.a.load
        end, mine = int(load.ends[1]), load.thread[: self._loaded]
        stops = [*(np.flatnonzero(np.diff(mine)) + 1)[:FEW].tolist(), end]
        asking = [_show(0.8, self._load(self.a, 0, stop)) for stop in stops]
        lit = self._load(self.a, 0, end, lit=True)
        yield from paced(self._who(), *asking)
        numbers = sorted(lit["A"].lit)
        listed = ", ".join(map(str, numbers[:8])) + ", …" * (len(numbers) > 8)
        text = f"One request of the warp moves {plural(int(load.sectors[0]), 'sector')}"
        shows = f"Outlined are the sectors, counted from where A begins: {listed}."
        yield from paced(Said(text, "a request", shows), _show(2.0, lit))

    def _who(self) -> Said:
        load, end = self.a.load, int(self.a.load.ends[1])
        elements, alike = plural(load.loaded, "element"), len(set(load.row[:end].tolist())) == 1
        text = f"{plural(self.tiling.threads, 'thread')} load {elements} of A, lane by lane"
        if self.tiling.threads == 1:
            text = f"1 thread loads {elements} of A, one by one"
        elif self.direct and load.alone:
            text = "Lane by lane: each loads from a row of its own"
        elif self.direct:
            text = "Lanes of one row of C load the same element"
            text = "All lanes of the warp load the same element" if alike else text
        found = zip(load.thread[:end], load.row, load.col, load.inside, strict=False)
        told = [f"lane {t} takes row {r}, column {c}" for t, r, c, inside in found if inside]
        shows = sentence(told[:4]) + " And so on through the request." * (len(told) > 4)
        return Said(text, "lane by lane", shows)

    def _land(self) -> Iterator[Shot]:
        """The first request's elements land, those of one row first; then all the others."""
        load, a, end = self.a.load, self.a, int(self.a.load.ends[1])
        loaded = self._loaded
        stops = sorted({0, int((load.row[:loaded] == load.row[0]).sum()), loaded})
        first = len(stops) - 1
        stops += evenly(loaded, end, 2)[1:]
        plays = [
            _show(1.0, self._load(a, 0, end, stop, since), a.flights(since, stop))
            for since, stop in pairwise(stops)
        ]
        plays += self._others(a)
        # One caption is enough where one warp loads all; zeros have one of their own.
        zeros = not load.inside.all()
        if zeros and first == len(plays):
            first = 1
        elif not zeros and load.warps == 1:
            first = len(plays)
        yield from paced(self._landing(), *plays[:first])
        if first < len(plays):
            yield from paced(self._turns(zeros), *plays[first:])

    def _others(self, of: ViewedLoad) -> Iterator[Show[Picture]]:
        """All requests but the first, few one by one, many together."""
        for first, last in pairwise(evenly(1, of.load.requests, HOPS)):
            since, until = int(of.load.ends[first]), int(of.load.ends[last])
            cells = self._load(of, since, until, until, since)
            yield _show(0.8, cells, of.flights(since, until))

    def _landing(self) -> Said:
        load = self.a.load
        if self.direct:
            shows = f"What they load is now a[0] of {plural(int(load.lanes[0]), 'lane')}."
            return Said("Each keeps it in a register of its own", "to registers", shows)
        shifts = "and a swizzle shifts its words" if load.target.twist else ""
        found = zip(load.thread[:3].tolist(), load.at.tolist(), load.place.tolist(), strict=False)
        told = [f"lane {t} writes word {place} of row {k} of As" for t, k, place in found]
        text = f"As is A transposed{', ' + shifts if shifts else ': rows turn into columns'}"
        return Said(text, "to shared", sentence(told))

    def _turns(self, zeros: bool) -> Said:
        load = self.a.load
        text = f"{plural(load.warps, 'warp')} make {plural(load.requests, 'request')} "
        text += "at this k" if self.direct else "for A's tile"
        if zeros:
            of_c = self.direct and (load.row[~load.inside] < load.shape[0]).all()
            does = "hold" if self.direct else "write"
            text = f"Outside {'C' if of_c else 'A'} nothing is loaded: lanes {does} zeros"
        return Said(
            text.replace("1 warp make ", "1 warp makes "), "request by request", totals(load)
        )

    def _again(self) -> Iterator[Shot]:
        """The second k, if there is one."""
        if self.plan.gemm.k == 1:
            return
        more = ViewedLoad(model.first_load(self.plan, "A", k=1))
        first, second = ({*one.load.sector[one.load.inside].tolist()} for one in (self.a, more))
        text = "At the next k the same sectors move again"
        if first != second:
            text = "At the next k all of it happens again"
        shows = f"{plural(len(second), 'sector')} of A are outlined. Caches may still hold them."
        cells = self._load(self.a, landed=self.a.end) | {"A": more.asked(0, more.end, True)}
        yield from paced(Said(text, "the next k", shows), _show(2.0, cells))

    def _read(self) -> Iterator[Shot]:
        """Why As is transposed: what a thread reads at one k are neighbours, for a wide read."""
        reads, tm = model.first_reads(self.plan), self.tiling.tm
        count, width = tm // reads.width, reads.width
        runs = [model.Run(i, 0, i, i) for i in range(tm)]
        runs += [model.Run(tm + i, 1, i * width, (i + 1) * width - 1) for i in range(count)]
        name = f"Words that thread {THREAD} reads: as in A above, transposed below"
        self.views["reads"] = View("A", name, "", 2, tm, runs=tuple(runs))
        end, shown = self.a.end, self._load(self.a, self.a.end, self.a.end, self.a.end)
        self.read = {"A": shown["A"], "As": self.a.landed(end, end), "Bs": shown["Bs"]}
        row, col = self.plan.origin("A")
        a, to = self.a.window.cells(row + reads.row, 0 * reads.row + col), self.a.target
        for part, places, words in (
            (self.read["A"], a, reads.kept),
            (self.read["As"], to.cells(0 * reads.row, reads.words), reads.words),
        ):
            for at, word in zip(places, words, strict=True):
                if at is not None and part.fill[at]:
                    part.fill[at], part.text[at] = NOW, str(word)
        text = np.array([[*map(str, words)] for words in (reads.kept, reads.words)], object)
        fill, told = np.full((2, tm), NOW), f"as in A: {plural(tm, 'read')}"
        above = np.array([[1], [0]])
        kept = Cells(fill * above, text * above, frozenset(range(tm)), told)
        told += f", transposed: {count}"
        both = Cells(fill, text, frozenset(range(tm + count)), told)
        brings = "One wide read brings" if count == 1 else f"{count} wide reads bring"
        says = f"Why transposed? {brings} {plural(tm, 'row')}"
        if width == 1:
            says = "Transposed for wide reads; here each brings 1 word"
        listed = (", ".join(map(str, w[:8])) for w in (reads.words, reads.by, reads.kept))
        shows = (
            "At k = 0 thread {} reads words {} of As. Threads {} loaded them: who loads is not who "
            "computes. Had A kept its shape, they would be words {}."
        ).format(THREAD, *listed)
        plays = [_show(1.6, {**self.read, "reads": one}) for one in (kept, both)]
        yield from paced(Said(says, "why transposed", shows), *plays)

    def _price(self) -> Iterator[Shot]:
        """The first store to As: how many of its words meet in a bank. A toy whose words do not
        meet shows what the real thing pays."""
        tiling, where = self.tiling, ""
        if self.toy and model.stores(tiling)[1].conflicts == 0:
            tiling, where = choose("sgemm").tiling, " in SGEMM"
        name = f"Words for each of {BANKS} banks: a wavefront takes 1 of each"
        self.views["banks"] = View("A", name, "", 1, BANKS)
        words, cost = model.stores(tiling)

        def stored(lanes: int) -> dict[str, Cells]:
            meet = model.words_in_banks(words[:lanes]).tolist()
            fill = [NOW if many > 1 else BEFORE if many else EMPTY for many in meet]
            told = f"a store: {plural(max(meet), 'wavefront')}"
            return {**self.read, "banks": strip([str(many or "") for many in meet], fill, told)}

        text = f"The price{where}: {model.words_in_banks(words).max()} words meet in a bank"
        if cost.conflicts == 0:
            text = "No price: all words of a store have banks of their own"
        shows = (
            f"All stores of A's tile{where} take {plural(cost.wavefronts, 'wavefront')}, where "
            f"{grouped(cost.phases)} would do without a conflict."
        )
        stops = sorted({ceil(len(words) / 8), ceil(len(words) / 4), len(words)})
        plays = [_show(1.0, stored(lanes)) for lanes in stops]
        yield from paced(Said(text, "the price", shows), *plays)

    def _load_b(self) -> Iterator[Shot]:
        """B as it lies, quickly."""
        b, end = self.b, int(self.b.load.ends[1])
        text = "B keeps its shape: a row stays a row"
        if self.direct:
            text = f"One request for B moves {plural(int(b.load.sectors[0]), 'sector')}"
        first = _show(1.0, self._load(b, 0, end, end), b.flights(0, end))
        shows = f"The window now shows B. {totals(b.load)}"
        come = _show(0.6, self._load(b))
        yield from paced(Said(text, "B", shows), come, first, *self._others(b))

    def _wait(self) -> Iterator[Shot]:
        """Warps arrive, those that are early wait; then all go on. One warp alone does not wait:
        then it is those of the real thing."""
        warps, where = self.b.load.warps, ""
        if warps == 1:
            warps, where = choose("sgemm").tiling.threads // WARP, " in SGEMM"
        name = f"{plural(warps, 'warp')}{where}: those filled have loaded, and wait"
        self.views["warps"] = View("B", name, "", 1, warps)
        end, order = self.b.end, sorted(range(warps), key=lambda w: (w * 5 + 3) % (warps | 1))
        loaded = self._load(self.b, end, end, end)
        del loaded["lanesB"]

        def arrived(count: int, strength: int = NOW) -> dict[str, Cells]:
            fill = [strength if warp in order[:count] else EMPTY for warp in range(warps)]
            told = f"{count} of {warps} wait" if count < warps else "all go on"
            return {**loaded, "warps": strip([str(warp) for warp in range(warps)], fill, told)}

        stops = sorted({0, warps // 3, warps * 2 // 3, warps - 1})
        plays = [_show(0.6, arrived(count)) for count in stops]
        text = "Barrier: early warps wait for the last"
        if self.tiling.asynchronous:
            text = "Each waits for its copies, then for all the others"
        shows = "The order in which warps arrive is an example: nobody knows it before."
        on = _show(1.2, arrived(warps, BEFORE), barrier=True)
        yield from paced(Said(text, "barrier", shows), *plays, on)

    def _compare(self) -> Iterator[Shot]:
        """Whole tiles of A with lanes along rows and down columns, and both counted."""
        first = tuple(loads[0] for loads in self.orders)
        plan, where = first[0].schedule, ""
        if plan is not self.plan:
            where = f", CTA {plan.cta}" if plan.gemm == self.plan.gemm else f", C of {plan.gemm}"
        both = [
            ViewedLoad(load, way + where, first) for load, way in zip(first, self.ways, strict=True)
        ]
        self.views |= {"rows": both[0].window, "columns": both[1].window}
        most = max(load.requests for load in first)

        def at(step: int, of: int) -> Show[Picture]:
            """After a share of the requests of each order: one at least, unless it is nothing."""
            cells, bars = [], []
            for seen, loads in zip(both, self.orders, strict=True):
                made = [max(load.requests * step // of, min(step, 1)) for load in loads]
                ends, since = seen.load.ends.tolist(), max(0, loads[0].requests * (step - 1) // of)
                cells.append(seen.asked(ends[since], ends[made[0]], True))
                counted = zip(AB, loads, made, strict=False)
                bars.append({str(o): float(load.sectors[:n].sum()) for o, load, n in counted})
            return _show(0.8, {"rows": cells[0], "columns": cells[1]}, bars=tuple(bars))

        text = "And lanes down the columns?"
        if where:
            text = "On a whole tile: and lanes down columns?"
        shows = f"Two windows on A's tile of the CTA at {plan.cta} of {plan.gemm}, for two orders."
        plays = [at(0, 1), *[at(1, most)] * (most > 1)]
        yield from paced(Said(text, "down the columns", shows), *plays)
        steps = min(HOPS, most)
        begin = 2 if most > 1 and most // steps == 1 else 1  # one request has been seen
        plays = [at(step, steps) for step in range(begin, steps + 1)]
        yield from paced(self._result(*self.totals), *plays, Poster())

    def _result(self, good: int, bad: int) -> Said:
        k, sectors = " at k 0" * self.direct, plural(good, "sector")
        apart = self.direct and self.tiling.tn > 1
        text = f"{'Along rows' if apart else 'Neighbours load neighbours'}{k}: {sectors}"
        text = f"{text}, not {grouped(bad)}"
        if good == bad:
            text = f"For this {'tiling' if self.direct else 'tile'} both take {sectors}"
        elif good > bad:
            text = f"Here columns would do better: {plural(bad, 'sector')}, not {grouped(good)}"
        return Said(
            text, "result", f"{sectors} with lanes along rows, {grouped(bad)} down columns."
        )


def totals(load: model.Load) -> str:
    """Of all requests for one operand."""
    made, moved = plural(load.requests, "request"), plural(int(load.sectors.sum()), "sector")
    told = f"{plural(load.loaded, 'element')} in {made} that move {moved} in all"
    zeros = int((~load.inside).sum())
    return f"{told}; {plural(zeros, 'zero')} beside." if zeros else f"{told}."


def sentence(parts: list[str]) -> str:
    """One sentence of several, none of whose other letters change."""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
