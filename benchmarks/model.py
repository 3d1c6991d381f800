"""What the model costs, in one table: `python benchmarks/model.py`."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from tiling import schedule as scheduling  # noqa: E402
from tiling.execute import execute  # noqa: E402
from tiling.presets import choose  # noqa: E402
from tiling.schedule import schedule  # noqa: E402
from tiling.shapes import Gemm, Tiling  # noqa: E402
from tiling.traffic import traffic  # noqa: E402


def best(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of the quickest of several runs."""
    seconds = []
    for _ in range(times):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return min(seconds)


def count_sgemm() -> None:
    scheduling._events.cache_clear()
    traffic(choose("sgemm").schedule())


def multiply() -> None:
    random = np.random.default_rng(0)
    a, b = random.standard_normal((2, 256, 256), np.float32)
    execute(schedule(Gemm(256, 256, 256), Tiling(64, 64, 8, 8, 8)), a, b)


def inspect_memory() -> str:
    """MB that were resident at most. (`ru_maxrss` would count the process that starts it too.)"""
    code = (
        "from render import main; "
        "main(['inspect', '--preset', 'sgemm'], standalone_mode=False); "
        "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    if sys.platform != "linux":
        return "not measured: reads /proc"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return f"{int(done.stdout.split()[-1]) * 1024 / 1e6:.0f} MB"


def main() -> None:
    rows = [
        ("sgemm: one CTA's schedule and all counts", f"{best(count_sgemm) * 1e3:.1f} ms", "50 ms"),
        ("execute 256³ in 64×64×8 / 8×8", f"{best(multiply, 3):.2f} s", "2 s"),
        ("inspect --preset sgemm, memory", inspect_memory(), "200 MB"),
    ]
    print("| what | measured | target |\n|---|---:|---:|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
