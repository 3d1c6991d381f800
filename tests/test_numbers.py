"""The numbers in registers: how large they are, by hand."""

import numpy as np
import pytest

from tests.tilings import FILMED, random_choices
from tiling.for_scenes.numbers import magnitudes, operands, thread_values
from tiling.for_scenes.one_thread import THREAD
from tiling.presets import Choice, choose
from tiling.schedule import schedule

CHOICES = [*(choose(name) for name in FILMED), choose("naive"), *random_choices(8)]


# A sum of 4096 products of 1s and 2s is 4096·1.5² = 9216 on average, with a deviation of 70.
@pytest.mark.parametrize(
    ("k", "want"), [(1, (9, 2)), (12, (9, 3)), (40, (6, 3)), (1024, (4, 4)), (4096, (2, 4))]
)
def test_few_digits_and_not_all_ones(k: int, want: tuple[int, int]) -> None:
    assert magnitudes(k) == want


@pytest.mark.parametrize("choice", CHOICES, ids=lambda c: f"{c.gemm} in {c.tiling}")
def test_sums_have_no_more_digits_than_room_is_kept_for(choice: Choice) -> None:
    plan = schedule(choice.gemm, choice.tiling, choice.cta)
    top, digits = magnitudes(plan.gemm.k)
    both = np.concatenate([x.ravel() for x in operands(plan)])
    assert both.min() >= 1 and both.max() <= top
    assert both.max() > 1 or both.size < 8
    assert thread_values(plan, THREAD).acc.max() < 10**digits
