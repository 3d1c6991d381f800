"""Where things lie: operands in shared memory, threads in the CTA tile.

These are the only two maps of the project that are a choice. All indices elsewhere follow.
"""

from dataclasses import dataclass
from math import gcd
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tiling.shapes import BANKS, QUAD, Tiling

Ints = npt.NDArray[np.int64]
Operand = Literal["A", "B"]

AB: tuple[Operand, Operand] = ("A", "B")
"""Both, in the order in which a schedule copies them."""


@dataclass(frozen=True)
class SharedTile:
    """One operand's tile in one stage: `k` rows of `extent` words, each row `stride` words long.

    As is stored transposed: a thread's fragment is TM neighbouring rows of A at one k, and in
    this layout those are neighbouring words, as they are for B anyway. So both operands are
    indexed (k, i), where i is the row of A or the column of B.

    With a swizzle, element (k, i) lies where (k, i XOR s) would lie without, s = k / group · twist
    mod BANKS: the elements of a row change places among BANKS neighbours. `twist` is a multiple of
    QUAD, so quads stay quads. 0 leaves all as it is.
    """

    operand: Operand
    base: int
    k: int
    extent: int
    stride: int
    group: int = 1
    twist: int = 0

    def word(self, k: Any, i: Any) -> Any:
        """Shared word of element (k, i), for ints or integer arrays."""
        return self.base + k * self.stride + (i ^ self._swapped(k))

    def element(self, word: Any) -> tuple[Any, Any]:
        """The inverse: (k, i) of a word. A word of the padding has i >= extent."""
        k, place = self.place(word)
        return k, place ^ self._swapped(k)

    def place(self, word: Any) -> tuple[Any, Any]:
        """(row, column) of a word in the buffer, seen as rows of `stride` words."""
        return (word - self.base) // self.stride, (word - self.base) % self.stride

    def _swapped(self, k: Any) -> Any:
        return k // self.group * self.twist % BANKS

    @property
    def words(self) -> int:
        return self.k * self.stride


def shared_layout(tiling: Tiling, stage: int = 0) -> dict[Operand, SharedTile]:
    """As (BK, BM + pad), then Bs (BK, BN); the stages one after the other."""
    base, group = stage * tiling.stage_words, tiling.request("A")
    a = SharedTile("A", base, tiling.bk, tiling.bm, tiling.bm + tiling.pad, group, twist(tiling))
    b = SharedTile("B", base + a.words, tiling.bk, tiling.bn, tiling.bn)
    return {"A": a, "B": b}


def twist(tiling: Tiling) -> int:
    """By how much the swizzle of As grows from one group of k to the next; 0 without a swizzle.

    A warp that copies A at once has groups of k to fetch, each of what one request brings, and of
    each group as many rows as then make BANKS lanes. With a twist of so many rows, lanes of
    different k write to different banks.
    """
    if not tiling.swizzle:
        return 0
    return QUAD * max(1, BANKS // QUAD * tiling.request("A") // tiling.bk)


@dataclass(frozen=True)
class Axis:
    """How one side of the CTA tile is dealt out: rows (BM, WM, TM) or columns (BN, WN, TN).

    A side of `extent` has extent / tile positions, each of `tile` elements. The positions go warp
    tile by warp tile. A position's elements come in groups of `quad` neighbours; the groups are
    spread evenly over the warp tile, so that neighbouring positions have neighbouring groups.
    """

    extent: int
    warp: int
    tile: int
    quad: int

    @property
    def positions(self) -> int:
        return self.extent // self.tile

    @property
    def apart(self) -> int:
        """Elements from the beginning of one group of a position to that of the next."""
        return self.warp // (self.tile // self.quad)

    def at(self, position: Any, i: Any) -> Any:
        """The row or column of the i-th element of a position, for ints or integer arrays."""
        per_warp = self.warp // self.tile
        first = position // per_warp * self.warp + position % per_warp * self.quad
        return first + i // self.quad * self.apart + i % self.quad


@dataclass(frozen=True)
class Arrangement:
    """Which rows and columns of the CTA tile each thread computes.

    Threads go row by row over the positions of the CTA tile. With a warp tile, warps go row by row
    over the CTA tile, and the 32 lanes of a warp row by row over the positions of the warp tile.
    """

    rows: Axis
    cols: Axis

    def position(self, thread: Any) -> tuple[Any, Any]:
        """(row, column) of a thread among the positions."""
        per_row, per_col = (axis.warp // axis.tile for axis in (self.cols, self.rows))
        warp, lane = thread // (per_row * per_col), thread % (per_row * per_col)
        warps = self.cols.extent // self.cols.warp
        row = warp // warps * per_col + lane // per_row
        return row, warp % warps * per_row + lane % per_row


def arrangement(tiling: Tiling) -> Arrangement:
    """Without a warp tile all threads share one, as large as the CTA tile."""
    wm, wn = tiling.warp or (tiling.bm, tiling.bn)
    quads = (QUAD, QUAD) if tiling.split else (tiling.tm, tiling.tn)
    return Arrangement(
        Axis(tiling.bm, wm, tiling.tm, quads[0]), Axis(tiling.bn, wn, tiling.tn, quads[1])
    )


def fragment_width(tiling: Tiling, operand: Operand, k: int) -> int:
    """Words of a fragment that a thread reads at once at one k, 1, 2 or 4: the most that every
    thread finds side by side at a multiple of their width, in every stage."""
    axes, layout = arrangement(tiling), shared_layout(tiling)
    quad = (axes.rows if operand == "A" else axes.cols).quad
    stage = tiling.stage_words if tiling.stages > 1 else 0
    return gcd(QUAD, quad, layout[operand].word(k, 0), stage)


def least_width(tiling: Tiling, operand: Operand) -> int:
    """Words of a fragment that a thread can read at once at every k."""
    if tiling.direct:
        return 1
    return min(fragment_width(tiling, operand, k) for k in range(tiling.bk))


def exchange_width(tiling: Tiling) -> int:
    """Words that a thread writes at once where C's tile goes through shared memory."""
    return gcd(QUAD, arrangement(tiling).cols.quad, tiling.bn)
