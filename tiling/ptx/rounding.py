"""Rounding to the floating-point types of PTX, right to the last bit.

Types narrower than f64 are computed in float64, rounded to odd: an exact result stays, another
becomes that one of its two float64 neighbours whose last bit is 1. The odd bit stands for
"something follows", so the second rounding, to the narrow type, sees no tie that is none. Both
together round once, in any mode, where the narrow type has at most 51 bits (Boldo and Melquiond,
Emulation of a FMA and correctly rounded sums, 2008).

Values are arrays of any shape: float16 for f16, float32 for f32, float64 for f64, and bit patterns
for bf16 (uint16) and tf32 (uint32). Floating-point warnings are the caller's to turn off.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]


class Format(NamedTuple):
    """A floating-point type.

    dtype      of its values in an array
    bits       unsigned integer of its width
    precision  binary digits of a significand, the leading 1 among them
    least      exponent of the smallest normal number
    nan        pattern of the NaN that operations return
    """

    dtype: type[np.generic]
    bits: type[np.unsignedinteger[Any]]
    precision: int
    least: int
    nan: int

    @property
    def smallest(self) -> float:
        """The smallest normal number."""
        return 2.0**self.least

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return (2 - 2.0 ** (1 - self.precision)) * 2.0 ** (1 - self.least)


FORMATS = {
    "f16": Format(np.float16, np.uint16, 11, -14, 0x7FFF),
    "bf16": Format(np.uint16, np.uint16, 8, -126, 0x7FFF),
    "tf32": Format(np.uint32, np.uint32, 11, -126, 0x7FFFFFFF),
    "f32": Format(np.float32, np.uint32, 24, -126, 0x7FFFFFFF),
    "f64": Format(np.float64, np.uint64, 53, -1022, 0xFFF8000000000000),
}
"""PTX ISA leaves open which NaN f32, f16 and bf16 return (9.7.3, 9.7.4). These are the ones of the
hardware; for f64 and f32 they are CUDA's CUDART_NAN and CUDART_NAN_F."""

TO_INTEGER: dict[str, Callable[[Doubles], Doubles]] = {
    "rn": np.rint,
    "rz": np.trunc,
    "rm": np.floor,
    "rp": np.ceil,
    "rna": lambda x: np.trunc(x + np.copysign(0.5, x)),  # of less than 2^52
}


def values(kind: str, x: Array) -> Array:
    """The same numbers in an array of a NumPy float type: bf16 and tf32 become float32."""
    if kind == "bf16":
        return (x.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return x.view(np.float32) if kind == "tf32" else x


def widen(kind: str, x: Array) -> Doubles:
    """The same numbers as float64."""
    return values(kind, x).astype(np.float64)


def narrow(kind: str, x: Doubles, rounding: str = "rn") -> Array:
    """float64 rounded to a type, in the mode rn, rz, rm, rp or rna. f64 stays as it is.

    NaN becomes some NaN: see `canonical`.
    """
    form = FORMATS[kind]
    if kind == "f64":
        return x
    if rounding == "rn" and kind in ("f16", "f32"):
        return x.astype(form.dtype)
    rounded = _limited(x, _quantised(x, form, rounding), form.largest, rounding)
    if kind in ("f16", "f32"):
        return rounded.astype(form.dtype)
    pattern = rounded.astype(np.float32).view(np.uint32)
    return (pattern >> np.uint32(16)).astype(np.uint16) if kind == "bf16" else pattern


def _quantised(x: Doubles, form: Format, rounding: str) -> Doubles:
    """x as a whole number of units of its last place, with no upper end to the exponents."""
    exponent = np.maximum((x.view(np.int64) >> 52 & 0x7FF) - 1023, form.least)
    unit = (exponent - form.precision + 1024 << 52).view(np.float64)
    quantised: Doubles = TO_INTEGER[rounding](x / unit) * unit
    return quantised


def _limited(x: Doubles, rounded: Doubles, largest: float, rounding: str) -> Doubles:
    """Overflow: infinity, or the largest number where the mode rounds towards zero."""
    over = (np.abs(rounded) > largest) & np.isfinite(x)
    if not over.any():
        return rounded
    inward = {"rz": over, "rm": over & (x > 0), "rp": over & (x < 0)}.get(rounding, False)
    size = np.where(inward, largest, np.where(over, np.inf, rounded))
    return np.asarray(np.copysign(size, rounded))


def two_sum(x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
    """x + y as float64, and its rounding error, exactly (Knuth, TAOCP 2, 4.2.2)."""
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


def odd_sum(x: Doubles, y: Doubles) -> Doubles:
    """x + y, rounded to odd."""
    total, error = two_sum(x, y)
    inexact = (error > 0) | (error < 0)  # not where an infinity or NaN has made it NaN
    if not inexact.any():
        return total
    inward = inexact & ((error < 0) != (total < 0))
    # Sign and magnitude: one less is the next float64 towards zero.
    odd = (total.view(np.int64) - inward) | inexact
    return np.asarray(odd.view(np.float64))


def signed_sum(x: Doubles, y: Doubles, rounding: str) -> Doubles:
    """x + y, rounded to odd, whose zero has the sign that IEEE 754 (6.3) gives it: x - x is -0
    where the mode is rm."""
    return -odd_sum(-x, -y) if rounding == "rm" else odd_sum(x, y)


def flush(kind: str, x: Array, ftz: bool = True) -> Array:
    """.ftz: subnormal numbers become zeros of their sign. Not f64, which PTX never flushes."""
    if not ftz or kind == "f64":
        return x
    form = FORMATS[kind]
    subnormal = np.abs(values(kind, x)) < form.smallest  # or zero
    if not subnormal.any():
        return x
    sign = form.bits(1 << 8 * form.bits().itemsize - 1)
    bits = x.view(form.bits)
    return np.where(subnormal, bits & sign, bits).view(form.dtype)


def canonical(kind: str, x: Array, operands: tuple[Array, ...] = ()) -> Array:
    """One NaN for all, or for f64 the first NaN among the operands, made quiet.

    PTX ISA (9.7.3) says that f64 supports the payloads of NaN, not which operand's is taken.
    """
    form = FORMATS[kind]
    nan = np.isnan(values(kind, x))
    if not nan.any():
        return x
    bits = np.where(nan, form.bits(form.nan), x.view(form.bits))
    if kind == "f64":
        for operand in reversed(operands):
            quiet = operand.view(np.uint64) | np.uint64(1 << 51)
            bits = np.where(nan & np.isnan(operand), quiet, bits)
    return bits.view(form.dtype)


def saturate(kind: str, x: Array, sat: bool = False, relu: bool = False) -> Array:
    """.sat: within [+0, 1], NaN becomes +0. .relu: what is not above zero becomes +0, NaN stays."""
    if not (sat or relu):
        return x
    form, number = FORMATS[kind], values(kind, x)
    zero, one = (narrow(kind, np.array(v)) for v in (0.0, 1.0))
    if relu:
        return np.where((number > 0) | np.isnan(number), x, zero).astype(form.dtype)
    return np.where(number > 1, one, np.where(number > 0, x, zero)).astype(form.dtype)


def in_blocks(
    function: Callable[..., None], arrays: tuple[Array, ...], out: Array, limit: int
) -> None:
    """function(*arrays, out) for one piece of out, of at most `limit` elements, after another.

    arrays   of shapes that broadcast to out's
    """
    if out.size <= limit:
        if out.size:
            function(*arrays, out)
        return
    wide = [np.broadcast_to(x, out.shape) for x in arrays]
    rows = max(1, limit * len(out) // out.size)
    for start in range(0, len(out), rows):
        piece = slice(start, start + rows) if len(out) > 1 else 0
        in_blocks(function, tuple(x[piece] for x in wide), out[piece], limit)
