"""Floating-point arithmetic of PTX over arrays of any shape, right to the last bit.

`kind` is a type as PTX names it: f16, f32 and f64 come as arrays of float16, float32 and float64,
bf16 as bit patterns in uint16. `rounding` is rn, rz, rm or rp. `ftz` flushes subnormal operands and
results of all but f64 to zeros of their sign; whether a result is subnormal is asked after it is
rounded. `sat` clamps to [+0, 1], and NaN to +0. `relu` clamps what is negative to +0. No function
warns. PTX ISA 9.7.3 (f32, f64) and 9.7.4 (f16, bf16).
"""

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from tiling.ptx.exact import recomputed, root
from tiling.ptx.fused import fma_f32, fma_f64
from tiling.ptx.rounding import (
    FORMATS,
    Array,
    canonical,
    flush,
    in_blocks,
    narrow,
    saturate,
    signed_sum,
    values,
    widen,
)

Bools = npt.NDArray[np.bool_]

__all__ = ["absolute", "add", "compare", "copysign", "div", "fma", "fma_f32"]
__all__ += ["maximum", "minimum", "mul", "neg", "rcp", "sqrt", "sub", "testp"]

BLOCK = 1 << 12
"""Elements at a time where arithmetic takes many steps: memory for so many is soon had again."""


def _finished(
    kind: str, x: Any, operands: tuple[Array, ...], ftz: bool, sat: bool = False, relu: bool = False
) -> Array:
    """A rounded result with the NaN, .ftz, .sat and .relu of PTX."""
    return saturate(kind, flush(kind, canonical(kind, np.asarray(x), operands), ftz), sat, relu)


@np.errstate(all="ignore")
def add(
    kind: str, a: Array, b: Array, rounding: str = "rn", ftz: bool = False, sat: bool = False
) -> Array:
    """a + b."""
    a, b = flush(kind, a, ftz), flush(kind, b, ftz)
    result: Any
    if kind == "f64":
        # The sign of a zero is that of rm if both terms are negated.
        result = -(-a - b) if rounding == "rm" else a + b
        result = _other_mode(result, operator.add, (a, b), rounding)
    elif kind == "f32" and rounding == "rn":
        result = a + b
    else:
        result = narrow(kind, signed_sum(widen(kind, a), widen(kind, b), rounding), rounding)
    return _finished(kind, result, (a, b), ftz, sat)


def sub(
    kind: str, a: Array, b: Array, rounding: str = "rn", ftz: bool = False, sat: bool = False
) -> Array:
    """a - b."""
    return add(kind, a, _negated(kind, b), rounding, ftz, sat)


@np.errstate(all="ignore")
def mul(
    kind: str, a: Array, b: Array, rounding: str = "rn", ftz: bool = False, sat: bool = False
) -> Array:
    """a·b. In float64 it is exact for all narrower types."""
    a, b = flush(kind, a, ftz), flush(kind, b, ftz)
    result: Any
    if kind == "f64":
        result = _other_mode(a * b, operator.mul, (a, b), rounding)
    elif kind == "f32" and rounding == "rn":
        result = a * b
    else:
        result = narrow(kind, widen(kind, a) * widen(kind, b), rounding)
    return _finished(kind, result, (a, b), ftz, sat)


@np.errstate(all="ignore")
def fma(
    kind: str,
    a: Array,
    b: Array,
    c: Array,
    rounding: str = "rn",
    ftz: bool = False,
    sat: bool = False,
    relu: bool = False,
) -> Array:
    """a·b + c, rounded once. `fma_f32` is the same for f32 without a modifier, and faster."""
    a, b, c = (flush(kind, x, ftz) for x in (a, b, c))
    result = np.empty(np.broadcast_shapes(a.shape, b.shape, c.shape), a.dtype)

    def by_float64(a: Array, b: Array, c: Array, out: Array) -> None:
        product = widen(kind, a) * widen(kind, b)
        out[...] = narrow(kind, signed_sum(product, widen(kind, c), rounding), rounding)

    def of_float64(a: Array, b: Array, c: Array, out: Array) -> None:
        out[...] = fma_f64(a, b, c, rounding)

    if kind == "f32" and rounding == "rn":
        fma_f32(a, b, c, result)
    else:
        in_blocks(of_float64 if kind == "f64" else by_float64, (a, b, c), result, BLOCK)
    return _finished(kind, result, (a, b, c), ftz, sat, relu)


@np.errstate(all="ignore")
def div(kind: str, a: Array, b: Array, rounding: str = "rn", ftz: bool = False) -> Array:
    """a/b.

    The quotient of two float32, if it is not a number of 25 bits, is further from all of those than
    one part in 2^49: in float64 it stays on the same side of them, and can be rounded again.
    """
    a, b = flush(kind, a, ftz), flush(kind, b, ftz)
    if kind == "f64":
        result = _other_mode(a / b, operator.truediv, (a, b), rounding, b != 0)
    else:
        result = narrow(kind, widen(kind, a) / widen(kind, b), rounding)
    return _finished(kind, result, (a, b), ftz)


@np.errstate(all="ignore")
def sqrt(kind: str, a: Array, rounding: str = "rn", ftz: bool = False) -> Array:
    """Square root. As with `div`, the root of a float32 is further than one part in 2^52 from a
    number of 25 bits that it does not equal."""
    a = flush(kind, a, ftz)
    if kind == "f64":
        result = _other_mode(np.sqrt(a), root, (a,), rounding, a >= 0)
    else:
        result = narrow(kind, np.sqrt(widen(kind, a)), rounding)
    return _finished(kind, result, (a,), ftz)


def rcp(kind: str, a: Array, rounding: str = "rn", ftz: bool = False) -> Array:
    """1/a."""
    return div(kind, narrow(kind, np.array(1.0)), a, rounding, ftz)


def _other_mode(
    nearest: Array,
    function: Callable[..., Fraction],
    operands: tuple[Array, ...],
    rounding: str,
    where: Bools | None = None,
) -> Array:
    """An f64 result, rounded to nearest by NumPy, in the mode asked for."""
    if rounding == "rn":
        return nearest
    if where is None:
        where = np.ones(np.shape(nearest), bool)
    return recomputed(nearest, function, operands, rounding, where)


def _negated(kind: str, a: Array) -> Array:
    if kind == "f64":
        return np.where(np.isnan(a), a, -a)  # NaN keeps its payload, and its sign
    bits = FORMATS[kind].bits
    sign = bits(1 << 8 * a.dtype.itemsize - 1)
    return np.asarray(a.view(bits) ^ sign).view(a.dtype)


@np.errstate(all="ignore")
def neg(kind: str, a: Array, ftz: bool = False) -> Array:
    """-a. NaN in f64 stays as it is: PTX ISA leaves open which NaN comes (9.7.3.10)."""
    a = flush(kind, _negated(kind, a), ftz)
    return a if kind == "f64" else canonical(kind, a)


@np.errstate(all="ignore")
def absolute(kind: str, a: Array, ftz: bool = False) -> Array:
    """|a|. NaN passes unchanged in f64."""
    form = FORMATS[kind]
    magnitude = (a.view(form.bits) & form.bits(~(-1 << 8 * a.dtype.itemsize - 1))).view(a.dtype)
    if kind == "f64":
        return np.where(np.isnan(a), a, magnitude)
    return canonical(kind, flush(kind, magnitude, ftz))


def copysign(kind: str, a: Array, b: Array) -> Array:
    """b with the sign of a."""
    bits = FORMATS[kind].bits
    sign = bits(1 << 8 * a.dtype.itemsize - 1)
    return np.asarray((a.view(bits) & sign) | (b.view(bits) & ~sign)).view(b.dtype)


def minimum(
    kind: str, a: Array, b: Array, ftz: bool = False, nan: bool = False, xorsign: bool = False
) -> Array:
    """The lesser number, where -0 < +0; of a number and NaN the number.

    nan      .NaN: of a number and NaN, NaN
    xorsign  .xorsign.abs: the lesser magnitude, negative where one of a and b is
    """
    return _extreme(kind, a, b, ftz, nan, xorsign, least=True)


def maximum(
    kind: str, a: Array, b: Array, ftz: bool = False, nan: bool = False, xorsign: bool = False
) -> Array:
    """The greater number. For all else, see `minimum`."""
    return _extreme(kind, a, b, ftz, nan, xorsign, least=False)


@np.errstate(all="ignore")
def _extreme(
    kind: str, a: Array, b: Array, ftz: bool, nan: bool, xorsign: bool, least: bool
) -> Array:
    a, b = np.broadcast_arrays(flush(kind, a, ftz), flush(kind, b, ftz))
    bits = FORMATS[kind].bits
    signs = (a.view(bits) ^ b.view(bits)).view(a.dtype)
    if xorsign:
        a, b = absolute(kind, a), absolute(kind, b)
    x, y = values(kind, a), values(kind, b)
    less = (x < y) | ((x == y) & np.signbit(x))
    take_b = np.isnan(x) | ((less != least) & ~np.isnan(y))
    if nan:
        take_b = ~np.isnan(x) & (take_b | np.isnan(y))
    result = canonical(kind, np.where(take_b, b, a), (a, b))
    if not xorsign:
        return result
    return np.where(np.isnan(values(kind, result)), result, copysign(kind, signs, result))


@np.errstate(all="ignore")
def testp(op: str, kind: str, a: Array) -> Bools:
    """finite, infinite, number, notanumber, normal (zero is) or subnormal."""
    x, smallest = np.abs(values(kind, a)), FORMATS[kind].smallest
    tests: dict[str, Callable[[], Any]] = {
        "finite": lambda: np.isfinite(x),
        "infinite": lambda: np.isinf(x),
        "number": lambda: ~np.isnan(x),
        "notanumber": lambda: np.isnan(x),
        "normal": lambda: np.isfinite(x) & ((x >= smallest) | (x == 0)),
        "subnormal": lambda: (x < smallest) & (x != 0),
    }
    return np.asarray(tests[op]())


COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: (a < b) | (a > b),
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "equ": lambda a, b: ~((a < b) | (a > b)),
    "neu": lambda a, b: a != b,
    "ltu": lambda a, b: ~(a >= b),
    "leu": lambda a, b: ~(a > b),
    "gtu": lambda a, b: ~(a <= b),
    "geu": lambda a, b: ~(a < b),
    "num": lambda a, b: ~(np.isnan(a) | np.isnan(b)),
    "nan": lambda a, b: np.isnan(a) | np.isnan(b),
}
"""An ordered comparison with NaN is false, an unordered one (its name ends with u) is true."""


@np.errstate(all="ignore")
def compare(op: str, kind: str, a: Array, b: Array, ftz: bool = False) -> Bools:
    """The comparison of `set` and `setp` (PTX ISA 9.7.6.2), one of COMPARISONS."""
    a, b = (values(kind, flush(kind, x, ftz)) for x in (a, b))
    return np.asarray(COMPARISONS[op](a, b))
