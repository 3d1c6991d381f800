"""f64 in exact rational arithmetic, one element after another: slow, for what is rare.

The modes other than rn, and products whose parts leave the range of float64.
"""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tiling.ptx.rounding import Array, Doubles

_ROOT_BITS = 700
"""Digits after the point of a square root: of the smallest f64, 2^-1074, more than 160 count."""


def root(x: Fraction) -> Fraction:
    """The square root, cut off after `_ROOT_BITS` digits.

    That rounds to f64 as the root itself does: if it is not a number of 54 bits, it is further than
    one part in 2^110 from all of those.
    """
    square = (x.numerator << 2 * _ROOT_BITS) // x.denominator
    return Fraction(math.isqrt(square), 1 << _ROOT_BITS)


def recomputed(
    nearest: Doubles,
    function: Callable[..., Fraction],
    operands: tuple[Array, ...],
    rounding: str,
    where: npt.NDArray[np.bool_],
) -> Doubles:
    """`nearest`, with function(*operands) in its stead where it is asked for.

    nearest   what IEEE 754 gives for operands that are not finite, and for exact zeros
    function  of one Fraction for each operand
    """
    result = np.array(nearest)
    operands = np.broadcast_arrays(*operands)
    for operand in operands:
        where = where & np.isfinite(operand)
    for at in map(tuple, np.argwhere(where)):
        exact = function(*(Fraction(float(operand[at])) for operand in operands))
        if exact:
            result[at] = rounded(exact, rounding)
    return result


def rounded(x: Fraction, rounding: str) -> float:
    """A number that is not zero as float64, in the mode rn, rz, rm or rp."""
    n, d = abs(x.numerator), x.denominator
    exponent = n.bit_length() - d.bit_length()
    if n << max(-exponent, 0) < d << max(exponent, 0):
        exponent -= 1  # now 2^exponent <= n/d < 2^(exponent + 1)
    last = max(exponent, -1022) - 52
    scaled = d << max(last, 0)
    units, rest = divmod(n << max(-last, 0), scaled)
    outward = rounding == ("rp" if x > 0 else "rm")
    if rounding == "rn":
        units += 2 * rest > scaled or (2 * rest == scaled and units % 2 == 1)
    elif outward and rest:
        units += 1
    if units.bit_length() + last > 1024:
        size = math.inf if outward or rounding == "rn" else np.finfo(np.float64).max
    else:
        size = math.ldexp(units, last)
    return size if x > 0 else -size
