"""The conversions of `cvt` (PTX ISA 9.7.9.21) over arrays of any shape.

Integers come as arrays of their NumPy type, floating-point numbers as in `tiling.ptx.floats`; tf32
is a bit pattern in uint32 whose last 13 bits are 0.
"""

import operator

import numpy as np

from tiling.ptx.exact import recomputed
from tiling.ptx.rounding import (
    TO_INTEGER,
    Array,
    Doubles,
    canonical,
    flush,
    narrow,
    odd_sum,
    saturate,
    widen,
)

INTEGERS = {
    f"{sign}{size}": np.dtype(f"{name}{size}")
    for sign, name in (("u", "uint"), ("s", "int"))
    for size in (8, 16, 32, 64)
}


@np.errstate(all="ignore")
def convert(
    to: str,
    source: str,
    x: Array,
    rounding: str = "rn",
    ftz: bool = False,
    sat: bool = False,
    relu: bool = False,
) -> Array:
    """x, of the type `source`, as the type `to`.

    rounding  rn, rz, rm, rp or rna to a floating-point type, "" where nothing is rounded; rni, rzi,
              rmi or rpi to an integer, or to a whole number within a floating-point type
    ftz       subnormal f32 become zeros of their sign, before and after
    sat       to a floating-point type: clamped to [+0, 1], NaN to +0. To an integer: clamped to its
              range; without it the upper bits of an integer are cut off. What was floating-point is
              always clamped.
    relu      what is negative becomes +0
    """
    if source in INTEGERS:
        if to in INTEGERS:
            return _integers(to, x, sat)
        result = _from_integer(to, x, rounding)
    else:
        if to in INTEGERS and not rounding.endswith("i"):
            raise ValueError(f"cvt.{to}.{source} needs a rounding: rni, rzi, rmi or rpi")
        wide = widen(source, flush(source, x, ftz and source == "f32"))
        if rounding.endswith("i"):
            wide = TO_INTEGER[rounding[:-1]](wide)
        if to in INTEGERS:
            return _to_integer(to, source, wide)
        result = canonical(to, narrow(to, wide, rounding.removesuffix("i") or "rn"), (wide,))
    return saturate(to, flush(to, result, ftz and to == "f32"), sat, relu)


def pack(kind: str, a: Array, b: Array, rounding: str = "rn", relu: bool = False) -> Array:
    """cvt.f16x2.f32 and cvt.bf16x2.f32: a in the upper half of a uint32, b in the lower.

    kind   f16x2 or bf16x2
    """
    upper, lower = (
        convert(kind.removesuffix("x2"), "f32", x, rounding, relu=relu).view(np.uint16)
        for x in (a, b)
    )
    return upper.astype(np.uint32) << np.uint32(16) | lower


def _integers(to: str, x: Array, sat: bool) -> Array:
    if sat:
        here, there = np.iinfo(x.dtype), np.iinfo(INTEGERS[to])
        x = np.clip(x, max(here.min, there.min), min(here.max, there.max))
    return x.astype(INTEGERS[to])


def _from_integer(to: str, x: Array, rounding: str) -> Array:
    """The upper and the lower half are exact in float64: their sum is rounded once."""
    half = x.dtype.type(4 * x.dtype.itemsize)
    upper = x >> half << half
    parts = upper.astype(np.float64), (x - upper).astype(np.float64)
    if to != "f64":
        return narrow(to, odd_sum(*parts), rounding)
    nearest: Doubles = parts[0] + parts[1]
    if rounding == "rn":
        return nearest
    return recomputed(nearest, operator.add, parts, rounding, np.ones(x.shape, bool))


def _to_integer(to: str, source: str, x: Doubles) -> Array:
    """Whole numbers, clamped. NaN becomes 0 if the source is not f64 and the destination has not
    64 bits, else only its uppermost bit is set (PTX ISA 9.7.9.21, integer notes)."""
    dtype = INTEGERS[to]
    info = np.iinfo(dtype)
    # 2^63 and 2^64 are float64, one less is not: hence "at least".
    above, below, nan = x >= 2.0 ** (info.bits - (info.min < 0)), x < info.min, np.isnan(x)
    inside = np.where(above | below | nan, 0.0, x).astype(dtype)
    no_number = 0 if source != "f64" and info.bits < 64 else 1 << info.bits - 1
    pattern = np.array(no_number, f"u{dtype.itemsize}").view(dtype)
    return np.select(
        [above, below, nan], [dtype.type(info.max), dtype.type(info.min), pattern], inside
    )
