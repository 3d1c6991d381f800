"""The rung ptx: what NVRTC makes of gemm.cu, run in the machine, against the model."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.kernel_cases import RAGGED, TILINGS, any_gemm, any_tiling, climbs, needs_nvrtc
from tiling import banks, sectors
from tiling.execute import execute
from tiling.kernel import compiled, rungs, tied
from tiling.kernel.build import source
from tiling.kernel.observed import Counts, Differs
from tiling.presets import choose
from tiling.ptx.sass import Unknown
from tiling.ptx.syntax import Refused
from tiling.schedule import Schedule, schedule
from tiling.shapes import Gemm, Tiling
from tiling.verify import floats, verify

pytestmark = needs_nvrtc
ARCHS = ("compute_75", "compute_80", "compute_100")


def ran(
    plan: Schedule, archs: tuple[str, ...] = ARCHS, kernel: str | None = None
) -> dict[tuple[str, ...], dict[tuple[int, int], Counts]]:
    """What all CTAs of the grid did, for each build. Raises Differs."""
    a, b = floats(plan.gemm)
    ctas = list(np.ndindex(plan.grid))
    want = execute(plan, a, b)
    return {
        build.archs: dict(compiled.run(build, plan, a, b, want, ctas))
        for build in compiled.programs(plan.tiling, archs, kernel)
    }


def untied(plan: Schedule, found: dict[tuple[int, int], Counts]) -> list[str]:
    """Counts of the model that the kernel's are not."""
    each = [text for cta, c in found.items() for text in tied.differences(plan.at(cta), c, True)]
    return [*each, *tied.whole_grid(plan, found)]


def few(gemm: Gemm, tiling: Tiling) -> Schedule:
    """The tiling on a grid of at most 2×2 CTAs, with remainders."""
    sizes = (min(gemm.m, 2 * tiling.bm - 1), min(gemm.n, 2 * tiling.bn - 1), gemm.k)
    return schedule(Gemm(*sizes), tiling)


@pytest.mark.parametrize("tiling", TILINGS.values(), ids=TILINGS)
def test_every_access_of_every_cta_is_the_models(tiling: Tiling) -> None:
    plan = few(RAGGED, tiling)
    for found in ran(plan).values():
        assert list(found) == list(np.ndindex(plan.grid))
        assert untied(plan, found) == []


@pytest.mark.parametrize("seed", range(12))
def test_any_tiling_of_any_gemm(seed: int) -> None:
    random = Random(seed)
    tiling = any_tiling(lambda choices: random.choice(list(choices)))
    gemm = any_gemm(lambda choices: random.choice(list(choices)))
    plan = few(gemm, tiling)
    for found in ran(plan, ("compute_80",)).values():
        assert untied(plan, found) == []


@pytest.mark.parametrize("preset", ["seed", "ragged", "warp"])
def test_the_rung_passes(preset: str) -> None:
    climbs("ptx", choose(preset))


def test_the_rung_says_what_it_ran() -> None:
    rung = verify("ptx", choose("seed"))
    assert "all 4 CTAs" in rung.says and "compute_100" in rung.says
    # 4 CTAs in 2 builds or more: 3 k-tiles of 48 elements loaded, written, and 2·2·9 read 12 times.
    each = 3 * 48 * 2 + 36 + 9 * 4 * 12
    assert rung.found["accesses"] % (4 * each) == 0 and rung.found["accesses"] >= 4 * each


def test_a_long_k_is_run_whole_in_its_corners() -> None:
    choice = choose("naive")
    plan = rungs.full_length(choice)
    assert plan.gemm == choice.gemm
    assert rungs.corners(plan) == [choice.cta, (127, 127)]
    ragged = rungs.full_length(choose("ragged"))
    assert set(rungs.corners(ragged)) >= {(0, 0), (2, 0), (0, 1), (2, 1)}


def test_a_k_that_would_take_too_long_keeps_its_remainder() -> None:
    choice = choose("sgemm", overrides={"gemm": "256x256x300003"})
    plan = rungs.full_length(choice)
    assert plan.gemm.k < 10_000 and plan.gemm.k % 8 == 300003 % 8


@pytest.mark.parametrize(
    "no", [Refused("is not known to this machine", 7, "mbarrier.init"), Unknown("no listing")]
)
def test_what_our_machine_does_not_know_is_not_the_kernel_s_fault(
    no: ValueError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise no

    monkeypatch.setattr(compiled, "as_made", refuses)
    rung = verify("ptx", choose("seed"))
    assert rung.status == "not run" and rung.says.endswith(str(no))


def _patched(old: str, new: str) -> str:
    assert source().count(old) == 1
    return source().replace(old, new)


def test_what_differs_is_named() -> None:
    plan = schedule(RAGGED, TILINGS["toy"])
    kernel = _patched("blockIdx.x % ctas_per_row * BN", "0")
    with pytest.raises(Differs, match=r"CTA \(0, 1\), after 0 barriers: .* loads of B.*gemm.cu"):
        ran(plan, ("compute_80",), kernel)


def test_a_race_is_a_finding_with_its_line() -> None:
    plan = schedule(RAGGED, TILINGS["toy"])
    kernel = _patched("if (k_tile > 0) __syncthreads();", "")
    with pytest.raises(Differs) as differs:
        ran(plan, ("compute_80",), kernel)
    assert "\n" not in str(differs.value)


class Mutants:
    """The model's counts with one mistake each: (module, name, what is put in its place)."""

    @staticmethod
    def half_the_fma(of: Any) -> Any:
        return lambda *a, **k: replace(found := of(*a, **k), fma=found.fma // 2)

    @staticmethod
    def one_more(name: str) -> Callable[[Any], Any]:
        def wrap(of: Any) -> Any:
            def wrapped(*a: Any, **k: Any) -> Any:
                found = of(*a, **k)
                return replace(found, **{name: getattr(found, name) + 1})

            return wrapped

        return wrap

    @staticmethod
    def one_phase(of: Any) -> Any:
        return lambda request, lane, word, width=1: of(request, lane, word, 1)

    @staticmethod
    def pair(at: int) -> Callable[[Any], Any]:
        def wrap(of: Any) -> Any:
            def wrapped(*a: Any, **k: Any) -> Any:
                found = list(of(*a, **k))
                found[at] += 1
                return tuple(found)

            return wrapped

        return wrap


STATE = ("requested_a", "requested_b", "stored", "shared_writes", "shared_reads", "epoch")
COUNTS = {
    "half the multiply-adds": (tied, "state_at", Mutants.half_the_fma),
    "half the multiply-adds of a table": (tied, "counts_of", Mutants.half_the_fma),
    **{
        f"state: one more of {name}": (tied, "state_at", Mutants.one_more(name))
        for name in (
            "requested_a",
            "requested_b",
            "stored",
            "shared_writes",
            "shared_reads",
            "epoch",
        )
    },
    "a request more of A": (tied, "loaded", Mutants.pair(0)),
    "a sector more of A": (tied, "loaded", Mutants.pair(1)),
    "a request more of C": (tied, "stored", Mutants.pair(0)),
    "a sector more of C": (tied, "stored", Mutants.pair(1)),
    "wide reads of shared memory in one phase": (banks, "cost", Mutants.one_phase),
}
"""A function that gives a number of the screen, and the same with a mistake in it."""


@pytest.mark.usefixtures("one_build")
@pytest.mark.parametrize("name", COUNTS)
def test_a_wrong_count_fails_the_rung(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, function, wrap = COUNTS[name]
    monkeypatch.setattr(module, function, wrap(getattr(module, function)))
    _forget()
    assert (
        verify("ptx", choose("small", overrides={"gemm": "16x16x16", "vector": "4"})).status
        == "failed"
    )


@pytest.mark.usefixtures("one_build")
@pytest.mark.parametrize("bytes_", [16, 64])
def test_a_sector_of_another_size_fails_the_rung(
    bytes_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sectors, "SECTOR", bytes_)
    assert verify("ptx", choose("seed")).status == "failed"


@pytest.mark.usefixtures("one_build")
@pytest.mark.parametrize("many", [16, 64])
def test_banks_of_another_number_fail_the_rung(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banks, "BANKS", many)
    _forget()
    assert verify("ptx", choose("small", overrides={"gemm": "16x16x16"})).status == "failed"


def _forget() -> None:
    """What the model keeps of earlier counts."""
    for function in banks.write_cost, banks.read_cost:
        function.cache_clear()


@pytest.fixture(autouse=True)
def _as_before() -> Any:
    yield
    _forget()


@pytest.fixture
def one_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted does not depend on the architecture."""
    monkeypatch.setattr(rungs, "PTX_ARCHITECTURES", ("compute_80",))
