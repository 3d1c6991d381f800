"""The kernel without tiles, against which tiling is measured: a thread for each result reads its
row of A and its column of B from global memory for itself."""

from tiling.schedule import Schedule, schedule
from tiling.shapes import MAX_THREADS, Gemm, Tiling


def one_result_each(gemm: Gemm, block: tuple[int, int], cta: tuple[int, int] = (0, 0)) -> Schedule:
    """What the CTA at (row, col) does where CTAs have `block` (rows, cols) threads."""
    return schedule(gemm, Tiling(*block, 1, 1, 1, direct=True), cta)


def is_naive(tiling: Tiling) -> bool:
    """Whether it is a thread for each result, and nothing shared."""
    return tiling.direct and tiling.tm * tiling.tn == 1


def beside(other: Schedule) -> Schedule:
    """The naive schedule of the same matrices, for the CTA that makes the same corner of C."""
    block = block_of(other.tiling)
    row, col = other.origin("C")
    return one_result_each(other.gemm, block, (row // block[0], col // block[1]))


def block_of(tiling: Tiling) -> tuple[int, int]:
    """The CTA tile's shape, halved until a CTA may have a thread for each result."""
    rows, cols = tiling.bm, tiling.bn
    while rows * cols > MAX_THREADS:
        rows, cols = (rows // 2, cols) if rows > cols else (rows, cols // 2)
    return rows, cols
