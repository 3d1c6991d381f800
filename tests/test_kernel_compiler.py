"""The kernel through NVIDIA's compiler, with no GPU."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from random import Random
from unittest.mock import patch

import pytest

from tests.kernel_cases import TILINGS, TOY, any_tiling, climbs, needs_nvrtc
from tiling import nvidia
from tiling.faults import Broken
from tiling.kernel import compiler
from tiling.kernel.build import line, source
from tiling.presets import choose, presets
from tiling.shapes import Tiling

pytestmark = needs_nvrtc
SGEMM = choose("sgemm").tiling
BOTH_ENDS = ("sm_75", "sm_100")


@pytest.fixture(scope="module", autouse=True)
def compiled_once() -> Iterator[None]:
    """What several of these tests look at."""
    with patch.object(compiler, "compile_for", lru_cache(maxsize=None)(compiler.compile_for)):
        yield


@pytest.mark.parametrize("preset", presets())
def test_every_preset_climbs_the_rung_with_exactly_the_model_s_counts(preset: str) -> None:
    climbs("compiler", choose(preset))
    tiling = choose(preset).tiling
    for arch in compiler.ARCHITECTURES:
        machine = compiler.compile_for(arch, tiling)
        assert compiler.count(machine, tiling) == compiler.predicted(tiling, arch), arch
        assert machine.shared == tiling.shared_bytes
        assert machine.spilled == machine.stack == 0
        assert machine.registers > tiling.tm * tiling.tn


@pytest.mark.parametrize("arch", BOTH_ENDS)
@pytest.mark.parametrize("tiling", TILINGS.values(), ids=TILINGS)
def test_no_tiling_gives_cause_for_complaint(tiling: Tiling, arch: str) -> None:
    assert compiler.complaints(compiler.compile_for(arch, tiling), tiling) == []


@pytest.mark.parametrize("seed", range(12))
def test_nor_does_any_other(seed: int) -> None:
    random = Random(seed)
    tiling = any_tiling(random.choice)
    arch = random.choice(compiler.ARCHITECTURES)
    assert compiler.complaints(compiler.compile_for(arch, tiling), tiling) == []


def test_fragments_are_read_by_wide_loads_where_they_are_aligned() -> None:
    machine = compiler.compile_for("sm_90", SGEMM)
    assert machine.census["LDS.128"] == SGEMM.bk * (SGEMM.tm + SGEMM.tn) // 4
    assert "LDS.32" not in machine.census
    unaligned = Tiling(128, 128, 8, 8, 8, pad=1)
    assert "LDS.32" in compiler.compile_for("sm_90", unaligned).census


def test_vector_makes_wide_requests_with_single_ones_to_fall_back_on() -> None:
    machine = compiler.compile_for("sm_90", Tiling(128, 128, 8, 8, 8, vector=4))
    assert machine.census["LDG.128"] == 2
    assert machine.census["LDG.32"] == 8


@pytest.mark.parametrize("arch", BOTH_ENDS)
@pytest.mark.parametrize("name", ["toy", "warps", "pipeline", "direct"])
def test_the_build_that_records_compiles_and_is_another_program(name: str, arch: str) -> None:
    tiling = TILINGS[name]
    recording = compiler.compile_for(arch, tiling, trace=True)
    assert any("SR_CLOCK" in line for line in recording.code) != tiling.direct  # at its barriers
    assert recording.code != compiler.compile_for(arch, tiling).code


def test_multiply_adds_keep_subnormals_under_the_option_that_cupy_sets() -> None:
    flushing = source().replace("__fmaf_ieee_rn", "__fmaf_rn")
    options = ("--gpu-architecture=sm_90", "-ftz=true", *compiler.device_defines(TOY))
    for kernel, flushed in (source(), False), (flushing, True):
        code = nvidia.disassemble(nvidia.cubin(kernel, options)[1])
        assert any("FFMA.FTZ" in line for line in code) == flushed


@pytest.mark.parametrize("name", ["toy", "pipeline"])
def test_compiled_code_names_the_lines_of_gemm_cu(name: str) -> None:
    options = ("--gpu-architecture=compute_90", "--std=c++17", "-lineinfo")
    text = nvidia.ptx(source(), (*options, *compiler.device_defines(TILINGS[name])))
    files = dict(re.findall(r'\.file\s+(\d+) "(?:.*/)?(.*?)"', text))
    words = {"bar.sync": "__syncthreads();", "fma.rn.f32": "__fmaf_ieee_rn("}
    seen, here = dict.fromkeys(words, 0), ""
    for one in text.splitlines():
        if mark := re.match(r"\s*\.loc\s+(\d+) (\d+)", one):
            here = line(source(), int(mark[2]), files[mark[1]])
        for opcode in words:
            if opcode in one:
                seen[opcode] += 1
                assert words[opcode] in here
    assert min(seen.values()) > 1


def test_a_kernel_that_spills_is_complained_of() -> None:
    crowded = Tiling(256, 256, 8, 8, 8)  # 1024 threads of 64 accumulators: 64 registers each
    text = compiler.complaints(compiler.compile_for("sm_90", crowded), crowded)
    assert any("bytes spilled" in complaint for complaint in text)


def test_a_kernel_that_does_not_build_says_where() -> None:
    with pytest.raises(Broken, match=r"gemm\.cu\(\d+\): error"):
        compiler.compile_for("sm_90", TOY, source() + "nonsense;")


def test_versions_are_named() -> None:
    assert set(nvidia.tools()) == {"nvrtc", "nvdisasm"}
    assert all(re.fullmatch(r"[\d.]+", version) for version in nvidia.tools().values())


def test_words_count_wide_instructions_by_their_width() -> None:
    code = ("FFMA R0, R1, R2, R3", "@!P0 LDS.U.128 R4, [R8]", "LDS R4, [R8]", "FFMA2 R0, R2, R4")
    census = compiler.census(code)
    assert census == {"FFMA": 3, "LDS.128": 1, "LDS.32": 1}
    assert compiler.words(census, "LDS") == 5


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"spilled": 8}, "8 bytes spilled, 0 bytes of stack"),
        ({"registers": 3}, "3 registers for 4 accumulators"),
        ({"shared": 0}, "0 bytes of shared memory, not 192"),
        ({"FFMA": 15}, "FFMA 15, not 16"),
        ({"STG.32": 3}, "STG 3, not 4"),
        ({"BAR": 1}, "BAR 1, not 2"),
        ({"LDS.64": 7}, "14 words by LDS, not 16"),
        ({"STS.32": 5}, "5 words by STS, not 6"),
        ({"LDG.32": 13}, "13 words by LDG, not 6"),
    ],
)
def test_each_count_that_is_off_is_named(spoilt: dict[str, int], words: str) -> None:
    census = {"FFMA": 16, "LDS.64": 8, "STS.32": 6, "LDG.32": 6, "STG.32": 4, "BAR": 2}
    good = compiler.Machine("sm_90", 58, 0, 0, 192, census, ())
    assert compiler.complaints(good, TOY) == []
    (name,) = spoilt
    bad = replace(good, **spoilt) if name in vars(good) else replace(good, census=census | spoilt)
    assert compiler.complaints(bad, TOY) == [words]


def test_a_k_loop_that_stays_a_loop_is_not_counted() -> None:
    deep = Tiling(8, 8, 512, 8, 8)
    census = {"FFMA": 64 * 256, "STG.32": 64, "BAR": 2}
    machine = compiler.Machine("sm_90", 114, 0, 0, deep.shared_bytes, census, ())
    assert compiler.complaints(machine, deep) == []
