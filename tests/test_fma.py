"""The fused multiply-add has the bits of the C library's fmaf, which IEEE 754 defines."""

import ctypes
import ctypes.util

import numpy as np
import pytest

from tests.strategies import bits
from tiling.fma import fma

fmaf = ctypes.CDLL(ctypes.util.find_library("m")).fmaf
fmaf.restype, fmaf.argtypes = ctypes.c_float, [ctypes.c_float] * 3

COUNT = 20_000
random = np.random.default_rng(0)


def any_bits(count: int = COUNT) -> np.ndarray:
    """Every float32 alike: also subnormal, infinite and NaN."""
    return random.integers(0, 2**32, count, np.uint32).view(np.float32)


def sparse(count: int = COUNT) -> np.ndarray:
    """Few bits set in the mantissa: sums that lie on or beside the middle of two float32."""
    mantissa = 2.0 ** -random.integers(0, 24, (3, count))
    sign = random.choice([-1, 1], count)
    return (sign * mantissa.sum(0) * 2.0 ** random.integers(-30, 30, count)).astype(np.float32)


def subnormal(count: int = COUNT) -> np.ndarray:
    return random.integers(-(2**24), 2**24, count) * np.float32(2.0**-149)


def same_bits(a, b, c) -> None:
    a, b, c = (np.asarray(x, np.float32) for x in (a, b, c))
    want = np.array([fmaf(*map(float, abc)) for abc in zip(a, b, c, strict=True)], np.float32)
    got = fma(a, b, c)
    assert got.dtype == np.float32
    assert (np.isnan(got) == np.isnan(want)).all()  # NaN has no one bit pattern
    number = ~np.isnan(want)
    assert bits(got[number]) == bits(want[number])


def test_any_bits():
    same_bits(any_bits(), any_bits(), any_bits())


def test_sparse_mantissas():
    same_bits(sparse(), sparse(), sparse())


def test_subnormal_results():
    small = (sparse() * np.float32(2.0**-60)).astype(np.float32)
    same_bits(small, (sparse() * np.float32(2.0**-60)).astype(np.float32), subnormal())
    same_bits(sparse(), subnormal(), subnormal())


def test_cancellation():
    a, b = sparse(), sparse()
    same_bits(a, b, -(a * b))


@pytest.mark.parametrize(("least", "unit"), [(2**23, 1.0), (2**20, 2.0**-149)])
def test_sums_a_hair_from_the_middle_of_two_floats(least, unit):
    """n ± 1/2·(1 + 2^-i)·(1 - 2^-i), in units of the last place: less than half by a hair.

    float64 loses the hair, so rounding twice goes to the even neighbour, right or wrong.
    """
    c = (random.integers(least, 2 * least, COUNT) * unit).astype(np.float32)
    hair = 2.0 ** -random.integers(16, 24, COUNT)
    root = 2.0 ** (np.log2(unit) // 2)
    a = (root * (1 + hair)).astype(np.float32)
    b = (unit / root / 2 * (1 - hair)).astype(np.float32)
    rounded_twice = (c + a.astype(np.float64) * b).astype(np.float32)
    assert (rounded_twice != fma(a, b, c)).sum() > COUNT / 10
    for sign in (1, -1):
        same_bits(sign * a, b, c)
        same_bits(sign * a, b, -c)


EXTREMES = [0.0, -0.0, 1.0, -1.0, 2.0**-149, 2.0**-126, 2.0**127, 3.4028235e38, np.inf, np.nan]


def test_extremes_among_themselves():
    a, b, c = np.array(np.meshgrid(EXTREMES, EXTREMES, EXTREMES), np.float32).reshape(3, -1)
    for sign_a in (1, -1):
        for sign_c in (1, -1):
            same_bits(sign_a * a, b, sign_c * c)


def test_overflow_at_the_middle():
    largest = np.float32(3.4028235e38)
    half = np.float32(2.0**103)  # half a unit of the last place of the largest float
    below = np.nextafter(half, np.float32(0))
    same_bits([half, below, -half, -below], [1, 1, 1, 1], [largest, largest, -largest, -largest])
    assert fma(np.array([half]), np.array([1], np.float32), np.array([largest]))[0] == np.inf
    assert fma(np.array([below]), np.array([1], np.float32), np.array([largest]))[0] == largest


@pytest.mark.parametrize("shapes", [((4, 1), (1, 5), (4, 5)), ((3, 4, 1), (3, 1, 5), (1,))])
def test_broadcast(shapes):
    a, b, c = (sparse(int(np.prod(shape))).reshape(shape) for shape in shapes)
    wide = np.broadcast_arrays(a, b, c)
    assert bits(fma(a, b, c)) == bits(fma(*(x.ravel() for x in wide)))
