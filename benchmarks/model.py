"""What the model and its proof cost, in one table. `python -m benchmarks.model [--write]`"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from benchmarks.ladder import LADDER
from benchmarks.tables import machine, table, write
from publish.tables import show_occupancy, show_requests, show_traffic
from tiling import banks, expand
from tiling import schedule as scheduling
from tiling.execute import execute
from tiling.kernel import host
from tiling.kernel.provenance import provenance
from tiling.kernel.rungs import same_trace
from tiling.presets import Choice, choose, presets
from tiling.schedule import schedule
from tiling.shapes import Gemm, Tiling
from tiling.traffic import traffic
from tiling.verify import verify

ROOT = Path(__file__).parent.parent


def best(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of the quickest of several runs."""
    seconds = []
    for _ in range(times):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return min(seconds)


def forget() -> None:
    """As after a start: nothing that was made is kept."""
    for module in expand, banks, scheduling:
        for made in vars(module).values():
            if hasattr(made, "cache_clear"):
                made.cache_clear()


def count_sgemm() -> None:
    forget()
    traffic(choose("sgemm").schedule())


def multiply() -> None:
    random = np.random.default_rng(0)
    a, b = random.standard_normal((2, 256, 256), np.float32)
    execute(schedule(Gemm(256, 256, 256), Tiling(64, 64, 8, 8, 8)), a, b)


def inspect(preset: str) -> None:
    """All that the command does, its printing too."""
    forget()
    choice = choose(preset)
    plan = choice.schedule()
    with redirect_stdout(StringIO()):
        show_traffic(choice, traffic(plan))
        show_requests(plan)
        show_occupancy(plan)


def compare_traces() -> None:
    """All CTAs of 256×256×64 in the tiles of `sgemm`; the kernel has run before."""
    forget()
    same_trace(SLOTS, TRACED, lambda share: None)


def climb_the_ladder() -> None:
    """The host rung, compiling too: what was compiled before is out of reach."""
    with TemporaryDirectory() as empty:
        os.environ["XDG_CACHE_HOME"] = empty
        for preset in LADDER:
            choice = Choice(preset, Gemm(128, 128, 32), choose(preset).tiling, (0, 0))
            rung = verify("host", choice)
            assert rung.status == "passed", rung.says


def inspect_memory() -> str:
    """MB that were resident at most. (`ru_maxrss` would count the process that starts it too.)"""
    code = (
        "from render import main; "
        "main(['inspect', '--preset', 'sgemm'], standalone_mode=False); "
        "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return f"{int(done.stdout.split()[-1]) * 1024 / 1e6:.0f} MB"


TRACED = schedule(Gemm(256, 256, 64), choose("sgemm").tiling)
SLOTS = host.run(TRACED, *provenance(TRACED.gemm), "trace")[1]


def main() -> None:
    slowest = {preset: best(lambda preset=preset: inspect(preset), 3) for preset in presets()}
    name = max(slowest, key=lambda preset: slowest[preset])
    rows = [
        ["`sgemm`: one CTA's schedule and all counts", f"{best(count_sgemm):.3f} s", "0.05 s"],
        ["execute 256³ in 64×64×8 / 8×8", f"{best(multiply, 3):.2f} s", "2 s"],
        [f"inspect after start-up, slowest preset (`{name}`)", f"{slowest[name]:.2f} s", "0.3 s"],
        ["inspect `sgemm`, memory", inspect_memory(), "200 MB"],
        [
            "trace of 256×256×64 in `sgemm` tiles compared",
            f"{best(compare_traces, 3):.2f} s",
            "3 s",
        ],
        ["host rung, ladder on 128×128×32", f"{best(climb_the_ladder, 1):.1f} s", "20 s"],
    ]
    text = f"{table(['', 'measured', 'target'], rows)}\n\n{machine()}."
    print(text)
    if "--write" in sys.argv:
        write("model benchmark", text)


if __name__ == "__main__":
    main()
