"""Random tilings with a fixed seed, where a test wants the same ones each time."""

from dataclasses import replace

import numpy as np

from tiling.presets import Choice, choose
from tiling.remedies import divisors
from tiling.schedule import grid
from tiling.shapes import Gemm, Refused, Tiling

FILMED = ("seed", "ragged", "small", "sgemm", "pipelined")
"""Presets of which clips are looked at: from a toy to the real thing, and to all that it can be."""

TOYS = [
    choose("seed", None, {"stages": "2"}),
    choose("ragged", None, {"stages": "3", "fragments": "2", "shared-store": True}),
    choose("small", None, {"fragments": "2"}),
    choose("seed", None, {"gemm": "12x12x30", "stages": "6"}),
]
"""Toys that overlap what they do."""

SIDES = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128)
SIZES = (1, 7, 12, 40, 100, 333, 1024, 4096)


def random_choices(count: int, seed: int = 0) -> list[Choice]:
    """So many valid choices, from toys to thousands, square and narrow, whole and ragged."""
    random, found = np.random.default_rng(seed), []
    while len(found) < count:
        bm, bn, bk = (int(side) for side in random.choice(SIDES, 3))
        tm, tn = int(random.choice(divisors(bm))), int(random.choice(divisors(bn)))
        gemm = Gemm(*(int(size) for size in random.choice(SIZES, 3)))
        try:
            split = tm % 4 == tn % 4 == 0 and bool(random.integers(2))
            swizzle = bm % 32 == 0 and bool(random.integers(2))
            more = {
                "stages": int(random.choice((1, 1, 1, 2, 3))),
                "fragments": int(random.choice((1, 1, 1, 2))),
                "shared_store": not random.integers(4),
            }
            tiling = Tiling(bm, bn, bk, tm, tn, split=split, swizzle=swizzle, **more)
        except Refused:
            continue
        rows, cols = grid(gemm, tiling)
        cta = int(random.integers(rows)), int(random.integers(cols))
        found.append(Choice(f"random{len(found)}", gemm, tiling, cta))
    return found


def random_direct(count: int, seed: int = 0) -> list[Choice]:
    """The same without shared memory."""
    without = {"stages": 1, "swizzle": False, "shared_store": False, "direct": True}
    return [
        replace(choice, tiling=replace(choice.tiling, **without))
        for choice in random_choices(count, seed)
    ]


DIRECT = [
    choose("naive"),
    choose("ragged", None, {"direct": True}),
    choose("sgemm", None, {"direct": True, "warp": "32x64", "split": True, "fragments": "2"}),
    *random_direct(1),
]
"""Without shared memory: a result a thread, several, all that there can be, and a random one."""
