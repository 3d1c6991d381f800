"""Without tiles every element is fetched again and again."""

from collections.abc import Sequence
from math import prod

import numpy as np

from scenes.stage.arrange import below_caption
from scenes.stage.counters import count
from scenes.stage.film import Film
from scenes.stage.pace import FRAME, to_read
from scenes.stage.requests import Comparison, Seen, Through, times
from scenes.stage.shapes import Fade, Move, Pose, Slab
from scenes.stage.type import Label
from tiling import naive
from tiling.naive import Naive
from tiling.presets import choose
from tiling.shapes import WORD, dims
from tiling.tally import Count, Plan, Tally, moment
from tiling.traffic import traffic

STATES = 24
"""Moments of a schedule that are shown where it is gone through quickly, at most."""


class WhyTile(Film):
    """Requests counted for each element: a thread for each result, then tiles, then the ratio."""

    def construct(self) -> None:
        self.tiled = self.choice.schedule().at((0, 0))
        self.naive = naive.beside(self.tiled)
        self.none = Tally.empty(self.choice.gemm)
        first = Seen(Count(self.none, self.naive, 0))
        self.board = Comparison(self.look, self.tiled, first)
        self.add(self.board)

        opening = "How often is each element of A and B requested without tiles?"
        self.say(opening, chapter="start", shows=self._start())
        self.hold(2.4)
        self._one_thread()
        self._its_cta()
        self._all_ctas()
        self._with_tiles()
        ratio = self._ratio()
        self._at_scale()
        self.say(opening)
        self.board.totals.remove(*ratio)
        self.board.settle(first)
        self._turn_to(self.other, self.board)
        self.wait(FRAME)

    # The naive kernel. Its threads share nothing and wait for nobody, so they may be counted in any
    # order: here one by one, each as a CTA of one thread; then a row of them; then CTAs.

    def _start(self) -> str:
        """What is seen before anything is counted."""
        gemm = self.choice.gemm
        return (
            f"Left, in global memory: A has {dims(gemm.m, gemm.k)} elements, B "
            f"{dims(gemm.k, gemm.n)}, C {dims(gemm.m, gemm.n)}. "
            "Each element will bear the number of its requests. "
            "Right: two bars for all requests, without tiles and with them, both at zero."
        )

    def _one_thread(self) -> None:
        thread, k = self._threads((1, 1)), self.choice.gemm.k
        self.say(
            "A thread for each result: it requests a row of A and a column of B",
            chapter="one thread",
        )
        slow = [step for step in (1, 2, 4, 5) if step < 3 * k]
        for step, seconds in zip(slow, (1.0, 1.0, 0.6, 0.6), strict=False):
            self._move(Seen(Count(self.none, thread, step)), seconds)
        self._through(
            [Count(self.none, thread, step) for step in _spread(slow[-1] + 1, 3 * k + 1)], 2.0
        )

    def _its_cta(self) -> None:
        rows, cols = self.naive.inside
        if rows * cols == 1:
            return
        thread, row = self._threads((1, 1)), self._threads((1, self.naive.block[1]))
        by_thread = [self.none.after(thread, (1, n)) for n in range(1, cols + 1)]
        by_row = [self.none.after(row, (n, 1)) for n in range(2, rows + 1)]
        tallies = [*by_thread, *by_row]
        beside = "the same row of A" if cols > 1 else "the same column of B"
        self.say(f"Its neighbour requests {beside} again")
        second = self._threads((1, 1), (0, 1) if cols > 1 else (1, 0))
        self._through(
            [Count(tallies[0], second, i) for i in _spread(1, 3 * self.choice.gemm.k + 1)], 2.2
        )
        self.say(f"So do all {rows * cols} threads of this CTA")
        self._through([Count(tally, thread, 0) for tally in _some(tallies[1:])], 2.4)

    def _threads(self, block: tuple[int, int], cta: tuple[int, int] = (0, 0)) -> Naive:
        return naive.schedule(self.choice.gemm, block, cta)

    def _all_ctas(self) -> None:
        rows, cols = self.naive.grid
        each = len(self.naive.events)
        if rows * cols > 1:
            again = "rows of A" if cols > 1 else "columns of B"
            self.say(f"The next CTA requests the same {again} once more", chapter="all threads")
            self._march(self.naive, each, 2 * each, 1.8)
        if rows * cols > 2:
            self._march(self.naive, 2 * each, rows * cols * each, 2.4)
        a, b = (self.board.state.naive.most(op) for op in ("A", "B"))
        self.say(f"In all, {_each(a, b)}")
        self.hold(2.0)

    def _with_tiles(self) -> None:
        tiled, done = self.tiled, self.board.state.naive
        rows, cols = tiled.inside("C")
        self.say("Now with tiles: the CTA copies a tile of A and one of B", chapter="with tiles")
        self._move(Seen(done, Count(self.none, tiled, 0)), 0.8, swap=0)
        for step in 1, 2:
            self._move(Seen(done, Count(self.none, tiled, step)), 1.2)
        results = f"All its {rows * cols} results use" if rows * cols > 1 else "Its result uses"
        self.say(f"{results} the copies: nothing is requested again")
        k_tile = 3 + 2 * tiled.tiling.bk
        self._through([Count(self.none, tiled, step) for step in _spread(3, k_tile)], 2.0)
        each = len(tiled.events)
        self._march(tiled, k_tile, each, 2.2)
        if prod(tiled.grid) > 1:
            self.say("The other CTAs copy their tiles too")
            self._march(tiled, each, prod(tiled.grid) * each, 2.6)
        a, b = (self.board.state.shown.most(op) for op in ("A", "B"))
        self.say(f"In all, {_each(a, b)}")
        self.hold(2.0)

    def _ratio(self) -> list[Label]:
        counts = traffic(self.tiled)
        write = self.board.totals.write
        unit = "" if self.board.totals.bytes else " elements"
        said = f"{write(counts.naive_requested)} against {write(counts.total.requested)}{unit}"
        said += f" requested: {_as_many(times(counts))} without tiles"
        ratio = self.board.totals.ratio(counts)
        self.say(said, chapter="ratio")
        self.play_for(0.8, *(Fade(label, appear=True) for label in ratio))
        self.remove(*ratio)
        self.board.totals.add(*ratio)
        self.poster_at = self.now
        self.hold(to_read(said) + 0.6)
        return ratio

    def _at_scale(self) -> None:
        """The same for the real thing; or for the toy, if this is the real thing."""
        other = choose("sgemm")
        if (other.gemm, other.tiling) == (self.choice.gemm, self.choice.tiling):
            other = choose("seed")
        plan = other.schedule().at((0, 0))
        untiled, counts = naive.beside(plan), traffic(plan)
        end = [moment(one, prod(one.grid) * len(one.events)) for one in (untiled, plan)]
        self.other = Comparison(self.look, plan, Seen(end[0], end[1]))
        self.other.add(*self.other.totals.ratio(counts))
        naive_, tiled = (
            f"{count(n * WORD)}B" for n in (counts.naive_requested, counts.total.requested)
        )
        tile = dims(plan.tiling.bm, plan.tiling.bn, plan.tiling.bk)
        said = f"{plan.gemm} in {tile} tiles: {naive_} against {tiled}, {_as_many(times(counts))}"
        self.say(said, chapter="at scale")
        self._turn_to(self.board, self.other)
        self.hold(to_read(said) + 0.6)

    # How states are played.

    def _move(self, seen: Seen, seconds: float, swap: float = 0.5) -> None:
        self.play_for(seconds, *self.board.moves(seen, swap))

    def _through(self, counts: Sequence[Count], seconds: float) -> None:
        """One moment after another, of the schedule whose turn it is."""
        done = self.board.state.naive
        seen = [Seen(one) if isinstance(one.plan, Naive) else Seen(done, one) for one in counts]
        if seen:
            self.play_for(seconds, Through(self.board, seen))

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

    def _march(self, plan: Plan, first: int, last: int, seconds: float) -> None:
        """From one moment of a schedule to another, over all its CTAs."""
        self._through([moment(plan, events) for events in _spread(first + 1, last)], seconds)


def _some(items: Sequence[Tally]) -> list[Tally]:
    """STATES of them at most, evenly spread, the last among them."""
    return [items[i - 1] for i in _spread(1, len(items))]


def _spread(first: int, last: int) -> list[int]:
    """STATES whole numbers at most from first to last, evenly spread, the last among them."""
    found = (
        np.linspace(last, first, min(STATES, last - first + 1), dtype=int) if last >= first else []
    )
    return sorted(int(number) for number in found)


def _each(a: int, b: int) -> str:
    """How often each element has been requested."""
    if a == b:
        return f"each element is requested {_often(a)}"
    return f"each element of A is requested {_often(a)}, each of B {_often(b)}"


def _often(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _as_many(ratio: str) -> str:
    return "just as many" if ratio == "1" else f"{ratio} times as many"
