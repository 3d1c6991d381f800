"""C++ through NVIDIA's compiler and the machine, against the same C++ through g++, and NumPy."""

import ctypes
import re
import struct
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.kernel_cases import needs_host, needs_nvrtc
from tests.ptx_running import Array, buffer
from tiling import nvidia
from tiling.kernel import cxx
from tiling.ptx.events import Finding
from tiling.ptx.machine import Launch, Machine
from tiling.ptx.memory import Buffer
from tiling.ptx.program import load

pytestmark = needs_nvrtc
HERE = Path(__file__).parent
SAMPLES, KERNELS = HERE / "ptx_samples.cpp", HERE / "ptx_samples.cu"
FUNCTIONS = re.findall(r"EACH\((\w+)\)(?! extern)", SAMPLES.read_text())
THREADS = 192
BUILDS = {
    "75": ("--gpu-architecture=compute_75",),
    "100": ("--gpu-architecture=compute_100",),
    "debug": ("--gpu-architecture=compute_90", "--device-debug"),
}
"""For debugging the compiler leaves everything as it was written, and all in memory."""


@cache
def compiled(file: Path, build: str) -> str:
    return nvidia.ptx(file.read_text(), BUILDS[build])


def launched(
    text: str, name: str, arguments: list[Buffer | bytes], **more: int
) -> tuple[Machine, list[Finding]]:
    machine = Machine(
        load(text, name), Launch((1, 1, 1), (THREADS, 1, 1), arguments, **more), lambda _: None
    )
    return machine, machine.run()


@pytest.fixture(scope="module")
def on_the_host(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = tmp_path_factory.mktemp("samples") / "samples.so"
    options = ("-O1", "-shared", "-fPIC", "-fwrapv", "-DHOST")
    subprocess.run([cxx.compiler()[0], *options, "-o", library, SAMPLES], check=True)
    return ctypes.CDLL(str(library))


def numbers(seed: int) -> Array:
    """Any, and small ones."""
    found = np.random.default_rng(seed).integers(0, 2**32, THREADS, dtype=np.uint32)
    found[: THREADS // 3] %= 1000
    found[:24] = np.arange(24) + seed
    return found


@needs_host
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_of_one_thread(function: str, build: str, on_the_host: ctypes.CDLL) -> None:
    a, b = numbers(0), np.roll(numbers(1), 7)
    wanted, x = np.zeros(THREADS, np.uint32), buffer("x", 2, 4 * THREADS, written=False)
    pointers = (ctypes.c_void_p(array.ctypes.data) for array in (a, b, wanted))
    getattr(on_the_host, f"run_{function}")(*pointers, THREADS)
    text = compiled(SAMPLES, build)
    _, findings = launched(text, f"run_{function}", [buffer("a", 0, a), buffer("b", 1, b), x])
    assert not findings, findings[0]
    assert np.array_equal(x.data.view(np.uint32), wanted)


def test_the_samples_have_what_is_hard() -> None:
    """Calls, arrays in local memory, divisions of 64 bits, bytes."""
    text = compiled(SAMPLES, "75")
    assert len(FUNCTIONS) == 12
    for part in ("call.uni", "__local_depot", "div.s64", "ld.local.u8"):
        assert part in text, part


@pytest.fixture(params=BUILDS)
def kernels(request: pytest.FixtureRequest) -> str:
    return compiled(KERNELS, request.param)


A = np.random.default_rng(2).integers(6, 1000, THREADS).astype(np.int32)
WARPS = A.reshape(-1, 32).astype(np.int64)
LANE = np.arange(32)


def ran(text: str, name: str, *before: bytes, **more: int) -> Array:
    """The numbers that a kernel makes of A, without a finding."""
    x = buffer("x", 1, 4 * THREADS, written=False)
    _, findings = launched(text, name, [*before, buffer("a", 0, A), x], **more)
    assert not findings, findings[0]
    return x.data.view(np.int32)


def same(found: Array, wanted: Array) -> bool:
    return np.array_equal(found, wanted.astype(np.int64).astype(np.uint32).view(np.int32).ravel())


def test_arguments_that_are_structs(kernels: str) -> None:
    wide, narrow = np.array([10, -20, 30]), np.array([1, 2, -3, 4, 5])
    argument = struct.pack("<i4x3q5hbxf", 5, *wide, *narrow, -3, 6.5)
    assert same(ran(kernels, "structs", argument), 5 * A + wide[A % 3] + narrow[A % 5] - 3 + 6)


def test_shuffles(kernels: str) -> None:
    up = np.where(LANE < 3, LANE, LANE - 3)
    down = np.where(LANE % 16 < 11, LANE + 5, LANE)
    at = np.take_along_axis(WARPS, LANE // 8 * 8 + WARPS % 8, 1)
    wanted = WARPS.sum(1, keepdims=True) + 3 * WARPS[:, up] + 5 * WARPS[:, down]
    assert same(ran(kernels, "shuffles"), wanted + 7 * at + 11 * WARPS[:, LANE ^ 1])


def bits(which: Array) -> Array:
    return (which.astype(np.int64) << LANE).sum(1, keepdims=True)


def test_votes(kernels: str) -> None:
    third = WARPS % 3 == 0
    wanted = bits(WARPS & 1) + 3 + 5 * (WARPS > 900).any(1, keepdims=True)
    two = (third & (WARPS & 2 > 0)).sum(1, keepdims=True)
    assert same(ran(kernels, "votes"), wanted + third * (two * 1000 + bits(third)))


def test_reductions_of_a_warp() -> None:
    wanted = WARPS.sum(1, keepdims=True) * 3 + WARPS.max(1, keepdims=True) * 5
    equal = (WARPS[:, :, None] & 3) == (WARPS[:, None, :] & 3)
    found = ran(compiled(KERNELS, "100"), "reductions")
    assert same(found, wanted ^ (equal.astype(np.int64) << LANE).sum(2))


def test_counts_in_shared_and_global_memory(kernels: str) -> None:
    bins, odd = np.bincount(A & 15, minlength=16), np.array([1, 3, 5, -7, 9])
    wanted = (A & 1).sum() + 1000 * bins[np.arange(THREADS) & 15] + 7 + 9 * (A == 77).any()
    found = ran(kernels, "counts", dynamic=4 * THREADS)
    assert same(found, wanted + A.max() + A[::-1] + odd[A % 5])


def test_a_variable_keeps_what_all_threads_have_added() -> None:
    x = buffer("x", 1, 4 * THREADS, written=False)
    text, arguments = compiled(KERNELS, "75"), [buffer("a", 0, A), x]
    machine, findings = launched(text, "counts", arguments, dynamic=4 * THREADS)
    (total,) = (one for one in machine.memory.buffers.values() if one.name == "total")
    assert not findings
    assert total.data.view(np.int32)[0] == np.array([3, 5, 7, 11])[A & 3].sum()


def test_sums_of_all_before(kernels: str) -> None:
    assert same(ran(kernels, "scan"), A.cumsum())


def test_loops_that_go_on_from_several_places(kernels: str) -> None:
    mine, sums = A.astype(np.int64), np.zeros(THREADS, np.int64)
    for turn in range(12):
        following = np.roll(mine + turn, -1)
        odd, two = following & 1 > 0, following & 2 > 0
        sums = np.where(odd, sums, sums + following)
        mine, sums = (
            np.where(odd, mine + 3, np.where(two, mine ^ sums, mine)),
            np.where(odd | two, sums, sums ^ mine),
        )
    assert same(ran(kernels, "turns"), sums)


def test_every_cta_of_a_grid_in_three_dimensions(kernels: str) -> None:
    block, grid = (3, 5, 2), (2, 2, 3)
    x = buffer("x", 0, 4 * 360, written=False)
    machine = Machine(load(kernels, "blocks"), Launch(grid, block, [x]))
    for z, y, x_ in np.ndindex(grid[::-1]):
        assert not machine.run((x_, y, z))
    at = np.arange(30)
    wanted = [at // 15 * 10000 + cta * 100 + at for cta in range(12)]
    assert same(x.data.view(np.int32), np.array(wanted))
