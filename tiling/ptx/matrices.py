"""Products of warps: what `mma` and `wmma.mma` compute."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tiling.ptx.fragments import ACCUMULATORS, LANES, MMA, WMMA, Fragment, Unknown, fragment

Registers: TypeAlias = npt.NDArray[np.uint32]
Floats: TypeAlias = npt.NDArray[np.float64]

TF32 = np.uint32(0xFFFFE000)
"""The bits of a register that a tf32 has: the low 13 are ignored."""

NAN = {"f16": 0x7FFF, "f32": 0x7FFFFFFF}
"""What a result has that is not a number (PTX ISA, mma, wmma.mma)."""


def mma(
    shape: str,
    types: tuple[str, str, str, str],
    a: Registers,
    b: Registers,
    c: Registers,
    saturate: bool = False,
) -> Registers:
    """D = A·B + C in each warp.

    shape     of `mma` ("m16n8k16", .row.col) or of `wmma` ("m16n16k16", any layout)
    types     of the elements of D, A, B, C, in the order in which PTX names them
    a, b, c   (registers, warps, 32) bit patterns: the fragments of the operands
    saturate  .satfinite: int32 results stop at the ends of their range instead of wrapping around
    returns   (registers, warps, 32), the fragment of D

    PTX leaves open in which order the products are added, and how precisely ("at least single
    precision"). Here the products are exact, they and C are added in float64, and the sum is
    rounded once, to nearest even; every NaN is NAN. Integers are exact. Unknown: shape or types
    that are not known here, or an operand that has not as many registers as its fragment.
    """
    d_kind, a_kind, b_kind, c_kind = types
    check(shape, types, saturate)
    left = _matrix(fragment(shape, "a", a_kind), a_kind, a, f"a of {shape}")
    right = _matrix(fragment(shape, "b", b_kind), b_kind, b, f"b of {shape}")
    start = _matrix(fragment(shape, "c", c_kind), c_kind, c, f"c of {shape}")
    with np.errstate(over="ignore", invalid="ignore"):  # infinities and NaN are values too
        return _registers(fragment(shape, "c", d_kind), d_kind, left @ right + start, saturate)


def check(shape: str, types: tuple[str, str, str, str], saturate: bool) -> None:
    """Unknown where `mma` does not know the shape with these types of D, A, B, C."""
    d, a, b, c = types
    integers = {"s8", "u8"}
    alike = a == b or {a, b} == integers
    known = a in (MMA | WMMA).get(shape, ()) and alike and {c, d} <= set(ACCUMULATORS[a])
    if not known or (saturate and a not in integers):
        name = ".".join((shape, *types)) + ".satfinite" * saturate
        raise Unknown(f"a product {name} is not known")


def _values(kind: str, registers: Registers) -> Floats:
    """(registers, warps, 32, elements): the numbers, exact in float64."""
    words = np.ascontiguousarray(registers)[..., None]
    match kind:
        case "f16":
            return words.view(np.float16).astype(np.float64)
        case "bf16":
            wide = words.view(np.uint16).astype(np.uint32) << np.uint32(16)
            return wide.view(np.float32).astype(np.float64)
        case "tf32":
            return (words & TF32).view(np.float32).astype(np.float64)
        case "f32":
            return words.view(np.float32).astype(np.float64)
        case _:
            integer = {"s8": np.int8, "u8": np.uint8, "s32": np.int32}[kind]
            return words.view(integer).astype(np.float64)


def _matrix(where: Fragment, kind: str, registers: Registers, name: str) -> Floats:
    """(warps, rows, cols): the matrix that the warps hold."""
    if len(registers) != len(where.row):
        raise Unknown(f"{name} has {len(registers)} registers of {kind}, not {len(where.row)}")
    values = _values(kind, registers).swapaxes(0, 1)
    return values.reshape(len(values), -1)[:, where.place]


def _registers(where: Fragment, kind: str, matrix: Floats, saturate: bool) -> Registers:
    """(registers, warps, 32): the fragment of (warps, rows, cols), rounded to `kind`."""
    values = matrix[:, where.row, where.col].swapaxes(0, 1)
    if kind == "s32":
        if saturate:
            values = values.clip(-(2.0**31), 2.0**31 - 1)
        return values.astype(np.int64).astype(np.uint32)[..., 0]
    rounded = np.ascontiguousarray(values.astype(np.float16 if kind == "f16" else np.float32))
    bits = rounded.view(np.uint16 if kind == "f16" else np.uint32)
    bits[np.isnan(rounded)] = NAN[kind]
    return bits.view(np.uint32).reshape(len(where.row), -1, LANES)
