"""The build that records as NVRTC compiles it for a GPU, run in the machine for PTX."""

import numpy as np
import pytest

from tests.kernel_cases import TILINGS, bits, needs_nvrtc
from tiling import nvidia
from tiling.execute import execute
from tiling.kernel.build import ENTRY, START, device_defines, source, trace_stride
from tiling.kernel.compare import EQUAL, compare
from tiling.kernel.compiled import buffers
from tiling.kernel.provenance import SENTINEL, Slots, provenance
from tiling.ptx.machine import Launch, Machine
from tiling.ptx.memory import ROOM, Buffer
from tiling.ptx.program import Program, load
from tiling.schedule import Schedule, schedule
from tiling.shapes import Gemm

pytestmark = needs_nvrtc


def _ran(program: Program, launch: Launch, known: list[Buffer], ctas: int) -> Machine:
    machine = Machine(program, launch)
    for buffer in known:
        machine.memory.add(buffer)
    for cta in range(ctas):
        assert machine.run((cta, 0, 0)) == []
    return machine


def _recorded(plan: Schedule, arch: str) -> tuple[np.ndarray, Slots]:
    """C, and the slots (CTAs, threads, stride), of two launches: of what says where to, and of the
    kernel."""
    gemm, tiling, ctas = plan.gemm, plan.tiling, plan.grid[0] * plan.grid[1]
    options = (f"--gpu-architecture={arch}", "--std=c++17", *device_defines(tiling, trace=True))
    text = nvidia.ptx(source(), options)
    shape = (ctas, tiling.threads, trace_stride(plan))
    slots = Buffer("slots", 4 << ROOM, np.full(shape, SENTINEL, np.int64))
    matrices = buffers(*provenance(gemm), gemm.shape("C"))
    given = [*matrices, *(size.to_bytes(4, "little") for size in (gemm.m, gemm.n, gemm.k))]
    one = (1, 1, 1)
    start, kernel = load(text, START), load(text, ENTRY)
    arguments = [*given, slots, shape[-1].to_bytes(8, "little")]
    memory = _ran(start, Launch(one, one, arguments), [], 1).memory
    recording = memory.buffers[start.places["recording"][1] >> ROOM]
    launch = Launch((ctas, 1, 1), (tiling.threads, 1, 1), given, tiling.shared_bytes)
    _ran(kernel, launch, [slots, recording], ctas)
    c = matrices[2].data.view(np.float32)[: gemm.m * gemm.n]
    return c.reshape(gemm.m, gemm.n), slots.data.view(np.int64)[: np.prod(shape)].reshape(shape)


@pytest.mark.parametrize(
    ("name", "arch"),
    [
        ("toy", "compute_90"),
        ("direct", "compute_100"),
        ("pipeline", "compute_80"),
        ("pipeline", "compute_75"),  # where no copy is asynchronous
    ],
)
def test_its_records_and_bits_equal_the_model_s(name: str, arch: str) -> None:
    plan = schedule(Gemm(13, 11, 10), TILINGS[name])
    c, slots = _recorded(plan, arch)
    assert (bits(c) == bits(execute(plan, *provenance(plan.gemm)))).all()
    for number, cta in enumerate(np.ndindex(plan.grid)):
        assert compare(slots[number], plan.at(cta)) == EQUAL
