"""The approximate functions of PTX: computed in float64 and rounded once, to nearest.

They lie within the errors that PTX ISA allows the hardware (9.7.3.8 and 9.7.3.13 to 9.7.3.22,
9.7.4.9 and 9.7.4.10), and are not the hardware's bits:

    div.approx, div.full   2 ulp                 sin, cos   2^-20.5 absolute within ±2π
    rcp                    1 ulp                 lg2        2^-22
    sqrt                   2^-23 relative        ex2        2 ulp; 2^-9.9 for f16, 2^-7 for bf16
    rsqrt                  2^-22.9 relative      tanh       2^-11 relative; 2^-10.987 absolute for
                                                            f16, 2^-8 for bf16
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tiling.ptx.rounding import Array, Doubles, canonical, flush, narrow, widen

FUNCTIONS: dict[str, Callable[..., Doubles]] = {
    "ex2": np.exp2,
    "lg2": np.log2,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "rsqrt": lambda a: 1 / np.sqrt(a),
    "rcp": lambda a: 1 / a,
    "div.full": lambda a, b: a / b,
}


KINDS = {np.float16: "f16", np.uint16: "bf16", np.float32: "f32", np.float64: "f64"}


@np.errstate(all="ignore")
def approximate(op: str, *operands: Array, ftz: bool = False) -> Array:
    """op.approx of one operand; of two, div.approx or div.full.

    operands   f32; f16 and bf16 too for ex2 and tanh, f64 for rcp and rsqrt: as in `floats`
    """
    kind = KINDS[operands[0].dtype.type]
    if kind == "f64" and ftz:
        return _gross(op, operands[0])
    wide = [widen(kind, flush(kind, x, ftz)) for x in operands]
    result: Any = _div_approx(*wide) if op == "div.approx" else FUNCTIONS[op](*wide)
    return flush(kind, canonical(kind, narrow(kind, np.asarray(result)), operands), ftz)


def _div_approx(a: Doubles, b: Doubles) -> Doubles:
    """Of infinity by more than 2^126 NaN, of another number by it zero: 1/b would be subnormal."""
    beyond = (np.abs(b) > 2.0**126) & np.isfinite(b)
    return np.where(beyond, a * np.copysign(0.0, b), a / b)


def _gross(op: str, a: Array) -> Array:
    """rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64 (9.7.3.14, 9.7.3.17): of the upper 32 bits of a,
    the upper 32 bits. NaN is 0x7fffffff00000000."""
    upper = np.uint64(0xFFFFFFFF00000000)
    smallest = 2.0**-1022

    def flushed(x: Doubles) -> Doubles:
        return np.where(np.abs(x) < smallest, np.copysign(0.0, x), x)

    result = flushed(FUNCTIONS[op](flushed((a.view(np.uint64) & upper).view(np.float64))))
    bits = np.where(np.isnan(result), np.uint64(0x7FFFFFFF00000000), result.view(np.uint64) & upper)
    return bits.view(np.float64)
