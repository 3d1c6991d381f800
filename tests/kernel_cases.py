"""What the tests of the kernel share. Imports nothing that a machine with a GPU may lack."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from tiling import nvidia
from tiling.faults import Missing
from tiling.fma import Floats, fma
from tiling.kernel import cxx, gpu, host
from tiling.kernel.rungs import floats
from tiling.presets import Choice
from tiling.schedule import Schedule, schedule
from tiling.shapes import SHARED_LIMIT, Gemm, Tiling
from tiling.verify import verify

CI = bool(os.environ.get("CI"))
Pick = Callable[[Sequence[Any]], Any]


def needs(what: Callable[[], object]) -> pytest.MarkDecorator:
    """Skip, with the reason, where something is missing. In CI nothing but a GPU may be missing."""
    try:
        what()
    except Missing as missing:
        return pytest.mark.skipif(not CI or what is gpu.device, reason=str(missing))
    return pytest.mark.skipif(False, reason="")


needs_host = needs(cxx.compiler)
needs_race = needs(lambda: host.host_program(race=True))
needs_nvrtc = needs(nvidia.tools)
needs_gpu = needs(gpu.device)
TOY = Tiling(6, 6, 4, 2, 2)
TILINGS = {
    "toy": TOY,
    "one thread": Tiling(3, 5, 2, 3, 5),
    "one element": Tiling(1, 1, 1, 1, 1),
    "small": Tiling(16, 16, 8, 4, 4),
    "more threads than elements": Tiling(8, 8, 1, 1, 1),
    "vector 2": Tiling(8, 12, 6, 2, 3, vector=2),
    "vector 4": Tiling(16, 16, 8, 4, 4, vector=4),
    "padded": Tiling(16, 8, 4, 2, 2, vector=2, pad=3),
    "warps": Tiling(32, 64, 8, 4, 4, vector=4, pad=4, warp=(16, 32)),
    "tall warps": Tiling(64, 8, 4, 2, 2, warp=(16, 8)),
    "split": Tiling(32, 24, 6, 8, 4, vector=2, pad=2, split=True),
    "split warps": Tiling(64, 64, 8, 8, 8, vector=4, warp=(32, 64), split=True),
    "swizzled": Tiling(32, 16, 8, 4, 2, swizzle=True),
    "swizzled warps": Tiling(64, 128, 8, 8, 8, 1, 4, warp=(32, 64), split=True, swizzle=True),
    "two stages": Tiling(6, 6, 4, 2, 2, stages=2),
    "three stages": Tiling(32, 64, 8, 4, 4, 3, 4, 4, (16, 32)),
    "four stages swizzled": Tiling(32, 32, 4, 4, 4, 4, 2, split=True, swizzle=True),
    "fragments ahead": Tiling(16, 12, 5, 4, 3, fragments=2),
    "direct": Tiling(6, 8, 4, 2, 2, direct=True),
    "shared store": Tiling(12, 8, 4, 3, 4, shared_store=True),
    "pipeline": Tiling(*(32, 32, 4, 4, 4, 3, 2, 2, (16, 32)), fragments=2, shared_store=True),
    "all of it": Tiling(
        *(64, 128, 8, 8, 8, 2, 4, 0, (32, 64)),
        split=True,
        swizzle=True,
        fragments=2,
        shared_store=True,
    ),
    "more shared memory": Tiling(64, 64, 128, 4, 4, vector=4, large_shared=True),
}
"""One tiling for each thing that a tiling can have."""

RAGGED = Gemm(13, 11, 10)
"""A size that no tile above but the smallest divides."""


def any_tiling(pick: Pick) -> Tiling:
    """A valid tiling, each choice made by `pick` from a list: by Hypothesis, or a seeded Random."""
    tm, tn = pick([1, 2, 3, 4, 5, 8]), pick([1, 2, 3, 4, 8])
    warp = None
    if pick([False, False, True]):
        rows = pick([1, 2, 4, 8, 16, 32])
        warp = tm * rows, tn * (32 // rows)
        bm, bn = warp[0] * pick([1, 2]), warp[1] * pick([1, 2])
    else:
        bm, bn = tm * pick(range(1, 9)), tn * pick(range(1, 9))
    bk = pick([1, 2, 3, 4, 4, 5, 7, 8, 8, 12, 16])
    options = {
        "vector": pick([v for v in (1, 2, 4) if bk % v == 0 and bn % v == 0]),
        "warp": warp,
        "split": tm % 4 == tn % 4 == 0 and pick([False, True]),
        "swizzle": bm % 32 == 0 and pick([False, True]),
        "stages": pick([1, 1, 2, 3, 4]),
        "fragments": pick([1, 2]),
        "shared_store": pick([False, False, True]),
        "direct": pick([False] * 9 + [True]),
    }
    if options["direct"]:
        options |= {"vector": 1, "swizzle": False, "stages": 1, "shared_store": False}
    pad = 0 if options["swizzle"] or options["direct"] else pick([0, 1, 3, 4])
    roomy = Tiling(bm, bn, bk, tm, tn, pad=pad, large_shared=True, **options)
    large = roomy.shared_bytes > SHARED_LIMIT or pick([False, True])
    return replace(roomy, large_shared=large)


def any_gemm(pick: Pick) -> Gemm:
    """Sizes from 1 to 70."""
    return Gemm(pick(range(1, 71)), pick(range(1, 71)), pick(range(1, 71)))


def build(*programs: tuple[Tiling, host.Build, str | None]) -> None:
    """Build what is going to be run, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda program: host.compiled(*program), programs):
            pass


def some_ctas(plan: Schedule, most: int, seed: int = 0) -> list[tuple[int, tuple[int, int]]]:
    """(number, (row, col)) of the last CTA, which is the most ragged, and of others at random."""
    ctas = list(enumerate(np.ndindex(plan.grid)))
    return [ctas[-1], *Random(seed).sample(ctas[:-1], min(most, len(ctas)) - 1)]


def chain(a: Floats, b: Floats) -> Floats:
    """A·B with every element an `fma` over k ascending from 0, and no tiles at all."""
    c = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for k in range(a.shape[1]):
        c = fma(a[:, k, None], b[None, k, :], c)
    return c


def bits(c: Floats) -> Any:
    """float32 as integers, so that two zeros, or two NaN, compare by what they are."""
    return np.ascontiguousarray(c).view(np.int32)


def case(tiling: Tiling, gemm: Gemm = RAGGED, seed: int = 0) -> tuple[Schedule, Floats, Floats]:
    return schedule(gemm, tiling), *floats(gemm, seed)


def climbs(name: str, choice: Choice) -> None:
    """A rung passes, says what it found, and tells how far it is."""
    shares: list[float] = []
    rung = verify(name, choice, shares.append)
    assert rung.status == "passed", rung.says
    assert rung.found
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
