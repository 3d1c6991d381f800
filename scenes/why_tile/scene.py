"""Without tiles every element is requested again and again."""

from collections.abc import Sequence
from math import prod

import numpy as np

from scenes.kit.amounts import grouped
from scenes.kit.motion import Fade, Move
from scenes.kit.places import below_caption
from scenes.kit.shapes import Pose, Slab
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import FRAME, to_read
from scenes.kit.type import Label
from scenes.why_tile.board import Comparison, Through
from scenes.why_tile.matrices import Seen
from scenes.why_tile.totals import Totals, times
from tiling.for_scenes import naive
from tiling.for_scenes.tally import Count, Tally, moment, same_requests
from tiling.layout import AB, Operand
from tiling.presets import choose
from tiling.schedule import Fragments, Schedule, schedule
from tiling.shapes import dims
from tiling.traffic import Traffic, traffic

STATES = 24
"""Moments of a schedule that are shown where it is gone through quickly, at most."""


class WhyTile(TilingScene):
    """Requests counted for each element: a thread for each result, then tiles, then the ratio.

    Without shared memory the only tiles are those of the threads, in registers.
    """

    def construct(self) -> None:
        tiling = self.choice.tiling.plain()  # when something is requested is not the point here
        self.tiled = schedule(self.choice.gemm, tiling)
        self.naive = naive.beside(self.tiled)
        self.none = Tally.empty(self.choice.gemm)
        self.untiled: Count | None = None  # all of the naive schedule, once it has been counted
        self.seen = first = Seen(Count(self.none, self.naive, 0))
        self.board = Comparison(self.look, self.tiled, first)
        self.add(self.board)

        opening = "How often is each element of A and B requested without tiles?"
        self.say(opening, chapter="start", shows=self._start())
        self.hold(2.4)
        self._one_thread()
        self._its_cta()
        self._all_ctas()
        self.untiled = self.seen.naive
        ratio: list[Label] = []
        if naive.is_naive(tiling):
            self._none_at_all()
        else:
            self._with_thread_tiles() if tiling.direct else self._with_tiles()
            ratio = self._ratio()
        self._at_scale()
        self.say(opening)
        self.board.totals.remove(*ratio)
        self.board.settle(first)
        self._turn_to(self.other, self.board)
        self.wait(FRAME)

    def _start(self) -> str:
        """What is seen before anything is counted."""
        gemm = self.choice.gemm
        return (
            f"At the left, global memory: A of {dims(gemm.m, gemm.k)} elements, B of "
            f"{dims(gemm.k, gemm.n)}, C of {dims(gemm.m, gemm.n)}. The darker an element of A or B "
            "becomes, the more often it has been requested. At the right, shared memory"
            f"{', not used' * self.tiled.tiling.direct}, and bars for what is requested without "
            "tiles and with them, both at zero."
        )

    # The naive kernel. Its threads share nothing and wait for nobody, so they may be counted in any
    # order: here one by one, each as a CTA of one thread; then a row of them; then CTAs.

    def _one_thread(self) -> None:
        thread = self._threads((1, 1))
        counts = [Count(self.none, thread, step) for step in range(len(thread.events) + 1)]
        both = self._written(counts[-1])
        self.say(
            "A thread for each result: it requests a row of A and a column of B",
            chapter="one thread",
            shows="The first result is outlined in C. One k after another, an element of A's first "
            f"row and one of B's first column light up and are counted: {both} for one result.",
        )
        self._move(Seen(counts[1]), 1.6)
        self._through([counts[step] for step in _spread(2, len(thread.events))], 2.4)

    def _its_cta(self) -> None:
        rows, cols = self.naive.inside("C")
        if rows * cols == 1:
            return
        # The first row's threads one by one, then row by row; and what was counted before each.
        row = (1, self.naive.tiling.bn)
        units = [self._threads((1, 1), (0, col)) for col in range(cols)]
        units += [self._threads(row, (i, 0)) for i in range(1, rows)]
        before = [self.none, *(self.none.after(units[0], (1, col)) for col in range(1, cols))]
        before += [self.none.after(self._threads(row), (i, 1)) for i in range(1, rows)]
        operand: Operand = "A" if cols > 1 else "B"
        same = {"A": "row of A", "B": "column of B"}[operand]
        end = len(units[1].events)
        often = _often(Count(before[1], units[1], end).most(operand))
        self.say(
            f"Its neighbour requests the same {same} again",
            shows=f"Each element of that {same} has now been requested {often}.",
        )
        self._through([Count(before[1], units[1], step) for step in _spread(1, end)], 1.8)
        ends = [Count(*one, end) for one in zip(before, units, strict=True)]
        self.say(
            f"Each of this CTA's {dims(rows, cols)} threads requests for itself",
            shows="The threads of its first row are counted one by one, then row after row. "
            f"Then {self._most(ends[-1])}.",
        )
        self._through([ends[i] for i in _spread(min(2, len(ends) - 1), len(ends) - 1)], 2.4)

    def _threads(self, block: tuple[int, int], cta: tuple[int, int] = (0, 0)) -> Schedule:
        return naive.one_result_each(self.choice.gemm, block, cta)

    def _all_ctas(self) -> None:
        plan, each = self.naive, len(self.naive.events)
        ctas = prod(plan.grid)
        if ctas > 1:
            alike = [("rows of A", plan.grid[1]), ("columns of B", plan.grid[0])]
            same = ", or ".join(name for name, count in alike if count > 1)
            others = "The other CTA requests" if ctas == 2 else "Other CTAs request"
            self.say(
                f"{others} the same {same}, once more",
                chapter="all threads",
                shows=f"Its threads go along K together. Then {self._most(moment(plan, 2 * each))}."
                + (f" The other {ctas - 2} CTAs follow quickly." if ctas > 2 else ""),
            )
            self._march(plan, each, 2 * each, 1.6)
        if ctas > 2:
            self._march(plan, 2 * each, ctas * each, 2.0)
        self._in_all(moment(plan, ctas * each))

    def _in_all(self, end: Count) -> None:
        """All CTAs have been counted."""
        each = f"{end.done.per_result:.3g}"
        self.say(
            f"In all, {_each(end)}",
            shows=f"All of C is done: {self._written(end)}, {each} elements for each result.",
        )
        self.hold(2.0)

    def _with_tiles(self) -> None:
        tiled, untiled = self.tiled, self.untiled
        assert untiled is not None
        rows, cols = tiled.inside("C")
        each, ctas = len(tiled.events), prod(tiled.grid)
        k_tile = next(i for i, event in enumerate(tiled.events) if isinstance(event, Fragments))
        counts = [Count(self.none, tiled, step) for step in range(k_tile + 2 * tiled.tiling.bk)]
        self.say(
            "Now with tiles: the CTA copies a tile of A and one of B",
            chapter="with tiles",
            shows="The counts in A and B go back to none, the first bar stays. A tile of A travels "
            "to As in shared memory, one of B to Bs: each of their elements is requested once, "
            f"{self._written(counts[2])}.",
        )
        self._move(Seen(untiled, counts[0]), 0.6, swap=0)
        for copied in counts[1:3]:
            self._move(Seen(untiled, copied), 1.2)
        results = (
            f"All {grouped(rows * cols)} results use" if rows * cols > 1 else "Its result uses"
        )
        self.say(
            f"{results} the copies: this CTA requests nothing twice",
            shows="One k after another lights up in As and Bs, and no number changes. Then come "
            f"the next tiles along K. At its end the CTA has {self._written(moment(tiled, each))}.",
        )
        self._through([counts[i] for i in _spread(3, len(counts) - 1)], 2.0)
        self._march(tiled, len(counts) - 1, each, 1.8)
        if ctas > 1:
            self.say(
                "The other CTAs copy their tiles too",
                shows="One after the other they outline their part of C, and the counts of their "
                "rows of A and columns of B go up by one.",
            )
            self._march(tiled, each, ctas * each, 2.6)
        self._in_all(moment(tiled, ctas * each))

    def _with_thread_tiles(self) -> None:
        """Nothing in shared memory, but several results in the registers of each thread."""
        tiled, each, ctas = self.tiled, len(self.tiled.events), prod(self.tiled.grid)
        assert self.untiled is not None
        tm, tn = tiled.tiling.tm, tiled.tiling.tn
        gemm = tiled.gemm
        most = min(tm, gemm.m), min(tn, gemm.n)  # of a thread that hangs over an edge
        rows = "a row" if most[0] == 1 else f"{most[0]} rows"
        cols = "a column" if most[1] == 1 else f"{most[1]} columns"
        self.say(
            f"Now {dims(tm, tn)} results a thread: it requests {rows} of A, {cols} of B",
            chapter="with thread tiles",
            shows="The counts in A and B go back to none, the first bar stays. The threads of the "
            "first CTA go along K together. At its end it has "
            f"{self._written(moment(tiled, each))}.",
        )
        self._move(Seen(self.untiled, moment(tiled, 0)), 0.6, swap=0)
        self._march(tiled, 0, each, 2.8)
        self.say(
            f"In registers a value of A is used {_often(most[1])}, one of B {_often(most[0])}",
            shows="The other CTAs follow: one after the other they outline their part of C."
            if ctas > 1
            else "",
        )
        if ctas > 1:
            self._march(tiled, each, ctas * each, 2.6)
        self._in_all(moment(tiled, ctas * each))

    def _none_at_all(self) -> None:
        """The kernel that was asked for is the one that has been counted."""
        end = moment(self.tiled, prod(self.tiled.grid) * len(self.tiled.events))
        self.say(
            "This kernel is that one: a thread for each result, no tiles",
            chapter="no tiles",
            shows=f"The second bar is as long as the first: {self._written(end)}.",
        )
        self._through([end], 1.2)

    def _ratio(self) -> list[Label]:
        totals, counts = self.board.totals, traffic(self.tiled)
        unit = "" if totals.bytes else " elements"
        said = f"{self._against(totals, counts)}{unit} requested: {_as_many(times(counts))}"
        ratio = totals.ratio(counts)
        self.say(said, chapter="ratio", shows=self._note(counts))
        self.play_for(0.8, *(Fade(label, appear=True) for label in ratio))
        self.remove(*ratio)
        totals.add(*ratio)
        self.poster_at = self.now
        self.hold(to_read(said))
        return ratio

    def _at_scale(self) -> None:
        """The same for the real thing; or for the toy, if this is the real thing."""
        other = choose("sgemm")
        if same_requests(other.schedule(), self.tiled):
            other = choose("seed")
        plan = other.schedule().at((0, 0))
        untiled, counts = naive.beside(plan), traffic(plan)
        end = [moment(one, prod(one.grid) * len(one.events)) for one in (untiled, plan)]
        self.other = Comparison(self.look, plan, Seen(end[0], end[1]))
        totals = self.other.totals
        totals.add(*totals.ratio(counts))
        tile = dims(plan.tiling.bm, plan.tiling.bn, plan.tiling.bk)
        said = f"{plan.gemm} in {tile} tiles: {self._against(totals, counts)}, "
        said += _as_many(times(counts))
        self.say(
            said,
            chapter="at scale",
            shows=f"Another picture of the same kind. Without tiles, {_each(end[0])}; with them, "
            f"{_each(end[1])}. {self._note(counts)}",
        )
        self._turn_to(self.board, self.other)
        if self.poster_at < 0:  # there was no ratio to see before
            self.poster_at = self.now
        self.hold(to_read(said))

    # What is said.

    def _written(self, one: Count) -> str:
        number = one.requested("A") + one.requested("B")
        unit = "requested" if self.board.totals.bytes else "elements requested"
        return f"{self.board.totals.write(number)} {unit}"

    def _most(self, one: Count) -> str:
        a, b = (_often(one.most(operand)) for operand in AB)
        return f"an element of A has been requested up to {a}, one of B up to {b}"

    def _against(self, totals: Totals, counts: Traffic) -> str:
        written = totals.write(counts.naive_requested), totals.write(counts.total.requested)
        return " against ".join(written)

    def _note(self, counts: Traffic) -> str:
        return (
            f"Large, the ratio: {times(counts)} times as many requests without tiles. "
            "Requests of threads, not time: a warp makes one of equal ones, and caches stand "
            "between."
        )

    # How states are played.

    def _move(self, seen: Seen, seconds: float, swap: float = 0.5) -> None:
        self.play_for(seconds, *self.board.moves(seen, swap))
        self.seen = seen

    def _through(self, counts: Sequence[Count], seconds: float) -> None:
        """One moment after another, of the schedule whose turn it is."""
        done = self.untiled
        seen = [Seen(one) if done is None else Seen(done, one) for one in counts]
        if seen:
            self.play_for(seconds, Through(self.board, seen))
            self.seen = seen[-1]

    def _turn_to(self, old: Comparison, new: Comparison) -> None:
        """One picture goes as if behind a sheet, and the other comes."""
        area = below_caption(self.look).inset(-4)
        sheet = Slab(self.look, area, fill=self.look.theme.background).take(Pose(area, 0))
        self.add(sheet)
        self.play_for(0.4, Move(sheet, Pose(area, 1)))
        self.remove(old, sheet)
        self.add(new, sheet)
        self.play_for(0.4, Move(sheet, Pose(area, 0)))
        self.remove(sheet)

    def _march(self, plan: Schedule, first: int, last: int, seconds: float) -> None:
        """From one moment of a schedule to another, over all its CTAs."""
        self._through([moment(plan, events) for events in _spread(first + 1, last)], seconds)


def _spread(first: int, last: int) -> list[int]:
    """STATES whole numbers at most from first to last, evenly spread, the last among them."""
    if last < first:
        return []
    found = np.linspace(last, first, min(STATES, last - first + 1)).round()
    return sorted(int(number) for number in found)


def _each(end: Count) -> str:
    """How often each element has been requested."""
    a, b = (_often(end.most(operand)) for operand in AB)
    if a == b:
        return f"each element is requested {a}"
    return f"each element of A is requested {a}, each of B {b}"


def _often(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{grouped(number)} times")


def _as_many(ratio: str) -> str:
    return "just as many" if ratio == "1" else f"{ratio} times as many"
