"""The model rung passes for what is right, and says what is wrong of what is not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from tests.strategies import floats, schedules
from tiling import execute as execution
from tiling import expand, verify
from tiling.presets import Choice, choose
from tiling.schedule import Barrier, Copy, Fragments, OuterProduct, Schedule, Store, schedule
from tiling.shapes import Gemm, Tiling


def climb(choice=None, advance=lambda share: None):
    return verify.verify("model", choice or choose("ragged"), advance)


@pytest.mark.parametrize(("preset", "ctas"), [("seed", 4), ("ragged", 6), ("small", 12)])
def test_presets_pass_whole(preset, ctas):
    rung = climb(choose(preset))
    assert rung.status == "passed", rung.says
    assert rung.says.startswith(f"all {ctas} CTAs executed over K = ")
    assert len(rung.found["ctas"]) == ctas


@given(schedules())
@settings(max_examples=25)
def test_any_tiling_passes(plan):
    rung = climb(Choice("any", plan.gemm, plan.tiling, plan.cta))
    assert rung.status == "passed", rung.says


def test_a_large_gemm_is_sampled_and_says_so(monkeypatch):
    monkeypatch.setattr(verify, "WHOLE_FMA", 0)
    choice = choose(overrides={"gemm": "62x50x10"})  # 11×9 CTAs
    rung = climb(choice)
    assert rung.status == "passed"
    ctas = [tuple(cta) for cta in rung.found["ctas"]]
    assert rung.says.startswith(f"{len(ctas)} of 99 CTAs executed over K = 10")
    assert len(set(ctas)) == len(ctas) < 20


@pytest.mark.parametrize("gemm", ["62x50x10", "60x50x10", "62x54x10", "60x54x10", "6x50x4"])
def test_a_sample_has_every_kind_of_cta_and_the_filmed_one(gemm):
    filmed = "0,3"  # neither a corner nor the middle
    plan = choose(overrides={"gemm": gemm, "block": filmed}).schedule()
    chosen = verify.sample(plan)
    rows, cols = plan.grid
    assert {plan.at(cta).inside("C") for cta in chosen} == {
        plan.at(cta).inside("C") for cta in np.ndindex(rows, cols)
    }
    corners = {(row, col) for row in (0, rows - 1) for col in (0, cols - 1)}
    edges = {(0, cols // 2), (rows - 1, cols // 2), (rows // 2, 0), (rows // 2, cols - 1)}
    assert {plan.cta, (rows // 2, cols // 2)} | corners | edges <= set(chosen)
    assert all(0 <= row < rows and 0 <= col < cols for row, col in chosen)


BREAKS = {
    "no read barrier": (Barrier(1, "reads"), "read before barrier"),
    "no overwrite barrier": (Barrier(1, "overwrite"), "overwrite before barrier"),
    "no copy of A": (Copy("A", 2), "wrong k-tile"),
    "no copy of B": (Copy("B", 0), "never written"),
    "no product": (OuterProduct(1, 3), "of its tile is"),
    "no fragments": (Fragments(1, 3), "of its tile is"),
    "no store": (Store(), "stores nothing"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_schedule_with_an_event_left_out_fails(name, monkeypatch):
    event, says = BREAKS[name]

    def broken(choice):
        plan = schedule(choice.gemm, choice.tiling, choice.cta)
        events = tuple(e for e in plan.events if e != event)
        assert len(events) == len(plan.events) - 1
        return replace(plan, events=events)

    monkeypatch.setattr(Choice, "schedule", broken)
    rung = climb()
    assert rung.status == "failed" and says in rung.says


def transposed(schedule_, accesses):
    return replace(accesses, row=accesses.col, col=accesses.row)


def unguarded(schedule_, accesses):
    return replace(accesses, predicate=np.ones_like(accesses.predicate))


def one_short(schedule_, accesses):
    predicate = accesses.predicate.copy()
    predicate[-1, -1, -1] = predicate[0, 0, 0] = False
    return replace(accesses, predicate=predicate)


@pytest.mark.parametrize("wrong", [transposed, unguarded, one_short])
def test_stores_that_do_not_cover_C_fail(wrong, monkeypatch):
    right = expand.expand_store
    monkeypatch.setattr(verify, "expand_store", lambda plan, event: wrong(plan, right(plan, event)))
    rung = climb()
    assert rung.status == "failed" and "store" in rung.says


def test_a_copy_of_the_neighbouring_column_fails(monkeypatch):
    right = expand.copy_map

    def wrong(tiling, operand, stage=0):
        thread, row, col, word = right(tiling, operand, stage)
        return thread, row, (col + 1 if operand == "B" else col), word

    monkeypatch.setattr(execution, "copy_map", wrong)
    rung = climb()
    assert rung.status == "failed" and rung.says.startswith("the CTA at (0, 0): C[0, 0]")


def test_a_product_that_is_a_little_too_large_fails(monkeypatch):
    right = execution.fma
    monkeypatch.setattr(execution, "fma", lambda a, b, c: right(a, b, c) * np.float32(1 + 2**-18))
    rung = climb()
    assert rung.status == "failed" and "of its tile is" in rung.says


def test_floats_may_be_off_by_gamma_K_and_no_more():
    a, b = floats((5, 40)), floats((40, 7), 1)
    exact_a, exact_b = a.astype(np.float64), b.astype(np.float64)
    ku = 40 * 2.0**-24
    bound = ku / (1 - ku) * (np.abs(exact_a) @ np.abs(exact_b))
    assert verify._near(exact_a @ exact_b + 0.999 * bound, a, b) == ""
    assert verify._near(exact_a @ exact_b - 1.001 * bound, a, b).startswith("C[0, 0] of its tile")


def test_progress_ends_at_one():
    shares = []
    climb(advance=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1 and len(shares) == 3


def test_a_rung_that_cannot_run_says_why(monkeypatch):
    def cannot(choice, advance):
        raise verify.NotRun("there is no device")

    monkeypatch.setitem(verify.RUNGS, "gpu", cannot)
    rung = verify.verify("gpu", choose("seed"))
    assert (rung.status, rung.says, rung.seconds) == ("not run", "there is no device", 0.0)


def test_integers_stay_exact_over_a_long_K(monkeypatch):
    """No partial sum can leave the whole numbers that float32 holds, in any order."""
    seen = []

    def product(plan, a, b, ctas, whole):
        seen.append(np.abs(a).max() * np.abs(b).max() * plan.gemm.k)
        return (a.astype(np.float64) @ b).astype(np.float32)

    monkeypatch.setattr(verify, "execute", product)
    plan = Schedule(Gemm(1, 1, 10**6), Tiling(1, 1, 1, 1, 1), (0, 0), ())
    verify._check_products(plan, [(0, 0)], lambda share: None)
    assert 0 < seen[0] <= 2**24
