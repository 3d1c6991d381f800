"""How often an element that a thread has loaded is used, in thread tiles of all sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tiling.expand import fragment_words
from tiling.for_scenes.naive import one_result_each
from tiling.layout import Operand
from tiling.shapes import Gemm, Tiling, dims
from tiling.traffic import counts_of

SQUARES = (2, 4, 8)
"""Sides of the thread tiles that are compared, beside a tiling's own."""


def loads_per_fma(tiling: Tiling) -> dict[Operand, float]:
    """Elements of As and of Bs that the threads load for each multiply-add: 1/TN and 1/TM.

    Elements, not instructions: one of 128 bits brings four of them.
    """
    words = fragment_words(tiling, 0)
    fma = tiling.bm * tiling.bn
    return {"A": words["A"].size / fma, "B": words["B"].size / fma}


def dot_loads_per_fma() -> dict[Operand, float]:
    """The same where each result is a dot product by itself: nothing is used twice."""
    one = counts_of(one_result_each(Gemm(1, 1, 1), (1, 1)))
    return {"A": one.requested_a / one.fma, "B": one.requested_b / one.fma}


@dataclass(frozen=True)
class Way:
    """A way to make results: its name, a thread's tile, loads of A and of B for each FMA."""

    name: str
    tile: tuple[int, int]
    loads: dict[Operand, float]

    @property
    def made(self) -> int:
        """Multiply-adds at one k."""
        return self.tile[0] * self.tile[1]

    @property
    def loaded(self) -> int:
        """Elements at one k."""
        return round(sum(self.loads.values()) * self.made)

    @property
    def tiling(self) -> Tiling:
        """The thread tile in the smallest CTA tile: loads for each FMA depend on nothing else."""
        return _alone(*self.tile)


def ways(own: tuple[int, int]) -> list[Way]:
    """Dot products, then outer products that need fewer and fewer loads for each FMA: of a thread
    tile of one's own (rows, cols), and of squares."""
    tiles = {own, *((side, side) for side in SQUARES)}
    loads = {tile: loads_per_fma(_alone(*tile)) for tile in tiles}
    ordered = sorted(loads, key=lambda tile: (-sum(loads[tile].values()), tile))
    return [
        Way("dot product", (1, 1), dot_loads_per_fma()),
        *(Way(f"outer {dims(*tile)}", tile, loads[tile]) for tile in ordered),
    ]


def distinct(ways: Sequence[Way]) -> list[Way]:
    """The first of those that have the same thread tile."""
    first = {way.tile: way for way in reversed(ways)}
    return [way for way in ways if way is first[way.tile]]


def larger_is_better(ways: list[Way]) -> bool:
    """Whether larger tiles need fewer loads for each FMA, for all of them."""
    sizes = sorted({(way.made, way.loaded / way.made) for way in ways})
    return all(one[0] < two[0] and one[1] > two[1] for one, two in pairwise(sizes))


def _alone(tm: int, tn: int) -> Tiling:
    return Tiling(tm, tn, 1, tm, tn)
