"""What is said to CuPy, or to its stand-in.

Nothing here says anything about a GPU: tests/test_kernel_gpu.py does that, where there is one.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.kernel_cases import RAGGED, TILINGS, TOY, bits, case, needs_host
from tests.stand_in import LIMITS, Array, Kernel, Module
from tests.stand_in import stand_in as stand_in
from tiling.execute import execute
from tiling.faults import Broken, Missing
from tiling.kernel import gpu
from tiling.kernel.compare import EQUAL, compare
from tiling.kernel.provenance import provenance
from tiling.kernel.rungs import floats
from tiling.presets import Choice, choose
from tiling.schedule import schedule
from tiling.shapes import Gemm, Refused, Tiling
from tiling.verify import verify

pytestmark = pytest.mark.usefixtures("stand_in")


@needs_host
@pytest.mark.parametrize("tiling", TILINGS.values(), ids=TILINGS)
def test_the_kernel_is_launched_with_the_grid_and_memory_it_needs(tiling: Tiling) -> None:
    plan, a, b = case(tiling, Gemm(37, 66, 24))
    c = gpu.gemm(a, b, tiling)
    assert (bits(c) == bits(execute(plan, a, b))).all()
    (launch,) = Module.made[0].launches
    assert launch["grid"] == (plan.grid[0] * plan.grid[1],)
    assert launch["block"] == (tiling.threads,)
    assert launch["shared_mem"] == (tiling.shared_bytes if tiling.large_shared else 0)
    if tiling.shared_bytes > 48 * 1024:
        assert Module.made[0].max_dynamic_shared_size_bytes == tiling.shared_bytes


@needs_host
def test_the_traced_build_gives_slots_that_equal_the_model() -> None:
    plan = schedule(RAGGED, TOY)
    _, slots = gpu.traced(*provenance(RAGGED), TOY)
    for number, cta in enumerate(np.ndindex(plan.grid)):
        assert compare(slots[number], plan.at(cta)) == EQUAL


@needs_host
def test_a_tiling_is_built_once_for_each_device_and_build() -> None:
    _, a, b = case(TOY)
    for _ in range(3):
        gpu.gemm(a, b, TOY)
    assert len(Module.made) == 1
    gpu.traced(a, b, TOY)
    assert len(Module.made) == 2
    elsewhere = a.view(Array)
    elsewhere.number = 1
    gpu.gemm(elsewhere, b, TOY)
    assert len(Module.made) == 3


@needs_host
def test_the_rung_runs_the_full_size_too_where_it_is_large() -> None:
    tiling = TILINGS["small"]
    rung = verify("gpu", Choice("large", Gemm(130, 140, 50), tiling, (1, 2)))
    assert rung.status == "passed"
    assert "a stand-in, cut down to 34×44×26 (9 CTAs, same tiling and remainders)" in rung.says
    assert "130×140×50: integers cuBLAS's, bits of 5 CTAs equal" in rung.says


@needs_host
def test_the_rung_fails_with_the_first_wrong_element(monkeypatch: pytest.MonkeyPatch) -> None:
    launch = Kernel.__call__

    def spoilt(self: Kernel, grid: Any, block: Any, args: Any, *, shared_mem: int) -> None:
        launch(self, grid, block, args, shared_mem=shared_mem)
        args[2][3, 4] += 1

    monkeypatch.setattr(Kernel, "__call__", spoilt)
    rung = verify("gpu", choose("seed"))
    assert rung.status == "failed"
    assert rung.says.startswith("C[3, 4] is ")
    assert rung.says.endswith("so 1 of 144 elements")


@needs_host
def test_the_rung_fails_where_cublas_has_another_product(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(_: str, __: str, a: Any, b: Any) -> Any:
        c = (a @ b).view(Array)
        c[2, 1] += 1
        return c

    monkeypatch.setattr(gpu, "cublas", lambda: SimpleNamespace(gemm=spoilt))
    rung = verify("gpu", choose("seed"))
    assert rung.status == "failed"
    assert rung.says.startswith("C[2, 1] is ") and " not cuBLAS's " in rung.says


A, B = floats(RAGGED)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (A.astype(np.float64), B, r"A float64: is not float32 \(try a.astype\('float32'\)\)"),
        (A, B[0], r"B \(11,\): is not a matrix of rows and columns"),
        (A[:, ::2], B, r"A strides \(40, 8\): is not row-major without gaps"),
        (np.asfortranarray(A), B, "is not row-major without gaps"),
        (A, B[1:], r"B \(9, 11\): A \(13, 10\) has 10 columns, .*\(try B \(10, 11\)\)"),
        (A.tolist(), B, "A list: is neither a CuPy nor a NumPy array"),
        (A[:0], B, "M=0 is not a positive whole number"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(a: Any, b: Any, words: str) -> None:
    with pytest.raises(Refused, match=words):
        gpu.gemm(a, b, TOY)


def test_arrays_of_two_devices_are_refused() -> None:
    a, b = A.view(Array), B.view(Array)
    b.number = 1
    with pytest.raises(Refused, match="B on device 1: A is on device 0, B on device 1"):
        gpu.gemm(a, b, TOY)


def _large(bk: int) -> Tiling:
    return Tiling(64, 64, bk, 2, 2, large_shared=True)


@pytest.mark.parametrize(
    ("tiling", "limit", "value", "words"),
    [
        (_large(200), "", 0, "needs 102400 bytes of shared memory, more than the 101376 that this"),
        (TOY, "MaxThreadsPerBlock", 8, "makes 9 threads, more than this device's 8"),
        (
            TOY,
            "MaxSharedMemoryPerBlock",
            100,
            "needs 192 bytes of shared memory, more than the 100",
        ),
    ],
)
def test_a_tiling_that_the_device_cannot_hold_is_refused_with_its_limit(
    tiling: Tiling, limit: str, value: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit:
        monkeypatch.setitem(LIMITS, limit, value)
    with pytest.raises(Refused, match=words):
        gpu.gemm(A, B, tiling)


def test_too_many_registers_for_a_cta_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Module, "most_threads", 8)
    with pytest.raises(Refused, match="with 64 registers a thread this device holds 8 threads"):
        gpu.gemm(A, B, TOY)


def test_a_kernel_that_does_not_build_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Module, "fails", True)
    with pytest.raises(Broken, match=r"NVRTC refuses it: gemm\.cu\(1\): error: something$"):
        gpu.gemm(A, B, TOY)


def test_without_cupy_or_a_device_the_rung_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_cupy() -> None:
        raise Missing("no CuPy here: pip install cupy-cuda13x")

    monkeypatch.setattr(gpu, "_cupy", no_cupy)
    rung = verify("gpu", choose("seed"))
    assert (rung.status, rung.says) == ("not run", "no CuPy here: pip install cupy-cuda13x")


def test_the_driver_is_named_even_without_nvidia_smi(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_program(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("subprocess.run", no_program)
    assert gpu.device()["driver"] == "for CUDA 13.2"
