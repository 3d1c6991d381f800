"""Warp matrix instructions: who holds which element, as the PTX ISA has it; what is computed."""

import itertools
import math
import re
from collections import Counter

import numpy as np
import pytest

from tiling.ptx.fragments import FRAGMENTS, WMMA, Unknown, fragment, ldmatrix_map
from tiling.ptx.matrices import mma

WARPS = 3
random = np.random.default_rng(0)


def c_of_isa(g: int, t: int, i: int) -> tuple[int, int]:
    return (g if i < 2 else g + 8), t * 2 + (i & 1)


# The formulas of the PTX ISA, "Matrix Fragments for mma.…": how many elements a lane has, and
# (row, col) of its element i. g is groupID = lane >> 2, t is threadID_in_group = lane % 4.
ISA = {
    ("m16n8k4", "a", "tf32"): (2, lambda g, t, i: (g if i == 0 else g + 8, t)),
    ("m16n8k4", "b", "tf32"): (1, lambda g, t, i: (t, g)),
    ("m16n8k8", "a", "f16"): (4, lambda g, t, i: (g if i in (0, 1) else g + 8, t * 2 + (i & 1))),
    ("m16n8k8", "b", "f16"): (2, lambda g, t, i: (t * 2 + i, g)),
    ("m16n8k8", "a", "tf32"): (
        4,
        lambda g, t, i: (g if i in (0, 2) else g + 8, t if i in (0, 1) else t + 4),
    ),
    ("m16n8k8", "b", "tf32"): (2, lambda g, t, i: (t if i == 0 else t + 4, g)),
    ("m16n8k16", "a", "f16"): (
        8,
        lambda g, t, i: (
            g if 0 <= i < 2 or 4 <= i < 6 else g + 8,
            t * 2 + (i & 1) if i < 4 else t * 2 + (i & 1) + 8,
        ),
    ),
    ("m16n8k16", "b", "f16"): (
        4,
        lambda g, t, i: (t * 2 + (i & 1) if i < 2 else t * 2 + (i & 1) + 8, g),
    ),
    ("m16n8k16", "a", "s8"): (8, lambda g, t, i: (g if i < 4 else g + 8, t * 4 + (i & 3))),
    ("m16n8k16", "b", "s8"): (4, lambda g, t, i: (t * 4 + i, g)),
    ("m16n8k32", "a", "s8"): (
        16,
        lambda g, t, i: (
            g if 0 <= i < 4 or 8 <= i < 12 else g + 8,
            t * 4 + (i & 3) if i < 8 else t * 4 + (i & 3) + 16,
        ),
    ),
    ("m16n8k32", "b", "s8"): (
        8,
        lambda g, t, i: (t * 4 + (i & 3) if i < 4 else t * 4 + (i & 3) + 16, g),
    ),
    ("m8n8k16", "a", "s8"): (4, lambda g, t, i: (g, t * 4 + i)),
    ("m8n8k16", "b", "s8"): (4, lambda g, t, i: (t * 4 + i, g)),
    ("m8n8k16", "c", "s32"): (2, lambda g, t, i: (g, t * 2 + i)),
    **{(f"m16n8k{k}", "c", "f32"): (4, c_of_isa) for k in (4, 8, 16)},
    **{(f"m16n8k{k}", "c", "f16"): (4, c_of_isa) for k in (8, 16)},
    **{(f"m16n8k{k}", "c", "s32"): (4, c_of_isa) for k in (16, 32)},
}
for (shape, operand, kind), formula in list(ISA.items()):
    for like in {"f16": ("bf16",), "s8": ("u8",)}.get(kind, ()):
        if operand != "c":
            ISA[shape, operand, like] = formula

BITS = {"f16": 16, "bf16": 16, "tf32": 32, "s8": 8, "u8": 8, "f32": 32, "s32": 32}

# Registers of a fragment: PTX ISA, "Matrix Fragments for WMMA". (A, B, C or D)
REGISTERS = {
    **{("m16n16k16", kind): (2, 2, 8) for kind in ("s8", "u8")},
    **{("m8n32k16", kind): (1, 4, 8) for kind in ("s8", "u8")},
    **{("m32n8k16", kind): (4, 1, 8) for kind in ("s8", "u8")},
    **{(shape, "f16"): (8, 8, 8) for shape in ("m16n16k16", "m8n32k16", "m32n8k16")},
    ("m16n16k16", "bf16"): (4, 4, 8),
    ("m8n32k16", "bf16"): (2, 8, 8),
    ("m32n8k16", "bf16"): (8, 2, 8),
    ("m16n16k8", "tf32"): (4, 4, 8),
}

# wmma.load compiled for compute capability 8.0 (NVRTC 13.5, nvdisasm): the element at which lane 0
# of each register begins, from the offsets of the loads.
SM80 = {
    ("m16n16k16", "a", "f16"): [(0, 0), (8, 0), (0, 8), (8, 8)] * 2,
    ("m16n16k16", "b", "f16"): [(0, 0), (8, 0), (0, 8), (8, 8)] * 2,
    ("m16n16k16", "c", "f16"): [(0, 0), (8, 0), (0, 8), (8, 8)],
    ("m16n16k16", "c", "f32"): [
        *((0, 0), (0, 1), (8, 0), (8, 1)),
        *((0, 8), (0, 9), (8, 8), (8, 9)),
    ],
    ("m16n16k16", "a", "bf16"): [(0, 0), (8, 0), (0, 8), (8, 8)],
    ("m16n16k16", "a", "s8"): [(0, 0), (8, 0)],
    ("m16n16k16", "b", "s8"): [(0, 0), (0, 8)],
    ("m16n16k8", "a", "tf32"): [(0, 0), (8, 0), (0, 4), (8, 4)],
    ("m16n16k8", "b", "tf32"): [(0, 0), (4, 0), (0, 8), (4, 8)],
    ("m32n8k16", "a", "f16"): [
        *((0, 0), (8, 0), (0, 8), (8, 8)),
        *((16, 0), (24, 0), (16, 8), (24, 8)),
    ],
    ("m32n8k16", "b", "f16"): [(0, 0), (8, 0)] * 4,
    ("m32n8k16", "c", "f32"): [(row, col) for row in (0, 8, 16, 24) for col in (0, 1)],
    ("m8n32k16", "a", "f16"): [(0, 0), (0, 8)] * 4,
    ("m8n32k16", "b", "bf16"): [
        *((0, 0), (0, 8), (8, 0), (8, 8)),
        *((0, 16), (0, 24), (8, 16), (8, 24)),
    ],
    ("m8n32k16", "b", "s8"): [(0, 0), (0, 8), (0, 16), (0, 24)],
    ("m8n32k16", "c", "f32"): [(row, col) for col in (0, 8, 16, 24) for row in (0, 1)],
    ("m8n32k16", "c", "f16"): [(0, 0), (0, 8), (0, 16), (0, 24)],
}

PRODUCTS = [
    ("m16n8k4", "f32", "tf32", "tf32"),
    *(("m16n8k8", d, x, x) for d, x in (("f16", "f16"), ("f32", "f16"))),
    *(("m16n8k8", "f32", x, x) for x in ("bf16", "tf32")),
    *(("m16n8k16", d, x, x) for d, x in (("f16", "f16"), ("f32", "f16"), ("f32", "bf16"))),
    *(
        (shape, "s32", x, y)
        for shape in ("m16n8k16", "m16n8k32", "m8n8k16", "m16n16k16", "m32n8k16", "m8n32k16")
        for x in ("s8", "u8")
        for y in ("s8", "u8")
    ),
    *(
        (shape, d, x, x)
        for shape in ("m16n16k16", "m32n8k16", "m8n32k16")
        for d, x in (("f16", "f16"), ("f32", "f16"), ("f32", "bf16"))
    ),
    ("m16n16k8", "f32", "tf32", "tf32"),
]


def sizes(shape: str) -> tuple[int, int, int]:
    return tuple(map(int, re.findall(r"\d+", shape)))


def bits(values: np.ndarray, kind: str) -> np.ndarray:
    """Numbers as unsigned bit patterns of their own width."""
    match kind:
        case "f16":
            return values.astype(np.float16).view(np.uint16)
        case "bf16":
            return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        case "f32" | "tf32":
            return values.astype(np.float32).view(np.uint32)
        case _:
            return values.astype({"s8": np.uint8, "u8": np.uint8, "s32": np.uint32}[kind])


def numbers(patterns: np.ndarray, kind: str) -> np.ndarray:
    view = {"f16": np.float16, "f32": np.float32, "s32": np.int32}[kind]
    return patterns.view(view).astype(np.float64)


def held(shape: str, operand: str, kind: str, matrices: np.ndarray) -> np.ndarray:
    """(registers, warps, 32): matrices (warps, rows, cols) as the formulas of the ISA deal them."""
    count, where = ISA[shape, operand, kind]
    per = 32 // BITS[kind]
    patterns = bits(matrices, kind)
    registers = np.zeros((count // per, len(matrices), 32), np.uint32)
    for lane, i in itertools.product(range(32), range(count)):
        element = patterns[:, *where(lane >> 2, lane % 4, i)].astype(np.uint32)
        registers[i // per, :, lane] |= element << np.uint32(BITS[kind] * (i % per))
    return registers


def loaded(shape, operand, kind, matrices, layout="row", stride=40) -> np.ndarray:
    """What wmma.load delivers: memory is read at the addresses that the map gives."""
    found = fragment(shape, operand, kind)
    per = 32 // BITS[kind]
    memory = np.zeros((len(matrices), 40 * stride), np.uint32)
    for row, col in np.ndindex(matrices.shape[1:]):
        at = row * stride + col if layout == "row" else col * stride + row
        memory[:, at] = bits(matrices[:, row, col].copy(), kind)
    across = found.row * stride + found.col if layout == "row" else found.col * stride + found.row
    shifts = (BITS[kind] * np.arange(per)).astype(np.uint32)
    return (memory[:, across] << shifts).sum(-1, dtype=np.uint32).swapaxes(0, 1)


def stored(shape, kind, registers, layout="row", stride=40) -> np.ndarray:
    """What wmma.store leaves: (warps, M, N) numbers."""
    m, n, _ = sizes(shape)
    found = fragment(shape, "d", kind)
    result = np.zeros((registers.shape[1], m, n))
    for register, lane, half in np.ndindex(found.row.shape):
        pattern = registers[register, :, lane] >> np.uint32(BITS[kind] * half)
        narrow = pattern.astype(np.uint16 if kind == "f16" else np.uint32)
        row, col = found.row[register, lane, half], found.col[register, lane, half]
        result[:, row, col] = numbers(narrow, kind)
    return result


def different(rows: int, cols: int, kind: str) -> np.ndarray:
    """(warps, rows, cols) integers that the type has, all different in a warp (8 bits: as far as
    there are so many), in an order of its own for each warp."""
    first = 0 if kind == "u8" else -128 if kind == "s8" else -(rows * cols) // 2
    count = rows * cols
    values = (np.arange(count) % 256 if kind in ("s8", "u8") else np.arange(count)) + first
    return np.stack([random.permutation(values) for _ in range(WARPS)]).reshape(-1, rows, cols)


def operands(shape: str, d: str, a: str, b: str):
    """A, B and C as integers, and A·B + C exactly."""
    m, n, k = sizes(shape)
    left, right, start = different(m, k, a), different(k, n, b), different(m, n, d)
    if d == "f16":  # so that no sum is beyond the largest half
        right = right % 5
    return left, right, start, left @ right + start


def is_mma(shape: str) -> bool:
    return shape not in WMMA


@pytest.mark.parametrize("key", [key for key in FRAGMENTS if is_mma(key[0])], ids=str)
def test_mma_fragments_are_those_of_the_isa(key):
    count, where = ISA[key]
    found = FRAGMENTS[key]
    per = 32 // BITS[key[2]]
    assert found.row.shape == found.col.shape == (count // per, 32, per)
    for lane, i in itertools.product(range(32), range(count)):
        at = i // per, lane, i % per
        assert (found.row[at], found.col[at]) == where(lane >> 2, lane % 4, i), (lane, i)


def test_every_formula_of_the_isa_has_a_fragment():
    assert {key for key in FRAGMENTS if is_mma(key[0])} == set(ISA)


@pytest.mark.parametrize("key", FRAGMENTS, ids=str)
def test_each_element_is_held_equally_often(key):
    shape, operand, kind = key
    m, n, k = sizes(shape)
    rows, cols = {"a": (m, k), "b": (k, n), "c": (m, n)}[operand]
    found = FRAGMENTS[key]
    holders = Counter(zip(found.row.flat, found.col.flat, strict=True))
    assert set(holders) == set(np.ndindex(rows, cols))
    copies = found.row.size // (rows * cols)
    assert set(holders.values()) == {copies}
    assert copies == 1 or (kind == "f16" and operand != "c" and shape in WMMA)
    assert (found.row.flat[found.place] == np.arange(rows)[:, None]).all()
    assert (found.col.flat[found.place] == np.arange(cols)).all()


@pytest.mark.parametrize(("shape", "kind"), REGISTERS)
def test_wmma_fragments_have_the_registers_of_the_isa(shape, kind):
    accumulator = {"s8": "s32", "u8": "s32"}.get(kind, "f32")
    kinds = {"a": kind, "b": kind, "c": accumulator}
    found = tuple(len(fragment(shape, *item).row) for item in kinds.items())
    assert found == REGISTERS[shape, kind]
    if kind == "f16":
        assert len(fragment(shape, "d", "f16").row) == 4


def test_all_wmma_fragments_are_in_that_list():
    assert set(REGISTERS) == {(shape, kind) for shape, types in WMMA.items() for kind in types}


@pytest.mark.parametrize("key", SM80, ids=str)
def test_wmma_fragments_are_those_of_compute_capability_80(key):
    found = FRAGMENTS[key]
    shape, operand, kind = key
    assert list(zip(found.row[:, 0, 0], found.col[:, 0, 0], strict=True)) == SM80[key]
    on_its_side = operand == "b" or (operand == "c" and shape == "m8n32k16")
    down, along = (found.col, found.row) if on_its_side else (found.row, found.col)
    step = 2 if operand == "c" else 32 // BITS[kind]  # neighbours in memory that a lane loads
    lane, element = np.arange(32)[:, None], np.arange(32 // BITS[kind])
    assert (down - down[:, :1, :1] == lane // 4).all()
    assert (along - along[:, :1, :1] == step * (lane % 4) + element).all()


@pytest.mark.parametrize(("shape", "d", "a", "b"), [p for p in PRODUCTS if is_mma(p[0])])
def test_mma_of_different_integers_is_exact(shape, d, a, b):
    left, right, start, want = operands(shape, d, a, b)
    registers = mma(
        shape,
        (d, a, b, d),
        held(shape, "a", a, left),
        held(shape, "b", b, right),
        held(shape, "c", d, start),
    )
    assert registers.dtype == np.uint32
    np.testing.assert_array_equal(registers, held(shape, "c", d, want))


@pytest.mark.parametrize(("shape", "d", "a", "b"), [p for p in PRODUCTS if not is_mma(p[0])])
@pytest.mark.parametrize("layout", ["row", "col"])
def test_wmma_loads_multiplies_and_stores(shape, d, a, b, layout):
    left, right, start, want = operands(shape, d, a, b)
    registers = mma(
        shape,
        (d, a, b, d),
        loaded(shape, "a", a, left, layout),
        loaded(shape, "b", b, right, layout),
        loaded(shape, "c", d, start, layout),
    )
    np.testing.assert_array_equal(
        stored(shape, d, registers), want.astype(np.float16) if d == "f16" else want
    )


def test_accumulators_of_two_types_in_one_product():
    left, right, start, want = operands("m16n8k16", "f16", "f16", "f16")
    a, b = held("m16n8k16", "a", "f16", left), held("m16n8k16", "b", "f16", right)
    for c, d in (("f16", "f32"), ("f32", "f16")):
        registers = mma("m16n8k16", (d, "f16", "f16", c), a, b, held("m16n8k16", "c", c, start))
        np.testing.assert_array_equal(registers, held("m16n8k16", "c", d, want))


def test_every_pair_of_fragments_is_multiplied_somewhere():
    tested = {
        (shape, operand, kind)
        for shape, *types in PRODUCTS
        for operand, kind in zip("cab", types, strict=True)
    }
    assert tested == set(FRAGMENTS)


@pytest.mark.parametrize("d", ["f16", "f32"])
def test_the_sum_is_rounded_once(d):
    """Against sums that are exact (math.fsum), with terms that a running sum of `d` would lose."""
    shape = "m16n8k16"
    left = random.integers(-2047, 2048, (WARPS, 16, 16)) * 2.0**-11
    right = random.integers(-2047, 2048, (WARPS, 16, 8)) * 2.0 ** random.integers(
        -20, 0, (WARPS, 16, 8)
    )
    start = random.normal(size=(WARPS, 16, 8)).astype(np.float16).astype(np.float64)
    left, right = left.astype(np.float16).astype(float), right.astype(np.float16).astype(float)
    want = np.empty_like(start)
    for warp, row, col in np.ndindex(start.shape):
        terms = left[warp, row] * right[warp, :, col]
        want[warp, row, col] = math.fsum([*terms, start[warp, row, col]])
    registers = mma(
        shape,
        (d, "f16", "f16", d),
        held(shape, "a", "f16", left),
        held(shape, "b", "f16", right),
        held(shape, "c", d, start),
    )
    np.testing.assert_array_equal(registers, held(shape, "c", d, want))


def test_tf32_ignores_the_low_bits():
    shape = "m16n8k8"
    left, right, start, want = operands(shape, "f32", "tf32", "tf32")
    a, b = held(shape, "a", "tf32", left), held(shape, "b", "tf32", right)
    c = held(shape, "c", "f32", start)
    noise = np.uint32(0x1FFF)
    registers = mma(shape, ("f32", "tf32", "tf32", "f32"), a | noise, b | noise, c)
    np.testing.assert_array_equal(registers, held(shape, "c", "f32", want))
    finer = mma(shape, ("f32", "tf32", "tf32", "f32"), a | np.uint32(0x2000), b, c)
    assert (finer != registers).any()


@pytest.mark.parametrize("sign", [1, -1])
def test_integers_wrap_around_or_saturate(sign):
    shape, types = "m16n8k32", ("s32", "s8", "s8", "s32")
    left = np.full((1, 16, 32), 127)
    right = np.full((1, 32, 8), 127 * sign)
    start = np.full((1, 16, 8), sign * (2**31 - 1))
    registers = [
        mma(
            shape,
            types,
            held(shape, "a", "s8", left),
            held(shape, "b", "s8", right),
            held(shape, "c", "s32", start),
            saturate=saturate,
        ).view(np.int32)
        for saturate in (False, True)
    ]
    total = sign * (2**31 - 1 + 127 * 127 * 32)
    wrapped, stopped = registers
    assert (wrapped == total - sign * 2**32).all()
    assert (stopped == (2**31 - 1 if sign > 0 else -(2**31))).all()


def test_infinities_and_nan_are_values():
    shape = "m16n8k8"
    left, right, start = np.ones((1, 16, 8)), np.ones((1, 8, 8)), np.zeros((1, 16, 8))
    left[0, 0, 0], left[0, 1, 0], right[0, 0, 1] = np.inf, np.nan, 0
    left[0, 2], right[0, :, 2] = 60000, 60000
    found = mma(
        shape,
        ("f16", "f16", "f16", "f16"),
        held(shape, "a", "f16", left),
        held(shape, "b", "f16", right),
        held(shape, "c", "f16", start),
    )
    result = stored_mma(shape, found)
    assert result[0, 0] == np.inf and np.isnan(result[0, 1]) and np.isnan(result[1]).all()
    assert result[2, 2] == np.inf and result[3, 3] == 8


@pytest.mark.parametrize(("d", "pattern"), [("f16", 0x7FFF), ("f32", 0x7FFFFFFF)])
def test_every_nan_is_the_same(d, pattern):
    """Whatever went in: a NaN of other bits, or infinity times zero."""
    shape = "m16n8k8"
    left, right = np.ones((1, 16, 8)), np.ones((1, 8, 8))
    left[0, 0], right[0, 0] = np.inf, 0
    a = held(shape, "a", "f16", left)
    a[0, 0, 4] = 0x3C00FE01  # of row 1
    start = held(shape, "c", d, np.zeros((1, 16, 8)))
    found = mma(shape, (d, "f16", "f16", d), a, held(shape, "b", "f16", right), start)
    patterns = found[:, 0].view(f"u{BITS[d] // 8}")
    nan = np.isnan(patterns.view(f"f{BITS[d] // 8}"))
    assert nan.sum() == 2 * 8 and (patterns[nan] == pattern).all()


def stored_mma(shape: str, registers: np.ndarray) -> np.ndarray:
    """(M, N): the float16 matrix of the first warp."""
    m, n, _ = sizes(shape)
    halves = registers[:, 0, :, None].view(np.float16)
    result = np.empty((m, n))
    for lane, i in itertools.product(range(32), range(4)):
        result[c_of_isa(lane >> 2, lane % 4, i)] = halves[i // 2, lane, i % 2]
    return result


def delivered(count: int, trans: bool, rows: list[np.ndarray]) -> np.ndarray:
    """(count, 32): what ldmatrix delivers where lane l's address is the row rows[l]."""
    lane_of_address, offset = ldmatrix_map(count, trans)
    registers = np.zeros((count, 32), np.uint32)
    for register, lane, half in np.ndindex(lane_of_address.shape):
        at = register, lane, half
        row, byte = rows[lane_of_address[at]], offset[at]
        pattern = int.from_bytes(row.tobytes()[byte : byte + 2], "little")
        registers[register, lane] |= np.uint32(pattern << 16 * half)
    return registers


def halves(rows: int, cols: int) -> np.ndarray:
    """float16 numbers whose bit patterns are all different."""
    patterns = random.permutation(rows * cols).reshape(rows, cols) + 0x2000
    return patterns.astype(np.uint16).view(np.float16)


def blocks_of(matrix: np.ndarray, order: list[tuple[int, int]]) -> list[np.ndarray]:
    """The rows of the 8×8 blocks that begin at these elements: what the lanes' addresses are."""
    return [matrix[row + i, col : col + 8] for row, col in order for i in range(8)]


def test_ldmatrix_x4_delivers_a():
    matrix = halves(16, 16)
    rows = blocks_of(matrix, [(0, 0), (8, 0), (0, 8), (8, 8)])
    want = held("m16n8k16", "a", "f16", matrix[None])[:, 0]
    np.testing.assert_array_equal(delivered(4, False, rows), want)


def test_ldmatrix_x2_delivers_b_that_lies_by_columns():
    matrix = halves(16, 8)
    rows = blocks_of(matrix.T.copy(), [(0, 0), (0, 8)])
    want = held("m16n8k16", "b", "f16", matrix[None])[:, 0]
    np.testing.assert_array_equal(delivered(2, False, rows), want)


def test_ldmatrix_x2_trans_delivers_b_that_lies_by_rows():
    matrix = halves(16, 8)
    rows = blocks_of(matrix, [(0, 0), (8, 0)])
    want = held("m16n8k16", "b", "f16", matrix[None])[:, 0]
    np.testing.assert_array_equal(delivered(2, True, rows), want)


@pytest.mark.parametrize("trans", [False, True])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_ldmatrix_touches_each_element_once(count, trans):
    lane_of_address, offset = ldmatrix_map(count, trans)
    assert lane_of_address.shape == offset.shape == (count, 32, 2)
    touched = Counter(zip(lane_of_address.flat, offset.flat, strict=True))
    assert touched == Counter(itertools.product(range(8 * count), range(0, 16, 2)))


@pytest.mark.parametrize(
    ("shape", "types", "saturate"),
    [
        ("m8n8k4", ("f32", "f16", "f16", "f32"), False),
        ("m16n8k8", ("s32", "s8", "s8", "s32"), False),
        ("m16n8k16", ("f16", "bf16", "bf16", "f16"), False),
        ("m16n8k16", ("f32", "bf16", "f16", "f32"), False),
        ("m16n8k16", ("f32", "s8", "s8", "f32"), False),
        ("m16n8k16", ("f32", "f16", "f16", "f32"), True),
        ("m16n16k16", ("f64", "f64", "f64", "f64"), False),
    ],
)
def test_products_that_are_not_known_are_refused_by_name(shape, types, saturate):
    nothing = np.zeros((4, 1, 32), np.uint32)
    name = ".".join((shape, *types)) + (".satfinite" if saturate else "")
    with pytest.raises(Unknown, match=f"^a product {name} is not known$"):
        mma(shape, types, nothing, nothing, nothing, saturate)


def test_a_wrong_number_of_registers_is_refused():
    registers = [np.zeros((count, 1, 32), np.uint32) for count in (4, 2, 3)]
    with pytest.raises(Unknown, match=r"^c of m16n8k16 has 3 registers of f32, not 4$"):
        mma("m16n8k16", ("f32", "f16", "f16", "f32"), *registers)


def test_other_names_are_refused():
    with pytest.raises(Unknown, match=r"^no matrix a of f64 in m8n8k4 is known$"):
        fragment("m8n8k4", "a", "f64")
    with pytest.raises(Unknown, match=r"^ldmatrix \.x3 is not known$"):
        ldmatrix_map(3, False)
