"""Who is seen to wait at a barrier: warps, or in a CTA of one warp or less its threads."""

from itertools import product
from typing import NamedTuple

from tiling.expand import accumulator_map
from tiling.layout import Ints, arrangement
from tiling.shapes import WARP, Tiling


class Part(NamedTuple):
    """rows×cols neighbours of the CTA's tile of C, from (row, col) on."""

    row: int
    col: int
    rows: int
    cols: int


def waiting(tiling: Tiling) -> list[list[Part]]:
    """Of each that waits, the parts of the CTA's tile that it makes."""
    rows, cols = accumulator_map(tiling)
    axes, size = arrangement(tiling), WARP if tiling.threads > WARP else 1
    found = []
    for first in range(0, tiling.threads, size):
        mine = slice(first, first + size)
        sides = _groups(rows[mine], axes.rows.quad), _groups(cols[mine], axes.cols.quad)
        found.append([Part(row, col, r, c) for (row, r), (col, c) in product(*sides)])
    return found


def _groups(numbers: Ints, quad: int) -> list[tuple[int, int]]:
    """(first, count) of neighbours; all numbers come in groups of `quad`."""
    firsts = sorted(set(numbers[:, ::quad].ravel().tolist()))
    groups: list[tuple[int, int]] = []
    for first in firsts:
        if groups and sum(groups[-1]) == first:
            groups[-1] = groups[-1][0], groups[-1][1] + quad
        else:
            groups.append((first, quad))
    return groups
