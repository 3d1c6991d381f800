"""What the model predicts of each step of the ladder. `python -m benchmarks.ladder [--write]`

Nothing of it is measured: it says what to expect of a measurement, and why.
"""

import sys

from benchmarks.tables import table, write
from tiling.kernel import compiler
from tiling.occupancy import CHIPS, occupancy, registers
from tiling.presets import choose
from tiling.sectors import loaded, stored
from tiling.shapes import dims
from tiling.sweep import predict
from tiling.traffic import traffic

LADDER = ("naive", "smem", "tile1d", "tile2d", "vector", "warp", "pipelined")

CHIP = "sm_90"

HEADER = [
    *("", "CTA tile", "threads", "requested a result", "FLOP/B", "sectors loaded a result"),
    *("sectors stored a result", "wavefronts an FMA", "registers", "CTAs", "occupancy"),
]


def step(preset: str) -> list[str]:
    """One line."""
    choice = choose(preset)
    plan, tiling = choice.schedule(), choice.tiling
    total, needed = traffic(plan).total, registers(tiling).needed
    held = compiler.compile_for(CHIP, tiling).registers
    found, results = predict(tiling, CHIPS[CHIP]), tiling.bm * tiling.bn
    sectors = loaded(plan, "A")[1] + loaded(plan, "B")[1], stored(plan)[1]
    fits = occupancy(CHIPS[CHIP], tiling.threads, held, tiling.shared_bytes)
    return [
        *(f"`{preset}`", dims(tiling.bm, tiling.bn), str(tiling.threads)),
        *(f"{total.requests_per_result:g}", f"{total.intensity:g}"),
        *(f"{many / results:g}" for many in sectors),
        *(f"{found.wavefronts / found.fma:.3g}", f"{held} ({needed})"),
        *(str(fits.ctas), f"{fits.share:.0%}"),
    ]


def main() -> None:
    text = table(HEADER, [step(preset) for preset in LADDER])
    text += (
        "\n\n4096³, predicted. Requested: elements of A and B. Wavefronts: of shared memory, for"
        f" each warp FMA of the main loop. Registers: of a thread as NVRTC compiles it for {CHIP},"
        f" in brackets what the schedule alone needs. CTAs: that fit on a multiprocessor of {CHIP}."
    )
    print(text)
    if "--write" in sys.argv:
        write("ladder", text)


if __name__ == "__main__":
    main()
