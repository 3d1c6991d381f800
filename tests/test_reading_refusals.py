"""Wrong input of `--kernel`: one line that says what is wrong, exit status 2."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from render import main
from tests.kernel_cases import needs
from tiling import nvidia
from tiling.faults import Missing

pytestmark = needs(lambda: nvidia.nvcc("--version"))

HEAD = ".version 8.0\n.target sm_80\n.address_size 64\n"
PTX = """.visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n)
{
.reg .pred %p<2>; .reg .b32 %r<9>; .reg .b64 %rd<9>;
ld.param.u64 %rd1, [c]; cvta.to.global.u64 %rd2, %rd1; mov.u32 %r1, %tid.x;
BODY
st.global.u32 [%rd2], %r1;
ret;
}
"""


def ptx(body: str = "") -> str:
    return HEAD + PTX.replace("BODY", body)


FILES: dict[str, str | bytes] = {
    "k.ptx": ptx(),
    "empty.cu": "",
    "blank.cu": "  \n\n",
    "letter.cu": "Dear reader, this is no program.\n",
    "host.cu": "int main() { return 0; } // __global__\n",
    "binary.cu": b"\x7fELF\0\0\1",
    "large.cu": "/" * (10 << 20),
    "header.cu": '#include "nowhere.h"\n__global__ void k() {}\n',
    "mistake.cu": "__global__ void k(float *c) {\n  c[0] = x;\n}\n",
    "template.cu": "template <int N> __global__ void k(float *c) { c[N] = 0; }\n",
    "two.cu": "__global__ void one(int *c) { *c = 0; }\n__global__ void two(int *c) { *c = 0; }\n",
    "garbage.ptx": HEAD + "this is no ptx;;;\n",
    "none.ptx": HEAD,
    "unknown.ptx": ptx("frobnicate.u32 %r1, %r1;"),
    "not_ours.ptx": ptx("createpolicy.fractional.L2::evict_last.b64 %rd3, 1.0;"),
    "large_shared.ptx": ptx("mov.u32 %r2, s;").replace(
        ".reg .pred", ".shared .align 4 .b8 s[102400];\n.reg .pred"
    ),
    "endless.ptx": ptx("$again:\nbra $again;"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("wrong")
    for name, text in FILES.items():
        (made / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return made


def refused(arguments: list[str], says: str, command: str = "inspect") -> None:
    done = CliRunner().invoke(main, [command, *arguments])
    lines = [line for line in done.stderr.splitlines() if line]
    assert done.exit_code == 2, (done.output, done.exception)
    assert len(lines) == 1 and lines[0].startswith("Error: ") and len(lines[0]) < 500, lines
    assert says in lines[0]


WRONG_FILES = [
    ("nowhere.cu", "cannot be read: no such file"),
    ("nowhere.cu:k", "cannot be read: no such file"),
    (".", "is a folder"),
    ("x" * 5000, "...: cannot be read: file name too long"),
    ("a\0b.cu", r"a\x00b.cu: cannot be read"),
    ("empty.cu", "is empty"),
    ("blank.cu", "is empty"),
    ("letter.cu", "has no __global__ function"),
    ("host.cu", "has no __global__ function"),
    ("binary.cu", "is binary"),
    ("large.cu", "has 10485760 bytes, more than"),
    ("header.cu", "line 1 of header.cu includes nowhere.h, which is not here (try --include"),
    ("mistake.cu", 'mistake.cu(2): error: identifier "x" is undefined'),
    ("template.cu", "has no kernel (a template must be named with its arguments"),
    ("template.cu:k<x>", 'k<x>: identifier "x" is undefined'),
    ("two.cu", "it has 2 kernels (name one behind a colon: one; two)"),
    ("two.cu:three", "has no such kernel (it has one; two)"),
    ("k.ptx:nope", "has no such kernel (it has k)"),
    ("k.ptx:k<1, 2>", "has no such kernel (it has k)"),
    ("k.ptx:; rm -r", "is no name of a kernel"),
    ("k.ptx", "it is open how k(8 bytes, 8 bytes, int*, 4 bytes) is called: grid, block"),
    ("garbage.ptx", "line 4; fatal : Parsing error near 'this'"),
    ("none.ptx", "has no kernel"),
    ("unknown.ptx", "Not a name of any known instruction: 'frobnicate'"),
    ("large_shared.ptx", "uses too much shared data (0x19000 bytes"),
]


@pytest.mark.parametrize(("name", "says"), WRONG_FILES, ids=lambda text: text[:20])
def test_a_file_that_is_no_kernel_is_refused(name: str, says: str, folder: Path) -> None:
    refused(["--kernel", str(folder / name) if len(name) < 999 else name], says)


CALL = {"kernel": "k.ptx", "grid": "1", "block": "32", "args": "A, B, C, N"}

WRONG_CALLS = [
    ({"frob": "1"}, "frob: is not a field (try kernel, name, gemm"),
    ({"kernel": 3}, "kernel 3: is no text"),
    ({"block": 32}, "block 32: is no text"),
    ({"grid": ""}, "grid: is empty"),
    ({"kernel": "nowhere.cu"}, "cannot be read"),
    ({"name": "nope"}, "has no such kernel"),
    ({"arch": "hopper"}, "--arch hopper: is no architecture"),
    ({"include": "nowhere"}, "is no folder"),
    ({"define": "="}, "--define =: is no macro"),
    ({"gemm": "64x64"}, "--gemm 64x64: is not three numbers"),
    ({"args": "A, B, C"}, "has 3 arguments, but k takes 4"),
    ({"args": "A, B, C, x"}, "x is not known"),
    ({"args": "A, B, C, D"}, "D: is a matrix, but"),
    ({"args": "A, B, A, N"}, "A: stands twice"),
    ({"args": "A, B, N, N"}, "N: is no matrix, but int* is a pointer"),
    ({"args": "A, B, C, N +"}, "is no arithmetic"),
    ({"args": "A, B, C, N/0"}, "divides by zero"),
    ({"args": "A, B, C, 2.5"}, "is no value for a parameter of 4 bytes"),
    ({"args": "A, B, C, M * N * K * 9"}, "does not fit in 32 bits"),
    ({"args": "A, B, C, N ** N"}, "is no arithmetic"),
    ({"args": "A, B, C, exit()"}, "is no arithmetic"),
    ({"args": "A, B, C, {M, N, K}"}, "has 12 bytes, but"),
    ({"grid": "0"}, "grid 0: is 0 for 1024³, not 1 to"),
    ({"grid": "N / 2048"}, "is 0 for 1024³"),
    ({"grid": "1, 2, 3, 4"}, "is not one to three numbers"),
    ({"grid": "N * N * N * N"}, "is 1099511627776 for 1024³"),
    ({"grid": "1, 70000"}, "is 70000 for 1024³, not 1 to 65535"),
    ({"grid": "N /"}, "is no arithmetic"),
    ({"grid": "tiles"}, "tiles is not known, among K, M, N"),
    ({"grid": "9" * 5000}, "..."),
    ({"block": "2048"}, "is 2048 for 1024³, not 1 to 1024"),
    ({"block": "64, 64"}, "has 4096 threads, more than 1024"),
    ({"block": "0"}, "is 0 for 1024³, not 1 to 1024"),
    ({"block": "1.5"}, "is 1.5, no whole number"),
    ({"shared": "1000000"}, "is 1000000 bytes, not 0 to"),
    ({"shared": "-4"}, "is -4 bytes, not 0 to"),
    ({"batch": "0"}, "is 0, not 1 to 65535"),
    ({"gemm": "64x64x64"}, "grid 1: has 1 CTAs, which write 1 elements each, of 4096"),
    ({"gemm": "64x64x32"}, "is not square, and k takes one size for all"),
    ({"kernel": "endless.ptx", "gemm": "1x1x1"}, "does not come to an end within"),
]


@pytest.mark.parametrize(("changed", "says"), WRONG_CALLS, ids=lambda one: str(one)[:30])
def test_a_call_that_cannot_be_is_refused(
    changed: dict[str, object], says: str, folder: Path, request: pytest.FixtureRequest
) -> None:
    table = {**CALL, **changed}
    lines = (f"{key} = {value!r}".replace("'", '"') for key, value in table.items())
    file = folder / f"{abs(hash(request.node.name))}.toml"
    file.write_text("\n".join(lines))
    refused(["--config", str(file)], says)


def test_what_our_machine_does_not_know_is_named(folder: Path) -> None:
    lines = (f'{key} = "{value}"' for key, value in {**CALL, "kernel": "not_ours.ptx"}.items())
    file = folder / "not_ours.toml"
    file.write_text("\n".join(lines))
    says = "PTX line 8: createpolicy.fractional.L2::evict_last.b64 %rd3, 1.0: is not known"
    refused(["--config", str(file)], says, "verify")


def test_without_tools_the_package_to_install_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(package: str, program: str) -> str:
        raise Missing(f"no {program} here: pip install {package}")

    monkeypatch.setattr(nvidia, "path_of", missing)
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    file = folder / "other.cu"
    file.write_text("__global__ void k(float *c) { c[1] = 2; }\n")
    refused(["--kernel", str(file)], "no nvcc here: pip install nvidia-cuda-nvcc: pip install 'til")


WRONG_OPTIONS = [
    ("inspect", "--kernel=", "--kernel: is empty"),
    ("inspect", "--kernel=k.ptx --arch=sm_1", "is no architecture"),
    ("inspect", "--kernel=k.ptx --arch=sm_35", "is older than this compiler knows"),
    ("inspect", "--kernel=k.ptx --include=nowhere", "is no folder"),
    ("inspect", "--kernel=k.ptx --define=1x", "is no macro"),
    ("inspect", "--kernel=k.ptx --gemm=big", "is not three numbers"),
    ("inspect", "--kernel=k.ptx --gemm=0x1x1", "has a size below 1"),
    ("inspect", "--kernel=k.ptx --gemm=-1x1x1", "is not three numbers"),
    ("inspect", "--kernel=k.ptx --gemm=9999999x1x1", "has a size above"),
    ("inspect", "--kernel=k.ptx --preset=sgemm", "--preset: does not go with --kernel"),
    ("inspect", "--kernel=k.ptx --cta=8x8x8", "--cta: does not go with --kernel"),
    ("inspect", "--kernel=k.ptx --config=k.toml", "--config: does not go with --kernel"),
    ("inspect", "--kernel=k.ptx --sweep", "--sweep: does not go with --kernel"),
    ("inspect", "--arch=sm_90", "--arch: says nothing without --kernel"),
    ("inspect", "--include=.", "--include: says nothing without --kernel"),
    ("verify", "--define=X", "--define: says nothing without --kernel"),
    ("verify", "--sizes", "--sizes: says nothing without --kernel"),
    ("verify", "--kernel=k.ptx --rung=model", "--rung: does not go with --kernel"),
    ("verify", "--kernel=k.ptx --without-barrier=1", "does not go with --kernel"),
    ("verify", "--kernel=k.ptx --report=.", "--report .: cannot be written"),
]


@pytest.mark.parametrize(("command", "options", "says"), WRONG_OPTIONS)
def test_an_option_that_cannot_be_is_refused(
    command: str, options: str, says: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    refused(options.split(), says, command)
