"""What must hold for every size and every tiling, on a CPU."""

from random import Random

import numpy as np
import pytest

hypothesis = pytest.importorskip("hypothesis")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from tests.kernel_cases import (  # noqa: E402
    TILINGS,
    any_gemm,
    any_tiling,
    bits,
    build,
    chain,
    needs_host,
    some_ctas,
)
from tiling.execute import execute  # noqa: E402
from tiling.fma import Floats  # noqa: E402
from tiling.kernel import host  # noqa: E402
from tiling.kernel.compare import EQUAL, compare  # noqa: E402
from tiling.kernel.provenance import provenance  # noqa: E402
from tiling.kernel.rungs import floats, integers  # noqa: E402
from tiling.schedule import schedule  # noqa: E402
from tiling.shapes import Gemm, Tiling  # noqa: E402

pytestmark = needs_host

# The same examples every time: a failure is somebody's change, not luck.
steady = settings(derandomize=True, deadline=None, database=None)

seeds = st.integers(0, 2**20)
# From a seed, so that the choices are spread evenly: drawn one by one they would be mostly alike.
tilings = seeds.map(lambda seed: any_tiling(Random(seed).choice))
gemms = seeds.map(lambda seed: any_gemm(Random(seed).choice))
built = st.sampled_from(list(TILINGS.values()))


def run(tiling: Tiling, a: Floats, b: Floats) -> Floats:
    plan = schedule(Gemm(a.shape[0], b.shape[1], a.shape[1]), tiling)
    return host.run(plan, a, b)[0]


cases = st.tuples(tilings, gemms, seeds)


@settings(steady, max_examples=16)
@given(st.lists(cases, min_size=5, max_size=5, unique=True))
def test_host_bits_and_trace_equal_the_models(several: list[tuple[Tiling, Gemm, int]]) -> None:
    build(*((tiling, way, None) for tiling, _, _ in several for way in ("plain", "trace")))
    for tiling, gemm, seed in several:
        plan = schedule(gemm, tiling)
        a, b = floats(gemm, seed)
        c, _ = host.run(plan, a, b, order=seed, skew=seed % 4)
        assert (bits(c) == bits(execute(plan, a, b))).all()
        _, slots = host.run(plan, *provenance(gemm), "trace", order=seed, skew=seed % 4)
        for number, cta in some_ctas(plan, 4, seed):
            assert compare(slots[number], plan.at(cta)) == EQUAL


@settings(steady, max_examples=60)
@given(gemms, st.lists(built, min_size=2, max_size=3, unique=True), seeds)
def test_bits_of_c_do_not_depend_on_the_tiling(
    gemm: Gemm, several: list[Tiling], seed: int
) -> None:
    a, b = floats(gemm, seed)
    want = bits(chain(a, b))
    for tiling in several:
        assert (bits(run(tiling, a, b)) == want).all()


@settings(steady, max_examples=60)
@given(gemms, built, seeds)
def test_integers_equal_the_int64_product(gemm: Gemm, tiling: Tiling, seed: int) -> None:
    a, b = integers(gemm, seed)
    assert (run(tiling, a, b) == a.astype(np.int64) @ b.astype(np.int64)).all()


@settings(steady, max_examples=60)
@given(gemms, built, seeds, st.sampled_from([np.inf, -np.inf, np.nan]), st.sampled_from("AB"))
def test_one_inf_or_nan_reaches_its_row_or_column_and_nothing_else(
    gemm: Gemm, tiling: Tiling, seed: int, odd: float, operand: str
) -> None:
    a, b = (np.abs(x) + 1 for x in floats(gemm, seed))  # no zero, which would make Inf a NaN
    random = np.random.default_rng(seed)
    m, n, k = (int(random.integers(size)) for size in (gemm.m, gemm.n, gemm.k))
    reached = np.zeros((gemm.m, gemm.n), bool)
    if operand == "A":
        a[m, k], reached[m, :] = odd, True
    else:
        b[k, n], reached[:, n] = odd, True
    c = run(tiling, a, b)
    assert np.array_equal(c[reached], np.full(reached.sum(), odd, np.float32), equal_nan=True)
    assert np.isfinite(c[~reached]).all()


@settings(steady, max_examples=60)
@given(gemms, built, seeds)
def test_error_is_within_gamma_k(gemm: Gemm, tiling: Tiling, seed: int) -> None:
    """|Ĉ - C| <= γ_K·|A|·|B|, γ_K = K·u / (1 - K·u), u = 2^-24 (Higham, Accuracy, 3.5)."""
    a, b = floats(gemm, seed)
    exact_a, exact_b = a.astype(np.float64), b.astype(np.float64)
    ku = gemm.k * 2.0**-24
    bound = ku / (1 - ku) * (np.abs(exact_a) @ np.abs(exact_b))
    assert (np.abs(run(tiling, a, b) - exact_a @ exact_b) <= bound).all()
