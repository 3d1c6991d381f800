"""Where things lie: operands in shared memory, threads in the CTA tile.

These are the only two maps of the project that are a choice. All indices elsewhere follow.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tiling.shapes import WARP, Tiling

Ints = npt.NDArray[np.int64]
Operand = Literal["A", "B"]


@dataclass(frozen=True)
class SharedTile:
    """One operand's tile in one stage: `k` rows of `extent` words, each row `stride` words long.

    As is stored transposed: a thread's fragment is TM neighbouring rows of A at one k, and in
    this layout those are neighbouring words, as they are for B anyway. So both operands are
    indexed (k, i), where i is the row of A or the column of B.
    """

    operand: Operand
    base: int
    k: int
    extent: int
    stride: int

    def word(self, k: Any, i: Any) -> Any:
        """Shared word of element (k, i), for ints or integer arrays."""
        return self.base + k * self.stride + i

    def element(self, word: Any) -> tuple[Any, Any]:
        """The inverse: (k, i) of a word. A word of the padding has i >= extent."""
        return (word - self.base) // self.stride, (word - self.base) % self.stride

    @property
    def words(self) -> int:
        return self.k * self.stride


def shared_layout(tiling: Tiling, stage: int = 0) -> dict[Operand, SharedTile]:
    """As (BK, BM + pad), then Bs (BK, BN); the stages one after the other."""
    base = stage * tiling.bk * (tiling.bm + tiling.pad + tiling.bn)
    a = SharedTile("A", base, tiling.bk, tiling.bm, tiling.bm + tiling.pad)
    b = SharedTile("B", base + a.words, tiling.bk, tiling.bn, tiling.bn)
    return {"A": a, "B": b}


def thread_origin(tiling: Tiling, thread: Ints) -> tuple[Ints, Ints]:
    """(row, col) in the CTA tile of the first element that each thread computes.

    Threads go row by row over the CTA tile. With a warp tile, warps go row by row over the CTA
    tile and the 32 lanes of a warp row by row over the warp tile.
    """
    if tiling.warp is None:
        per_row = tiling.bn // tiling.tn
        return thread // per_row * tiling.tm, thread % per_row * tiling.tn
    wm, wn = tiling.warp
    warp, lane = thread // WARP, thread % WARP
    warps_per_row, lanes_per_row = tiling.bn // wn, wn // tiling.tn
    row = warp // warps_per_row * wm + lane // lanes_per_row * tiling.tm
    col = warp % warps_per_row * wn + lane % lanes_per_row * tiling.tn
    return row, col
