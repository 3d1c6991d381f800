"""float32 fused multiply-add in NumPy, correctly rounded: the bits of `__fmaf_ieee_rn`."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_TIE = np.int64(1 << 28)
_LOW = np.int64((1 << 29) - 1)
_NORMAL = np.float64(2.0**-126)
_KEPT = np.int64(64 - 29)  # shifted so far, only the low 29 bits are left
_TIE_ALONE = np.iinfo(np.int64).min
_ONE = np.uint32(1)
_TWICE_NORMAL = 2 << 23  # the pattern of 2^-126 without its sign, doubled


def fma(a: Floats, b: Floats, c: Floats) -> Floats:
    """round(a·b + c) for float32 arrays that broadcast against one another.

    The product of two float32 is exact in float64. Their sum with c may not be, and rounding it
    to float64 and then to float32 can round twice in the same direction. That matters only if the
    float64 sum lies exactly half-way between two float32: its low 29 bits are 1000…0. It can also
    matter below the normal range, where float32 keeps fewer bits. Those few sums are redone in
    `_round_once`.
    """
    shape = np.broadcast_shapes(np.shape(a), np.shape(b), np.shape(c))
    total, wide, bits, twice = (_scratch if math.prod(shape) <= _SMALL else _fresh)(shape)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        total[...] = a
        wide[...] = b
        total *= wide
        wide[...] = c
        total += wide
        result = total.astype(np.float32)
        # Two reductions say of all of them whether any is doubtful; hardly ever, one is.
        np.left_shift(total.view(np.int64), _KEPT, out=bits)
        np.left_shift(result.view(np.uint32), _ONE, out=twice)
        twice -= _ONE  # zero is then the greatest
        if total.size and (bits.min() == _TIE_ALONE or twice.min() < _TWICE_NORMAL):
            _mend(a, b, c, total, result)
    return result


Scratch = tuple[Doubles, Doubles, npt.NDArray[np.int64], npt.NDArray[np.uint32]]
_SMALL = 2**17


def _fresh(shape: tuple[int, ...]) -> Scratch:
    """The sum, an operand, the bits of the sum that float32 drops, the result's pattern."""
    doubles = np.empty(shape), np.empty(shape)
    return *doubles, np.empty(shape, np.int64), np.empty(shape, np.uint32)


_scratch = lru_cache(maxsize=16)(_fresh)
"""Kept from call to call: new arrays cost more than what is done with them."""


def _mend(a: Floats, b: Floats, c: Floats, total: Doubles, result: Floats) -> None:
    """Round again those sums that may have been rounded twice."""
    doubtful = (total.view(np.int64) & _LOW) == _TIE
    doubtful |= (np.abs(total) < _NORMAL) & (total != 0)
    if doubtful.any():
        product = np.multiply(a, b, dtype=np.float64)
        wide = np.broadcast_to(c, total.shape)[doubtful].astype(np.float64)
        result[doubtful] = _round_once(np.broadcast_to(product, total.shape)[doubtful], wide)


def _round_once(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Floats:
    """float32(x + y), rounded once: the sum is rounded to odd in float64 first.

    TwoSum gives the sum's rounding error exactly (Knuth, TAOCP 2, 4.2.2). Where there is one, the
    last bit of the float64 is forced to 1, which stands for "something follows" and keeps the
    second rounding from seeing a tie that is none (Boldo and Melquiond, Emulation of a FMA and
    correctly rounded sums, 2008).
    """
    total = x + y
    y_part = total - x
    error = (x - (total - y_part)) + (y - y_part)
    bits = total.view(np.int64)
    even = (bits & 1) == 0
    # Rounding to odd takes the neighbour on the error's side whose last bit is 1.
    outward = (error > 0) == (total > 0)
    step = np.where(outward, 1, -1)
    odd = np.where(even & (error != 0), bits + step, bits)
    return odd.view(np.float64).astype(np.float32)
