"""Requests of each element, against a count thread by thread and element by element."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given

from tests.strategies import RAGGED, SEED, SGEMM, direct_tilings, schedules
from tiling.expand import expand_copy, expand_fragments
from tiling.for_scenes import naive
from tiling.for_scenes.tally import Count, Tally, ctas_done, moment, regions_of
from tiling.schedule import Copy, Event, Fragments, Schedule, schedule
from tiling.shapes import Tiling
from tiling.traffic import traffic


def one_by_one(plan: Schedule, event: Event) -> Counter:
    """Requests in one event by (operand, row, col), each thread by itself."""
    reads = {}
    if isinstance(event, Copy):
        reads = {event.operand: expand_copy(plan, event)}
    elif isinstance(event, Fragments) and plan.tiling.direct:
        reads = expand_fragments(plan, event)
    found: Counter = Counter()
    for operand, read in reads.items():
        for row, col in zip(read.row[read.predicate], read.col[read.predicate], strict=True):
            found[operand, int(row), int(col)] += 1
    return found


def all_ctas_one_by_one(plan: Schedule, events: int) -> Counter:
    """The first events of all CTAs, one CTA after another."""
    found: Counter = Counter()
    for cta in np.ndindex(plan.grid):
        for event in plan.events[: max(0, events)]:
            found += one_by_one(plan.at(cta), event)
        events -= len(plan.events)
    return found


def spread_out(count: Count) -> Counter:
    """A count's regions, element by element. Regions must cover an operand once."""
    found: Counter = Counter()
    for operand in "A", "B":
        seen = np.zeros(count.before.gemm.shape(operand), int)
        for one in count.regions(operand):
            seen[one.row : one.row + one.rows, one.col : one.col + one.cols] += 1
            for at in np.ndindex(one.rows, one.cols):
                found[operand, one.row + at[0], one.col + at[1]] = one.times
        assert (seen == 1).all()
    return found


@pytest.mark.parametrize("tiled", [SEED, RAGGED])
@pytest.mark.parametrize("kind", ["naive", "thread tiles", "split", "tiled"])
def test_every_moment_of_every_cta(tiled: Schedule, kind: str):
    plan = {
        "naive": naive.beside(tiled),
        "thread tiles": schedule(tiled.gemm, Tiling(6, 8, 4, 3, 2, direct=True)),
        "split": schedule(
            tiled.gemm, Tiling(32, 16, 4, 4, 4, warp=(32, 16), split=True, direct=True)
        ),
        "tiled": tiled,
    }[kind]
    each, ctas = len(plan.events), int(np.prod(plan.grid))
    for events in range(0, ctas * each + 1, 5):
        want = all_ctas_one_by_one(plan, events)
        found = moment(plan, events)
        assert +spread_out(found) == want
        for operand in "A", "B":
            of_it = [times for key, times in want.items() if key[0] == operand]
            assert found.loaded(operand) == sum(of_it)
            assert found.most(operand) == max(of_it, default=0)


@given(schedules(), schedules(direct_tilings()))
def test_an_event_asks_for_what_its_threads_ask_for(tiled: Schedule, direct: Schedule):
    for plan in tiled, direct, naive.beside(tiled):
        for event in plan.events[:6]:
            assert one_by_one(plan, event) == {
                (operand, region.row + i, region.col + j): region.times
                for operand, region in regions_of(plan, event).items()
                for i, j in np.ndindex(region.rows, region.cols)
            }


@given(schedules(), schedules(direct_tilings()))
def test_all_ctas_together_ask_for_what_the_traffic_counts(tiled: Schedule, direct: Schedule):
    for plan, want in (
        (naive.beside(tiled), traffic(tiled).naive_requested),
        (tiled, traffic(tiled).total.requested),
        (direct, traffic(direct).total.requested),
    ):
        end = moment(plan, int(np.prod(plan.grid)) * len(plan.events))
        assert end.before.loaded == end.loaded("A") + end.loaded("B") == want
        assert end.done.per_result == pytest.approx(want / (plan.gemm.m * plan.gemm.n))


@given(schedules())
def test_the_order_in_which_threads_are_counted_does_not_matter(tiled: Schedule):
    """The naive kernel's threads one by one, in rows, and as CTAs: the same requests."""
    plan = naive.beside(tiled.at((0, 0)))
    none = Tally.empty(tiled.gemm)
    rows, cols = plan.inside("C")
    alone = naive.one_result_each(plan.gemm, (1, 1))
    row = naive.one_result_each(plan.gemm, (1, cols))
    for found in none.after(alone, (rows, cols)), none.after(row, (rows, 1)):
        np.testing.assert_array_equal(found.by_row, ctas_done(plan, 1).by_row)
        np.testing.assert_array_equal(found.by_col, ctas_done(plan, 1).by_col)


def test_what_is_lit_and_what_is_used():
    tiled = SEED.at((1, 1))
    none = Tally.empty(tiled.gemm)
    after_a, after_b, at_k = (Count(none, tiled, step) for step in (1, 2, 6))
    assert (after_a.lit("A"), after_a.lit("B")) == (
        regions_of(tiled, Copy("A", 0))["A"],
        None,
    )
    assert after_b.lit("B") == regions_of(tiled, Copy("B", 0))["B"] and after_b.used("A") is None
    used = at_k.used("A"), at_k.used("B")  # the second k of the first k-tile
    assert [(one.row, one.col, one.rows, one.cols) for one in used] == [(6, 1, 6, 1), (1, 6, 1, 6)]
    plan = naive.beside(tiled)
    for operand in "A", "B":
        assert Count(none, plan, 3).lit(operand) == regions_of(plan, Fragments(1, 0))[operand]
        assert Count(none, plan, 3).used(operand) is None


def test_regions_are_few_whatever_the_size():
    for plan in SGEMM, naive.beside(SGEMM):
        count = moment(plan, (3 * plan.grid[1] + 5) * len(plan.events) + 17)
        assert all(len(list(count.regions(operand))) <= 5 for operand in ("A", "B"))
        assert len(count.done.made) == 2
