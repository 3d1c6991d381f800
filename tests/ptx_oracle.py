"""Rounding without arithmetic in floating point: patterns are read as fractions and searched."""

import math
from fractions import Fraction
from typing import NamedTuple


class Bits(NamedTuple):
    """The layout of a floating-point type: bits of its exponent and of its fraction."""

    exponent: int
    fraction: int

    @property
    def width(self):
        return 1 + self.exponent + self.fraction

    @property
    def infinity(self):
        return (1 << self.exponent) - 1 << self.fraction

    @property
    def sign(self):
        return 1 << self.width - 1


LAYOUT = {"f16": Bits(5, 10), "bf16": Bits(8, 7), "f32": Bits(8, 23), "f64": Bits(11, 52)}
LAYOUT["tf32"] = Bits(8, 10)
MODES = ("rn", "rz", "rm", "rp")


def is_nan(kind, pattern):
    return pattern & ~LAYOUT[kind].sign > LAYOUT[kind].infinity


def number(kind, pattern):
    """A Fraction; for infinity and NaN a float."""
    layout = LAYOUT[kind]
    sign = -1 if pattern & layout.sign else 1
    magnitude = pattern & layout.sign - 1
    if magnitude >= layout.infinity:
        return sign * math.inf if magnitude == layout.infinity else math.nan
    return sign * magnitude_of(layout, magnitude)


def parts(layout, magnitude):
    """A whole number and a power of two. Infinity stands one step above the largest number."""
    exponent, fraction = magnitude >> layout.fraction, magnitude & (1 << layout.fraction) - 1
    if exponent:
        fraction += 1 << layout.fraction
    return fraction, max(exponent, 1) - (1 << layout.exponent - 1) + 1 - layout.fraction


def magnitude_of(layout, magnitude):
    whole, power = parts(layout, magnitude)
    return Fraction(whole << max(power, 0), 1 << max(-power, 0))


def greatest_not_above(layout, x, square=False):
    """The greatest magnitude that is at most x, or whose square is; found by bisection."""
    low, high = 0, layout.infinity
    while high - low > 1:
        middle = (low + high) // 2
        whole, power = parts(layout, middle)
        if square:
            whole, power = whole**2, 2 * power
        if (whole << max(power, 0)) * x.denominator <= x.numerator << max(-power, 0):
            low = middle
        else:
            high = middle
    return low


def nearest_pattern(kind, x, mode, negative_zero=False):
    """The pattern that the Fraction x is rounded to."""
    layout = LAYOUT[kind]
    if x == 0:
        return layout.sign if negative_zero else 0
    sign, size = (layout.sign, -x) if x < 0 else (0, x)
    low = greatest_not_above(layout, size)  # below infinity
    high = low + 1
    below, above = magnitude_of(layout, low), magnitude_of(layout, high)
    if size == below:
        up = False
    elif mode in ("rn", "rna"):
        twice = 2 * size - below - above
        up = twice > 0 or (twice == 0 and (mode == "rna" or low % 2 == 1))
    else:
        up = mode == ("rm" if sign else "rp")
    return sign | (high if up else low)
