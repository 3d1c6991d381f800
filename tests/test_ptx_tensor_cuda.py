"""CUDA kernels with matrix instructions through NVRTC and the machine, against NumPy."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.kernel_cases import needs_nvrtc
from tests.ptx_running import Array, Ran, buffer
from tiling import nvidia
from tiling.ptx.events import Access, Event
from tiling.ptx.machine import Launch, Machine
from tiling.ptx.memory import Buffer
from tiling.ptx.program import load
from tiling.ptx.requests import Cost, by_warp, sectors, wavefronts

pytestmark = needs_nvrtc
SOURCE = Path(__file__).parent / "ptx_tensor.cu"
ARCHITECTURES = ("80", "90", "100")
random = np.random.default_rng(0)


@cache
def compiled(arch: str, *options: str) -> str:
    given = (f"--gpu-architecture=compute_{arch}", "--std=c++17", *options)
    return nvidia.ptx(SOURCE.read_text(), given)


def ran(text: str, name: str, threads: int, *arguments: Buffer) -> Ran:
    events: list[Event] = []
    machine = Machine(
        load(text, name), Launch((1, 1, 1), (threads, 1, 1), arguments), events.append
    )
    return Ran(machine.run(), events, machine)


def integers(*size: int, low: int = -8, high: int = 9) -> Array:
    return random.integers(low, high, size)


def halves(values: Array) -> Array:
    return values.astype(np.float16)


def gemm(arch: str, *options: str) -> tuple[Ran, bool]:
    """The run, and whether C is A·B."""
    a, b = integers(64, 64), integers(64, 64)
    c = buffer("C", 2, 4 * 64 * 64, written=False)
    given = buffer("A", 0, halves(a)), buffer("B", 1, halves(b))
    found = ran(compiled(arch, *options), "gemm", 128, *given, c)
    return found, np.array_equal(c.data.view(np.float32).reshape(64, 64), a @ b)


def costs(found: Ran, kind: str, width: int, space: str = "shared") -> Cost:
    """Of all accesses of a kind and width in bytes."""
    total, count = Cost(), sectors if space != "shared" else wavefronts
    for one in found.events:
        if isinstance(one, Access) and (one.kind, one.buffer.name) == (kind, space):
            assert one.width * one.value.shape[1] == width
            offset, takes = by_warp(one.offset, one.active, one.place.size, found.machine.threads)
            total += count(offset, takes, width)
    return total


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_gemm_of_swizzled_tiles(arch: str) -> None:
    found, right = gemm(arch)
    assert not found.findings, found.findings[0]
    assert right
    # 4 warps, 4 steps along k, 2 requests for A and 2 for B, each four times eight rows.
    assert costs(found, "load", 16) == Cost(64, 256)
    # 4 warps copy twice 32 chunks of A in two stages, as many of B.
    assert costs(found, "copy", 16, "A") == Cost(16, 64 * 64 * 2 // 32)
    assert costs(found, "copy", 16, "B") == Cost(16, 64 * 64 * 2 // 32)


def test_without_the_swizzle_rows_share_banks() -> None:
    """Eight rows of A, 64 bytes apart, meet in two halves of the banks; of B, 128 apart, in one
    place."""
    found, right = gemm("80", "-DSWIZZLE=0")
    assert not found.findings and right
    assert costs(found, "load", 16) == Cost(64, 32 * 4 * 4 + 32 * 4 * 8)


def test_gemm_that_does_not_wait() -> None:
    found, right = gemm("80", "-DNO_WAIT")
    assert not right
    assert "is still on its way" in found.kinds
    finding = next(one for one in found.findings if one.kind == "is still on its way")
    assert finding.instruction is not None
    assert finding.instruction.opcode.startswith("ldmatrix")
    assert "began its copy" in finding.before


def test_gemm_without_barriers() -> None:
    """Each thread's own copies have landed, those of others it takes as they come."""
    found, _ = gemm("80", "-DNO_BARRIER")
    assert any(kind.startswith("is raced for") for kind in found.kinds)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_wmma_through_shared_memory(arch: str) -> None:
    a, b = integers(32, 64), integers(64, 16)
    c = buffer("C", 2, 4 * 32 * 16, written=False)
    given = buffer("A", 0, halves(a)), buffer("B", 1, halves(b))
    found = ran(compiled(arch), "wmma", 64, *given, c)
    assert not found.findings, found.findings[0]
    np.testing.assert_array_equal(c.data.view(np.float32).reshape(32, 16), 2 * a @ b)
    loads = [one for one in found.events if isinstance(one, Access) and one.kind == "load"]
    of_a = [one for one in loads if one.buffer.name == "shared" and one.width == 4]
    of_b = [one for one in loads if one.buffer.name == "shared" and one.width == 2]
    # Four registers of A, of two halves side by side; of B the halves lie in two rows.
    assert sum(one.place.size for one in of_a) == 4 * 4
    assert sum(one.place.size for one in of_b) == 4 * 8


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_bytes(arch: str) -> None:
    a, b = integers(16, 32, low=-128, high=128), integers(32, 8, low=0, high=256)
    c = buffer("C", 2, 4 * 16 * 8, written=False)
    columns = np.ascontiguousarray(b.T).astype(np.uint8)
    given = buffer("A", 0, a.astype(np.int8)), buffer("B", 1, columns)
    assert not ran(compiled(arch), "bytes", 32, *given, c).findings
    np.testing.assert_array_equal(c.data.view(np.int32).reshape(16, 8), a @ b - 5)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_tf32(arch: str) -> None:
    """Eleven bits are left of A; B is small."""
    a, b = integers(16, 8, low=2**11, high=2**12), integers(8, 8, low=-4, high=5)
    c = buffer("C", 2, 4 * 16 * 8, written=False)
    columns = np.ascontiguousarray(b.T).astype(np.float32)
    given = buffer("A", 0, a.astype(np.float32)), buffer("B", 1, columns)
    assert not ran(compiled(arch), "rounded", 32, *given, c).findings
    away = (a + 1) // 2 * 2  # to the nearer even number, halves up
    np.testing.assert_array_equal(c.data.view(np.float32).reshape(16, 8), away @ b)


@pytest.mark.parametrize("arch", ARCHITECTURES[1:])
def test_a_matrix_turned_over(arch: str) -> None:
    a = integers(16, 16, low=0, high=2**16).astype(np.uint16)
    c = buffer("C", 1, 2 * 16 * 16, written=False)
    found = ran(compiled(arch), "turned", 32, buffer("A", 0, a), c)
    assert not found.findings, found.findings[0]
    np.testing.assert_array_equal(c.data.view(np.uint16).reshape(16, 16), a.T)
