"""Tilings of a family, ranked by what the model predicts of them. None of it was measured.

The prediction looks at two things that a multiprocessor does each cycle: a warp's multiply-add on
every 32 of its lanes, and one wavefront of shared memory. Where the wavefronts of a k-tile take
longer than its multiply-adds, shared memory sets the pace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from tiling.banks import read_cost, write_cost
from tiling.layout import Operand
from tiling.occupancy import Chip, Occupancy, occupancy, registers
from tiling.shapes import QUAD, WARP, Refused, Tiling

SIDES = (16, 32, 64, 128, 256)
DEPTHS = (4, 8, 16, 32)
EACH = (1, 2, 4, 8, 16)
VECTORS = (1, 4)
AGAINST_CONFLICTS: tuple[dict[str, Any], ...] = ({}, {"pad": 4}, {"swizzle": True})
SPLITS = (False, True)
"""What the family is made of: BM and BN, BK, TM and TN, vector, As's layout, split quads."""


@dataclass(frozen=True)
class Prediction:
    """What is expected of a tiling on a chip.

    intensity     FLOP for each byte requested from global memory
    fma           warp multiply-adds of a k-tile
    wavefronts    of shared memory that it takes
    pace          share of the chip's multiply-add rate that shared memory lets it keep, up to 1
    """

    tiling: Tiling
    intensity: float
    fma: int
    wavefronts: int
    pace: float
    fits: Occupancy

    def as_dict(self) -> dict[str, object]:
        """One line of a table."""
        tiling = self.tiling
        return {
            "cta": f"{tiling.bm}x{tiling.bn}x{tiling.bk}",
            "thread": f"{tiling.tm}x{tiling.tn}",
            "vector": tiling.vector,
            "pad": tiling.pad,
            "swizzle": tiling.swizzle,
            "split": tiling.split,
            "threads": tiling.threads,
            "shared_bytes": tiling.shared_bytes,
            "registers": registers(tiling).needed,
            "intensity": round(self.intensity, 2),
            "wavefronts_per_fma": round(self.wavefronts / self.fma, 4),
            "pace": round(self.pace, 4),
            "ctas": self.fits.ctas,
            "occupancy": round(self.fits.share, 4),
            "limited_by": self.fits.limited_by,
        }


def family() -> Iterator[Tiling]:
    """Every valid tiling of the family whose threads are whole warps."""
    tiles = product(SIDES, SIDES, DEPTHS, EACH, EACH)
    for (bm, bn, bk, tm, tn), vector, layout, split in product(
        tiles, VECTORS, AGAINST_CONFLICTS, SPLITS
    ):
        whole_warps = bm * bn // (tm * tn) % WARP == 0
        # A thread tile of one quad each way is not split by being called so.
        if whole_warps and not (split and tm <= QUAD and tn <= QUAD):
            try:
                yield Tiling(bm, bn, bk, tm, tn, vector=vector, split=split, **layout)
            except Refused:
                continue


def predict(tiling: Tiling, chip: Chip) -> Prediction:
    """From the accesses of one k-tile, and from what fits on the chip."""
    both: tuple[Operand, Operand] = ("A", "B")
    wavefronts = sum(
        write_cost(tiling, operand).wavefronts
        # Rows of As and Bs begin a whole number of quads apart: each k has the same conflicts.
        + tiling.bk * read_cost(tiling, operand, 0).wavefronts
        for operand in both
    )
    fma = tiling.threads // WARP * tiling.tm * tiling.tn * tiling.bk
    return Prediction(
        tiling=tiling,
        intensity=tiling.bm * tiling.bn / (2 * (tiling.bm + tiling.bn)),
        fma=fma,
        wavefronts=wavefronts,
        pace=min(1.0, fma / (chip.lanes / WARP) / wavefronts) if wavefronts else 1.0,
        fits=occupancy(chip, tiling.threads, registers(tiling).needed, tiling.shared_bytes),
    )


def ranked(predictions: list[Prediction]) -> list[Prediction]:
    """Those that fit, the best first: by pace, then by intensity, then by occupancy, then by what
    they take of shared memory."""
    fitting = [one for one in predictions if one.fits.ctas]
    return sorted(
        fitting,
        key=lambda one: (-one.pace, -one.intensity, -one.fits.share, one.tiling.shared_bytes),
    )
