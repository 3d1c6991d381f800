"""The rung that runs what the compiler made: gemm.cu as PTX, without tracing, at its real sizes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tiling import nvidia
from tiling.faults import Broken
from tiling.fma import Floats
from tiling.kernel import line_info
from tiling.kernel.build import device_defines, source
from tiling.kernel.expected import epochs
from tiling.kernel.observed import Counts, Differs, Observer
from tiling.kernel.widths import by_line
from tiling.ptx.asked import asked
from tiling.ptx.events import Event
from tiling.ptx.machine import MOST_INSTRUCTIONS, Launch, Machine
from tiling.ptx.memory import ROOM, Buffer
from tiling.ptx.program import Program, load
from tiling.ptx.syntax import Refused
from tiling.ptx.widths import Made
from tiling.schedule import Schedule
from tiling.shapes import Tiling

FMA = "fma.rn.f32"
"""The multiply-add of single precision."""

ASYNCHRONOUS = 80
"""The first architecture with copies from global to shared memory."""


@dataclass(frozen=True)
class Compiled:
    """The kernel as it is compiled, alike for these architectures.

    made     requests that the machine code makes otherwise than PTX says: merged, or in parts
    unclear  where the machine code leaves open how wide requests are, in words
    """

    archs: tuple[str, ...]
    program: Program
    made: tuple[Made, ...] = ()
    unclear: tuple[str, ...] = ()


def programs(tiling: Tiling, archs: Sequence[str], kernel: str | None = None) -> list[Compiled]:
    """The kernel's PTX for each of these, such as "compute_80": what comes out alike is there once.
    Raises Missing without NVRTC, Broken if it or the machine refuses the kernel.
    """
    alike: dict[str, tuple[str, list[str]]] = {}
    for arch in archs:
        text = ptx(tiling, arch, kernel)
        alike.setdefault(_body(text), (text, []))[1].append(arch)
    try:
        return [Compiled(tuple(names), load(text)) for text, names in alike.values()]
    except Refused as no:
        raise Broken(f"the machine for PTX refuses it: {no}") from None


def as_made(tiling: Tiling, archs: Sequence[str]) -> list[Compiled]:
    """The same, with the widths that requests have in the machine code. Raises Missing without
    nvdisasm too."""
    alike: dict[tuple[object, ...], Compiled] = {}
    for arch in archs:
        program, groups = by_line(tiling, arch.replace("compute", "sm"))
        bits = {place: one.bits for one in asked(program.flow) for place in (one.place,)}
        made = tuple(
            one
            for group in groups
            for one in group.made
            if len(one.places) > 1 or one.bits != bits[one.places[0]]
        )
        unclear = tuple(str(group) for group in groups if not group.certain)
        text = _body(line_info.ptx(tiling, arch.replace("compute", "sm")))
        known = alike.get((text, made, unclear))
        names = (*known.archs, arch) if known else (arch,)
        alike[text, made, unclear] = Compiled(names, program, made, unclear)
    return list(alike.values())


def _body(text: str) -> str:
    """PTX without the architecture that it names."""
    return re.sub(r"\.target .*", "", text)


def ptx(tiling: Tiling, arch: str, kernel: str | None = None) -> str:
    """The tiling's kernel as PTX, with the lines it came from. `arch` such as "compute_80"."""
    options = (f"--gpu-architecture={arch}", "--std=c++17", "-lineinfo", *device_defines(tiling))
    return nvidia.ptx(kernel or source(), options)


def buffers(a: Floats, b: Floats, shape: tuple[int, int]) -> tuple[Buffer, Buffer, Buffer]:
    """A and B as they are, and C, in which nothing is written."""
    c = Buffer("C", 3 << ROOM, shape[0] * shape[1] * 4, written=False)
    return (
        Buffer("A", 1 << ROOM, a, writable=False),
        Buffer("B", 2 << ROOM, b, writable=False),
        c,
    )


def launch(schedule: Schedule, matrices: tuple[Buffer, Buffer, Buffer]) -> Launch:
    """The launch of gemm.cu for this schedule."""
    rows, cols = schedule.grid
    gemm, tiling = schedule.gemm, schedule.tiling
    sizes = [size.to_bytes(4, "little") for size in (gemm.m, gemm.n, gemm.k)]
    dynamic = tiling.shared_bytes if tiling.large_shared else 0
    return Launch((rows * cols, 1, 1), (tiling.threads, 1, 1), [*matrices, *sizes], dynamic)


def run(
    build: Compiled,
    schedule: Schedule,
    a: Floats,
    b: Floats,
    want: Floats,
    ctas: list[tuple[int, int]],
    limit: int = MOST_INSTRUCTIONS,
) -> Iterator[tuple[tuple[int, int], Counts]]:
    """Run CTAs of the grid; gives each, and what it did, when it was found right. `want` is the
    model's C, at least of these CTAs; `limit` the instructions after which a CTA counts as endless.

    Raises Differs with the first thing that is not as the model says.
    """
    gemm, program = schedule.gemm, build.program
    target = re.match(r"sm_(\d+)", program.module.target)
    asynchronous = target is not None and int(target[1]) >= ASYNCHRONOUS
    matrices = buffers(a, b, gemm.shape("C"))
    observer: Observer | None = None

    def hear(event: Event) -> None:
        assert observer is not None
        observer.hear(event)

    machine = Machine(program, launch(schedule, matrices), hear, limit)
    fma = {place for place, one in enumerate(program.flow.body) if one.opcode.startswith(FMA)}
    before = 0
    for cta in ctas:
        here = schedule.at(cta)
        number = cta[0] * schedule.grid[1] + cta[1]
        expected = epochs(here, a, b, asynchronous)
        observer = Observer(here, expected, program.flow.body, f"CTA {cta}", build.made)
        findings = machine.run((number, 0, 0))
        if findings:
            raise Differs("; ".join(map(str, findings[:3])))
        observer.finish(machine.epoch)
        _bits(matrices[2], want, here, cta)
        after = _fma(machine)
        observer.counts.fma, before = after - before, after
        observer.counts.places["fma"] = fma
        yield cta, observer.counts


def _bits(c: Buffer, want: Floats, here: Schedule, cta: tuple[int, int]) -> None:
    """The CTA's tile of C, to the bit."""
    (row, col), (rows, cols) = here.origin("C"), here.inside("C")
    gemm = here.gemm
    got = c.rows(4, 1)[: gemm.m * gemm.n].reshape(gemm.m, gemm.n)[
        row : row + rows, col : col + cols
    ]
    wanted = np.ascontiguousarray(want[row : row + rows, col : col + cols]).view(np.uint32)
    if (got != wanted).any():
        i, j = map(int, np.argwhere(got != wanted)[0])
        values = got.view(np.float32)[i, j], wanted.view(np.float32)[i, j]
        raise Differs(
            f"CTA {cta}: C[{row + i}, {col + j}] is {values[0]}, not the model's {values[1]}; "
            f"so {int((got != wanted).sum())} of its {got.size} elements"
        )


def _fma(machine: Machine) -> int:
    """Multiply-adds of all threads, of all CTAs run."""
    return sum(count for one, count in machine.executed() if one.opcode.startswith(FMA))
