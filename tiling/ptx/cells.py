"""The elements of a `wmma` fragment in memory: who touches what, in which accesses.

A fragment may repeat its matrix: NVIDIA's compiler loads each element once. And it takes together
what lies together: the elements of a register, or two registers of one element each.
"""

import numpy as np

from tiling.ptx.fragments import BITS, LANES, Fragment
from tiling.ptx.memory import UNSIGNED, Ints, Raw
from tiling.ptx.registers import Array

WORD = 4
"""Bytes of a register."""


class Cells:
    """The accesses of each lane.

    registers     that differ
    major, minor  (accesses, lanes): the index that the stride goes with, and the other
    width         bytes of an element
    unit, times   bytes, and how many neighbours of so many bytes an access has
    """

    def __init__(self, where: Fragment, kind: str, down: bool) -> None:
        """`down`: the matrix lies column by column (.col)."""
        self.width = width = BITS[kind] // 8
        many = WORD // width
        self.registers = where.place.size // (LANES * many)
        row, col = (
            index[: self.registers].swapaxes(1, 2).reshape(-1, max(many, 2), LANES)
            for index in (where.row, where.col)
        )
        major, minor = (col, row) if down else (row, col)
        next_to = minor[:, :1] + np.arange(minor.shape[1])[:, None]
        if (major == major[:, :1]).all() and (minor == next_to).all():
            self.major, self.minor = major[:, 0], minor[:, 0]
            self.unit, self.times = WORD, width * minor.shape[1] // WORD
        else:
            self.major, self.minor = major.reshape(-1, LANES), minor.reshape(-1, LANES)
            self.unit, self.times = width, 1

    def addresses(self, base: Ints, stride: Ints) -> Ints:
        """(accesses · n, threads), of bases in bytes and strides in elements, each (n, threads)."""
        warps = base.shape[1] // LANES
        major, minor = (np.tile(index, warps)[:, None] for index in (self.major, self.minor))
        return (base + (major * stride + minor) * self.width).reshape(-1, base.shape[1])

    def to_registers(self, value: Raw, n: int, threads: int) -> Array:
        """(registers, n, threads) of what the accesses gave: (accesses · n, times, threads)."""
        parts = value.reshape(-1, n, self.times, threads).swapaxes(1, 2)
        parts = parts.reshape(self.registers, -1, n, threads).astype(np.uint32)
        found: Array = np.bitwise_or.reduce(parts << self._shifts, 1)
        return found

    def from_registers(self, registers: Array, n: int, threads: int) -> Raw:
        """The inverse."""
        parts = registers.reshape(self.registers, 1, n, threads) >> self._shifts
        parts = parts.astype(UNSIGNED[self.unit]).reshape(-1, self.times, n, threads)
        return parts.swapaxes(1, 2).reshape(-1, self.times, threads)

    @property
    def _shifts(self) -> Array:
        """Of the parts of a register that are apart in memory."""
        return 8 * self.unit * np.arange(WORD // self.unit, dtype=np.uint32)[:, None, None]
