"""What a table of kernels says of each: how it is called, and what is right about its lines."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

HERE = Path(__file__).parent
WARP = 32

Sizes: TypeAlias = tuple[int, int, int]
"""M, N, K."""

Order: TypeAlias = Literal["row", "col"]

Element: TypeAlias = Callable[[int, int], int | None]
"""Which element of the array the s-th request of thread t begins with, t and s from 0, or None if
the thread takes no part. Of a CTA at the matrices' beginning."""


@dataclass(frozen=True)
class Line:
    """Requests that one line of a kernel makes for one array, in one CTA at the natural size.

    kind      load, store, atomic, copy (asynchronous: of the array read and of the one written)
    part      text that stands in this line of the file and in no other
    array     the array's name in the source
    per_warp  requests of a warp; a fraction where only some warps make the last one
    each      sectors of a request to global memory, wavefronts of one to shared memory; on average
    element   of which the address is asked for; by this the same is counted
    ways      the most words that one bank has to give to the lanes served at once: 1 is without
              conflicts. 0: global memory
    bits      of one thread's request, as the machine code for sm_80 makes it
    size      bytes of an element
    unclear   the machine code merges or splits what PTX says in a way that running PTX cannot show
    """

    kind: Literal["load", "store", "atomic", "copy"]
    part: str
    array: str
    per_warp: int | Fraction
    each: int | Fraction
    element: Element
    ways: int = 0
    bits: int = 32
    size: int = 4
    unclear: bool = False


load, store, atomic, copy = (partial(Line, kind) for kind in ("load", "store", "atomic", "copy"))
load4, store4, copy4 = (partial(line, bits=128) for line in (load, store, copy))


@dataclass(frozen=True)
class Tile:
    """How the first CTA shares out its work, by the source.

    cta      rows, columns and, where anything is shared, k of its tile
    thread   rows and columns of a thread; warp: of the first warp
    run      how many of a thread's rows, and columns, are neighbours
    a, b     elements of As, and of Bs, from one k to the next, and from one row (or column) to the
             next; none where nothing is shared
    xor      by what the places of As, and of Bs, are turned: "k", "side" (row or column), or ""
    stages   buffers that tiles lie in by turns
    """

    cta: tuple[int, ...]
    thread: tuple[int, int]
    warp: tuple[int, int]
    run: tuple[int, int]
    a: tuple[int, ...] = ()
    b: tuple[int, ...] = ()
    xor: tuple[str, str] = ("", "")
    stages: int = 1


@dataclass(frozen=True)
class Finding:
    """What must be found in a broken kernel.

    kind   race: two threads, one word, no barrier between; outside: of the array; unwritten: read
           before anybody wrote; coming: read while a copy is on its way; misaligned; wrong: C is
           not A·B; barrier: not all threads come to it
    gemm   at which sizes it is found
    part   text of the line where, as in Line; "" if wrong
    array  the array that is touched; "" if wrong, or a barrier
    other  of a race, the line of the other access
    cta    the one that shows it, if it would take long to run all
    """

    kind: Literal["race", "outside", "unwritten", "coming", "misaligned", "wrong", "barrier"]
    gemm: Sizes
    part: str = ""
    array: str = ""
    other: str = ""
    cta: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Kernel:
    """One kernel of one file.

    name      as a person would name it, with template arguments
    args      what is passed for each parameter, in terms of A, B, C, M, N, K, alpha, beta and
              numbers; a struct's members stand in braces
    gemm      natural sizes: small, and right unless a finding names them
    big       sizes at which it may be used
    grid      CTAs in x, y, z, in terms of M, N, K; cdiv(a, b) is a / b rounded up
    block     threads in x, y, z
    types     of the elements of A, B and C
    layout    of A, B and C: row (by row) or col (by column)
    tile      of a good product
    lines     of interest
    dynamic   bytes of dynamic shared memory
    batch     products that A, B and C hold, one after the other
    findings  of a broken kernel
    product   whether C = alpha·A·B + beta·C; else C is A transposed
    c         what C holds before: nothing, zeros, or numbers
    """

    file: str
    name: str
    args: str
    gemm: Sizes
    big: Sizes
    grid: tuple[str, ...]
    block: tuple[int, ...]
    tile: Tile | None = None
    lines: tuple[Line, ...] = ()
    types: tuple[str, str, str] = ("float", "float", "float")
    layout: tuple[Order, Order, Order] = ("row", "row", "row")
    dynamic: int = 0
    batch: int = 1
    findings: tuple[Finding, ...] = ()
    product: bool = True
    c: Literal["nothing", "zeros", "numbers"] = "nothing"

    @property
    def path(self) -> Path:
        return HERE / self.file

    @property
    def threads(self) -> int:
        x, y, z = (*self.block, 1, 1)[:3]
        return x * y * z

    @property
    def warps(self) -> int:
        return -(-self.threads // WARP)

    @property
    def whole(self) -> bool:
        """Whether the file is more than kernels: host code, or C++'s own headers."""
        text = self.path.read_text()
        return "<<<" in text or "#include <c" in text.replace("#include <cuda", "")

    def line(self, part: str) -> int:
        """The number of the line that has this text, the first being 1."""
        text = self.path.read_text()
        assert text.count(part) == 1, (self.file, part, text.count(part))
        return text[: text.index(part)].count("\n") + 1

    def ctas(self, gemm: Sizes) -> Sizes:
        """The grid for these sizes, as numbers."""
        numbers = [evaluated(one, gemm) for one in self.grid]
        x, y, z = (*numbers, 1, 1)[:3]
        return x, y, z


def evaluated(text: str, gemm: Sizes) -> int:
    """A whole number in terms of M, N, K; what is divided is so without a rest, but by cdiv."""
    names = dict(zip("MNK", gemm, strict=True)) | {"cdiv": lambda a, b: -(-a // b)}
    value = eval(text, {"__builtins__": {}}, names)  # our own table
    assert value == int(value), text
    return int(value)
