"""The ladder against cuBLAS in float32, side by side in one run, on the GPU that is here.

`python3 -m benchmarks.sgemm` writes evidence/sgemm-DEVICE.json. `--sweep` looks for the best tiling
first, which then takes part.

Every kernel multiplies the same matrices in turn, round after round; what counts is the median.
Share of peak: of two FLOP for each lane and cycle at the clock that was read while the last of them
ran. ncu, where there is one, tells which kernels cuBLAS chose.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from statistics import median
from typing import Any

import numpy as np

from benchmarks import ncu
from benchmarks.evidence import device, keep
from benchmarks.ladder import LADDER
from benchmarks.tables import table
from tiling.faults import Broken, Missing
from tiling.kernel import gpu
from tiling.occupancy import CHIPS
from tiling.presets import choose
from tiling.schedule import grid
from tiling.shapes import Gemm, Refused, Tiling

SIZES = (
    *(Gemm(size, size, size) for size in (1024, 2048, 4096, 8192)),
    Gemm(4095, 4097, 4093),
)
ROUNDS = 12
SWEPT = Gemm(4096, 4096, 4096)
BASELINE = "cuBLAS"

Launch = Callable[[], object]


def launcher(a: Any, b: Any, c: Any, tiling: Tiling) -> Launch:
    """A call that only launches: everything else is done before. Raises Refused or Broken."""
    kernel, shared = gpu.built(tiling, a.device.id)
    gemm = Gemm(a.shape[0], b.shape[1], a.shape[1])
    args = (a, b, c, *(np.uint32(size) for size in (gemm.m, gemm.n, gemm.k)))
    ctas, threads = (prod(grid(gemm, tiling)),), (tiling.threads,)
    return lambda: kernel(ctas, threads, args, shared_mem=shared)


def milliseconds(cupy: Any, launch: Launch, times: int) -> float:
    """Of one launch among several."""
    start, end = cupy.cuda.Event(), cupy.cuda.Event()
    start.record()
    for _ in range(times):
        launch()
    end.record()
    end.synchronize()
    return float(cupy.cuda.get_elapsed_time(start, end)) / times


def race(cupy: Any, launches: dict[str, Launch], gemm: Gemm) -> dict[str, float]:
    """Median milliseconds of each, round by round in turn."""
    flop = 2 * gemm.m * gemm.n * gemm.k
    times = max(2, min(50, int(5e11 / flop)))
    seen: dict[str, list[float]] = {name: [] for name in launches}
    for number in range(ROUNDS + 1):
        for name, launch in launches.items():
            took = milliseconds(cupy, launch, times if name != "naive" else 1)
            if number:  # the first round warms up
                seen[name].append(took)
    return {name: median(took) for name, took in seen.items()}


def rates(took: dict[str, float], gemm: Gemm, peak: float) -> list[dict[str, Any]]:
    """TFLOP/s and shares, from milliseconds; `peak` in TFLOP/s."""
    flop = 2 * gemm.m * gemm.n * gemm.k
    return [
        {
            "kernel": name,
            "gemm": str(gemm),
            "ms": round(ms, 4),
            "tflops": round(flop / ms / 1e9, 2),
            "of_cublas": round(took[BASELINE] / ms, 4),
            "of_peak": round(flop / ms / 1e9 / peak, 4),
        }
        for name, ms in took.items()
    ]


def candidates() -> Iterator[Tiling]:
    """Tilings that may be fast: whole warps, split quads, and As either with a swizzle, so without
    any bank conflict, or padded, which saves instructions that compute addresses.

    One buffer of fragments: with two the compiler makes nearly the same code.
    """
    tiles = ((128, 128), (128, 256), (256, 128))
    warps = {(8, 8): ((32, 64), (64, 32)), (16, 8): ((64, 64),), (8, 16): ((64, 64),)}
    for (bm, bn), bk, (tm, tn) in product(tiles, (8, 16, 32), warps):
        for warp, stages, pad in product(warps[tm, tn], (1, 2, 3), (0, 4)):
            try:
                yield Tiling(
                    *(bm, bn, bk, tm, tn, stages, 4, pad, warp),
                    split=True,
                    swizzle=not pad,
                    large_shared=True,
                )
            except Refused:
                continue


def sweep(cupy: Any, a: Any, b: Any, c: Any) -> list[tuple[float, Tiling]]:
    """(milliseconds, tiling), the quickest first: each a few times, the ten best again."""
    found = []
    for tiling in candidates():
        try:
            launch = launcher(a, b, c, tiling)
        except (Refused, Broken):
            continue
        milliseconds(cupy, launch, 1)
        found.append((milliseconds(cupy, launch, 3), tiling))
    found.sort(key=lambda one: one[0])
    again = [
        (median(milliseconds(cupy, launcher(a, b, c, tiling), 5) for _ in range(5)), tiling)
        for _, tiling in found[:10]
    ]
    return sorted(again, key=lambda one: one[0]) + found[10:]


def clock(cupy: Any, launch: Launch) -> float:
    """MHz of the multiprocessors while a kernel runs again and again."""
    number = cupy.cuda.runtime.deviceGetPCIBusId(cupy.cuda.Device().id)
    query = [
        "nvidia-smi",
        f"--id={number}",
        "--query-gpu=clocks.sm",
        "--format=csv,noheader,nounits",
    ]
    with subprocess.Popen(query, stdout=subprocess.PIPE, text=True) as asking:
        while asking.poll() is None:
            milliseconds(cupy, launch, 20)
        said, _ = asking.communicate()
    if asking.returncode:
        raise SystemExit(f"nvidia-smi tells no clock: {said.strip()}")
    return float(said)


def peak_tflops(cupy: Any, mhz: float) -> float:
    """Two FLOP for each lane and cycle, without tensor cores."""
    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    chip = CHIPS.get(f"sm_{properties['major']}{properties['minor']}")
    lanes = chip.lanes if chip else 128
    return float(properties["multiProcessorCount"] * lanes * 2 * mhz / 1e6)


def measure(cupy: Any, gemm: Gemm, kernels: dict[str, Tiling]) -> dict[str, Any]:
    random = cupy.random.default_rng(0)
    a, b = (random.standard_normal(gemm.shape(name), dtype=np.float32) for name in "AB")
    c, d = (cupy.empty((gemm.m, gemm.n), np.float32) for _ in range(2))
    blas = gpu.cublas()
    launches: dict[str, Launch] = {BASELINE: lambda: blas.gemm("N", "N", a, b, out=d)}
    for name, tiling in kernels.items():
        launches[name] = launch = launcher(a, b, c, tiling)
    took = race(cupy, launches, gemm)
    mhz = clock(cupy, launch)
    found = rates(took, gemm, peak_tflops(cupy, mhz))
    return {"clock_mhz": mhz, "cublas_kernels": blas_kernels(gemm), "rates": found}


PROGRAM = """
import cupy
from tiling.kernel import gpu

a, b = (cupy.zeros(shape, "float32") for shape in (({m}, {k}), ({k}, {n})))
gpu.cublas().gemm("N", "N", a, b, out=cupy.empty(({m}, {n}), "float32"))
cupy.cuda.Device().synchronize()
"""


def blas_kernels(gemm: Gemm) -> list[str]:
    """The names of the kernels that cuBLAS launches, or why they are not known."""
    program = PROGRAM.format(m=gemm.m, n=gemm.n, k=gemm.k)
    try:
        rows = ncu.launches(program, ["gpu__time_duration.sum"])
    except Missing as missing:
        return [f"not known: {missing}"]
    return list(dict.fromkeys(row["Kernel Name"] for row in rows))


def shown(rows: Sequence[dict[str, Any]]) -> str:
    header = ["", "GEMM", "ms", "TFLOP/s", "of cuBLAS", "of peak"]
    cells = [
        [
            *(f"`{row['kernel']}`", row["gemm"], f"{row['ms']:.3f}", f"{row['tflops']:.1f}"),
            *(f"{row['of_cublas']:.1%}", f"{row['of_peak']:.1%}"),
        ]
        for row in rows
    ]
    return table(header, cells)


def main() -> None:
    on = device()
    import cupy

    kernels = {name: choose(name).tiling for name in LADDER}
    found: dict[str, Any] = {}
    if "--sweep" in sys.argv:
        random = cupy.random.default_rng(0)
        a, b = (random.standard_normal(SWEPT.shape(name), dtype=np.float32) for name in "AB")
        c = cupy.empty((SWEPT.m, SWEPT.n), np.float32)
        order = sweep(cupy, a, b, c)
        found["sweep"] = [{"ms": round(ms, 4), "tiling": repr(tiling)} for ms, tiling in order]
        for ms, tiling in order[:10]:
            print(f"{ms:.3f} ms  {tiling!r}", flush=True)
        kernels["best of the sweep"] = order[0][1]
    found["sizes"] = [measure(cupy, gemm, kernels) for gemm in SIZES]
    print(shown([row for size in found["sizes"] for row in size["rates"]]))
    print(keep("sgemm", on, found))


if __name__ == "__main__":
    main()
