"""The machine for PTX: how long it takes to read, to make ready and to run a compiled kernel.

`python -m benchmarks.machine [--write]`. The kernel is that of the preset `sgemm` (128×128×8, 8×8 a
thread) as NVRTC compiles it for compute_80. Beside it stands the same machine running one
instruction after the other, as a plain interpreter does. Times are the least of several runs.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks import tables
from benchmarks.tables import table, write
from tiling.execute import execute
from tiling.kernel.compiled import Compiled, buffers, launch, programs, ptx, run
from tiling.kernel.rungs import floats
from tiling.presets import choose
from tiling.ptx.events import Event
from tiling.ptx.flow import Batch
from tiling.ptx.machine import Machine
from tiling.ptx.program import Program
from tiling.ptx.syntax import parse
from tiling.schedule import Schedule, schedule
from tiling.shapes import Gemm

RUNS = 7


def least(work: Callable[[], object], runs: int = RUNS) -> float:
    """The shortest of some runs, in seconds."""
    found = []
    for _ in range(runs):
        start = perf_counter()
        work()
        found.append(perf_counter() - start)
    return min(found)


def machine(program: Program, plan: Schedule, traced: bool) -> Machine:
    def hear(event: Event) -> None:
        """Somebody listens."""

    # Zeros that nobody touches take no memory: only the CTA's own rows and columns are filled.
    here, (a, b) = plan.inside("C"), (np.zeros(plan.gemm.shape(o), np.float32) for o in "AB")
    (row, col), random = plan.origin("C"), np.random.default_rng(0)
    a[row : row + here[0]] = random.standard_normal((here[0], plan.gemm.k), np.float32)
    b[:, col : col + here[1]] = random.standard_normal((plan.gemm.k, here[1]), np.float32)
    matrices = buffers(a, b, plan.gemm.shape("C"))
    return Machine(program, launch(plan, matrices), hear if traced else None)


def compared(build: Compiled, plan: Schedule) -> Callable[[], object]:
    """Runs the CTA as the rung `ptx` does: accesses are compared with the model's, and counted."""
    a, b = floats(plan.gemm)
    runs = run(build, plan, a, b, execute(plan, a, b), [plan.cta] * (RUNS + 1))
    next(runs)  # makes the machine ready
    return lambda: next(runs)


def one_by_one(program: Program) -> Program:
    """The same program with a batch for each instruction, in the order of the text."""
    plain = Program(program.module, program.name)
    for number, block in enumerate(plain.flow.blocks):
        places = sorted(place for batch in block.batches for place in batch.places)
        single = tuple(Batch((place,)) for place in places)
        plain.flow.blocks[number] = replace(block, batches=single)
    return plain


def memory(what: str) -> float:
    """MB of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def main() -> None:
    tiling = choose("sgemm").tiling
    text = ptx(tiling, "compute_80")
    module = parse(text)
    program = Program(module)
    few = schedule(Gemm(128, 128, 64), tiling)
    whole = choose("sgemm").schedule()
    traced, untraced = machine(program, few, True), machine(program, few, False)
    plain = machine(one_by_one(program), few, True)
    short = least(traced.run)
    rows = [
        ["read the text", f"{1e3 * least(lambda: parse(text)):.1f} ms", ""],
        ["find blocks and batches", f"{1e3 * least(lambda: Program(module).flow):.0f} ms", ""],
        ["make ready", f"{1e3 * least(lambda: machine(program, few, True)):.0f} ms", ""],
        ["a CTA over K = 64, traced", f"{1e3 * short:.1f} ms", "1"],
    ]
    (build,) = programs(tiling, ("compute_80",))
    for name, time in (
        ("the same, untraced", least(untraced.run)),
        ("the same, traced and compared with the model", least(compared(build, few))),
        ("the same, traced, one instruction at a time", least(plain.run, 3)),
    ):
        rows.append([name, f"{1e3 * time:.1f} ms", f"{time / short:.2f}"])
    number = whole.cta[0] * whole.grid[1] + whole.cta[1]
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
    before = memory("VmRSS")
    long = machine(program, whole, False)
    time = least(lambda: long.run((number, 0, 0)), 2)
    rows.append(["a CTA of 4096³, untraced", f"{time:.2f} s", f"{time / short:.0f}"])
    text = table(["", "time", "of the traced CTA"], rows)
    text += f"\n\n{len(program.flow.body)} instructions. The last one took "
    text += (
        f"{memory('VmHWM') - before:.0f} MB, with the rows of A and columns of B that it reads. "
    )
    text += f"{tables.machine()}."
    print(text)
    if "--write" in sys.argv:
        write("machine", text)


if __name__ == "__main__":
    main()
