"""What the outer product's scene says, as data: each number against a count one by one."""

import re

import pytest

from scenes.kit.shot import Act, Hold, Poster, Said
from scenes.outer_product.shots import (
    Compare,
    Fetch,
    Go,
    Larger,
    Multiply,
    Read,
    Restart,
    first_k_tile,
    shots,
)
from tests.test_imports import modules_after
from tests.tilings import DIRECT, FILMED, random_choices
from tiling.expand import expand_fragments
from tiling.for_scenes.numbers import thread_values
from tiling.for_scenes.one_thread import THREAD, Dot
from tiling.presets import Choice, choose
from tiling.schedule import Fragments, OuterProduct
from tiling.state import State

EVERY = [*map(choose, FILMED), *DIRECT, *random_choices(8, seed=3)]


@pytest.mark.parametrize("choice", EVERY, ids=lambda c: f"{c.gemm} in {c.tiling}")
def test_what_is_said_is_what_was_read_and_made(choice: Choice) -> None:
    plan = first_k_tile(choice)
    tm, tn, bk = plan.tiling.tm, plan.tiling.tn, plan.tiling.bk
    reads = [expand_fragments(plan, Fragments(0, k)) for k in range(bk)]
    there = [
        (read[o].predicate[THREAD] | (not plan.tiling.direct)).sum()
        for read in reads
        for o in ("A", "B")
    ]
    told = list(shots(plan, thread_values(plan, THREAD)))
    said = [shot.text for shot in told if isinstance(shot, Said)]
    counted = [re.match(r"([\d,]+) words read for ([\d,]+) FMA(.*)", text) for text in said]
    dot, outer = (
        (*(int(one[i].replace(",", "")) for i in (1, 2)), one[3]) for one in counted if one
    )
    a, b = sum(there[::2]), sum(there[1::2])
    assert dot[:2] == (a * tn + b * tm, tm * tn * bk) and dot[2].startswith(": two for each")
    assert outer == (a + b, tm * tn * bk, ", the same results")
    assert ("none for zeros" in dot[2]) == (dot[0] < 2 * dot[1])
    assert said[0] == said[-1]


@pytest.mark.parametrize("choice", EVERY, ids=lambda c: f"{c.gemm} in {c.tiling}")
def test_all_is_made_twice_each_result_and_each_k_in_order(choice: Choice) -> None:
    plan = first_k_tile(choice)
    told = list(shots(plan, thread_values(plan, THREAD)))
    acts = [shot for shot in told if isinstance(shot, Act)]
    dots = [act.after for act in acts if isinstance(act, Fetch | Go) and isinstance(act.after, Dot)]
    assert [(dot.done, dot.k) for dot in dots] == sorted((dot.done, dot.k) for dot in dots)
    assert (dots[-1].done, dots[-1].k) == (plan.tiling.tm * plan.tiling.tn - 1, plan.tiling.bk)
    steps = [act.after.step for act in acts if isinstance(act, Go) and isinstance(act.after, State)]
    steps += [act.step for act in acts if isinstance(act, Read | Multiply)]
    last = max(i for i, event in enumerate(plan.events) if isinstance(event, OuterProduct))
    assert max(steps) == last + 1
    for act in acts:
        if isinstance(act, Read | Multiply):
            kind = Fragments if isinstance(act, Read) else OuterProduct
            assert isinstance(plan.events[act.step - 1], kind)
    names = [act.name for act in acts if isinstance(act, Compare)]
    assert len(names) == len(set(names)) and names[0] == "dot product"
    kinds = [type(shot) for shot in told]
    assert kinds.index(Larger) < kinds.index(Poster) and kinds[-1] is Restart
    assert kinds.count(Hold) == 2


def test_shots_need_no_manim() -> None:
    assert "manim" not in modules_after("import scenes.outer_product.shots")
