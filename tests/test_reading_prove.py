"""`verify --kernel`: what is right is passed, and what is not is told as a counterexample."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from render import main
from tests.kernel_cases import needs
from tests.reading import read
from tiling import nvidia
from tiling.reading.bound import accumulator, gamma
from tiling.reading.call import Call
from tiling.reading.check import check, chosen
from tiling.reading.findings import Wrong
from tiling.reading.prove import Proof, prove, small
from tiling.reading.recorded import Run
from tiling.shapes import Gemm

pytestmark = needs(nvidia.tools)

KERNEL = """
__global__ void gemm(const T *A, const T *B, T *C, int M, int N, int K, T alpha, T beta) {
  __shared__ T As[16][16];
  __shared__ T Bs[16][16];
  int x = threadIdx.x, y = threadIdx.y, row = blockIdx.y * 16 + y, col = blockIdx.x * 16 + x;
  T sum = 0;
  for (int k = 0; k < K; k += 16) {
    As[y][x] = row < M && k + x < K ? A[row * K + k + x] : T(0);
    Bs[y][x] = k + y < K && col < N ? B[(k + y) * N + col] : T(0);
    __syncthreads();
    for (int i = 0; i < 16; ++i) sum += As[y][i] * Bs[i][x];
    __syncthreads(); // before the next tile
  }
  if (row < M && col < N) C[row * N + col] = sum * alpha;
}
"""
CALL = Call(
    ("cdiv(N, 16)", "cdiv(M, 16)"), ("16", "16"), ("A", "B", "C", "M", "N", "K", "alpha", "beta")
)
GEMM = Gemm(32, 48, 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("prove")
    return made


def run(folder: Path, *changed: str, kind: str = "float", gemm: Gemm = GEMM) -> Run:
    """The kernel with some of its text in place of other."""
    text = KERNEL.replace("T ", f"{kind} ").replace("T(", f"{kind}(")
    for old, new in zip(changed[::2], changed[1::2], strict=True):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file = folder / f"{abs(hash(text))}.cu"
    file.write_text(("#include <cuda_fp16.h>\n" if kind == "half" else "") + text)
    args = tuple("0" if one == "beta" else one for one in CALL.args)
    call = CALL if "beta *" in text else Call(CALL.grid, CALL.block, args)
    return Run(read(file), call, gemm, 2.0, 3.0)


def wrong(folder: Path, *changed: str, gemm: Gemm = GEMM) -> Wrong:
    """What is found first."""
    found = check(run(folder, *changed, gemm=gemm), whole=True)
    assert found.wrong
    return found.wrong[0]


@pytest.mark.parametrize("kind", ["float", "double", "half", "int"])
def test_a_good_kernel_passes_in_every_type(kind: str, folder: Path) -> None:
    found = check(run(folder, kind=kind), whole=True)
    assert not found.wrong, str(found.wrong[0])
    assert (found.ctas, found.of, found.floats) == (6, 6, kind != "int")


def test_an_element_that_is_wrong_is_told_with_who_wrote_it(folder: Path) -> None:
    one = wrong(folder, "sum * alpha", "sum * alpha + (row == 17 && col == 33)")
    assert (one.kind, one.array, one.element) == ("product", "C", (17, 33))
    assert (one.cta, one.threads) == ((2, 1, 0), (17,)) and one.source and one.source.line == 14
    assert one.text.startswith("if (row < M && col < N) C[row * N + col]")
    assert "so 1 of 1536 elements" in one.says
    is_, _, should = one.says.split()[1:4]
    assert float(is_.rstrip(",")) == float(should.rstrip(";")) + 1


def test_what_is_off_by_more_than_rounding_can_be_is_wrong_on_floats(folder: Path) -> None:
    changed = "sum * alpha", "sum * alpha * (sum == rintf(sum) ? 1 : 1.0001f)"
    one = check(run(folder, *changed), whole=True)
    assert one.floats and one.wrong[0].kind == "product" and "within" in one.wrong[0].says


def test_an_element_written_twice_or_never_is_told(folder: Path) -> None:
    one = wrong(folder, "C[row * N + col]", "C[row * N + col / 2 * 2]")
    assert (one.kind, one.element) == ("race", (0, 0)) and "thread 1 stores it" in one.says
    one = wrong(folder, "blockIdx.y * 16 + y", "blockIdx.y / 2 * 16 + y")
    assert (one.kind, one.element, one.cta) == ("once", (0, 0), (0, 1, 0))
    assert one.says == "is written again, after thread 0 of CTA (0, 0, 0)"
    one = wrong(folder, "row < M && col < N) C", "row < M && col < N - 1) C")
    assert (one.kind, one.element) == ("once", (0, 47)) and "so 32 of 1536" in one.says


def test_a_barrier_that_is_missing_is_a_race_between_two_lines(folder: Path) -> None:
    one = wrong(folder, "__syncthreads(); // before", "// before", gemm=Gemm(16, 16, 32))
    assert one.kind == "race" and one.array in ("As", "Bs") and one.source
    lines = {one.source.line, 8 if "line 8" in one.says else 9 if "line 9" in one.says else 11}
    assert 11 in lines and len(lines) == 2 and len(one.threads) == 2


def test_each_kind_of_mistake_is_told_once_for_a_line(folder: Path) -> None:
    found = check(run(folder, "k + y < K && col < N ?", "true ?", gemm=Gemm(16, 24, 40)), True)
    assert [one.kind for one in found.wrong] == ["bounds"]
    assert found.wrong[0].says == "lies outside; B is 40×24"
    assert found.wrong[0].element[0] == 40 and str(found.wrong[0]).startswith("line 9 of ")


def test_shared_memory_that_nobody_wrote_is_told(folder: Path) -> None:
    one = wrong(folder, "Bs[y][x] =", "if (y) Bs[y][x] =")
    assert (one.kind, one.array, one.element) == ("unwritten", "Bs", (0,))


def test_an_endless_loop_is_told(folder: Path) -> None:
    one = wrong(folder, "k += 16", "k += N / 64", gemm=Gemm(16, 16, 16))
    assert one.kind == "endless" and one.says.startswith("does not end: more than")


def test_divergence_at_a_barrier_is_told(folder: Path) -> None:
    one = wrong(folder, "T sum = 0;".replace("T", "float"), "float sum = 0; if (y == 3) return;")
    assert one.kind in ("barrier", "unwritten")


def test_a_kernel_that_takes_any_size_is_proved_at_awkward_ones(folder: Path) -> None:
    proof = prove(run(folder), any_size=True)
    assert not proof.wrong and not proof.notes
    assert [str(one.gemm) for one in proof.checked[:3]] == ["32×32×128", "32×48×16", "33×32×128"]
    assert Gemm(1, 1, 1) in [one.gemm for one in proof.checked]


def test_a_kernel_that_takes_some_sizes_is_told_so_once(folder: Path) -> None:
    one = run(folder, "row < M && k + x < K ?", "true ?", gemm=Gemm(32, 32, 128))
    assert not prove(one, any_size=False).wrong
    proof = prove(one, any_size=True)
    assert len({wrong.kind for _, wrong in proof.wrong}) == 1
    gemm, first = proof.wrong[0]
    assert gemm == Gemm(33, 32, 128) and (first.kind, first.element) == ("bounds", (33, 0))
    assert proof.notes == (
        "It is right at 32×32×128: so it may take sizes alone that its tiles divide.",
    )


def test_a_c_of_nothing_that_is_read_with_beta_0_is_noted(folder: Path) -> None:
    proof: Proof = prove(run(folder, "sum * alpha", "sum * alpha + beta * C[row * N + col]"), False)
    assert not proof.wrong
    assert proof.notes == (
        "With beta = 0 line 14 still reads C: what nobody wrote there may be NaN.",
    )


def test_small_sizes_are_of_two_tiles_by_two(folder: Path) -> None:
    assert small(run(folder)) == Gemm(32, 32, 128)


def test_ctas_that_are_run_are_in_the_middle_and_at_the_corners(folder: Path) -> None:
    one = run(folder, gemm=Gemm(160, 128, 16))
    assert chosen(one) == [(3, 4, 0), (7, 9, 0), (0, 0, 0), (7, 0, 0), (0, 9, 0)]
    assert chosen(run(folder, gemm=Gemm(160, 128, 2**20))) == [(3, 4, 0)]


def test_bounds_are_those_of_the_narrowest_sums(folder: Path) -> None:
    assert accumulator(run(folder, kind="half").kernel, "f16") == "f16"
    assert accumulator(run(folder).kernel, "f32") == "f32"
    assert np.isclose(gamma(1024, 2.0**-24), 2.0**-14, rtol=1e-3) and gamma(2**20, 2.0**-11) == 1


def test_the_command_says_what_it_ran_and_fails_with_a_counterexample(folder: Path) -> None:
    good, bad = run(folder), run(folder, "T sum = 0;".replace("T", "float"), "float sum = 1;")
    table = 'grid = "cdiv(N, 16), cdiv(M, 16)"\nblock = "16, 16"\n'
    table += 'args = "A, B, C, M, N, K, alpha, 0"\ngemm = "32x32x32"\n'
    for one, status in (good, 0), (bad, 1):
        file = folder / "k.toml"
        file.write_text(f'kernel = "{one.kernel.built.file.name}"\n{table}')
        report = folder / "report.json"
        done = CliRunner().invoke(main, ["verify", "--config", str(file), "--report", str(report)])
        assert done.exit_code == status, done.output
        assert ("FAILED" in done.stdout) == status and ("passed" in done.stdout) != status
        told = json.loads(report.read_text())
        assert told["status"] == ("failed" if status else "passed")
        assert bool(told["wrong"]) == status and told["call"]["block"] == [16, 16, 1]
    assert told["wrong"][0]["kind"] == "product" and told["wrong"][0]["line"] == 14
