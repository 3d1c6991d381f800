"""Counts: the figures that an explainer must get right, and totals counted one by one."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given

from tests.strategies import RAGGED, SEED, SGEMM, schedules
from tiling.expand import expand_copy, expand_exchange, expand_fragments, expand_store
from tiling.schedule import Copy, Exchange, Fragments, Store, schedule
from tiling.shapes import Gemm, Tiling
from tiling.traffic import kinds_of_cta, naive_requested, traffic


def test_seed():
    found = traffic(SEED)
    assert (found.ctas, found.threads, found.k_tiles, found.barriers) == (4, 9, 3, 5)
    assert (found.accumulators, found.shared_bytes) == (4, 192)
    assert found.total.requested == 576 and found.naive_requested == 3456
    assert found.cta.requested_a == found.cta.requested_b == 72
    assert found.total.intensity == 1.5


def test_reference_tiling_per_k_tile():
    cta, k_tiles = traffic(SGEMM).cta, traffic(SGEMM).k_tiles
    assert cta.flop / k_tiles == 262_144
    assert cta.requested_bytes / k_tiles == 8_192
    # per thread and k 16 shared floats for 64 FMA; per thread and k-tile a float4 of A and of B
    assert cta.shared_reads / 256 / 4096 == 16 and cta.fma / 256 / 4096 == 64
    assert cta.requested_a / 256 / k_tiles == cta.requested_b / 256 / k_tiles == 4


def test_reference_tiling_whole():
    found = traffic(SGEMM)
    assert (found.ctas, found.threads, found.accumulators) == (1024, 256, 64)
    assert (found.shared_bytes, found.k_tiles, found.barriers) == (8192, 512, 1023)
    assert found.total.flop == 2 * 4096**3 == pytest.approx(137.4e9, rel=1e-3)
    assert found.naive_requested * 4 == pytest.approx(550e9, rel=1e-3)
    assert found.total.requested_bytes == pytest.approx(4.3e9, rel=2e-3)
    assert found.naive_requested // found.total.requested == 128


@pytest.mark.parametrize("bk", [1, 2, 8, 16, 32])
def test_intensity_is_that_of_the_tile_whatever_BK(bk):
    found = traffic(schedule(Gemm(4096, 4096, 4096), Tiling(128, 128, bk, 8, 8)))
    assert found.cta.intensity == found.total.intensity == 32


@pytest.mark.parametrize("bm", [16, 32, 64, 128])
@pytest.mark.parametrize("bn", [16, 32, 64, 128])
def test_intensity_of_whole_tiles(bm, bn):
    found = traffic(schedule(Gemm(256, 256, 64), Tiling(bm, bn, 8, 4, 4)))
    assert found.total.intensity == pytest.approx(bm * bn / (2 * (bm + bn)))


@pytest.mark.parametrize(
    ("tiling", "requests", "shared_reads"),
    [
        (Tiling(32, 32, 32, 1, 1), 4096 / 16, 2 * 4096),
        (Tiling(128, 128, 8, 8, 8), 4096 / 64, 4096 / 4),
    ],
)
def test_requests_per_result_in_Boehms_way_of_counting(tiling, requests, shared_reads):
    total = traffic(schedule(Gemm(4096, 4096, 4096), tiling)).total
    assert total.requests_per_result == requests
    assert total.shared_reads_per_result == shared_reads


def test_ragged_by_hand():
    """13×11×10: three rows and two columns of CTAs, k-tiles of 4, 4 and 2."""
    found = traffic(RAGGED)
    assert (found.cta.requested_a, found.cta.requested_b) == (1 * 10, 10 * 5)
    assert found.cta.stored == 1 * 5 and found.cta.useful_fma == 5 * 10
    assert found.cta.fma == 36 * 12 and found.cta.shared_writes == 3 * (24 + 24)
    assert found.total.requested_a == 2 * 13 * 10  # each column of CTAs fetches all of A
    assert found.total.requested_b == 3 * 10 * 11
    assert found.total.stored == 13 * 11
    assert found.total.flop == 2 * found.total.useful_fma == 2 * 13 * 11 * 10  # no zero fill
    assert found.total.fma == 6 * 36 * 12
    assert found.total.shared_reads == 6 * 12 * 9 * (2 + 2)


def test_a_pad_costs_shared_memory_and_nothing_else():
    plain = traffic(schedule(SEED.gemm, Tiling(6, 6, 4, 2, 2)))
    padded = traffic(schedule(SEED.gemm, Tiling(6, 6, 4, 2, 2, pad=1)))
    assert padded.shared_bytes == plain.shared_bytes + 16
    assert padded.total == plain.total


@given(schedules())
def test_the_total_is_the_sum_over_all_ctas_counted_access_by_access(plan):
    requested = Counter()
    stored = writes = reads = fma = 0
    for cta in np.ndindex(plan.grid):
        here = plan.at(cta)
        for event in here.events:
            if isinstance(event, Copy):
                copy = expand_copy(here, event)
                requested[event.operand] += int(copy.predicate.sum())
                writes += copy.word.size
            elif isinstance(event, Fragments):
                reads += sum(read.word.size for read in expand_fragments(here, event).values())
                fma += plan.tiling.threads * plan.tiling.tm * plan.tiling.tn
            elif isinstance(event, Exchange):
                writes += expand_exchange(here, event).word.size
            elif isinstance(event, Store) and event.row is not None:
                reads += expand_store(here, event).word.size
        stored += int(expand_store(here).predicate.sum())
    total = traffic(plan).total
    assert {"A": total.requested_a, "B": total.requested_b} == requested
    assert total.stored == stored
    assert (total.shared_writes, total.shared_reads, total.fma) == (writes, reads, fma)
    assert total.useful_fma == math.prod((plan.gemm.m, plan.gemm.n, plan.gemm.k))


@given(schedules())
def test_kinds_of_cta_count_every_cta(plan):
    kinds = list(kinds_of_cta(plan))
    assert sum(many for _, many in kinds) == math.prod(plan.grid)
    inside = [plan.at(cta).inside("C") for cta in np.ndindex(plan.grid)]
    assert sorted(inside) == sorted(
        shape for cta, many in kinds for shape in [plan.at(cta).inside("C")] * many
    )


@given(schedules())
def test_tiling_never_requests_more_than_no_tiling(plan):
    assert traffic(plan).total.requested <= naive_requested(plan.gemm)
