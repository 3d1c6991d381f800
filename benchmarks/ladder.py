"""What the model predicts of each step of the ladder. `python -m benchmarks.ladder [--write]`

Nothing of it is measured: it says what to expect of a measurement, and why.
"""

import sys

from benchmarks.tables import table, write
from tiling import naive
from tiling.occupancy import CHIPS, Occupancy, occupancy, registers
from tiling.presets import choose
from tiling.sectors import loaded, stored
from tiling.shapes import Gemm, dims
from tiling.sweep import predict
from tiling.traffic import Counts, traffic

LADDER = ("smem", "tile1d", "tile2d", "vector", "warp", "pipelined")

CHIP = "sm_90"

GEMM = Gemm(4096, 4096, 4096)

BLOCK = (32, 32)
"""Results of a CTA without tiles."""

HEADER = [
    *("", "CTA tile", "threads", "requested a result", "FLOP/B", "sectors loaded a result"),
    *("sectors stored a result", "wavefronts an FMA", "registers", "CTAs", "occupancy"),
]


def row(
    name: str, tile: str, threads: int, total: Counts, wide: list[str], held: int, fits: Occupancy
) -> list[str]:
    """One line: `wide` is what is counted by warps."""
    counts = [f"{total.requests_per_result:g}", f"{total.intensity:g}"]
    return [
        *(f"`{name}`", tile, str(threads), *counts, *wide),
        *(str(held), str(fits.ctas), f"{fits.share:.0%}"),
    ]


def without_tiles() -> list[str]:
    """A thread for each result, which reads its row of A and its column of B for itself."""
    plan = naive.schedule(GEMM, BLOCK)
    threads, held = BLOCK[0] * BLOCK[1], 3  # an accumulator and the two values to multiply
    fits = occupancy(CHIPS[CHIP], threads, held, 0)
    return row("naive", dims(*BLOCK), threads, naive.total(plan), ["", "", ""], held, fits)


def step(preset: str) -> list[str]:
    choice = choose(preset)
    plan, tiling = choice.schedule(), choice.tiling
    held = registers(tiling).needed
    found, results = predict(tiling, CHIPS[CHIP]), tiling.bm * tiling.bn
    sectors = loaded(plan, "A")[1] + loaded(plan, "B")[1], stored(plan)[1]
    wide = [
        *(f"{many / results:g}" for many in sectors),
        f"{found.wavefronts / found.fma:.3g}",
    ]
    fits = occupancy(CHIPS[CHIP], tiling.threads, held, tiling.shared_bytes)
    tile = dims(tiling.bm, tiling.bn, tiling.bk)
    return row(preset, tile, tiling.threads, traffic(plan).total, wide, held, fits)


def main() -> None:
    rows = [without_tiles(), *map(step, LADDER)]
    text = table(HEADER, rows)
    text += (
        f"\n\n{GEMM}, predicted. Requested: elements of A and B. Wavefronts: of shared memory, for"
        f" each warp FMA of the main loop. Registers: those of the schedule. CTAs: on a"
        f" multiprocessor of {CHIP}, at best."
    )
    print(text)
    if "--write" in sys.argv:
        write("ladder", text)


if __name__ == "__main__":
    main()
