"""Carrying a schedule out: the product, its bits, and what is refused."""

import ctypes
import ctypes.util
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import RAGGED, SEED, bits, floats, gemms, schedules, tilings, whole_numbers
from tiling.execute import Executor, execute
from tiling.hazards import Hazard
from tiling.schedule import Fragments, schedule
from tiling.shapes import Gemm, Refused, Tiling


@given(schedules())
def test_small_integers_make_the_int64_product(plan):
    a, b = whole_numbers(plan.gemm.shape("A")), whole_numbers(plan.gemm.shape("B"), 1)
    c = execute(plan, a, b)
    assert c.dtype == np.float32
    assert (c == a.astype(np.int64) @ b.astype(np.int64)).all()
    assert bits(execute(plan, a, b, whole=True)) == bits(c)


@given(gemms, tilings(), tilings())
def test_the_bits_do_not_depend_on_the_tiling(gemm, one, other):
    a, b = floats(gemm.shape("A")), floats(gemm.shape("B"), 1)
    assert bits(execute(schedule(gemm, one), a, b)) == bits(execute(schedule(gemm, other), a, b))


@pytest.mark.parametrize("plan", [SEED, RAGGED], ids=["seed", "ragged"])
def test_the_bits_are_those_of_fmaf_over_k_ascending(plan):
    fmaf = ctypes.CDLL(ctypes.util.find_library("m")).fmaf
    fmaf.restype, fmaf.argtypes = ctypes.c_float, [ctypes.c_float] * 3
    a, b = floats(plan.gemm.shape("A")), floats(plan.gemm.shape("B"), 1)
    want = np.empty(plan.gemm.shape("C"), np.float32)
    for row in range(plan.gemm.m):
        for col in range(plan.gemm.n):
            total = 0.0
            for k in range(plan.gemm.k):
                total = fmaf(float(a[row, k]), float(b[k, col]), total)
            want[row, col] = total
    assert bits(execute(plan, a, b)) == bits(want)
    # These floats tell orders apart: k descending has other bits.
    assert bits(execute(plan, a[:, ::-1].copy(), b[::-1].copy())) != bits(want)


@given(schedules())
def test_floats_are_within_gamma_K_of_the_exact_product(plan):
    """|C - A·B| <= γ_K·|A|·|B| with γ_K = K·u / (1 - K·u), u = 2^-24."""
    a, b = floats(plan.gemm.shape("A")), floats(plan.gemm.shape("B"), 1)
    exact_a, exact_b = a.astype(np.float64), b.astype(np.float64)
    ku = plan.gemm.k * 2.0**-24
    error = np.abs(execute(plan, a, b) - exact_a @ exact_b)
    assert (error <= ku / (1 - ku) * (np.abs(exact_a) @ np.abs(exact_b))).all()


@given(schedules(), st.data())
def test_only_the_ctas_asked_for_store_and_the_rest_is_nan(plan, data):
    rows, cols = plan.grid
    places = st.tuples(st.integers(0, rows - 1), st.integers(0, cols - 1))
    ctas = data.draw(st.lists(places, min_size=1, max_size=3, unique=True))
    a, b = whole_numbers(plan.gemm.shape("A")), whole_numbers(plan.gemm.shape("B"), 1)
    c, whole = execute(plan, a, b, ctas), execute(plan, a, b)
    stored = np.zeros(c.shape, bool)
    for row, col in ctas:
        bm, bn = plan.tiling.bm, plan.tiling.bn
        stored[row * bm : row * bm + bm, col * bn : col * bn + bn] = True
    assert (np.isnan(c) == ~stored).all()
    assert bits(c[stored]) == bits(whole[stored])


def test_many_ctas_run_group_after_group(monkeypatch):
    a, b = floats((13, 10)), floats((10, 11), 1)
    want = bits(execute(RAGGED, a, b))
    for at_once in (1, 72, 10**6):  # one CTA, two, all six
        monkeypatch.setattr("tiling.execute.CTAS_AT_ONCE", at_once)
        assert bits(execute(RAGGED, a, b)) == want


def test_shared_memory_is_poisoned():
    """A product with a k that was never copied would be NaN, not a plausible number."""
    a = b = np.ones((12, 12), np.float32)
    plan = replace(SEED, events=tuple(e for e in SEED.events if getattr(e, "operand", "") != "A"))
    machine = Executor(plan, a, b, np.zeros((12, 12), np.float32), np.array([[0, 0]]))
    for event in plan.events:
        machine.carry_out(event)
    assert np.isnan(machine.C[:6, :6]).all()


def test_infinities_and_nans_stay_in_their_rows_and_columns():
    a, b = np.ones((13, 10), np.float32), np.ones((10, 11), np.float32)
    a[12, 9], b[9, 10] = np.inf, np.nan
    c = execute(RAGGED, a, b)
    assert np.isnan(c[:, 10]).all() and np.isinf(c[12, :10]).all()
    assert (c[:12, :10] == 10).all()  # zero fill made no NaN of them


GOOD = np.ones((13, 10), np.float32), np.ones((10, 11), np.float32)


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        (GOOD[0].T, GOOD[1], "A float32 (10, 13): the schedule multiplies float32 (13, 10)"),
        (GOOD[0], GOOD[1].T, "B float32 (11, 10): the schedule multiplies float32 (10, 11)"),
        (GOOD[0].astype(np.float64), GOOD[1], "A float64"),
        (GOOD[0], GOOD[1].astype(np.int32), "B int32"),
        (GOOD[0].ravel(), GOOD[1], "A float32 (130,)"),
    ],
)
def test_wrong_shapes_and_types_are_refused(a, b, says):
    with pytest.raises(Refused) as refused:
        execute(RAGGED, a, b)
    assert str(refused.value).startswith(says)


def test_operands_are_left_as_they_were():
    a, b = floats((12, 12)), floats((12, 12), 1)
    before = bits(a), bits(b)
    execute(SEED, a, b)
    assert (bits(a), bits(b)) == before


def test_a_schedule_that_reads_too_early_raises():
    early = replace(SEED, events=(Fragments(0, 0), *SEED.events))
    with pytest.raises(Hazard):
        execute(early, np.ones((12, 12), np.float32), np.ones((12, 12), np.float32))


def test_one_by_one_by_one():
    plan = schedule(Gemm(1, 1, 1), Tiling(1, 1, 1, 1, 1))
    assert execute(plan, np.float32([[3]]), np.float32([[-0.5]])).tolist() == [[-1.5]]
