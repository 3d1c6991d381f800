"""The register file of a CTA: for each register a row, for each thread a column."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tiling.ptx.flow import Flow
from tiling.ptx.forms import DTYPE

Array: TypeAlias = npt.NDArray[Any]
Read: TypeAlias = Callable[[], Array]
Write: TypeAlias = Callable[[Array, "Mask"], None]
Mask: TypeAlias = "npt.NDArray[np.bool_] | None"
"""Which threads do something, (threads,) or (instructions, threads); None: all."""

BITS = {"h": np.uint16, "r": np.uint32, "q": np.uint64}


class Registers:
    """Rows by class: `p` predicates, `h` 16 bits, `r` 32 bits, `q` 64 bits; (rows, threads)."""

    def __init__(self, flow: Flow, threads: int) -> None:
        self.threads = threads
        self.files: dict[str, Array] = {"p": np.zeros((flow.counts["p"], threads), np.bool_)}
        for letter, bits in BITS.items():
            self.files[letter] = np.zeros((flow.counts[letter], threads), bits)

    def clear(self) -> None:
        """As before anybody set them: all bits of a number set, which is NaN as a float."""
        for letter, file in self.files.items():
            file.fill(0 if letter == "p" else np.iinfo(file.dtype).max)

    def view(self, letter: str, dtype: Any) -> Array:
        """A class of registers as another type of the same width."""
        return self.files[letter].view(dtype)

    def together(self, letter: str, rows: list[int], kind: str) -> Array | None:
        """Rows that lie side by side as one array, which changes as they do; else None."""
        near = _side_by_side(rows)
        return None if near is None else self.files[letter].view(DTYPE[kind])[near]

    def reader(self, letter: str, rows: list[int], kind: str) -> Read:
        """Gives the rows (n, threads) as a type; of a register wider than the type the low bits."""
        dtype = np.dtype(DTYPE[kind])
        file = self.files[letter]
        if dtype.itemsize == file.dtype.itemsize:
            return _gather(file.view(dtype), rows, self.threads)
        wide = _gather(file, rows, self.threads)
        bits = np.dtype(f"u{dtype.itemsize}")
        return lambda: wide().astype(bits).view(dtype)

    def writer(self, letter: str, rows: list[int], kind: str) -> Write:
        """Sets the rows from values (n, threads) or (n, 1) of a type, where a mask holds. One
        wider than the type is filled up with zeros or the sign."""
        dtype = np.dtype(DTYPE[kind])
        file = self.files[letter]
        if dtype.itemsize == file.dtype.itemsize:
            return _scatter(file.view(dtype), rows)
        put = _scatter(file, rows)
        signed = np.dtype(f"i{file.dtype.itemsize}") if kind[0] == "s" else file.dtype
        bits = dtype if kind[0] == "s" else np.dtype(f"u{dtype.itemsize}")
        return lambda value, mask: put(value.view(bits).astype(signed).view(file.dtype), mask)


def _side_by_side(rows: list[int]) -> slice | None:
    first = rows[0]
    if rows == list(range(first, first + len(rows))):
        return slice(first, first + len(rows))
    return None


def _gather(file: Array, rows: list[int], threads: int) -> Read:
    if (together := _side_by_side(rows)) is not None:
        view = file[together]
        return lambda: view
    index = np.array(rows)
    buffer = np.empty((len(rows), threads), file.dtype)

    def read() -> Array:
        return file.take(index, 0, buffer, "clip")

    return read


def _scatter(file: Array, rows: list[int]) -> Write:
    together = _side_by_side(rows)
    # The same register twice in a batch cannot be: the second write would wait for the first.
    if together is not None:
        view = file[together]

        def write(value: Array, mask: Mask) -> None:
            if mask is None:
                view[...] = value
            else:
                np.copyto(view, value, where=mask)

        return write
    index = np.array(rows)

    def spread(value: Array, mask: Mask) -> None:
        if mask is None:
            file[index] = value
        else:
            old = file[index]
            np.copyto(old, value, where=mask)
            file[index] = old

    return spread
