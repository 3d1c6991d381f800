"""The proof of every preset as a table. `python -m benchmarks.proof [--write]`

All rungs but the gpu rung: what that one said is read from its reports, by `benchmarks.measured`.
"""

import sys

from benchmarks.tables import table, write
from tiling.presets import choose, presets
from tiling.verify import RUNGS, verify

HERE = [name for name in RUNGS if name != "gpu"]


def main() -> None:
    rows: list[list[str]] = []
    for preset in presets():
        rungs = [verify(name, choose(preset)) for name in HERE]
        rows.append([f"`{preset}`", *(rung.status for rung in rungs)])
        words = [f"- {rung.name}: {rung.says}" for rung in rungs]  # the last preset's
    text = f"{table(['', *HERE], rows)}\n\nWhat they say of `{preset}`:\n\n" + "\n".join(words)
    print(text)
    if "--write" in sys.argv:
        write("proof", text)


if __name__ == "__main__":
    main()
