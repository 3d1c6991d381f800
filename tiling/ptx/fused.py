"""a·b + c with one rounding, for f32 and f64: the bits of IEEE 754's fusedMultiplyAdd.

Floating-point warnings are the caller's to turn off, but for `fma_f32`, which is silent.
"""

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tiling.ptx.exact import recomputed
from tiling.ptx.rounding import Doubles, canonical, in_blocks, odd_sum, two_sum

Floats = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint64]

BLOCK = 1 << 14
"""Elements at a time: four float64 arrays of so many stay in a second-level cache."""

_POOL = np.empty((4, BLOCK))

_ONE = np.uint64(1)
_SMALLEST = 2.0**-126
_TWICE_SMALLEST = np.float64(_SMALLEST).view(np.uint64) * np.uint64(2)
_DROPPED = np.uint64(64 - 29)
_TIE = 1 << 63


@np.errstate(all="ignore")
def fma_f32(a: Floats, b: Floats, c: Floats, out: Floats) -> None:
    """`out` = round(a·b + c) to nearest, ties to even; NaN is 0x7fffffff.

    a, b, c   of shapes that broadcast to out's
    out       may be one of them; it may not overlap one in another way

    The product of two float32 is exact in float64. Its sum with c may not be, and rounding it to
    float64 and then to float32 can go wrong only where the float64 lies half-way between two
    float32 (its low 29 bits are 1000…0), or below the normal range, where float32 keeps fewer bits.
    One reduction tells whether any element is half-way, one whether any is small and not zero, and
    one whether any is NaN; hardly ever, one is.

    Not for two threads at once: they would share the scratch arrays.
    """
    in_blocks(_fma_f32, (a, b, c), out, BLOCK)


def _fma_f32(a: Floats, b: Floats, c: Floats, out: Floats) -> None:
    product, wide, total, bits = _scratch(out.shape)
    product[...] = a
    wide[...] = b
    product *= wide
    wide[...] = c
    np.add(product, wide, out=total)
    out[...] = total
    least = np.minimum.reduce(_doubled_less_one(total.view(np.uint64), bits), axis=None)
    np.left_shift(total.view(np.uint64), _DROPPED, out=bits)
    # Seen as a signed number, 1000…0 is the least.
    if least < _TWICE_SMALLEST or np.minimum.reduce(bits.view(np.int64), axis=None) == -_TIE:
        _round_again(product, wide, total, bits == _TIE, out)
    if np.isnan(np.maximum.reduce(out, axis=None)):
        out[...] = canonical("f32", out)


def _doubled_less_one(total: Words, bits: Words) -> Words:
    """Twice the pattern, which drops the sign; less one, which makes zero the greatest."""
    np.add(total, total, out=bits)
    return np.subtract(bits, _ONE, out=bits)


def _round_again(
    product: Doubles, wide: Doubles, total: Doubles, tie: npt.NDArray[np.bool_], out: Floats
) -> None:
    """Round the doubtful sums to odd first: see `rounding`."""
    doubtful = tie | ((np.abs(total) < _SMALLEST) & (total != 0))
    out[doubtful] = odd_sum(product[doubtful], wide[doubtful])


@lru_cache(maxsize=1024)
def _scratch(shape: tuple[int, ...]) -> tuple[Doubles, Doubles, Doubles, Words]:
    """Product, c, their sum, and patterns."""
    product, wide, total = (row[: math.prod(shape)].reshape(shape) for row in _POOL[:3])
    return product, wide, total, _POOL[3].view(np.uint64)[: math.prod(shape)].reshape(shape)


def fma_f64(a: Doubles, b: Doubles, c: Doubles, rounding: str) -> Doubles:
    """a·b + c rounded to f64, in the mode rn, rz, rm or rp.

    For rn the product is split into two float64, and what is added last is rounded to odd (Boldo
    and Melquiond 2008, figure 3). The other modes, and numbers so large or small that a part of the
    product may leave the range, go through exact arithmetic.
    """
    if rounding == "rn" and all(map(_all_moderate, (a, b, c))):
        result = _emulated(a, b, c)
        return np.where(result == 0, a * b + c, result)  # a zero has the sign of this one
    nearest = -((-a) * b - c) if rounding == "rm" else a * b + c
    hard = np.ones(nearest.shape, bool)
    if rounding == "rn":
        hard = ~(_moderate(a) & _moderate(b) & _moderate(c))
        result = _emulated(a, b, c)
        nearest = np.where(hard | (result == 0), nearest, result)
    return recomputed(nearest, _exact_fma, (a, b, c), rounding, hard)


def _exact_fma(a: Fraction, b: Fraction, c: Fraction) -> Fraction:
    return a * b + c


def _moderate(x: Doubles) -> npt.NDArray[np.bool_]:
    size = np.abs(x)
    moderate: npt.NDArray[np.bool_] = (size < 2.0**400) & ((size > 2.0**-400) | (size == 0))
    return moderate


def _all_moderate(x: Doubles) -> bool:
    """Quickly; not if there is a zero."""
    size = np.abs(x)
    return bool(x.size and np.min(size) > 2.0**-400 and np.max(size) < 2.0**400)


def _emulated(a: Doubles, b: Doubles, c: Doubles) -> Doubles:
    high, low = _product(a, b)
    sum_high, sum_low = two_sum(c, low)
    total_high, total_low = two_sum(high, sum_high)
    return total_high + odd_sum(sum_low, total_low)


def _product(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """a·b as float64, and its rounding error, exactly (Dekker 1971)."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def _halves(x: Doubles) -> tuple[Doubles, Doubles]:
    """x as the sum of two numbers of 26 bits, whose products are exact (Veltkamp)."""
    scaled = x * (2.0**27 + 1)
    high = scaled - (scaled - x)
    return high, x - high
