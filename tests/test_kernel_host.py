"""The kernel built by g++: bits, traces, races, and what happens when it misbehaves."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.kernel_cases import RAGGED, TILINGS, TOY, bits, case, chain, needs_host, needs_race
from tiling.execute import execute
from tiling.faults import Broken
from tiling.kernel import cxx, host
from tiling.kernel.build import defines, file_text, source
from tiling.kernel.compare import EQUAL, compare
from tiling.kernel.provenance import late_barriers, provenance
from tiling.schedule import schedule
from tiling.shapes import Gemm, Tiling

pytestmark = needs_host
GEMMS = [RAGGED, Gemm(1, 1, 1), Gemm(1, 37, 2), Gemm(64, 3, 17)]


@pytest.mark.parametrize("gemm", GEMMS, ids=str)
@pytest.mark.parametrize("tiling", TILINGS.values(), ids=TILINGS)
def test_bits_of_c_equal_the_model(tiling: Tiling, gemm: Gemm) -> None:
    plan, a, b = case(tiling, gemm)
    c, _ = host.run(plan, a, b)
    assert (bits(c) == bits(execute(plan, a, b))).all()


@pytest.mark.parametrize("gemm", GEMMS, ids=str)
@pytest.mark.parametrize("tiling", TILINGS.values(), ids=TILINGS)
def test_every_thread_does_what_the_model_says(tiling: Tiling, gemm: Gemm) -> None:
    plan = schedule(gemm, tiling)
    _, slots = host.run(plan, *provenance(gemm), "trace")
    for number, cta in enumerate(np.ndindex(plan.grid)):
        assert compare(slots[number], plan.at(cta)) == EQUAL
    assert late_barriers(plan, slots) == []


@needs_race
@pytest.mark.parametrize("tiling", TILINGS.values(), ids=TILINGS)
def test_no_race_between_threads(tiling: Tiling) -> None:
    plan, a, b = case(tiling, Gemm(13, 70, 20))
    c, _ = host.run(plan, a, b, "race")
    assert (bits(c) == bits(execute(plan, a, b))).all()


@pytest.mark.parametrize("skew", range(4))
@pytest.mark.parametrize("name", ["vector 2", "vector 4", "warps"])
def test_wide_requests_give_way_where_addresses_are_not_aligned(name: str, skew: int) -> None:
    plan, a, b = case(TILINGS[name], Gemm(37, 66, 24))
    c, _ = host.run(plan, a, b, skew=skew)
    assert (bits(c) == bits(chain(a, b))).all()


def test_the_order_of_threads_does_not_matter() -> None:
    plan, a, b = case(TILINGS["warps"])
    results = {host.run(plan, a, b, order=order)[0].tobytes() for order in range(5)}
    assert len(results) == 1


def test_subnormal_numbers_keep_their_bits() -> None:
    plan, a, b = case(TOY)
    a, b = a * np.float32(1e-22), b * np.float32(1e-22)
    c, _ = host.run(plan, a, b)
    assert 0 < np.abs(c).max() < 2.0**-126
    assert (bits(c) == bits(execute(plan, a, b))).all()


def test_a_sum_that_underflows_loses_its_sign_where_k_is_filled_up() -> None:
    a, b = np.full((1, 1), -1e-30, np.float32), np.full((1, 1), 1e-30, np.float32)
    for tiling, negative in (TILINGS["one element"], True), (TOY, False):
        plan = schedule(Gemm(1, 1, 1), tiling)
        c, _ = host.run(plan, a, b)
        assert c[0, 0] == 0
        assert np.signbit(c[0, 0]) == np.signbit(execute(plan, a, b)[0, 0]) == negative


def _patched(old: str, new: str) -> str:
    assert source().count(old) == 1
    return source().replace(old, new)


def test_a_barrier_that_some_threads_skip_is_reported() -> None:
    plan, a, b = case(TOY)
    kernel = _patched(
        "if (k_tile > 0) __syncthreads();", "if (k_tile > 0 && thread != 3) __syncthreads();"
    )
    with pytest.raises(Broken, match="not reached by all threads"):
        host.run(plan, a, b, kernel=kernel)


@pytest.mark.parametrize("build", ["plain", pytest.param("race", marks=needs_race)])
def test_a_kernel_that_hangs_is_stopped(build: host.Build) -> None:
    plan, a, b = case(TOY)
    forever = "for (volatile bool hangs = thread == 3; hangs;) {}\n"
    kernel = _patched("    float accumulator", forever + "    float accumulator")
    with pytest.raises(Broken, match="hung: not done after 2 s"):
        host.run(plan, a, b, build, kernel=kernel, limit=2)


def test_a_write_outside_c_is_reported() -> None:
    plan, a, b = case(TOY)
    kernel = _patched(
        "const bool inside = row < M && col < N;\n        Element",
        "const bool inside = col < N;\n        Element",
    )
    with pytest.raises(Broken, match="a write outside C"):
        host.run(plan, a, b, kernel=kernel)


def test_a_write_outside_shared_memory_is_reported() -> None:
    plan, a, b = case(TOY)
    kernel = _patched("word = stage + b_word(k, col)", "word = stage + b_word(k + 1, col)")
    with pytest.raises(Broken, match="a write outside shared memory"):
        host.run(plan, a, b, kernel=kernel)


def test_a_wide_access_that_is_not_aligned_is_reported() -> None:
    plan, a, b = case(TILINGS["vector 4"])
    with pytest.raises(Broken, match="a wide access at an address that is not a multiple"):
        host.run(
            plan,
            a,
            b,
            kernel=_patched(" &&\n               address % sizeof(Wide<FLOATS>) == 0", ""),
            skew=1,
        )


def test_a_kernel_that_does_not_build_says_where() -> None:
    plan, a, b = case(TOY)
    with pytest.raises(Broken, match=r"refuses gemm\.cu: .*gemm\.cu:\d+"):
        host.run(plan, a, b, kernel=source() + "nonsense;")


@needs_race
@pytest.mark.parametrize("attempt", range(10))
def test_a_race_is_found_every_time_and_told_in_lines_of_the_source(attempt: int) -> None:
    plan, a, b = case(TOY)
    kernel = _patched("if (k_tile > 0) __syncthreads();", "")
    with pytest.raises(
        Broken,
        match=r"between threads: a \w+ in line \d+ \(.*shared.* and a \w+ in line \d+ \(.*shared",
    ):
        host.run(plan, a, b, "race", kernel=kernel)


@pytest.mark.parametrize("trace", [False, True], ids=["plain", "trace"])
@pytest.mark.parametrize("tiling", [TOY, TILINGS["warps"], TILINGS["pipeline"]], ids=str)
def test_the_kernel_gives_no_warning(tiling: Tiling, trace: bool) -> None:
    _no_warning(*host.KERNEL_OPTIONS, *defines(tiling, trace), "-x", "c++", "gemm.cu")


def test_the_host_program_gives_no_warning() -> None:
    _no_warning("host.cpp", "fibers.cpp", "threads.cpp")


def _no_warning(*options: str) -> None:
    path, _ = cxx.compiler()
    command = [path, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *host.OPTIONS, *options]
    done = subprocess.run(command, cwd=Path(host.__file__).parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_recording_leaves_nothing_in_the_text_that_is_shipped() -> None:
    assert "recorded_" in source() and "record" not in file_text("gemm.cu")
    path, _ = cxx.compiler()
    command = [path, "-E", "-P", "-x", "c++", "-"]
    done = subprocess.run(command, input=source(), capture_output=True, text=True, check=True)
    for word in "record", "clock64", "slot", "class":
        assert word not in done.stdout
