"""What the hardware counts against what the model predicts, on the GPU that is here.

`python3 -m benchmarks.counters` runs the kernel of several tilings under `ncu` and writes
evidence/counters-DEVICE.json. The exit status is 1 if a counter is not what was predicted.

Counted are warp requests, sectors and wavefronts of all CTAs, in one launch. Where the model is
wrong it is the model that has to be mended. Of what goes to and from DRAM it knows only the bounds.
"""

import sys
from collections.abc import Iterable
from math import prod
from typing import Any, TypeAlias

from benchmarks import ncu
from benchmarks.evidence import device, keep
from benchmarks.tables import table
from tiling.banks import BankCost, shared
from tiling.faults import Missing
from tiling.kernel.build import ENTRY
from tiling.presets import choose
from tiling.schedule import Schedule, schedule
from tiling.sectors import SECTOR, kinds_of_requests, loaded, stored
from tiling.shapes import WARP, WORD, Gemm, Tiling, ceil_div
from tiling.state import state_at
from tiling.verify import grid_fma

TILINGS = {
    "seed": Tiling(6, 6, 4, 2, 2),
    "smem": choose("smem").tiling,
    "naive": choose("naive").tiling,
    "with conflicts": Tiling(128, 128, 8, 8, 8, vector=4),
    "the same, padded": Tiling(128, 128, 8, 8, 8, vector=4, pad=4),
    "the same, swizzled": Tiling(128, 128, 8, 8, 8, vector=4, swizzle=True),
    "split quads": Tiling(128, 128, 8, 8, 8, vector=4, split=True),
    "shared store": Tiling(128, 128, 8, 8, 8, shared_store=True),
    "warp": choose("warp").tiling,
    "pipelined": choose("pipelined").tiling,
}
GEMMS = (Gemm(256, 256, 64), Gemm(250, 261, 61))

GLOBAL, WAVES = "pipe_lsu_mem_global_op", "l1tex__data_pipe_lsu_wavefronts_mem_shared_op"
CONFLICTS = "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op"
METRICS = {
    "FMA": ("smsp__sass_thread_inst_executed_op_ffma_pred_on.sum",),
    "load requests": (f"l1tex__t_requests_{GLOBAL}_ld.sum",),
    "load sectors": (f"l1tex__t_sectors_{GLOBAL}_ld.sum",),
    "copy requests": (f"l1tex__t_requests_{GLOBAL}_ldgsts.sum",),
    "copy sectors": (f"l1tex__t_sectors_{GLOBAL}_ldgsts.sum",),
    "store requests": (f"l1tex__t_requests_{GLOBAL}_st.sum",),
    "store sectors": (f"l1tex__t_sectors_{GLOBAL}_st.sum",),
    "shared read wavefronts": (f"{WAVES}_ld.sum",),
    "shared write wavefronts": (f"{WAVES}_st.sum",),
    "shared read conflicts": (f"{CONFLICTS}_ld.sum",),
    "shared write conflicts": (f"{CONFLICTS}_st.sum",),
    "barriers": ("smsp__inst_executed_op_barrier.sum", "smsp__sass_inst_executed_op_barrier.sum"),
    "DRAM bytes read": ("dram__bytes_read.sum",),
    "DRAM bytes written": ("dram__bytes_write.sum",),
}
"""What is counted, and the names that ncu may have for it: the first that it knows is asked for."""

Bounds: TypeAlias = tuple[int, int]
"""The least and the most."""


def predicted(plan: Schedule) -> dict[str, int | Bounds]:
    """The counters of one launch, all CTAs.

    DRAM: A and B are read at least once, for ncu empties the caches before it counts, and at most
    as often as they are requested; C may stay in the cache.
    """
    tiling, ctas = plan.tiling, prod(plan.grid)
    fetched, kept = [0, 0], [0, 0]
    for cta, many in kinds_of_requests(plan):
        here = plan.at(cta)
        for sums, (requests, sectors) in (
            (fetched, loaded(here, "A")),
            (fetched, loaded(here, "B")),
            (kept, stored(here)),
        ):
            sums[0] += many * requests
            sums[1] += many * sectors
    costs = shared(plan)
    reads = sum(costs.reads.values(), BankCost()) * ctas
    by_itself = tiling.asynchronous
    # What copies itself is written by another pipe.
    written = [cost for name, cost in costs.writes.items() if name == "C" or not by_itself]
    writes = sum(written, BankCost()) * ctas
    epochs = state_at(plan, len(plan.events)).epoch
    once = (plan.gemm.m + plan.gemm.n) * plan.gemm.k * WORD
    return {
        "FMA": grid_fma(plan),
        "load requests": 0 if by_itself else fetched[0],
        "load sectors": 0 if by_itself else fetched[1],
        "copy requests": fetched[0] if by_itself else 0,
        "copy sectors": fetched[1] if by_itself else 0,
        "store requests": kept[0],
        "store sectors": kept[1],
        "shared read wavefronts": reads.wavefronts,
        "shared write wavefronts": writes.wavefronts,
        "shared read conflicts": reads.conflicts,
        "shared write conflicts": writes.conflicts,
        "barriers": epochs * ceil_div(tiling.threads, WARP) * ctas,
        "DRAM bytes read": (once, fetched[1] * SECTOR),
        "DRAM bytes written": (0, kept[1] * SECTOR),
    }


def agrees(got: int, want: int | Bounds) -> bool:
    """Equal, or within the bounds."""
    return want[0] <= got <= want[1] if isinstance(want, tuple) else got == want


def known(names: set[str]) -> dict[str, str]:
    """For each of METRICS the name that ncu knows, from all that it knows."""
    found = {
        what: next((name for name in asked if name.removesuffix(".sum") in names), None)
        for what, asked in METRICS.items()
    }
    return {what: name for what, name in found.items() if name}


def counted(rows: list[dict[str, str]], names: dict[str, str]) -> dict[str, int]:
    """The counters of one launch, from ncu's rows; several launches would be an error."""
    if len(found := {row["ID"] for row in rows}) != 1:
        raise ValueError(f"ncu saw {len(found)} launches, not one")
    values = {row["Metric Name"]: row["Metric Value"].replace(",", "") for row in rows}
    return {what: round(float(values[name])) for what, name in names.items() if name in values}


PROGRAM = """
import numpy as np
from benchmarks.counters import TILINGS
from tiling.kernel import gpu
from tiling.shapes import Gemm
from tiling.verify import floats

gpu.gemm(*floats(Gemm({m}, {n}, {k})), TILINGS[{name!r}]).get()
"""


def profile(name: str, gemm: Gemm, names: dict[str, str]) -> dict[str, int]:
    """What ncu counts of one launch."""
    program = PROGRAM.format(m=gemm.m, n=gemm.n, k=gemm.k, name=name)
    return counted(ncu.launches(program, list(names.values()), ENTRY), names)


def shown(found: Iterable[dict[str, Any]]) -> str:
    rows = []
    for one in found:
        wrong = [
            f"{what} {got:,}, predicted {one['predicted'][what]}"
            for what, got in one["counted"].items()
            if what not in one["right"]
        ]
        share = f"{len(one['right'])} of {len(one['counted'])}"
        rows.append([one["tiling"], one["gemm"], share, "; ".join(wrong)])
    return table(["", "GEMM", "as predicted", "others"], rows)


def look(name: str, gemm: Gemm, names: dict[str, str]) -> dict[str, Any]:
    """One launch: what was predicted, what was counted, and which of it is `right`."""
    want, got = predicted(schedule(gemm, TILINGS[name])), profile(name, gemm, names)
    right = [what for what, many in got.items() if agrees(many, want[what])]
    return {"tiling": name, "gemm": str(gemm), "predicted": want, "counted": got, "right": right}


def main() -> None:
    on = device()
    try:
        names = known(ncu.known())
        for what in METRICS.keys() - names.keys():
            print(f"{what}: this ncu has no such counter")
        found = [look(name, gemm, names) for name in TILINGS for gemm in GEMMS]
    except Missing as missing:
        raise SystemExit(f"not run: {missing}") from None
    print(shown(found))
    print(keep("counters", on, {"metrics": names, "launches": found}))
    sys.exit(any(len(one["right"]) < len(METRICS) for one in found))


if __name__ == "__main__":
    main()
