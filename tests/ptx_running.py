"""Short PTX texts made into kernels and run, one CTA at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tiling.ptx.events import Event, Finding
from tiling.ptx.machine import Launch, Machine
from tiling.ptx.memory import ROOM, Buffer
from tiling.ptx.program import load

Array = npt.NDArray[Any]
HEAD = ".version 8.0\n.target sm_90\n.address_size 64\n"
REGISTERS = """
    .reg .pred %p<16>;
    .reg .b16 %h<32>;
    .reg .b32 %r<64>;
    .reg .b64 %q<64>;
    .reg .f32 %f<16>;
    .reg .f64 %d<16>;
"""
DTYPES = {
    f"{k}{n}": np.dtype(f"{'i' if k == 's' else 'u'}{n // 8}")
    for k in "bus"
    for n in (8, 16, 32, 64)
}
DTYPES |= {"f32": np.dtype("f4"), "f64": np.dtype("f8"), "pred": np.dtype("u4")}


@dataclass(frozen=True)
class Ran:
    """What a CTA did: its findings, and the accesses and barriers that it told of."""

    findings: list[Finding]
    events: list[Event]
    machine: Machine

    @property
    def kinds(self) -> list[str]:
        return [finding.kind for finding in self.findings]

    @property
    def only(self) -> Finding:
        (finding,) = self.findings
        return finding


def buffer(name: str, number: int, data: Array | int, **more: Any) -> Buffer:
    """A buffer of global memory, the `number`-th one."""
    return Buffer(name, number + 1 << ROOM, data, **more)


def kernel(body: str, params: int = 0, declare: str = "", outside: str = "") -> str:
    """The text of a kernel. Its parameters are so many pointers, which stand in %q0, %q1 ..."""
    listed = ", ".join(f".param .u64 p{number}" for number in range(params))
    loads = "".join(f"ld.param.u64 %q{number}, [p{number}];\n" for number in range(params))
    inside = f"{REGISTERS}{declare}\n{loads}{body}\nret;\n"
    return f"{HEAD}{outside}\n.visible .entry k({listed})\n{{{inside}}}\n"


def run(
    text: str,
    *arguments: Buffer | bytes,
    threads: int | tuple[int, int, int] = 32,
    dynamic: int = 0,
    heard: bool = True,
    most: int = 10**6,
    cta: tuple[int, int, int] = (0, 0, 0),
    grid: tuple[int, int, int] = (1, 1, 1),
) -> Ran:
    """Run one CTA of the only kernel of a text. Races are looked for where it is heard."""
    events: list[Event] = []
    block = (threads, 1, 1) if isinstance(threads, int) else threads
    launch = Launch(grid, block, arguments, dynamic)
    machine = Machine(load(text), launch, events.append if heard else None, most)
    return Ran(machine.run(cta), events, machine)


def line_of(text: str, part: str) -> int:
    """The line of a text in which a part stands, the first being 1. It stands there once."""
    assert text.count(part) == 1, part
    return text[: text.index(part)].count("\n") + 1


def compute(
    code: str, results: Sequence[str], sources: Sequence[str], *values: Array, declare: str = ""
) -> list[Array]:
    """What each thread's registers %x0, %x1 ... hold after the code, given %a0, %a1 ...

    results, sources   their types; a predicate comes and goes as 0 or 1 of 32 bits
    values             (threads,) of each source
    """
    threads = values[0].size
    count = len(sources) + len(results)
    lines = ["mov.u32 %r63, %tid.x;"]
    declared = declare
    for number, kind in enumerate([*sources, *results]):
        name = f"%a{number}" if number < len(sources) else f"%x{number - len(sources)}"
        wide = max(DTYPES[kind].itemsize, 2) * 8
        declared += f".reg .{'pred' if kind == 'pred' else f'b{wide}'} {name};\n"
        bits = DTYPES[kind].itemsize
        lines.append(f"mad.wide.u32 %q{number}, %r63, {bits}, %q{number};")
        if number < len(sources):
            if kind == "pred":
                lines += [f"ld.global.u32 %r62, [%q{number}];", f"setp.ne.u32 {name}, %r62, 0;"]
            else:
                lines.append(f"ld.global.b{8 * bits} {name}, [%q{number}];")
    after = []
    for number, kind in enumerate(results):
        at = f"[%q{number + len(sources)}]"
        if kind == "pred":
            after += [f"selp.u32 %r62, 1, 0, %x{number};", f"st.global.u32 {at}, %r62;"]
        else:
            after.append(f"st.global.b{8 * DTYPES[kind].itemsize} {at}, %x{number};")
    inputs = [
        buffer(f"a{n}", n, np.asarray(v, DTYPES[kind]))
        for n, (v, kind) in enumerate(zip(values, sources, strict=True))
    ]
    outputs = [
        buffer(f"x{n}", n + len(sources), threads * DTYPES[kind].itemsize, written=False)
        for n, kind in enumerate(results)
    ]
    text = kernel("\n".join([*lines, code, *after]), count, declared)
    ran = run(text, *inputs, *outputs, threads=threads, heard=False)
    assert not ran.findings, ran.findings[0]
    return [
        out.data[: out.size].view(DTYPES[kind]) for out, kind in zip(outputs, results, strict=True)
    ]
