"""How often a value that a thread has read from shared memory is used."""

from tiling.expand import fragment_words
from tiling.layout import Operand
from tiling.naive import one_result_each
from tiling.shapes import Gemm, Tiling
from tiling.traffic import count


def words_per_fma(tiling: Tiling) -> dict[Operand, float]:
    """Words of As and of Bs that the threads read for each multiply-add: 1/TN and 1/TM.

    Words, not instructions: a 128-bit load brings four of them.
    """
    words = fragment_words(tiling, 0)
    fma = tiling.bm * tiling.bn
    return {"A": words["A"].size / fma, "B": words["B"].size / fma}


def dot_words_per_fma() -> dict[Operand, float]:
    """The same where each result is a dot product by itself: nothing is used twice."""
    one = count(one_result_each(Gemm(1, 1, 1), (1, 1)))
    return {"A": one.requested_a / one.fma, "B": one.requested_b / one.fma}
