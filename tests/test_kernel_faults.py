"""What goes wrong with the machine is "not run", with the reason: no kernel fails, none passes."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.faulty import VERSION, cold, not_run, passes, ready, script, warm
from tests.kernel_cases import TOY, case, needs_host, needs_nvrtc, needs_race
from tiling import nvidia
from tiling.faults import Broken, Missing
from tiling.kernel import compiler, host
from tiling.presets import choose
from tiling.shapes import Gemm
from tiling.verify import RUNGS, verify

pytestmark = [needs_host, needs_race]
RACE = pytest.mark.parametrize("rung", ["host", "race"])
__all__ = ["cold", "ready", "script", "warm"]  # fixtures

COMPILERS = {
    "no version": ("exit 1", "g++ is no C++ compiler: it does not say its version"),
    "makes nothing": (VERSION + "exit 0", "g++ makes nothing of host.cpp"),
    "fails": (VERSION + "exit 1", "g++ cannot build host.cpp here: exit status 1"),
    "killed": (VERSION + "kill -9 $$", "g++ cannot build host.cpp here: signal 9"),
    "no assembler": (VERSION + 'PATH= "$TRUE_CXX" "$@"', "g++ cannot build host.cpp here: exit"),
    "garbage": (VERSION + "echo garbage > out", "exec format error"),
    "garbage for a kernel": (
        VERSION + "ready $*; echo garbage > out",
        "the kernel was not begun: exit status 6: ",
    ),
    "nothing for a kernel": (VERSION + "ready $*; > out", "not begun: exit status 6: "),
    "too old": (
        VERSION + "echo 'g++: error: unrecognized option -std=c++20' >&2; exit 1",
        "g++ cannot build host.cpp here: exit status 1: g++: error: unrecognized option -std=c++20",
    ),
    "no headers": (
        VERSION + "echo 'host.cpp:9:10: error: thread is not a member of std' >&2; exit 1",
        "g++ refuses host.cpp: host.cpp:9:10: error: thread is not a member of std",
    ),
    "disk full": (
        VERSION + "ready $*; echo 'gemm.cu:9:1: fatal error: error writing to c.s' >&2; exit 1",
        "g++ cannot build gemm.cu here: exit status 1: gemm.cu:9:1: fatal error: error writing",
    ),
    "out of memory": (
        VERSION + "ready $*; echo 'cc1plus: out of memory allocating 65536 bytes' >&2; exit 1",
        "g++ cannot build gemm.cu here: exit status 1: cc1plus: out of memory",
    ),
    "internal error": (
        VERSION + "ready $*; echo 'gemm.cu:9:1: internal compiler error: Killed' >&2; exit 4",
        "g++ cannot build gemm.cu here: exit status 4: gemm.cu:9:1: internal compiler error",
    ),
    "cache deleted": (VERSION + "touch out; rm -r $XDG_CACHE_HOME/tilelapse", "makes nothing of"),
}


@RACE
@pytest.mark.parametrize(("text", "says"), COMPILERS.values(), ids=COMPILERS)
def test_a_compiler_that_fails_is_not_the_kernel_s_fault(
    text: str, says: str, rung: str, script: Callable[..., None]
) -> None:
    script(text)
    assert says in not_run(rung)


KERNEL = '[[ "$*" == *gemm.cu* ]]'
RACE_COMPILERS = {
    "no library": (
        '[[ "$*" == *sanitize=thread* ]] && { echo "ld: cannot find libtsan.so" >&2; exit 1; }',
        "g++ cannot build host.cpp here: exit status 1: ld: cannot find libtsan.so",
    ),
    "nothing watched": (
        KERNEL + ' && real "${no_tsan[@]}" || cp "$PLAIN_HOST" out',
        "ThreadSanitizer does not see the race that was planted",
    ),
    "kernel not watched": (
        'ready $*; real "${no_tsan[@]}"',
        "ThreadSanitizer does not see the race that was planted",
    ),
    "nobody watches": (
        KERNEL + ' && real "$@" || cp "$PLAIN_HOST" out',
        "the kernel was not begun: exit status 6: ",
    ),
    # Newer ones ask for another personality themselves, and give up where that is refused.
    "personality refused": (
        KERNEL
        + r""" && real "$@" || cat > out <<'END'
#!/bin/bash
echo "FATAL: ThreadSanitizer CHECK failed: personality(ADDR_NO_RANDOMIZE) != -1" >&2
exit 66
END""",
        "not begun: exit status 66: FATAL: ThreadSanitizer CHECK failed: personality",
    ),
    # Its own failures have the exit status of its reports.
    "fails at the end": (
        KERNEL
        + r""" && real "${no_tsan[@]}" || cat > out <<'END'
#!/bin/bash
"$PLAIN_HOST" "$@" && echo "FATAL: ThreadSanitizer: out of memory" >&2
exit 66
END""",
        "not run to its end: exit status 66: FATAL: ThreadSanitizer: out of memory",
    ),
}


@pytest.mark.parametrize(("text", "says"), RACE_COMPILERS.values(), ids=RACE_COMPILERS)
def test_without_thread_sanitizer_no_kernel_is_free_of_races(
    text: str, says: str, script: Callable[..., None]
) -> None:
    script(VERSION + text)
    assert says in not_run("race")


# A host program that finds its memory mapped where ThreadSanitizer cannot have it, unless it is
# started with a personality that does not randomize addresses.
UNMAPPED = (
    VERSION
    + """
[[ "$*" == *gemm.cu* ]] && { real "$@"; exit; }
cat > out <<'END'
#!/bin/bash
[[ $(cat /proc/$$/personality) == 00040000 ]] && exec "$RACE_HOST" "$@"
echo "FATAL: ThreadSanitizer: unexpected memory mapping 0x7eb12c0000-0x7eb12c4000" >&2
exit 66
END
"""
)


def test_what_cannot_be_mapped_is_run_without_randomized_addresses(
    script: Callable[..., None],
) -> None:
    script(UNMAPPED)
    passes("race")


@pytest.mark.parametrize(
    ("setarch", "says"),
    [
        (
            'echo "setarch: failed to set personality: Operation not permitted" >&2; exit 1',
            "exit status 1: setarch: failed to set personality: Operation not permitted",
        ),
        ('shift; exec "$@"', "exit status 66: FATAL: ThreadSanitizer: unexpected memory mapping"),
    ],
    ids=["refused", "without effect"],
)
def test_a_personality_that_is_refused_is_no_race(
    setarch: str, says: str, script: Callable[..., None]
) -> None:
    script(UNMAPPED)
    script(setarch, "setarch")
    assert f"the kernel was not begun: {says}" in not_run("race")


def test_without_setarch_that_is_said(
    script: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    script(UNMAPPED)
    monkeypatch.setattr(host, "which", lambda program: None)
    assert not_run("race") == (
        "ThreadSanitizer cannot map its memory here, and there is no setarch"
    )


def test_mistakes_are_read_in_any_language_and_files_made_where_there_is_room(
    script: Callable[..., None],
) -> None:
    script(
        VERSION
        + """ready $*
        [[ "$TMPDIR" == "$XDG_CACHE_HOME"/* ]] || exit 1
        [[ "$LC_ALL" == C ]] && echo "gemm.cu:9:1: error: x" >&2 || echo "gemm.cu:9:1: Fehler: x"
        exit 1"""
    )
    rung = verify("host", choose("seed"))
    assert (rung.status, rung.says) == ("failed", "g++ refuses gemm.cu: gemm.cu:9:1: error: x")


@RACE
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CXX", "false", "false is no C++ compiler: it does not say its version"),
        ("CXX", "no-such-compiler", "no g++ here: CXX is no-such-compiler"),
        ("PATH", "/nowhere", "no g++ here"),
    ],
)
def test_without_a_compiler_the_reason_is_said(
    rung: str, name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv(name, value)
    assert says in not_run(rung)


def test_a_compiler_that_is_no_program_is_said_to_be_that(
    script: Callable[..., None], tmp_path: Path
) -> None:
    script("")
    (tmp_path / "programs" / "g++").write_text("text")
    assert "g++ does not run: exec format error" in not_run("host")


# What happens while it runs.


SIZES = "unsigned, unsigned, unsigned"
GEMM = f'extern "C" void gemm(const float *, const float *, float *C, {SIZES})'
RAISE = 'extern "C" int raise(int);\n'
EXIT = 'extern "C" void _exit(int);\n'

KERNELS = {
    "killed": (f"{RAISE}{GEMM} {{ raise(9); }}", Missing, "not run to its end: signal 9"),
    "ended": (f"{RAISE}{GEMM} {{ raise(15); }}", Missing, "not run to its end: signal 15"),
    "no memory": (f"{EXIT}{GEMM} {{ _exit(7); }}", Missing, "not run to its end: exit status 7"),
    "aborts": (f"{RAISE}{GEMM} {{ raise(6); }}", Broken, "the kernel died of signal 6"),
    "wild": (
        f"{GEMM} {{ *(volatile int *)8 = 1; }}",
        Broken,
        "the kernel died of signal 11",
    ),
    "exits": (f"{EXIT}{GEMM} {{ _exit(0); }}", Broken, "it ends the program that runs it"),
    "calls nobody": (
        f'extern "C" void nobody_s();\n{GEMM} {{ nobody_s(); }}',
        Broken,
        "cannot be loaded: nobody_s is nowhere defined",
    ),
    "no kernel": (
        'extern "C" void other() {}',
        Broken,
        "cannot be loaded: gemm is nowhere defined",
    ),
}


@pytest.mark.parametrize("build", ["plain", "race"])
@pytest.mark.parametrize(("kernel", "error", "says"), KERNELS.values(), ids=KERNELS)
def test_only_what_the_kernel_did_is_its_fault(
    kernel: str, error: type[Exception], says: str, build: host.Build
) -> None:
    plan, a, b = case(TOY)
    with pytest.raises(error, match=says):
        host.run(plan, a, b, build, kernel=kernel)


def test_what_does_not_come_to_the_kernel_does_not_hang_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(host, "host_program", lambda race: slow)
    plan, a, b = case(TOY)
    with pytest.raises(Missing, match="the kernel was not begun after 1 s"):
        host.run(plan, a, b, limit=1)


@pytest.mark.parametrize(("race", "kilobytes"), [(False, 1000), (False, 20_000), (True, 10**6)])
def test_too_little_memory_is_not_the_kernel_s_fault(
    race: bool, kilobytes: int, warm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = host.host_program(race)
    poor = tmp_path / "poor"
    poor.write_text(f'#!/bin/bash\nulimit -v {kilobytes}\nexec {program} "$@"\n')
    poor.chmod(0o755)
    monkeypatch.setattr(host, "host_program", lambda race: poor)
    plan, a, b = case(TOY, Gemm(3000, 3000, 1))  # C has 36 MB
    says = "too little memory or threads" if kilobytes == 20_000 else "the kernel was not begun"
    with pytest.raises(Missing, match=says):
        host.run(plan, a, b, "race" if race else "plain")


@pytest.mark.parametrize("rung", RUNGS)
def test_a_rung_without_memory_is_not_run(rung: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setitem(RUNGS, rung, full)
    assert not_run(rung) == "too little memory here"


# NVIDIA's tools.


@pytest.fixture(autouse=True)
def _nothing_disassembled() -> None:
    nvidia.listing.cache_clear()


@needs_nvrtc
@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("false", "nvdisasm does not work here: exit status 1"),
        ("true", "nvdisasm does not work here: it shows no instructions"),
        ("nowhere/nvdisasm", "nvdisasm does not run here: no such file or directory"),
    ],
)
def test_a_disassembler_that_fails_is_not_the_kernel_s_fault(
    program: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvidia, "path_of", lambda *_: shutil.which(program) or program)
    assert not_run("compiler") == says


@needs_nvrtc
def test_a_disassembler_without_room_for_its_file_is_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert not_run("compiler") == "nvdisasm has no room for a file: no such file or directory"


class Status(int):
    name = "NVRTC_ERROR_OUT_OF_MEMORY"


@needs_nvrtc
def test_only_mistakes_in_the_source_are_the_kernel_s_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Missing, match="NVRTC does not work here: NVRTC_ERROR_INVALID_OPTION"):
        compiler.compile_for("sm_13", TOY)
    with pytest.raises(Missing, match="catastrophic error: could not open source file"):
        compiler.compile_for("sm_90", TOY, "#include <nowhere.h>\n")
    for text, says in (
        ("#error wrong\n", r"gemm\.cu\(1\): catastrophic error: #error directive"),
        ('extern "C" __device__ void f(); __global__ void g() { f(); }', "ptxas fatal .*function"),
    ):
        with pytest.raises(Broken, match=f"NVRTC refuses it: {says}"):
            compiler.compile_for("sm_90", TOY, text)
    no_memory = (Status(1),)
    nvrtc = SimpleNamespace(nvrtcVersion=lambda: no_memory, nvrtcCreateProgram=lambda *_: no_memory)
    monkeypatch.setattr(nvidia, "_loaded", lambda use: use(nvrtc))
    for rung in "ptx", "compiler":
        assert not_run(rung) == "NVRTC does not work here: NVRTC_ERROR_OUT_OF_MEMORY"
