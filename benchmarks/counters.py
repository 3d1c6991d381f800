"""What the hardware counts against what the model predicts, on the GPU that is here.

`python3 -m benchmarks.counters` runs the kernel of several tilings under `ncu` and writes
evidence/counters-DEVICE.json. The exit status is 1 if a counter is not what was predicted.

Counted are warp requests, sectors and wavefronts of all CTAs, in one launch. Where the model is
wrong it is the model that has to be mended.
"""

import csv
import shutil
import subprocess
import sys
from collections.abc import Iterable
from math import prod
from typing import Any

from benchmarks.evidence import device, keep
from benchmarks.tables import table
from tiling.banks import Cost, shared
from tiling.presets import choose
from tiling.schedule import Schedule, schedule
from tiling.sectors import kinds_of_requests, loaded, stored
from tiling.shapes import WARP, Gemm, Tiling, ceil_div
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
}
"""What is counted, and the names that ncu may have for it: the first that it knows is asked for."""


def predicted(plan: Schedule) -> dict[str, int]:
    """The counters of one launch, all CTAs."""
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
    reads = sum(costs.reads.values(), Cost()) * ctas
    by_itself = tiling.asynchronous
    # What copies itself is written by another pipe.
    written = [cost for name, cost in costs.writes.items() if name == "C" or not by_itself]
    writes = sum(written, Cost()) * ctas
    epochs = state_at(plan, len(plan.events)).epoch
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
    }


def known(listed: str) -> dict[str, str]:
    """For each of METRICS the name that ncu knows, from the text of `ncu --query-metrics`."""
    words = set(listed.split())
    names = {
        what: next((name for name in names if name.removesuffix(".sum") in words), None)
        for what, names in METRICS.items()
    }
    return {what: name for what, name in names.items() if name}


def counted(text: str, names: dict[str, str]) -> dict[str, int]:
    """The counters of the launch of `gemm`, from ncu's CSV; several launches would be an error."""
    lines = [line for line in text.splitlines() if line.startswith('"')]
    rows = [row for row in csv.DictReader(lines) if row["Kernel Name"].startswith("gemm")]
    if len({row["ID"] for row in rows}) != 1:
        raise ValueError(f"ncu saw {len({row['ID'] for row in rows})} launches, not one")
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
    """One launch under ncu, its clocks left as they are."""
    program = PROGRAM.format(m=gemm.m, n=gemm.n, k=gemm.k, name=name)
    command = ["ncu", "--csv", "--print-units", "base", "--clock-control", "none"]
    command += ["--kernel-name", "gemm", "--metrics", ",".join(names.values())]
    done = subprocess.run([*command, sys.executable, "-c", program], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"ncu says {(done.stdout + done.stderr)[-1000:]}")
    return counted(done.stdout, names)


def shown(found: Iterable[dict[str, Any]]) -> str:
    rows = []
    for one in found:
        wrong = [
            f"{what} {got:,}, predicted {one['predicted'][what]:,}"
            for what, got in one["counted"].items()
            if got != one["predicted"][what]
        ]
        exact = len(one["counted"]) - len(wrong)
        share = f"{exact} of {len(one['counted'])}"
        rows.append([one["tiling"], one["gemm"], share, "; ".join(wrong)])
    return table(["", "GEMM", "exact", "others"], rows)


def main() -> None:
    on = device()
    if not shutil.which("ncu"):
        raise SystemExit("not run: no ncu here")
    listed = subprocess.run(["ncu", "--query-metrics"], capture_output=True, text=True).stdout
    names = known(listed)
    for what in METRICS.keys() - names.keys():
        print(f"{what}: this ncu has no such counter")
    found = []
    for name, tiling in TILINGS.items():
        for gemm in GEMMS:
            want = predicted(schedule(gemm, tiling))
            got = profile(name, gemm, names)
            found.append({"tiling": name, "gemm": str(gemm), "predicted": want, "counted": got})
    print(shown(found))
    print(keep("counters", on, {"metrics": names, "launches": found}))
    sys.exit(any(one["predicted"] | one["counted"] != one["predicted"] for one in found))


if __name__ == "__main__":
    main()
