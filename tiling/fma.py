"""float32 fused multiply-add in NumPy, correctly rounded: the bits of `__fmaf_ieee_rn`."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_TIE = np.int64(1 << 28)
_LOW = np.int64((1 << 29) - 1)
_NORMAL = np.float64(2.0**-126)


def fma(a: Floats, b: Floats, c: Floats) -> Floats:
    """round(a·b + c) for float32 arrays that broadcast against one another.

    The product of two float32 is exact in float64. Their sum with c may not be, and rounding it
    to float64 and then to float32 can round twice in the same direction. That matters only if the
    float64 sum lies exactly half-way between two float32: its low 29 bits are 1000…0. It can also
    matter below the normal range, where float32 keeps fewer bits. Those few sums are redone in
    `_round_once`.
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        product = np.multiply(a, b, dtype=np.float64)
        total = product + c
        result = total.astype(np.float32)
        doubtful = (total.view(np.int64) & _LOW) == _TIE
        doubtful |= (np.abs(total) < _NORMAL) & (total != 0)
        if doubtful.any():
            wide = np.broadcast_to(c, total.shape)[doubtful].astype(np.float64)
            result[doubtful] = _round_once(product[doubtful], wide)
    return result


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
