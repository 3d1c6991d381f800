"""How often each element of A and B has been loaded from global memory, event by event."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from tiling.expand import readers
from tiling.for_scenes.naive import one_result_each
from tiling.layout import Ints, Operand
from tiling.schedule import Copy, Event, Fragments, OuterProduct, Schedule, Store
from tiling.shapes import Gemm


@dataclass(frozen=True)
class Region:
    """rows×cols elements from (row, col), each of them so many times."""

    row: int
    col: int
    rows: int
    cols: int
    times: int


def regions_of(plan: Schedule, event: Event) -> dict[Operand, Region]:
    """What the CTA loads of A and of B in an event, and how often each of it."""
    match event:
        case Copy(operand, k_tile):
            return {
                operand: Region(*plan.origin(operand, k_tile), *plan.inside(operand, k_tile), 1)
            }
        case Fragments(k_tile, k) if plan.tiling.direct:
            k += k_tile * plan.tiling.bk
            if k < plan.gemm.k:
                row, col, rows, cols = results_of(plan)
                each = times_each(plan)
                return {
                    "A": Region(row, k, rows, 1, each["A"]),
                    "B": Region(k, col, 1, cols, each["B"]),
                }
    return {}


def results_of(plan: Schedule) -> tuple[int, int, int, int]:
    """(row, col, rows, cols) of C that the CTA makes."""
    return *plan.origin("C"), *plan.inside("C")


@dataclass(frozen=True, eq=False)
class Tally:
    """What some CTAs have loaded, each from its first event to its last.

    by_row  (M,) how often each element of a row of A, the same for every k
    by_col  (N,) how often each element of a column of B, the same for every k
    made    the results they have made
    """

    gemm: Gemm
    by_row: Ints
    by_col: Ints
    made: tuple[Region, ...] = ()

    @classmethod
    def empty(cls, gemm: Gemm) -> "Tally":
        return cls(gemm, np.zeros(gemm.m, int), np.zeros(gemm.n, int))

    def after(self, plan: Schedule, ctas: tuple[int, int] = (1, 1)) -> "Tally":
        """With (rows, columns) of CTAs more, of which the plan's own is the first."""
        row, col = results_of(plan)[:2]
        tall, wide = plan.tiling.tile_shape("C")
        rows, cols = min(ctas[0] * tall, self.gemm.m - row), min(ctas[1] * wide, self.gemm.n - col)
        # All CTAs but the last of a row or column of the grid are whole.
        end = plan.at((plan.cta[0] + ctas[0] - 1, plan.cta[1] + ctas[1] - 1))
        first, last = times_each(plan), times_each(end)
        by_row, by_col = self.by_row.copy(), self.by_col.copy()
        by_row[row : row + rows] += (ctas[1] - 1) * first["A"] + last["A"]
        by_col[col : col + cols] += (ctas[0] - 1) * first["B"] + last["B"]
        return Tally(self.gemm, by_row, by_col, (*self.made, Region(row, col, rows, cols, 1)))

    @property
    def loaded(self) -> int:
        """Elements of A and B loaded: one that is loaded twice counts twice."""
        return self.gemm.k * int(self.by_row.sum() + self.by_col.sum())

    @property
    def per_result(self) -> float:
        """Elements loaded for each result made; NaN before the first."""
        made = sum(one.rows * one.cols for one in self.made)
        return self.loaded / made if made else float("nan")


def times_each(plan: Schedule) -> dict[Operand, int]:
    """How often the CTA loads each element of its rows of A and of its columns of B."""
    return readers(plan) if plan.tiling.direct else {"A": 1, "B": 1}


@dataclass(frozen=True, eq=False)
class Count:
    """What has been loaded when one CTA has come as far as `step`, after all those `before`."""

    before: Tally
    plan: Schedule
    step: int

    def regions(self, operand: Operand) -> Iterator[Region]:
        """All of an operand, cut where the number of loads changes."""
        rows, cols = self.before.gemm.shape(operand)
        row, col, tall, wide = results_of(self.plan)
        times, k_all, first, size = self.before.by_row, cols, row, tall
        if operand == "B":
            times, k_all, first, size = self.before.by_col, rows, col, wide
        k, more = self._reach(operand)
        if k == k_all:
            times = times.copy()
            times[first : first + size] += more
        changes = (np.flatnonzero(np.diff(times)) + 1).tolist()
        edges = {0, len(times), *changes, *([first, first + size] if 0 < k < k_all else [])}
        for here, there in pairwise(sorted(edges)):
            every = int(times[here])
            cuts = [(0, k_all, every)]
            if here == first and 0 < k < k_all:
                cuts = [(0, k, every + more), (k, k_all, every)]
            for near, far, number in cuts:
                box = (here, near, there - here, far - near)
                if operand == "B":
                    box = (near, here, far - near, there - here)
                yield Region(*box, number)

    def loaded(self, operand: Operand) -> int:
        """Elements loaded: one that is loaded twice counts twice."""
        return sum(one.rows * one.cols * one.times for one in self.regions(operand))

    @property
    def total(self) -> int:
        """Elements of A and B loaded."""
        return self.loaded("A") + self.loaded("B")

    def most(self, operand: Operand) -> int:
        """How often the element has been loaded that was loaded most."""
        return max(one.times for one in self.regions(operand))

    @property
    def done(self) -> Tally:
        """Those that have come to their end: the one at work among them once it has stored."""
        stored = any(isinstance(event, Store) for event in self.plan.events[: self.step])
        return self.before.after(self.plan) if stored else self.before

    def lit(self, operand: Operand) -> Region | None:
        """What the CTA has loaded last: of B nothing, while A is already further along k."""
        found = self._last(operand)
        if operand == "B" and found is not None:
            a = self._last("A")
            return found if a is not None and a.col == found.row else None
        return found

    def used(self, operand: Operand) -> Region | None:
        """What of its tile the CTA now reads from shared memory, at one k."""
        last = self.plan.events[self.step - 1] if self.step else None
        if not isinstance(last, Fragments | OuterProduct) or self.plan.tiling.direct:
            return None
        k = last.k_tile * self.plan.tiling.bk + last.k
        row, col, rows, cols = results_of(self.plan)
        if k >= self.before.gemm.k:
            return None
        return Region(row, k, rows, 1, 0) if operand == "A" else Region(k, col, 1, cols, 0)

    def _reach(self, operand: Operand) -> tuple[int, int]:
        """How much of K has been loaded of an operand, and how often each element of it."""
        last = self._last(operand)
        if last is None:
            return 0, 0
        return (last.col + last.cols if operand == "A" else last.row + last.rows), last.times

    def _last(self, operand: Operand) -> Region | None:
        """The operand's last load so far. They ascend along k."""
        for event in reversed(self.plan.events[: self.step]):
            if found := regions_of(self.plan, event).get(operand):
                return found
        return None


def ctas_done(plan: Schedule, number: int) -> Tally:
    """What the first CTAs of the grid, row by row, have loaded."""
    rows, cols = divmod(number, plan.grid[1])
    tally = Tally.empty(plan.gemm)
    if rows:
        tally = tally.after(plan.at((0, 0)), (rows, plan.grid[1]))
    return tally.after(plan.at((rows, 0)), (1, cols)) if cols else tally


def moment(plan: Schedule, events: int) -> Count:
    """After so many events of all CTAs of the grid, one CTA after another, row by row.

    On a GPU many are at work at once. How often each element is loaded is the same.
    """
    number, step = divmod(events, len(plan.events))
    last = prod(plan.grid) - 1
    cta = divmod(min(number, last), plan.grid[1])
    return Count(ctas_done(plan, number), plan.at(cta), step)


def end_of(plan: Schedule) -> Count:
    """After all events of all CTAs."""
    return moment(plan, prod(plan.grid) * len(plan.events))


def same_loads(one: Schedule, other: Schedule) -> bool:
    """Whether two schedules load the same, each of its tiles in shared memory."""

    def asks(plan: Schedule) -> tuple[object, ...]:
        tiling = plan.tiling
        return plan.gemm, tiling.bm, tiling.bn, tiling.bk, tiling.direct

    return asks(one) == asks(other)


# Threads of the naive kernel wait for nobody, so they may be counted in any order.


def first_threads(gemm: Gemm) -> list[list[Count]]:
    """The threads of the first result and of the one beside it, or below it, each counted after
    each k and when its result is stored. One list if there is but one result."""
    first, before = one_result_each(gemm, (1, 1)), Tally.empty(gemm)
    steps = [i + 1 for i, event in enumerate(first.events) if isinstance(event, Fragments)]
    steps.append(len(first.events))
    counts = [[Count(before, first, step) for step in steps]]
    if gemm.m * gemm.n > 1:
        second, after = first.at((0, 1) if gemm.n > 1 else (1, 0)), before.after(first)
        counts.append([Count(after, second, step) for step in steps])
    return counts


def row_by_row(plan: Schedule) -> list[Count]:
    """The threads of the first CTA, a row of them after another, each row when it has stored."""
    row, none = one_result_each(plan.gemm, (1, plan.tiling.bn)), Tally.empty(plan.gemm)
    rows = range(plan.at((0, 0)).inside("C")[0])
    before = (none.after(row, (i, 1)) if i else none for i in rows)
    return [
        Count(one, row.at((i, 0)), len(row.events)) for i, one in zip(rows, before, strict=True)
    ]
