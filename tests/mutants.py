"""Which rungs of proof see which mistake.

`python -m tests.mutants` writes the table to evidence/mutants.md.
"""

from collections.abc import Callable
from functools import lru_cache
from multiprocessing import Pool
from pathlib import Path
from typing import TypeAlias

import numpy as np

from tests.device_mutants import DEVICE_MUTANTS
from tests.kernel_cases import bits, build, chain
from tests.mutant_list import KERNEL_MUTANTS, PROBLEMS, SCHEDULE_MUTANTS, Mutant, ScheduleMutant
from tiling import hazards
from tiling.execute import execute
from tiling.faults import Broken
from tiling.fma import Floats
from tiling.kernel import compiled, compiler, host
from tiling.kernel.compare import EQUAL, compare
from tiling.kernel.observed import Differs
from tiling.kernel.provenance import Slots, provenance
from tiling.kernel.rungs import corners, floats
from tiling.kernel.tied import differences
from tiling.schedule import Schedule

MUTANTS: tuple[Mutant, ...] = (*KERNEL_MUTANTS, *DEVICE_MUTANTS, *SCHEDULE_MUTANTS)

TABLE = Path(__file__).parent.parent / "evidence" / "mutants.md"
RUNGS = ("model", "bits", "trace", "race", "ptx", "compiler")
CAUGHT, NOT_ASKED = "caught", "–"
Seen: TypeAlias = dict[str, bool | None]
"""For each of RUNGS whether it sees the mistake; None if it was not asked."""

INTRODUCTION = """\
# Mutants

Written by `python -m tests.mutants`. Each is the kernel or the schedule with one mistake.

*model*: the schedule is executed and watched in NumPy. *bits* and *trace* are the host rung: C and
the trace of g++'s build against the model's. *race*: ThreadSanitizer's build. *compiler*: NVRTC's
machine code for sm_90 against the model's counts. *ptx*: NVRTC's PTX for sm_80, run in the machine
for PTX: C, all accesses and counts against the model's. A rung also sees a kernel that hangs or
crashes in it. The gpu rung was not climbed. – stands for: not asked, as the rungs of the host of
what is changed in device code alone: g++ is given the same text as before.
"""

FEW = 16
"""CTAs that are all run in the machine for PTX."""

LONGEST = 10**6
"""Instructions of a CTA there, after which it hangs."""

SECONDS = 20
"""A kernel on one of these small problems that takes longer hangs."""


@lru_cache
def right(problem: str) -> tuple[Floats, Floats, Floats, Slots]:
    """(A, B, C, slots) of the unspoilt kernel: random A and B, the model's C, the host's trace."""
    plan = PROBLEMS[problem]
    a, b = floats(plan.gemm)
    slots = host.run(plan, *provenance(plan.gemm), "trace")[1]
    return a, b, execute(plan, a, b), slots


def looks(mutant: Mutant) -> dict[str, Callable[[], bool]]:
    """For each rung that is asked, how it is asked whether it sees the mistake."""
    if isinstance(mutant, ScheduleMutant):
        wrong = mutant.schedule()
        return {
            "model": lambda: _model_sees(wrong, mutant.problem),
            "trace": lambda: _traces_differ(right(mutant.problem)[3], wrong),
        }
    plan, kernel = PROBLEMS[mutant.problem], mutant.kernel()
    machine: dict[str, Callable[[], bool]] = {
        "ptx": lambda: _ptx_sees(plan, kernel),
        "compiler": lambda: _compiler_sees(plan, kernel),
    }
    if mutant.device:
        return machine

    a, b, c, _ = right(mutant.problem)

    def run(a: Floats, b: Floats, way: host.Build) -> tuple[Floats, Slots] | None:
        """C and the trace, or None from a kernel that does not even run to its end."""
        # Here, where nobody catches Broken: a mutant that does not compile would prove nothing.
        build((plan.tiling, way, kernel))
        try:
            return host.run(plan, a, b, way, kernel=kernel, limit=SECONDS)
        except Broken:
            return None

    def bits_differ() -> bool:
        done = run(a, b, "plain")
        return done is None or _bits_differ(done[0], c)

    def trace_differs() -> bool:
        done = run(*provenance(plan.gemm), "trace")
        return done is None or _traces_differ(done[1], plan)

    return {
        "bits": bits_differ,
        "trace": trace_differs,
        "race": lambda: run(a, b, "race") is None,
        **machine,
    }


def seen_by(mutant: Mutant) -> Seen:
    """What each rung sees."""
    asked = looks(mutant)
    return {rung: asked[rung]() if rung in asked else None for rung in RUNGS}


def _bits_differ(c: Floats, want: Floats) -> bool:
    return bool((bits(c) != bits(want)).any())


def _model_sees(plan: Schedule, problem: str) -> bool:
    a, b, _, _ = right(problem)
    try:
        return _bits_differ(execute(plan, a, b), chain(a, b))
    except hazards.Hazard:
        return True


def _traces_differ(slots: Slots, plan: Schedule) -> bool:
    return any(
        compare(slots[number], plan.at(cta)) != EQUAL
        for number, cta in enumerate(np.ndindex(plan.grid))
    )


@lru_cache
def _product(plan: Schedule) -> tuple[Floats, Floats, Floats, list[tuple[int, int]]]:
    """(A, B, C, CTAs) of what the machine for PTX runs: few CTAs of a large grid."""
    a, b = floats(plan.gemm)
    ctas = list(np.ndindex(plan.grid))
    if len(ctas) > FEW:
        ctas = corners(plan)
    return a, b, execute(plan, a, b, ctas), ctas


def _ptx_sees(plan: Schedule, kernel: str) -> bool:
    a, b, c, ctas = _product(plan)
    (build,) = compiled.programs(plan.tiling, ("compute_80",), kernel)
    try:
        found = dict(compiled.run(build, plan, a, b, c, ctas, limit=LONGEST))
    except Differs:
        return True
    return any(list(differences(plan.at(cta), counts, True)) for cta, counts in found.items())


def _compiler_sees(plan: Schedule, kernel: str) -> bool:
    machine = compiler.compile_for("sm_90", plan.tiling, kernel)
    return bool(compiler.complaints(machine, plan.tiling))


def row(mutant: Mutant, seen: Seen) -> str:
    """The table's line of a mutant."""
    marks = (NOT_ASKED if seen[r] is None else CAUGHT if seen[r] else "" for r in RUNGS)
    return f"| {mutant.name} | {mutant.problem} | " + " | ".join(marks) + " |"


def _row(number: int) -> str:
    """The same, for another process."""
    return row(MUTANTS[number], seen_by(MUTANTS[number]))


def read(line: str) -> Seen:
    """What a line of the table says that each rung sees."""
    marks = (mark.strip() for mark in line.split("|")[-1 - len(RUNGS) : -1])
    return {r: None if m == NOT_ASKED else m == CAUGHT for r, m in zip(RUNGS, marks, strict=True)}


def table(rows: list[str]) -> str:
    """The text of TABLE: a line for each mutant, and what they come to."""
    seen = [read(line) for line in rows]
    caught = {rung: sum(bool(by[rung]) for by in seen) for rung in RUNGS}
    kept = sum(by["bits"] is False for by in seen)
    lines = [
        INTRODUCTION,
        f"{len(seen)} mutants, {sum(any(by.values()) for by in seen)} caught: "
        + ", ".join(f"{many} by {rung}" for rung, many in caught.items())
        + f". Of the kernels {kept} compute the right C, to the bit, and were caught all the same.",
        "",
        "| mutant | problem | " + " | ".join(RUNGS) + " |",
        "|---|---|" + ":-:|" * len(RUNGS),
        *rows,
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.parent.mkdir(exist_ok=True)
    with Pool() as pool:
        rows = list(pool.imap(_row, range(len(MUTANTS))))
    TABLE.write_text(table(rows), encoding="utf-8")
    print(f"wrote {TABLE}")
