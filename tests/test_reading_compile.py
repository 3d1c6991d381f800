"""Files through NVIDIA's compiler: what they become, and what is said of them."""

from pathlib import Path

import pytest

from tests.kernel_cases import needs
from tiling import nvidia
from tiling.faults import Missing
from tiling.ptx.syntax import Source
from tiling.reading.compile import Asked, build
from tiling.reading.kernel import load
from tiling.shapes import Refused

pytestmark = needs(lambda: nvidia.nvcc("--version"))

WHOLE = """#include <cstdio>
#include <cublas_v2.h>
#include "mine.cuh"
#ifndef SIZE
#define SIZE 8
#endif

template <int N> __global__ void copy(float *to, const float *from) {
    to[threadIdx.x + N] = twice(from[threadIdx.x]);
}

int main() {
    copy<SIZE><<<1, 32>>>(nullptr, nullptr);
    cublasHandle_t handle;
    cublasCreate(&handle);
    std::printf("run on the host\\n");
}
"""
HEADER = "#pragma once\n__device__ inline float twice(float x) {\n    return x + x;\n}\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("whole")
    (folder / "include").mkdir()
    (folder / "include" / "mine.cuh").write_text(HEADER)
    (folder / "whole.cu").write_text(WHOLE)
    return folder / "whole.cu"


def test_a_whole_file_becomes_ptx_and_machine_code(whole: Path) -> None:
    asked = Asked("sm_90", (str(whole.parent / "include"),), ("SIZE=4",))
    kernel = load(whole, "copy<4>", asked)
    built = kernel.built
    assert built.by.startswith("nvcc ") and kernel.module.target == "sm_90"
    assert [(one.type, one.name) for one in kernel.parameters] == [
        ("float*", "to"),
        ("float*", "from"),
    ]
    assert kernel.resources is not None and kernel.resources.registers > 0
    assert {group.verdict for group in kernel.groups} == {"as PTX says"}
    assert built.said == ("cublas_v2.h: a stand-in with a few declarations",)
    assert "printf" in built.own and "fprintf" not in built.own
    assert built.text(Source("/somewhere/mine.cuh", 3)) == "return x + x;"
    assert built.text(Source("/somewhere/else.cuh", 3)) == ""


def test_a_template_is_made_for_the_arguments_that_are_asked_for(whole: Path) -> None:
    asked = Asked(includes=(str(whole.parent / "include"),))
    assert load(whole, "copy< 16 >", asked).name == "copy<16>"


def test_without_nvcc_kernels_alone_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: str) -> None:
        raise Missing("no nvcc here")

    monkeypatch.setattr(nvidia, "nvcc", missing)
    alone = tmp_path / "alone.cu"
    alone.write_text(
        "#include <cuda_fp16.h>\n#include <vector>\n__global__ void k(half *x) { *x = 1; }\n"
    )
    kernel = load(alone)
    assert kernel.built.by.startswith("NVRTC ") and kernel.resources is not None
    whole = tmp_path / "whole.cu"
    whole.write_text(
        '__global__ void k(int *x) { *x = 1; }\nint main() { exit(std::printf("")); }\n'
    )
    with pytest.raises(
        Missing, match=r"NVRTC refuses it: whole.cu\(2\).*no nvcc here: pip install 'til"
    ):
        load(whole)


def test_without_ptxas_the_machine_code_is_said_to_be_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: str) -> None:
        raise Missing("no ptxas here")

    monkeypatch.setattr(nvidia, "ptxas", missing)
    file = tmp_path / "k.ptx"
    head = ".version 8.0\n.target sm_80\n.address_size 64\n"
    file.write_text("// by hand\n" + head + ".visible .entry k() { ret; }\n")
    built = build(file)
    assert built.by == "PTX as given"
    assert built.said == ("the machine code is not known: no ptxas here",)
    assert load(file).groups == () and load(file).resources is None


def test_the_first_mistake_is_told_and_how_many_more_there_are(tmp_path: Path) -> None:
    file = tmp_path / "mistakes.cu"
    file.write_text("__global__ void k(float *c) {\n  c[0] = x;\n  c[1] = y;\n}\n")
    with pytest.raises(
        Refused, match=r'mistakes.cu\(2\): error: identifier "x" is undef.*; and 1 more'
    ):
        build(file)
