"""Random problems and tilings, small enough to check by hand-written loops."""

from dataclasses import replace

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from tiling.schedule import Schedule, grid, schedule
from tiling.shapes import SHARED_LIMIT, Gemm, Tiling

# Arrays are made and compiled code is loaded in the first example: no example has a deadline.
settings.register_profile("tilelapse", deadline=None, print_blob=True)
settings.load_profile("tilelapse")

sides = st.integers(1, 40)
gemms = st.builds(Gemm, sides, sides, sides)


@st.composite
def tilings(draw: st.DrawFn) -> Tiling:
    """Any valid tiling with CTA tiles of some thousand elements at most."""
    vector = draw(st.sampled_from([1, 2, 4]))
    tm, tn = draw(st.sampled_from([1, 2, 3, 4, 4, 8])), draw(st.sampled_from([1, 2, 3, 4, 4, 8]))
    bk = vector * draw(st.integers(1, 9 // vector))
    if draw(st.booleans()):
        lanes = draw(st.sampled_from([1, 2, 4, 8, 16, 32]))  # rows of lanes in a warp
        wm, wn = lanes * tm, 32 // lanes * tn
        bm, bn = wm * draw(st.integers(1, 2)), wn * draw(st.integers(1, 2))
        warp = (wm, wn)
    else:
        bm, bn = tm * draw(st.integers(1, 6)), tn * draw(st.integers(1, 6))
        warp = None
    while bn % vector:
        vector //= 2
    split = tm % 4 == tn % 4 == 0 and draw(st.booleans())
    swizzle = bm % 32 == 0 and draw(st.booleans())
    pad = 0 if swizzle else draw(st.integers(0, 5))
    options = {"vector": vector, "warp": warp, "split": split, "swizzle": swizzle}
    options["stages"] = draw(st.sampled_from([1, 1, 2, 3, 5]))
    options["fragments"] = draw(st.sampled_from([1, 2]))
    options["shared_store"] = draw(st.booleans())
    roomy = Tiling(bm, bn, bk, tm, tn, pad=pad, large_shared=True, **options)
    return replace(roomy, large_shared=roomy.shared_bytes > SHARED_LIMIT)


@st.composite
def direct_tilings(draw: st.DrawFn) -> Tiling:
    """Any tiling without shared memory."""
    plain = draw(tilings())
    needs = {"vector": 1, "pad": 0, "swizzle": False, "stages": 1, "shared_store": False}
    return replace(plain, **needs, direct=True)


@st.composite
def schedules(draw: st.DrawFn, of: st.SearchStrategy[Tiling] | None = None) -> Schedule:
    """Any CTA of any grid."""
    gemm, tiling = draw(gemms), draw(tilings() if of is None else of)
    rows, cols = grid(gemm, tiling)
    cta = draw(st.tuples(st.integers(0, rows - 1), st.integers(0, cols - 1)))
    return schedule(gemm, tiling, cta)


def floats(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """float32 of either sign over many magnitudes, so that the order of a sum shows in its bits."""
    random = np.random.default_rng(seed)
    return (random.standard_normal(shape) * 2.0 ** random.integers(-9, 9, shape)).astype(np.float32)


def whole_numbers(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Small integers as float32: their sums of products are exact in any order."""
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float32)


def bits(array: np.ndarray) -> list[int]:
    """float32 as integers, so that -0 and 0 differ and NaN equals itself."""
    return np.ascontiguousarray(array, np.float32).view(np.int32).ravel().tolist()


SEED = schedule(Gemm(12, 12, 12), Tiling(6, 6, 4, 2, 2), (1, 0))
RAGGED = schedule(Gemm(13, 11, 10), Tiling(6, 6, 4, 2, 2), (2, 1))
SGEMM = schedule(Gemm(4096, 4096, 4096), Tiling(128, 128, 8, 8, 8), (12, 16))
WARPED = schedule(Gemm(20, 30, 9), Tiling(16, 32, 4, 2, 4, vector=2, pad=4, warp=(16, 16)))
