"""compute-sanitizer on the kernel, and on mutants of it that it has to notice, on the GPU that is
here.

`python3 -m benchmarks.sanitizer` writes evidence/sanitizer-DEVICE.json. The exit status is 1 if it
was silent where it should not be, or the other way round.
"""

import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.evidence import device, keep
from tests.mutant_list import KERNEL_MUTANTS
from tiling.faults import Missing
from tiling.kernel.build import source

FOUND = 9
"""The exit status of a run in which something was found."""

SECONDS = 180
"""A kernel on small matrices that takes longer, watched, hangs."""


@dataclass(frozen=True)
class Watch:
    """One tool on the kernel, or on a mutant of it."""

    tool: str
    mutant: str = ""


WATCHES = (
    *(Watch(tool) for tool in ("memcheck", "racecheck", "synccheck", "initcheck")),
    Watch("memcheck", "store: row not checked"),
    Watch("racecheck", "no barrier before overwrite"),
    Watch("racecheck", "barrier before reads recorded, not made"),
    Watch("synccheck", "a barrier that the last thread skips"),
)

# Without CuPy's pool every array is an allocation of its own, so that its end is one for memcheck.
PROGRAM = """
import sys
import cupy
from benchmarks import sanitizer
from tests.kernel_cases import TILINGS, case
from tiling.kernel import gpu

cupy.cuda.set_allocator(None)
text = sanitizer.kernel(sys.argv[1])
gpu.source = lambda: text
for name in "toy", "two stages", "warps", "padded", "pipeline", "direct":
    plan, a, b = case(TILINGS[name])
    gpu.gemm(a, b, plan.tiling).get()
"""


def kernel(mutant: str) -> str:
    """The kernel's text, or a mutant's. Raises KeyError for a mutant that there is not."""
    texts = {one.name: one.kernel for one in KERNEL_MUTANTS}
    return texts[mutant]() if mutant else source()


def found(watch: Watch) -> bool:
    """Whether the tool found something. Raises Missing where it cannot run."""
    command = ["compute-sanitizer", "--tool", watch.tool, "--error-exitcode", str(FOUND)]
    command += [sys.executable, "-c", PROGRAM, watch.mutant]
    try:
        said, status = _run(command)
    except FileNotFoundError:
        raise Missing("no compute-sanitizer here") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"compute-sanitizer was not done after {SECONDS} s") from None
    if status not in (0, FOUND):
        last = [line for line in said.splitlines() if line.strip()][-1:]
        raise Missing(f"compute-sanitizer ends with {status}: {' '.join(last)}")
    return status == FOUND


def _run(command: list[str]) -> tuple[str, int]:
    """What it says, and its exit status; the program that it watches ends with it."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, **pipes, start_new_session=True) as running:
        try:
            said, _ = running.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            raise
    return said, running.returncode


def watched(watch: Watch) -> dict[str, Any]:
    """What it found, and whether that is `right`; or why it was not run."""
    try:
        saw = found(watch)
    except Missing as why:
        return {**asdict(watch), "right": False, "not_run": str(why)}
    return {**asdict(watch), "right": saw == bool(watch.mutant), "found": saw}


def main() -> None:
    on, watches = device(), []
    for watch in WATCHES:
        watches.append(watched(watch))
        print(watches[-1], flush=True)
    print(keep("sanitizer", on, {"watches": watches}))
    sys.exit(any(not one["right"] for one in watches))


if __name__ == "__main__":
    main()
