"""Who holds what: the lanes of a warp and the elements of a matrix.

Source: PTX ISA, "Warp-level Matrix Instructions", the sections "Matrix Fragments for mma.…" and
"ldmatrix". Every layout there is made of one block: 8 rows of 4 groups of elements, where lane l
holds the group l % 4 of row l / 4 in one 32-bit register (1, 2 or 4 elements, low bits first).
A is cut into such blocks; B into blocks that lie on their side (a group goes down a column); the
registers go down the blocks of 16 rows first, then along the columns.

The layout of `wmma` fragments is opaque in PTX. Taken here is what NVIDIA's compiler makes for
compute capability 8.0 (and 7.5, 9.0, 10.0, 12.0 where that was looked at): the fragments of two
`mma` of 16×8, one after the other, whether the matrix is .row or .col. m8n32k16 is m32n8k16
transposed. In f16, A and B always have eight registers: the matrix is in them once, twice or four
times over, and `wmma.mma` reads the first copy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]

LANES = 32
LANE = np.arange(LANES)[:, None]

BITS = {"f16": 16, "bf16": 16, "tf32": 32, "s8": 8, "u8": 8, "f32": 32, "s32": 32}

MMA = {
    "m16n8k4": ("tf32",),
    "m16n8k8": ("f16", "bf16", "tf32"),
    "m16n8k16": ("f16", "bf16", "s8", "u8"),
    "m16n8k32": ("s8", "u8"),
    "m8n8k16": ("s8", "u8"),
}
"""Shapes of `mma`, and the types of A and B that each may have."""

WMMA = {
    "m16n16k8": ("tf32",),
    "m16n16k16": ("f16", "bf16", "s8", "u8"),
    "m32n8k16": ("f16", "bf16", "s8", "u8"),
    "m8n32k16": ("f16", "bf16", "s8", "u8"),
}
"""The same for `wmma`."""

ACCUMULATORS = {
    "f16": ("f16", "f32"),
    "bf16": ("f32",),
    "tf32": ("f32",),
    "s8": ("s32",),
    "u8": ("s32",),
}
"""Types that C and D may have, for each type of A."""


class Unknown(ValueError):
    """A shape, type or number of registers that is not known here. The text names it."""


@dataclass(frozen=True)
class Fragment:
    """Where the elements of a matrix are in the registers of a warp.

    row, col  (registers, 32, elements of a register) of the element, low bits first
    place     (rows, cols) the flat index into these arrays that holds the element, the first one
    """

    row: Ints
    col: Ints
    place: Ints


def _blocks(rows: int, cols: int, per: int, tall: int) -> tuple[Ints, Ints]:
    """(row, col) of a matrix cut into blocks of 8 rows of 4·per elements, one block a register.

    Down the blocks of `tall` rows first, then to the right, then the next `tall` rows.
    """
    order = (rows // tall, cols // (4 * per), tall // 8)
    slab, right, down = (index.reshape(-1, 1, 1) for index in np.indices(order))
    row = tall * slab + 8 * down + LANE // 4
    col = 4 * per * right + per * (LANE % 4) + np.arange(per)
    row, col = np.broadcast_arrays(row, col)
    return row, col


def _layout(m: int, n: int, k: int, operand: str, bits: int) -> tuple[Ints, Ints]:
    """(row, col) of operand a (m, k), b (k, n) or c (m, n), element size in bits."""
    if n == 32:
        row, col = _layout(n, m, k, {"a": "b", "b": "a", "c": "c"}[operand], bits)
        return col, row
    match operand:
        case "a":
            return _blocks(m, k, 32 // bits, min(m, 16))
        case "b":
            col, row = _blocks(n, k, 32 // bits, 8)
            return row, col
        case _:
            row, col = _blocks(m, n, 2, min(m, 16))
            if bits == 16:
                return row, col
            return _apart(row), _apart(col)


def _apart(pairs: Ints) -> Ints:
    """(registers, 32, 2) to (2·registers, 32, 1): a pair of 32-bit elements takes two registers."""
    return pairs.swapaxes(1, 2).reshape(-1, LANES, 1)


def _sizes(shape: str) -> tuple[int, int, int]:
    """m, n, k of a shape such as "m16n8k16"."""
    m, n, k = map(int, re.findall(r"\d+", shape))
    return m, n, k


def _fragment(shape: str, operand: str, kind: str) -> Fragment:
    row, col = _layout(*_sizes(shape), operand, BITS[kind])
    place = np.empty((row.max() + 1, col.max() + 1), np.int64)
    place[row, col] = np.arange(row.size).reshape(row.shape)
    if shape in WMMA and kind == "f16" and operand != "c":
        row, col = (np.tile(index, (8 // len(row), 1, 1)) for index in (row, col))
    return Fragment(row, col, place)


def _table() -> dict[tuple[str, str, str], Fragment]:
    wanted = {
        (shape, operand, kind)
        for shape, types in (MMA | WMMA).items()
        for multiplicand in types
        for operand, kinds in (
            ("a", (multiplicand,)),
            ("b", (multiplicand,)),
            ("c", ACCUMULATORS[multiplicand]),
        )
        for kind in kinds
    }
    return {key: _fragment(*key) for key in sorted(wanted)}


FRAGMENTS = _table()
"""Of (shape, operand "a", "b" or "c", type of its elements): the fragment. D is as C."""


def fragment(shape: str, operand: str, kind: str) -> Fragment:
    """The same, for names that may be wrong (Unknown). D is as C.

    `wmma.load` and `wmma.store` of element (row, col) touch the element row·stride + col (.row) or
    col·stride + row (.col) from the address they are given.
    """
    found = FRAGMENTS.get((shape, {"d": "c"}.get(operand, operand), kind))
    if found is None:
        raise Unknown(f"no matrix {operand} of {kind} in {shape} is known")
    return found


def ldmatrix_map(count: int, trans: bool) -> tuple[Ints, Ints]:
    """Where `ldmatrix` .m8n8.x{count} reads and `stmatrix` writes the halves of each register.

    Both (count, 32, 2), for register, lane and half (the low one first): the lane whose address is
    the row of the 8×8 matrix of 16-bit elements, and the offset into that row in bytes. Addresses
    of lanes from 8·count on are not used.
    """
    if count not in (1, 2, 4):
        raise Unknown(f"ldmatrix .x{count} is not known")
    row, col = _blocks(8 * count, 8, 2, 8)
    matrix = np.arange(count).reshape(-1, 1, 1)
    if trans:
        return 8 * matrix + col, 2 * (row - 8 * matrix)
    return row, 2 * col
