"""The proof of every preset as a table. `python -m benchmarks.proof [--write]`

All rungs but the gpu rung: what that one said `benchmarks.hardware_table` reads from its reports.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from os import cpu_count
from time import perf_counter

from benchmarks.tables import machine, table, write
from tiling.presets import choose, presets
from tiling.verify import RUNGS, Rung, verify

HERE = [name for name in RUNGS if name != "gpu"]


def climb(preset: str) -> list[Rung]:
    """All rungs of one preset."""
    return [verify(name, choose(preset)) for name in HERE]


def main() -> None:
    start, names = perf_counter(), list(presets())
    with ProcessPoolExecutor(cpu_count()) as pool:
        # The last take longest, so they begin first.
        rungs = list(pool.map(climb, names[::-1]))[::-1]
    found = dict(zip(names, rungs, strict=True))
    seconds = perf_counter() - start
    rows = [[f"`{name}`", *(rung.status for rung in rungs)] for name, rungs in found.items()]
    words = [f"- {rung.name}: {rung.says}" for rung in found[names[-1]]]
    text = f"{table(['', *HERE], rows)}\n\nWhat they say of `{names[-1]}`:\n\n" + "\n".join(words)
    text += f"\n\nAll of it took {seconds:.0f} s ({machine()})."
    print(text)
    if "--write" in sys.argv:
        write("proof", text)


if __name__ == "__main__":
    main()
