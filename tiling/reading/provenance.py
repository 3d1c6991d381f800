"""Where a kernel's values come from: every element of A and B is its own number, wherever it goes.

The numbers are bit patterns, 1 and on: what only moves a value does not change them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tiling.ptx.events import Access
from tiling.ptx.memory import Ints
from tiling.reading.call import Matrix
from tiling.reading.numbers import size
from tiling.reading.recorded import Cta, Recorded, Run, record

KINDS = {"copy": "load", "land": "store", "atomic": "store"}
"""What an access is as far as values go. The beginning of a copy brings none."""


@dataclass(frozen=True)
class Moves:
    """Elements that went to or from a buffer, a row for each element of each thread's access.

    thread, epoch  who, and after how many barriers
    offset         the element's place in the buffer, in bytes
    origin         number of the element of A or B that the value is, or anything else
    bytes          of the whole access
    """

    thread: Ints
    epoch: Ints
    offset: Ints
    origin: Ints
    bytes: Ints

    def where(self, which: np.ndarray) -> "Moves":
        return Moves(*(column[which] for column in vars(self).values()))

    @property
    def size(self) -> int:
        return int(self.thread.size)


@dataclass(frozen=True)
class Origins:
    """Numbers of elements: those of A first, row by row, then those of B."""

    a: Matrix
    b: Matrix

    def fits(self) -> bool:
        """Whether there are as many bit patterns as elements, but for the larger half, in which
        NaNs lie, whose bits an instruction may change."""
        bits = min(8 * size(self.a.element), 8 * size(self.b.element))
        return self.a.element == self.b.element and self.a.count + self.b.count < 2 ** (bits - 1)

    def data(self) -> dict[str, np.ndarray]:
        """A and B in memory."""
        found, first = {}, 1
        for name, matrix in ("A", self.a), ("B", self.b):
            numbers = np.arange(first, first + matrix.count, dtype=np.uint64)
            shape = (matrix.batch, matrix.rows, matrix.cols)
            turned = numbers.reshape(shape)
            if matrix.order == "col":
                turned = turned.swapaxes(-1, -2)
            found[name] = (
                np.ascontiguousarray(turned).reshape(-1).astype(f"u{size(matrix.element)}")
            )
            first += matrix.count
        return found

    def of(self, name: str, moves: Moves) -> tuple[Moves, Ints, Ints]:
        """Those moves whose values are elements of A or of B, and the rows and columns of these."""
        first = 1 if name == "A" else 1 + self.a.count
        matrix = self.a if name == "A" else self.b
        mine = moves.where((moves.origin >= first) & (moves.origin < first + matrix.count))
        inner = (mine.origin - first) % (matrix.rows * matrix.cols)
        return mine, inner // matrix.cols, inner % matrix.cols


def traced(run: Run, cta: Cta) -> tuple[Recorded, Origins] | None:
    """One CTA of a product, with A and B numbered; None where there are too many elements."""
    origins = Origins(run.matrices["A"], run.matrices["B"])
    if not origins.fits():
        return None
    # Zeros in C, for a kernel with beta reads them.
    rest = {
        name: np.zeros(matrix.count * size(matrix.element), np.uint8)
        for name, matrix in run.matrices.items()
    }
    return record(run, cta, rest | origins.data()), origins


def moves(recorded: Recorded, kind: str, buffer: str, width: int) -> Moves:
    """All loads, or stores, of a buffer, in elements of `width` bytes."""
    empty = (np.empty(0, np.int64),) * 5
    rows = [empty] + [
        row
        for access in recorded.accesses
        if KINDS.get(access.kind, access.kind) == kind and access.buffer.name == buffer
        for row in _moved(access, width)
    ]
    return Moves(*map(np.concatenate, zip(*rows, strict=True)))


def _moved(access: Access, width: int) -> Iterator[tuple[Ints, ...]]:
    """The columns of `Moves` for one access; nothing for parts of elements."""
    if access.width % width:
        return
    n, count, threads = access.value.shape
    whole = access.width * count
    value = np.ascontiguousarray(access.value.transpose(0, 2, 1)).view(f"u{width}")
    value = value.reshape(n, threads, whole // width)
    if access.active is not None:
        value = value[access.active.reshape(n, threads)]
    value = value.reshape(-1, whole // width).astype(np.int64)
    thread, offset = access.thread.reshape(-1), access.offset.reshape(-1)
    epoch, bytes_ = np.full(len(value), access.epoch), np.full(len(value), whole)
    for part in range(whole // width):
        yield thread, epoch, offset + part * width, value[:, part], bytes_
