"""gemm.cu on a CPU: built by g++, run in a process of its own, under a time limit.

Three builds: "plain"; "trace", where each thread records what it does; "race", where each CUDA
thread is a thread of the operating system and ThreadSanitizer watches them.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from functools import lru_cache
from math import prod
from pathlib import Path
from time import time
from typing import Literal, TypeAlias

import numpy as np

from tiling.fma import Floats
from tiling.kernel.build import Broken, Missing, defines, source, trace_stride
from tiling.kernel.provenance import Slots
from tiling.schedule import Schedule
from tiling.shapes import Tiling

Build: TypeAlias = Literal["plain", "trace", "race"]

OPTIONS = (
    *("-std=c++20", "-O1", "-pthread", "-Wno-unknown-pragmas"),
    "-ffp-contract=off",  # no FMA that the source does not write
    "-fno-strict-aliasing",  # floats are read as a Wide
    # A GPU refuses a wide access at an address that is not a multiple of its width; so must this.
    "-fsanitize=alignment",
    "-fsanitize-undefined-trap-on-error",
)
RACE_OPTIONS = ("-g", "-fsanitize=thread")
HEADERS = ("host.h", "threads.h", "copies.h")
RACE_FOUND = 66
LONG = 14 * 24 * 3600
"""Seconds after which what was built and not used since is deleted."""

TROUBLE = {
    3: "a barrier is not reached by all threads of the CTA",
    4: "a write outside C",
    5: "a write outside shared memory",
}
"""What host.cpp's exit statuses mean."""


def run(
    schedule: Schedule,
    a: Floats,
    b: Floats,
    build: Build = "plain",
    kernel: str | None = None,
    order: int = 0,
    skew: int = 0,
    limit: float = 60,
) -> tuple[Floats, Slots]:
    """C (M, N) and the trace's slots (CTAs, threads, stride) after running all CTAs of the grid.

    kernel   another source in place of gemm.cu
    order    seed of the order in which threads take turns between barriers
    skew     floats by which A and B lie off an aligned address
    limit    seconds, after which the kernel counts as hung

    Raises Missing without a C++ compiler, Broken if the kernel does not build or misbehaves.
    """
    gemm, tiling = schedule.gemm, schedule.tiling
    program = compiled(tiling, build, kernel)
    ctas = prod(schedule.grid)
    stride = trace_stride(schedule) if build == "trace" else 0
    sizes = (gemm.m, gemm.n, gemm.k, ctas, tiling.threads, tiling.shared_words, stride, skew, order)
    data = np.ascontiguousarray(a).tobytes() + np.ascontiguousarray(b).tobytes()
    out = _run([str(program), *map(str, sizes)], data, limit, kernel)
    c = np.frombuffer(out, np.float32, gemm.m * gemm.n).reshape(gemm.m, gemm.n)
    slots = np.frombuffer(out, np.int64, offset=c.nbytes) if stride else np.empty(0, np.int64)
    return c, slots.reshape(ctas, tiling.threads, stride)


def _run(command: list[str], data: bytes, limit: float, kernel: str | None) -> bytes:
    options = f"halt_on_error=1:exitcode={RACE_FOUND}"
    environment = {**os.environ, "TSAN_OPTIONS": options}
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=limit, env=environment
        )
    except subprocess.TimeoutExpired:
        raise Broken(f"hung: not done after {limit:g} s, as if a barrier never opened") from None
    if done.returncode == 0:
        return done.stdout
    log = done.stderr.decode(errors="replace")
    if "unexpected memory mapping" in log:  # ThreadSanitizer and a kernel that randomizes widely
        if command[0] != "setarch" and shutil.which("setarch"):
            return _run(["setarch", "-R", *command], data, limit, kernel)
        raise Missing("ThreadSanitizer cannot map its memory here, and there is no setarch")
    if done.returncode == RACE_FOUND:
        raise Broken(_race(log, kernel or source()))
    if done.returncode in (-signal.SIGILL, -signal.SIGTRAP):  # how -fsanitize=alignment stops it
        raise Broken("a wide access at an address that is not a multiple of its width")
    if done.returncode < 0:
        raise Broken(f"the kernel died of signal {-done.returncode}")
    raise Broken(TROUBLE.get(done.returncode, f"exit status {done.returncode}: {log[-200:]}"))


def _race(log: str, kernel: str) -> str:
    """ThreadSanitizer's first report, in the words of the source."""
    found = re.findall(
        r"^  (?:Previous )?(?:atomic )?(read|write) of size.*\n"
        r"(?:    #\d+ .*\n)*?    #\d+ .*?gemm\.cu:(\d+)",
        log,
        re.MULTILINE | re.IGNORECASE,
    )
    lines = kernel.splitlines()
    sides = [f"a {kind.lower()} in line {n} ({lines[int(n) - 1].strip()})" for kind, n in found[:2]]
    return "data race between threads: " + " and ".join(sides or ["unknown lines"])


@lru_cache
def compiler() -> tuple[str, str]:
    """(path, version) of the C++ compiler: $CXX or g++. Raises Missing."""
    path = shutil.which(os.environ.get("CXX", "g++"))
    if path is None:
        raise Missing("no g++ here")
    done = subprocess.run([path, "--version"], capture_output=True, text=True)
    return path, done.stdout.partition("\n")[0]


@lru_cache
def can_race() -> None:
    """Raises Missing where the compiler has no ThreadSanitizer to link."""
    try:
        _object("probe.cpp", "int main() { return 0; }", RACE_OPTIONS, link=True)
    except Broken:
        raise Missing(f"{compiler()[1]} has no ThreadSanitizer here") from None


@lru_cache(maxsize=256)
def compiled(tiling: Tiling, build: Build = "plain", kernel: str | None = None) -> Path:
    """The program that runs the tiling's kernel: compiled now, or kept from before."""
    race, trace = build == "race", build == "trace"
    if race:
        can_race()
    options = (*OPTIONS, *(RACE_OPTIONS if race else ()))
    traced = ("-DTRACE",) if trace else ()
    threads = "threads.cpp" if race else "fibers.cpp"
    parts = [
        _object("gemm.cu", kernel or source(), (*options, *defines(tiling, trace))),
        _object("host.cpp", source("host.cpp"), (*options, *traced)),
        _object(threads, source(threads), options),
    ]
    return _kept("host", "".join(map(str, parts)), [*options, *map(str, parts)])


def _object(name: str, text: str, options: tuple[str, ...], link: bool = False) -> Path:
    """An object file of one source, or with `link` a program."""
    language = ("-x", "c++", "-include", "host.h") if name.endswith(".cu") else ()
    with tempfile.TemporaryDirectory() as folder:
        for header in HEADERS:
            Path(folder, header).write_text(source(header))
        Path(folder, name).write_text(text)
        command = [*options, f"-ffile-prefix-map={folder}=.", *language]
        inputs = text + "".join(map(source, HEADERS))
        return _kept(name, inputs, [*command, *([] if link else ["-c"]), name], folder)


def _kept(name: str, inputs: str, command: list[str], folder: str | None = None) -> Path:
    """What the compiler makes of `inputs`, from the cache if it is there.

    Written under another name first and then moved, so that no half file is ever found.
    """
    path, version = compiler()
    options = [option for option in command if folder is None or folder not in option]
    key = hashlib.sha256(repr((path, version, options, inputs)).encode()).hexdigest()[:32]
    kept = cache() / f"{name}-{key}"
    if kept.exists():
        kept.touch()  # in use
        return kept
    _forget(kept.parent)
    handle, unfinished = tempfile.mkstemp(dir=kept.parent)
    os.close(handle)
    try:
        done = subprocess.run(
            [path, *command, "-o", unfinished], cwd=folder, capture_output=True, text=True
        )
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if "error" in line]
            raise Broken(f"{Path(path).name} refuses {name}: " + "; ".join(errors[:2]))
        Path(unfinished).chmod(0o700)
        Path(unfinished).replace(kept)
    finally:
        Path(unfinished).unlink(missing_ok=True)
    return kept


@lru_cache
def _forget(folder: Path) -> None:
    """Delete what nobody has used for long. Once in a process."""
    for file in folder.iterdir():
        with suppress(FileNotFoundError):  # another process may have been quicker
            if time() - file.stat().st_mtime > LONG:
                file.unlink()


def cache() -> Path:
    """A folder for what was built, which only this user can write to. Raises Missing."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base, "tilelapse")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Missing(f"cannot build in {folder}: {(error.strerror or '').lower()}") from None
    return folder
