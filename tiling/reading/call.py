"""How a kernel is called for a GEMM of any size: grid, block, arguments, and its matrices.

D = alpha·A·B + beta·C with A (M, K), B (K, N), C and D (M, N); where a kernel has no D, C takes the
result. All is arithmetic over M, N and K, as a person would write it (`expressions`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np

from tiling.ptx.machine import Launch
from tiling.ptx.memory import ROOM, Buffer
from tiling.ptx.program import MOST_SHARED
from tiling.reading.compile import cut
from tiling.reading.expressions import Unclear, mentioned, value
from tiling.reading.kernel import Kernel, Parameter
from tiling.reading.names import split
from tiling.reading.numbers import DTYPES, Numbers, decoded, encoded
from tiling.shapes import MAX_THREADS, Gemm, Refused

Order: TypeAlias = Literal["row", "col"]
"""row: neighbours in a row are neighbours in memory; col: those in a column."""

MATRICES = {"A": "MK", "B": "KN", "C": "MN", "D": "MN"}
"""Rows and columns of each."""

SCALARS = ("alpha", "beta")
LEADING = {"lda": "A", "ldb": "B", "ldc": "C", "ldd": "D"}
ROW_MAJOR: Mapping[str, Order] = MappingProxyType(dict.fromkeys(MATRICES, "row"))
MOST_GRID = (2**31 - 1, 65535, 65535)
MOST_BLOCK = (1024, 1024, 64)
"""CTAs of a grid and threads of a CTA in x, y and z (CUDA C++ Programming Guide, compute
capabilities)."""

MOST_MATRIX = 2**34
"""Bytes of a matrix beyond which it is not made."""


@dataclass(frozen=True)
class Call:
    """A kernel's call, as arithmetic over M, N and K.

    grid, block  in x, y, z, as far as they are not 1
    shared       bytes of dynamic shared memory
    args         for each parameter what stands for it: a matrix, a size, lda to ldd, alpha or beta,
                 or arithmetic
    orders       of the matrices
    adds         whether the result is added to what C holds, with no beta
    batch        how many products there are, one behind the other in each matrix
    said         how all this was found, in words
    gemm         the sizes that the file itself calls it with, where these are plain
    """

    grid: tuple[str, ...]
    block: tuple[str, ...]
    args: tuple[str, ...]
    shared: str = "0"
    orders: Mapping[str, Order] = field(default_factory=lambda: ROW_MAJOR)
    batch: str = "1"
    said: tuple[str, ...] = ()
    gemm: Gemm | None = None
    adds: bool = False

    @property
    def keeps(self) -> bool:
        """Whether what C holds before is a part of the result."""
        return self.adds or "beta" in self.words

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The arguments, of structs their members."""
        return tuple(one for arg in self.args for one in members(arg))

    @property
    def matrices(self) -> tuple[str, ...]:
        """The matrices among the arguments, in the order of the alphabet."""
        return tuple(name for name in MATRICES if name in self.words)

    @property
    def result(self) -> str:
        """The matrix that the product goes to."""
        return "D" if "D" in self.words else "C"

    @property
    def is_gemm(self) -> bool:
        return {"A", "B", self.result} <= set(self.words)

    def axes(self, name: str) -> str:
        """The sizes that a matrix has: of what is no product, those of the result."""
        return MATRICES[name] if self.is_gemm else "MN"

    @property
    def sizes(self) -> set[str]:
        """Those of M, N and K that its arguments tell. If it is one, all three are alike."""
        found = set().union(*map(mentioned, self.words))
        leading = {size for name in found & set(LEADING) for size in MATRICES[LEADING[name]]}
        return found & set("MNK") or leading

    def names(self, gemm: Gemm) -> dict[str, int | float]:
        """What the names in its arithmetic stand for."""
        found: dict[str, int | float] = {"M": gemm.m, "N": gemm.n, "K": gemm.k}
        for name, matrix in LEADING.items():
            rows, cols = (found[axis] for axis in self.axes(matrix))
            found[name] = cols if self.orders[matrix] == "row" else rows
        return found


@dataclass(frozen=True)
class Shape:
    """A launch in numbers: CTAs, threads, bytes of dynamic shared memory, products."""

    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared: int
    batch: int

    @property
    def ctas(self) -> int:
        return prod(self.grid)

    @property
    def threads(self) -> int:
        return prod(self.block)


def shape(call: Call, gemm: Gemm) -> Shape:
    """The launch for a GEMM. Raises Refused where it cannot be."""
    names = call.names(gemm)

    def axes(field_: str, texts: tuple[str, ...], most: tuple[int, ...]) -> tuple[int, int, int]:
        if not 1 <= len(texts) <= 3:
            rule = "is not one to three numbers"
            raise Refused(field_, cut(", ".join(texts)), rule, 'try "N/128, M/128"')
        found = [whole(field_, text, names) for text in texts]
        for text, number, limit in zip(texts, found, most, strict=False):
            if not 1 <= number <= limit:
                rule = f"is {number} for {gemm}, not 1 to {limit}"
                raise Refused(field_, cut(text), rule, "try other sizes")
        x, y, z = [*found, 1, 1][:3]
        return x, y, z

    block = axes("block", call.block, MOST_BLOCK)
    if prod(block) > MAX_THREADS:
        rule = f"has {prod(block)} threads, more than {MAX_THREADS}"
        raise Refused("block", ", ".join(call.block), rule, "try 256")
    shared, batch = (whole(one, getattr(call, one), names) for one in ("shared", "batch"))
    if not 0 <= shared <= MOST_SHARED:
        rule = f"is {shared} bytes, not 0 to {MOST_SHARED}"
        raise Refused("shared", cut(call.shared), rule, "try 49152")
    if not 1 <= batch <= MOST_GRID[1]:
        raise Refused("batch", cut(call.batch), f"is {batch}, not 1 to {MOST_GRID[1]}", "try 1")
    return Shape(axes("grid", call.grid, MOST_GRID), block, shared, batch)


def whole(field_: str, text: str, names: Mapping[str, int | float]) -> int:
    """The value of arithmetic that must be a whole number. Raises Refused."""
    try:
        found = value(text, names)
    except Unclear as unclear:
        rule = f"{unclear}, among {', '.join(sorted(names))}"
        raise Refused(field_, cut(text), rule, 'try "N/128"') from None
    if found != int(found):
        raise Refused(field_, cut(text), f"is {found}, no whole number", "try ceil(...)")
    return int(found)


@dataclass(frozen=True)
class Matrix:
    """A matrix in memory: (batch, rows, cols) numbers, each product's behind the one before."""

    name: str
    element: str
    batch: int
    rows: int
    cols: int
    order: Order

    @property
    def count(self) -> int:
        return self.batch * self.rows * self.cols

    def flat(self, numbers: Numbers) -> np.ndarray:
        """As it lies in memory."""
        turned = numbers if self.order == "row" else numbers.swapaxes(-1, -2)
        return encoded(np.ascontiguousarray(turned).reshape(-1), self.element)

    def numbers(self, data: np.ndarray) -> Numbers:
        """The other way: from a buffer's bytes."""
        flat = data[: self.count * DTYPES[self.element].itemsize].view(DTYPES[self.element])
        inner = (self.rows, self.cols) if self.order == "row" else (self.cols, self.rows)
        found = decoded(flat, self.element).reshape(self.batch, *inner)
        return found if self.order == "row" else found.swapaxes(-1, -2)

    def at(self, offset: int) -> tuple[int, ...]:
        """(row, col), or (product, row, col), of the element at an offset in bytes, which may lie
        outside."""
        element = offset // DTYPES[self.element].itemsize
        one, inner = divmod(element, self.rows * self.cols) if self.batch > 1 else (0, element)
        inside = divmod(inner, self.cols if self.order == "row" else self.rows)
        place = inside if self.order == "row" else inside[::-1]
        return place if self.batch == 1 else (one, *place)


def matrices(kernel: Kernel, call: Call, gemm: Gemm) -> dict[str, Matrix]:
    """The matrices of a call, by name. Raises Refused for those that are too large."""
    sizes = {"M": gemm.m, "N": gemm.n, "K": gemm.k}
    batch = shape(call, gemm).batch
    found = {}
    for element, arg in _elements(kernel, call):
        if arg in MATRICES:
            rows, cols = (sizes[axis] for axis in call.axes(arg))
            one = Matrix(arg, element or "f32", batch, rows, cols, call.orders[arg])
            if one.count * DTYPES[one.element].itemsize > MOST_MATRIX:
                raise Refused("gemm", gemm, f"{arg} takes too much memory", "try smaller sizes")
            found[arg] = one
    return found


def members(arg: str) -> tuple[str, ...]:
    """What stands in the braces of a struct, or the argument alone."""
    return tuple(split(arg[1:-1])) if arg.startswith("{") and arg.endswith("}") else (arg,)


def _elements(kernel: Kernel, call: Call) -> Iterator[tuple[str, str]]:
    """The element type that each argument points to, of a struct each member."""
    for parameter, arg in zip(kernel.parameters, call.args, strict=True):
        if not arg.startswith("{"):
            yield parameter.element, arg
            continue
        fields = [one.element for one in parameter.fields]
        inside = members(arg)
        yield from zip(
            fields if len(fields) == len(inside) else [""] * len(inside), inside, strict=True
        )


def struct(
    parameter: Parameter, arg: str, buffers: Mapping[str, Buffer], names: Mapping[str, int | float]
) -> bytes:
    """A struct as a parameter takes it, laid out as C++ does: matrices are pointers; other members
    are what its fields say, or 4 bytes. Raises Refused where it does not fit."""
    inside, found = members(arg), bytearray()
    fields = parameter.fields
    if len(fields) != len(inside):
        fields = tuple(
            Parameter("", "float" if "." in one else "int", 8 if one in buffers else 4, "")
            for one in inside
        )
    for field_, one in zip(fields, inside, strict=True):
        size = 8 if one in buffers else field_.size
        found += bytes(-len(found) % size)
        if one in buffers:
            found += buffers[one].base.to_bytes(8, "little")
        else:
            found += scalar(field_, _value(one, names))
    if len(found) > parameter.size:
        rule = f"has {len(found)} bytes, but {parameter.type or 'the struct'} has {parameter.size}"
        raise Refused("args", cut(arg), rule, "try {M, N, A}, in the struct's order")
    return bytes(found) + bytes(parameter.size - len(found))


def _value(arg: str, names: Mapping[str, int | float]) -> int | float:
    try:
        return value(arg, names)
    except Unclear as unclear:
        raise Refused("args", cut(arg), str(unclear), "try M, N, K, A, B, C") from None


def scalar(parameter: Parameter, number: int | float) -> bytes:
    """A value as a parameter takes it. Raises Refused where it does not fit."""
    if parameter.real:
        element = {"float": "f32", "double": "f64", "__half": "f16"}.get(parameter.type, "bf16")
        return encoded(np.array([float(number)]), element).tobytes()
    if number != int(number) or parameter.size not in (1, 2, 4, 8):
        rule = f"is no value for {parameter.name or 'a parameter'} of {parameter.size} bytes"
        raise Refused("args", number, rule, "try a whole number")
    bits = 8 * parameter.size
    if not -(2 ** (bits - 1)) <= number < 2**bits:
        raise Refused("args", number, f"does not fit in {bits} bits", "try smaller sizes")
    return (int(number) & (1 << bits) - 1).to_bytes(parameter.size, "little")


def launch(
    kernel: Kernel, call: Call, gemm: Gemm, buffers: Mapping[str, Buffer], alpha: float, beta: float
) -> Launch:
    """The launch for the machine. Raises Refused."""
    made, names = shape(call, gemm), call.names(gemm)
    names |= {"alpha": alpha, "beta": beta}
    arguments: list[Buffer | bytes] = []
    for parameter, arg in zip(kernel.parameters, call.args, strict=True):
        if arg in buffers:
            arguments.append(buffers[arg])
        elif arg.startswith("{"):
            arguments.append(struct(parameter, arg, buffers, names))
        else:
            arguments.append(scalar(parameter, _value(arg, names)))
    return Launch(made.grid, made.block, arguments, made.shared)


def buffer(matrix: Matrix, data: np.ndarray | None, writable: bool) -> Buffer:
    """The matrix in global memory. Without data nobody has written it."""
    base = 1 + list(MATRICES).index(matrix.name) << ROOM
    if data is None:
        size = matrix.count * DTYPES[matrix.element].itemsize
        return Buffer(matrix.name, base, size, written=False, writable=writable)
    return Buffer(matrix.name, base, data, writable=writable)
