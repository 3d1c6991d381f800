"""gemm.cu on a CPU: built by g++, run in a process of its own, under a time limit.

Three builds: "plain"; "trace", where each thread records what it does; "race", where each CUDA
thread is a thread of the operating system and ThreadSanitizer watches them.
"""

import hashlib
import os
import re
import signal
import subprocess
import tempfile
from contextlib import suppress
from functools import lru_cache
from math import prod
from pathlib import Path
from shutil import rmtree, which
from time import time
from typing import Literal, TypeAlias

import numpy as np

from tiling.fma import Floats
from tiling.kernel.build import Broken, Missing, defines, file_text, line, source, trace_stride
from tiling.kernel.provenance import Slots
from tiling.schedule import Schedule
from tiling.shapes import Tiling

Build: TypeAlias = Literal["plain", "trace", "race"]

OPTIONS = (
    *("-std=c++20", "-Og", "-pthread", "-Wno-unknown-pragmas"),
    "-ffp-contract=off",  # no FMA that the source does not write
    "-fno-strict-aliasing",  # floats are read as a Wide
    # A GPU refuses a wide access at an address that is not a multiple of its width; so must this.
    "-fsanitize=alignment",
    "-fsanitize-undefined-trap-on-error",
)
RACE_OPTIONS = ("-g", "-fsanitize=thread")
# The kernel is a library that the host program loads, which is so linked once for all tilings.
KERNEL_OPTIONS = ("-shared", "-fPIC", "-ftls-model=initial-exec", "-nostdlib", "-include", "host.h")
HEADERS = ("host.h", "threads.h", "copies.h")
RACE_FOUND = 66
LONG = 14 * 24 * 3600
"""Seconds after which what was built and not used since is deleted."""

TROUBLE = {
    3: "a barrier is not reached by all threads of the CTA",
    4: "a write outside C",
    5: "a write outside shared memory",
    6: "what was built of it cannot be loaded",
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
    program, library = host_program(build == "race"), compiled(tiling, build, kernel)
    ctas = prod(schedule.grid)
    stride = trace_stride(schedule) if build == "trace" else 0
    sizes = (gemm.m, gemm.n, gemm.k, ctas, tiling.threads, tiling.shared_words, stride, skew, order)
    data = np.ascontiguousarray(a).tobytes() + np.ascontiguousarray(b).tobytes()
    out = _run([str(program), str(library), *map(str, sizes)], data, limit, kernel)
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
        if command[0] != "setarch" and which("setarch"):
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
    sides = [f"a {kind.lower()} in line {n} ({line(kernel, int(n))})" for kind, n in found[:2]]
    return "data race between threads: " + " and ".join(sides or ["unknown lines"])


@lru_cache
def compiler() -> tuple[str, str]:
    """(path, version) of the C++ compiler: $CXX or g++. Raises Missing."""
    path = which(os.environ.get("CXX", "g++"))
    if path is None:
        raise Missing("no g++ here")
    done = subprocess.run([path, "--version"], capture_output=True, text=True)
    return path, done.stdout.partition("\n")[0]


@lru_cache
def can_race() -> None:
    """Raises Missing where the compiler has no ThreadSanitizer to link."""
    try:
        _kept({"probe.cpp": "int main() { return 0; }"}, RACE_OPTIONS)
    except Broken:
        raise Missing(f"{compiler()[1]} has no ThreadSanitizer here") from None


@lru_cache(maxsize=256)
def compiled(tiling: Tiling, build: Build = "plain", kernel: str | None = None) -> Path:
    """The library that holds the tiling's kernel: compiled now, or kept from before."""
    if build == "race":
        can_race()
    options = (*_options(build == "race"), *KERNEL_OPTIONS, *defines(tiling, build == "trace"))
    return _kept({"gemm.cu": kernel or source()}, (*options, "-x", "c++"), ("-lm",))


@lru_cache
def host_program(race: bool) -> Path:
    """The program that loads a kernel and runs it: compiled now, or kept from before."""
    if race:
        can_race()
    files = ("host.cpp", "threads.cpp" if race else "fibers.cpp")
    # -rdynamic: the kernel looks for shared memory, threadIdx and the rest in this program.
    return _kept(
        {file: file_text(file) for file in files}, (*_options(race), "-rdynamic"), ("-ldl",)
    )


def _options(race: bool) -> tuple[str, ...]:
    return (*OPTIONS, *(RACE_OPTIONS if race else ()))


def _kept(texts: dict[str, str], options: tuple[str, ...], libraries: tuple[str, ...] = ()) -> Path:
    """What the compiler makes of these sources, from the cache if it is there.

    Written under another name first and then moved, so that no half file is ever found.
    """
    name, (path, version) = next(iter(texts)), compiler()
    texts = texts | {header: file_text(header) for header in HEADERS}
    key = hashlib.sha256(repr((path, version, options, libraries, texts)).encode()).hexdigest()[:32]
    kept = cache() / f"{name}-{key}"
    with suppress(FileNotFoundError):
        os.utime(kept)  # in use
        return kept
    _forget(kept.parent)
    sources = [text for text in texts if text not in HEADERS]
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        for file, text in texts.items():
            Path(folder, file).write_text(text)
        command = [path, *options, f"-ffile-prefix-map={folder}=.", *sources, *libraries]
        done = subprocess.run([*command, "-o", "out"], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if "error" in line]
            raise Broken(f"{Path(path).name} refuses {name}: " + "; ".join(errors[:2]))
        Path(folder, "out").chmod(0o700)
        Path(folder, "out").replace(kept)
    return kept


@lru_cache
def _forget(folder: Path) -> None:
    """Delete what nobody has used for long, and what was left unfinished. Once in a process."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another process may have been quicker
            if time() - path.stat().st_mtime > LONG:
                if path.is_dir():
                    rmtree(path)
                else:
                    path.unlink()


def cache() -> Path:
    """A folder for what was built, which only this user can write to. Raises Missing."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base, "tilelapse")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Missing(f"cannot build in {folder}: {(error.strerror or '').lower()}") from None
    return folder
