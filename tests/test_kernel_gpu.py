"""The kernel on a GPU. Needs Python, NumPy, CuPy, click, rich and pytest:

python3 -m pytest -m gpu
"""

from random import Random

import numpy as np
import pytest

from tests.kernel_cases import (
    RAGGED,
    TILINGS,
    TOY,
    any_gemm,
    any_tiling,
    bits,
    case,
    chain,
    needs_gpu,
    some_ctas,
)
from tiling.execute import execute
from tiling.kernel import gpu
from tiling.kernel.compare import EQUAL, compare
from tiling.kernel.provenance import late_barriers, provenance
from tiling.kernel.rungs import floats, integers
from tiling.presets import choose, presets
from tiling.schedule import schedule
from tiling.shapes import Gemm, Refused, Tiling
from tiling.verify import verify

pytestmark = [pytest.mark.gpu, needs_gpu]
GEMMS = [RAGGED, Gemm(1, 1, 1), Gemm(1, 37, 2), Gemm(64, 3, 17), Gemm(70, 69, 68)]
SGEMM = choose("sgemm").tiling


@pytest.mark.parametrize("gemm", GEMMS, ids=str)
@pytest.mark.parametrize("tiling", TILINGS.values(), ids=TILINGS)
def test_bits_of_c_equal_the_model(tiling: Tiling, gemm: Gemm) -> None:
    plan, a, b = case(tiling, gemm)
    assert (bits(gpu.gemm(a, b, tiling).get()) == bits(execute(plan, a, b))).all()


@pytest.mark.parametrize("gemm", GEMMS, ids=str)
@pytest.mark.parametrize("tiling", TILINGS.values(), ids=TILINGS)
def test_every_thread_does_what_the_model_says(tiling: Tiling, gemm: Gemm) -> None:
    plan = schedule(gemm, tiling)
    a, b = provenance(gemm)
    c, slots = gpu.traced(a, b, tiling)
    assert (bits(c) == bits(execute(plan, a, b))).all()
    for number, cta in some_ctas(plan, 20):
        assert compare(slots[number], plan.at(cta)) == EQUAL


@pytest.mark.parametrize("tiling", [TOY, TILINGS["warps"], SGEMM], ids=str)
def test_no_thread_leaves_a_barrier_before_the_last_has_come(tiling: Tiling) -> None:
    plan = schedule(Gemm(2 * tiling.bm, 2 * tiling.bn, 5 * tiling.bk), tiling)
    _, slots = gpu.traced(*provenance(plan.gemm), tiling)
    assert late_barriers(plan, slots) == []


@pytest.mark.parametrize("seed", range(60))
def test_any_size_in_any_tiling(seed: int) -> None:
    pick = Random(seed).choice
    tiling = any_tiling(pick)
    for gemm in any_gemm(pick), any_gemm(pick):
        plan = schedule(gemm, tiling)
        a, b = floats(gemm, seed)
        assert (bits(gpu.gemm(a, b, tiling).get()) == bits(execute(plan, a, b))).all()
        _, slots = gpu.traced(*provenance(gemm), tiling)
        for number, cta in some_ctas(plan, 4, seed):
            assert compare(slots[number], plan.at(cta)) == EQUAL
        assert late_barriers(plan, slots) == []


@pytest.mark.parametrize("seed", range(10))
def test_bits_of_c_do_not_depend_on_the_tiling(seed: int) -> None:
    a, b = floats(any_gemm(Random(seed).choice), seed)
    want = bits(chain(a, b))
    for tiling in (*TILINGS.values(), SGEMM):
        assert (bits(gpu.gemm(a, b, tiling).get()) == want).all()


@pytest.mark.parametrize("tiling", [TOY, TILINGS["warps"], SGEMM], ids=str)
def test_integers_equal_the_int64_product_and_cublas(tiling: Tiling) -> None:
    import cupy

    a, b = integers(Gemm(301, 299, 303))
    c = gpu.gemm(a, b, tiling)
    assert (c.get() == a.astype(np.int64) @ b.astype(np.int64)).all()
    assert (c == cupy.asarray(a) @ cupy.asarray(b)).all()


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("operand", "AB")
@pytest.mark.parametrize("tiling", [TOY, TILINGS["warps"], SGEMM], ids=str)
def test_one_inf_or_nan_reaches_its_row_or_column_and_nothing_else(
    tiling: Tiling, operand: str, odd: float
) -> None:
    a, b = (np.abs(x) + 1 for x in floats(RAGGED))
    reached = np.zeros((RAGGED.m, RAGGED.n), bool)
    if operand == "A":
        a[-1, -1], reached[-1, :] = odd, True
    else:
        b[-1, -1], reached[:, -1] = odd, True
    c = gpu.gemm(a, b, tiling).get()
    assert np.array_equal(c[reached], np.full(reached.sum(), odd, np.float32), equal_nan=True)
    assert np.isfinite(c[~reached]).all()


@pytest.mark.parametrize("gemm", [Gemm(1001, 1003, 1009), Gemm(1, 4097, 511)], ids=str)
def test_large_and_ragged(gemm: Gemm) -> None:
    """Error within γ_K of float64 everywhere; bits in rows at random."""
    a, b = floats(gemm)
    c = gpu.gemm(a, b, SGEMM).get()
    exact_a, exact_b = a.astype(np.float64), b.astype(np.float64)
    ku = gemm.k * 2.0**-24
    bound = ku / (1 - ku) * (np.abs(exact_a) @ np.abs(exact_b))
    assert (np.abs(c - exact_a @ exact_b) <= bound).all()
    rows = sorted({0, gemm.m - 1, *np.random.default_rng(0).integers(0, gemm.m, 20).tolist()})
    assert (bits(c[rows]) == bits(chain(a[rows], b))).all()


def test_subnormal_numbers_keep_their_bits() -> None:
    plan, a, b = case(TOY)
    a, b = a * np.float32(1e-22), b * np.float32(1e-22)
    c = gpu.gemm(a, b, TOY).get()
    assert 0 < np.abs(c).max() < 2.0**-126
    assert (bits(c) == bits(execute(plan, a, b))).all()


def test_most_of_the_shared_memory_or_a_refusal_with_the_devices_limit() -> None:
    import cupy

    tiling = Tiling(64, 64, 400, 2, 2, large_shared=True)
    limit = cupy.cuda.Device().attributes["MaxSharedMemoryPerBlockOptin"]
    a, b = floats(Gemm(70, 66, 401))
    if tiling.shared_bytes <= limit:
        assert (bits(gpu.gemm(a, b, tiling).get()) == bits(chain(a, b))).all()
    else:
        with pytest.raises(Refused, match=f"more than the {limit} that this device gives"):
            gpu.gemm(a, b, tiling)


def test_device_arrays_come_and_go_and_their_addresses_need_no_alignment() -> None:
    import cupy

    tiling = TILINGS["vector 4"]
    a, b = floats(Gemm(32, 32, 32))
    for skew in range(4):
        moved = []
        for matrix in a, b:
            room = cupy.empty(matrix.size + skew, np.float32)
            room[skew:] = cupy.asarray(matrix.ravel())
            moved.append(room[skew:].reshape(matrix.shape))
        c = gpu.gemm(*moved, tiling)
        assert isinstance(c, cupy.ndarray)
        assert (bits(c.get()) == bits(chain(a, b))).all()


def test_what_does_not_fit_is_refused() -> None:
    import cupy

    a, b = map(cupy.asarray, floats(RAGGED))
    with pytest.raises(Refused, match="A float64: is not float32"):
        gpu.gemm(a.astype(np.float64), b, TOY)
    with pytest.raises(Refused, match="is not row-major without gaps"):
        gpu.gemm(a[:, 1:], b[1:], TOY)
    with pytest.raises(Refused, match=r"has 10 columns, B .* has 9 rows"):
        gpu.gemm(a, cupy.ascontiguousarray(b[1:]), TOY)


def test_arrays_of_two_devices_are_refused() -> None:
    import cupy

    if cupy.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("one device")
    a, b = floats(RAGGED)
    with cupy.cuda.Device(1):
        there = cupy.asarray(b)
    with pytest.raises(Refused, match="A is on device 0, B on device 1"):
        gpu.gemm(cupy.asarray(a), there, TOY)


def test_a_tiling_is_built_once() -> None:
    _, a, b = case(TOY)
    gpu.gemm(a, b, TOY)
    before = gpu.built.cache_info().misses
    gpu.gemm(a, b, TOY)
    assert gpu.built.cache_info().misses == before


@pytest.mark.parametrize("preset", presets())
def test_the_gpu_rung_is_climbed(preset: str) -> None:
    rung = verify("gpu", choose(preset))
    assert rung.status == "passed", rung.says
