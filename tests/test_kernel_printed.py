"""The kernel of one tiling, printed: it reads alone, compiles alone, and is the same program."""

import re
import subprocess

import pytest
from click.testing import CliRunner

import render
from tests.kernel_cases import TILINGS, needs_host, needs_nvrtc
from tiling import nvidia
from tiling.kernel import compiler, cxx, host
from tiling.kernel.printed import _holds, _resolved, printed
from tiling.presets import Choice, choose
from tiling.shapes import Gemm

CHOICES = {
    **{preset: choose(preset) for preset in ("seed", "ragged", "naive", "vector", "pipelined")},
    **{name: Choice("it", Gemm(70, 80, 300), tiling, (0, 0)) for name, tiling in TILINGS.items()},
}


@needs_nvrtc
@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
@pytest.mark.parametrize(
    "name", ["seed", "naive", "vector", "pipelined", "ragged", "padded", "more shared memory"]
)
def test_machine_code_is_that_of_the_kernel_that_is_verified(name: str, arch: str) -> None:
    choice = CHOICES[name]
    alone = (f"--gpu-architecture={arch}", "--std=c++17")
    code = nvidia.disassemble(nvidia.cubin(printed(choice), alone)[1])
    assert code == compiler.compile_for(arch, choice.tiling).code


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_nothing_is_left_that_this_tiling_does_not_need(choice: Choice) -> None:
    text = printed(choice)
    code = re.sub(r"//.*", "", text)
    conditions = set(re.findall(r"^#\s*(?:if|elif).*", code, re.MULTILINE))
    assert conditions == ({"#if __CUDA_ARCH__ >= 800"} if choice.tiling.asynchronous else set())
    assert not re.search(r"^#(define|include|line|ifdef)|TRACE|Element|record", code, re.MULTILINE)
    constants = re.findall(r"(\w+) = ", "".join(re.findall(r"^constexpr .*", code, re.MULTILINE)))
    functions = re.findall(r"__device__ .*?(\w+)\(", code)
    structures = re.findall(r"struct (?:alignas\(.*\) )?(\w+)", code)
    assert {"BM", "THREADS", "place", "inside", "Neighbours"} <= {
        *constants,
        *functions,
        *structures,
    }
    for name in constants + functions + structures:
        assert len(re.findall(rf"\b{name}\b", code)) > 1, name
    assert "\n\n\n" not in text and "{\n\n" not in text
    assert max(map(len, text.splitlines())) <= 102


@needs_host
@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_a_compiler_finds_nothing_unused(choice: Choice) -> None:
    command = [cxx.compiler()[0], "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *host.OPTIONS]
    # host.h has copies of its own, with the same names.
    text = re.sub(r"\b(begin_copy|commit_copies|wait_for_copies)\b", r"its_\1", printed(choice))
    done = subprocess.run(
        [*command, "-include", "host.h", "-x", "c++", "-"],
        input=text,
        cwd=host.__file__.rpartition("/")[0],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "launch"),
    [
        ("seed", "gemm<<<4, 9, 0>>>(A, B, C, 12, 12, 12);"),
        ("ragged", "gemm<<<6, 9, 0>>>(A, B, C, 13, 11, 10);"),
        ("pipelined", "gemm<<<1024, 256, 0>>>(A, B, C, 4096, 4096, 4096);"),
        ("more shared memory", "gemm<<<4, 256, 65536>>>(A, B, C, 70, 80, 300);"),
    ],
)
def test_it_says_what_it_is_and_how_it_is_launched(name: str, launch: str) -> None:
    choice = CHOICES[name]
    heading = printed(choice).partition("\n\n")[0]
    assert f"//     {launch}\n" in heading
    assert f"// {choice.name}: {choice.gemm} in tiles of {choice.tiling}" in heading
    assert ("cudaFuncSetAttribute(" in heading) == (choice.tiling.shared_bytes > 48 * 1024)


def test_the_command_prints_it() -> None:
    done = CliRunner().invoke(render.main, ["source", "--preset", "vector", "--gemm", "70x80x90"])
    assert done.exit_code == 0
    assert done.output == printed(choose("vector", overrides={"gemm": "70x80x90"}))


def test_the_command_refuses_as_the_others_do() -> None:
    done = CliRunner().invoke(render.main, ["source", "--thread", "4x4"])
    assert done.exit_code == 2
    assert done.output.startswith("Error: --thread 4x4: TM=4 does not divide BM=6")
    assert done.output.count("\n") == 1


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("N > 1", True),
        ("N == 1", False),
        ("!ZERO && N != 1", True),
        ("!N || ZERO", False),
        ("defined(N)", True),
        ("N > 1 && !defined(ON_A_CPU)", True),
        ("defined(TRACE)", False),
        ("__CUDA_ARCH__ >= 800", None),
    ],
)
def test_conditions_hold_as_in_c(condition: str, holds: bool | None) -> None:
    assert _holds(condition, {"N": "2", "ZERO": "0"}) is holds


def test_of_nested_branches_one_stays_and_what_is_not_known_stays_whole() -> None:
    text = (
        "#if N > 2\na\n#elif N > 1\nb\n#if ARCH\nc\n#else\n#if ZERO\nd\n#endif\ne\n#endif\n"
        "#elif N > 0\nf\n#if ARCH\ng\n#endif\n#else\nh\n#endif\n#ifdef TRACE\ni\n#else\nj\n#endif\n"
    )
    kept = "b\n#if ARCH\nc\n#else\ne\n#endif\nj\n"
    assert _resolved(text, {"N": "2", "ZERO": "0"}) == kept
