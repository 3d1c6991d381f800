"""How often a value that a thread has read from shared memory is used, in tiles of all sizes."""

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


def words_per_fma(tiling: Tiling) -> dict[Operand, float]:
    """Words of As and of Bs that the threads read for each multiply-add: 1/TN and 1/TM.

    Words, not instructions: a 128-bit load brings four of them.
    """
    words = fragment_words(tiling, 0)
    fma = tiling.bm * tiling.bn
    return {"A": words["A"].size / fma, "B": words["B"].size / fma}


def dot_words_per_fma() -> dict[Operand, float]:
    """The same where each result is a dot product by itself: nothing is used twice."""
    one = counts_of(one_result_each(Gemm(1, 1, 1), (1, 1)))
    return {"A": one.requested_a / one.fma, "B": one.requested_b / one.fma}


@dataclass(frozen=True)
class Way:
    """A way to make results: its name, a thread's tile, words of A and of B for each FMA."""

    name: str
    tile: tuple[int, int]
    words: dict[Operand, float]

    @property
    def made(self) -> int:
        """Multiply-adds at one k."""
        return self.tile[0] * self.tile[1]

    @property
    def read(self) -> int:
        """Words at one k."""
        return round(sum(self.words.values()) * self.made)

    @property
    def tiling(self) -> Tiling:
        """The thread tile in the smallest CTA tile: words for each FMA depend on nothing else."""
        return _alone(*self.tile)


def ways(own: tuple[int, int]) -> list[Way]:
    """Dot products, then outer products that need fewer and fewer words for each FMA: of a thread
    tile of one's own (rows, cols), and of squares."""
    tiles = {own, *((side, side) for side in SQUARES)}
    words = {tile: words_per_fma(_alone(*tile)) for tile in tiles}
    ordered = sorted(words, key=lambda tile: (-sum(words[tile].values()), tile))
    return [
        Way("dot product", (1, 1), dot_words_per_fma()),
        *(Way(f"outer {dims(*tile)}", tile, words[tile]) for tile in ordered),
    ]


def distinct(ways: Sequence[Way]) -> list[Way]:
    """The first of those that have the same thread tile."""
    first = {way.tile: way for way in reversed(ways)}
    return [way for way in ways if way is first[way.tile]]


def larger_is_better(ways: list[Way]) -> bool:
    """Whether larger tiles need fewer words for each FMA, for all of them."""
    sizes = sorted({(way.made, way.read / way.made) for way in ways})
    return all(one[0] < two[0] and one[1] > two[1] for one, two in pairwise(sizes))


def _alone(tm: int, tn: int) -> Tiling:
    return Tiling(tm, tn, 1, tm, tn)
