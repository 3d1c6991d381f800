"""The rungs that run the kernel: what they say, what they cut down, what is missing."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.kernel_cases import CI, TILINGS, climbs, needs_host, needs_nvrtc, needs_race
from tests.mutant_list import KERNEL_MUTANTS
from tiling import nvidia
from tiling.faults import Missing
from tiling.kernel import compiler, host, rungs
from tiling.presets import Choice, choose, presets
from tiling.shapes import Gemm
from tiling.traffic import kinds_of_cta
from tiling.verify import RUNGS, verify

HERE = [
    pytest.param("host", marks=needs_host),
    pytest.param("race", marks=needs_race),
    pytest.param("compiler", marks=needs_nvrtc),
]


@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize("name", HERE[:2])  # the compiler's: test_kernel_compiler.py
def test_every_preset_climbs_every_rung_that_needs_no_gpu(name: str, preset: str) -> None:
    climbs(name, choose(preset))


@needs_race
def test_seed_takes_seconds() -> None:
    assert sum(verify(name, choose("seed")).seconds for name in ("model", "host", "race")) < 10


def test_a_small_gemm_runs_whole() -> None:
    for preset in "seed", "ragged", "small":
        choice = choose(preset)
        assert rungs.reduced(choice).gemm == choice.gemm


@pytest.mark.parametrize(
    "gemm", [Gemm(4096, 4096, 4096), Gemm(1000, 1, 999), Gemm(130, 257, 300)], ids=str
)
@pytest.mark.parametrize("tiling", TILINGS.values(), ids=TILINGS)
def test_a_large_gemm_is_cut_down_to_one_that_has_all_that_it_has(gemm: Gemm, tiling) -> None:
    whole = Choice("large", gemm, tiling, (0, 0)).schedule()
    small = rungs.reduced(Choice("large", gemm, tiling, (0, 0)))
    kinds = [
        sorted(
            {
                (plan.at(cta).inside("C"), plan.at(cta).inside("A", plan.k_tiles - 1))
                for cta, _ in kinds_of_cta(plan)
            }
        )
        for plan in (whole, small)
    ]
    assert kinds[0] == kinds[1]
    assert small.k_tiles > tiling.stages or small.k_tiles == whole.k_tiles  # stages are used again
    for size in "mnk":
        assert getattr(small.gemm, size) <= getattr(gemm, size)
    for operand in "A", "B", "C":  # rows are as often aligned for a wide request
        assert (
            small.gemm.shape(operand)[1] % tiling.vector == gemm.shape(operand)[1] % tiling.vector
        )


@needs_host
def test_many_small_ctas_are_cut_down_too() -> None:
    choice = Choice("many", Gemm(64, 64, 64), TILINGS["one element"], (0, 0))
    rung = verify("host", choice)
    assert rung.status == "passed"
    assert rung.says.startswith("cut down to 2×2×3 ")
    assert rung.seconds < 10


@needs_race
def test_what_was_cut_down_is_said() -> None:
    for name in "host", "race":
        says = verify(name, choose("sgemm")).says
        assert says.startswith("cut down to 256×256×24 (4 CTAs, same tiling and remainders): ")


@pytest.mark.parametrize("name", HERE)
def test_a_wrong_kernel_fails_the_rung(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (mutant,) = [m for m in KERNEL_MUTANTS if m.name == "no barrier before overwrite"]
    text = mutant.kernel()
    for module in host, compiler:
        monkeypatch.setattr(module, "source", lambda: text)
    rung = verify(name, choose("seed"))
    assert rung.status == "failed"
    assert rung.says


def test_a_rung_without_its_tools_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise Missing("no tools here")

    monkeypatch.setattr(host, "run", missing)
    monkeypatch.setattr(nvidia, "tools", missing)
    for name in "host", "race", "compiler":
        rung = verify(name, choose("seed"))
        assert (rung.status, rung.says) == ("not run", "no tools here")


def test_without_nvrtc_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(Missing, match="pip install cuda-bindings nvidia-cuda-nvrtc"):
        nvidia.tools()


def test_one_wrong_bit_is_found_and_counted() -> None:
    want = np.zeros((3, 4), np.float32)
    rungs.same_bits(want, want.copy())
    c = want.copy()
    c[1, 2] = -0.0
    with pytest.raises(rungs.Failed, match=r"C\[11, 22\] is -0.0, not .* 0.0; so 1 of 12 elements"):
        rungs.same_bits(c, want, (10, 20))


IMPORTS = """
import sys, pkgutil, importlib, tiling
for module in pkgutil.walk_packages(tiling.__path__, "tiling."):
    importlib.import_module(module.name)
print([name for name in ("manim", "cupy", "cuda") if name in sys.modules])
"""


def test_the_model_and_the_kernel_import_neither_manim_nor_cupy() -> None:
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_in_ci_nothing_but_the_gpu_is_missing(request: pytest.FixtureRequest) -> None:
    """Counts the tests that will be skipped, and climbs the rungs."""
    if not CI:
        pytest.skip("not in CI")
    skipped = [
        item.nodeid
        for item in request.session.items
        if not item.get_closest_marker("gpu")
        and any(mark.args and mark.args[0] is True for mark in item.iter_markers("skipif"))
    ]
    assert skipped == []
    rungs = [verify(name, choose("seed")) for name in RUNGS]
    assert [r.says for r in rungs if r.status != "passed" and r.name != "gpu"] == []
