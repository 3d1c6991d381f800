"""gemm.cu on a CPU: built by g++, run in a process of its own, under a time limit.

Three builds: "plain"; "trace", where each thread records what it does; "race", where each CUDA
thread is a thread of the operating system and ThreadSanitizer watches them.
"""

import os
import re
import signal
import subprocess
from contextlib import suppress
from math import prod
from pathlib import Path
from shutil import which
from typing import Literal, TypeAlias

import numpy as np

from tiling.faults import Broken, Missing, ending
from tiling.fma import Floats
from tiling.kernel.build import defines, file_text, line, source, trace_stride
from tiling.kernel.cxx import kept
from tiling.kernel.provenance import Slots
from tiling.regular import reason
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
RACE_OPTIONS = ("-fsanitize=thread",)
# The kernel is a library that the host program loads, which is so linked once for all tilings.
KERNEL_OPTIONS = ("-shared", "-fPIC", "-ftls-model=initial-exec", "-nostdlib", "-include", "host.h")
HEADERS = ("host.h", "threads.h", "copies.h", "planted.h")
RACE_KERNEL_OPTIONS = ("-g", "-include", "planted.h")  # its reports are told in lines

BEGUN, ENDED = b"BEGUN\n", b"ENDED\n"
"""What host.cpp writes before and behind C and the trace."""

REPORTED = 66
"""Exit status when ThreadSanitizer reports something. Its own failures have this status too."""

RACE_REPORT = re.compile(r"WARNING: ThreadSanitizer: (.+) \(pid=")

TSAN_OPTIONS = f"halt_on_error=1:exitcode={REPORTED}:handle_segv=0:handle_sigbus=0:handle_sigfpe=0"

UNLOADABLE = 6
TROUBLE = {
    0: "it ends the program that runs it",
    3: "a barrier is not reached by all threads of the CTA",
    4: "a write outside C",
    5: "a write outside shared memory",
}
"""What host.cpp's exit statuses mean of a kernel that was begun."""

CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT)
"""Signals that a kernel can cause. Others come from outside, as SIGKILL where memory is short."""


class Unfit(Missing):
    """What was built may be no good, and is not kept."""


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

    Raises Broken for what the kernel certainly does wrong, Missing for all else that goes wrong.
    """
    gemm, tiling, race = schedule.gemm, schedule.tiling, build == "race"
    # The host program first: a compiler that has made it can be believed when it refuses a kernel.
    program, library = host_program(race), compiled(tiling, build, kernel)
    ctas = prod(schedule.grid)
    stride = trace_stride(schedule) if build == "trace" else 0
    sizes = (gemm.m, gemm.n, gemm.k, ctas, tiling.threads, tiling.shared_words, stride, skew, order)
    data = np.ascontiguousarray(a).tobytes() + np.ascontiguousarray(b).tobytes()
    command = [str(program), str(library), *map(str, sizes)]
    c_bytes, slots_bytes = 4 * gemm.m * gemm.n, 8 * ctas * tiling.threads * stride
    try:
        out = _run(command, data, c_bytes + slots_bytes, limit, race, kernel or source())
    except Unfit:
        for file in program, library:
            with suppress(OSError):
                file.unlink()
        raise
    c = np.frombuffer(out[:c_bytes], np.float32).reshape(gemm.m, gemm.n)
    return c, np.frombuffer(out[c_bytes:], np.int64).reshape(ctas, tiling.threads, stride)


def _run(
    command: list[str], data: bytes, size: int, limit: float, race: bool, kernel: str
) -> bytes:
    """What the host program writes of C and the trace: `size` bytes."""
    environment = {**os.environ, "TSAN_OPTIONS": TSAN_OPTIONS}
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=limit, env=environment
        )
    except OSError as error:
        raise Unfit(f"cannot run {command[0]}: {reason(error)}") from None
    except subprocess.TimeoutExpired as late:
        if not (late.stdout or b"").startswith(BEGUN):
            raise Missing(f"the kernel was not begun after {limit:g} s") from None
        raise Broken(
            f"hung: not done after {limit:g} s, as if a barrier never opened "
            "(or this machine is very slow)"
        ) from None
    log, status = done.stderr.decode(errors="replace"), done.returncode
    begun = done.stdout.startswith(BEGUN)
    out = done.stdout.removeprefix(BEGUN).removesuffix(ENDED)
    if len(done.stdout) == len(BEGUN) + size + len(ENDED) and len(out) == size:
        if status == REPORTED and RACE_REPORT.search(log) if race else status == 0:
            return out
        if status == 0:
            raise Unfit("ThreadSanitizer does not see the race that was planted: it sees none")
    if "unexpected memory mapping" in log:  # ThreadSanitizer and a kernel that randomizes widely
        if not which("setarch"):
            raise Missing("ThreadSanitizer cannot map its memory here, and there is no setarch")
        if command[0] != "setarch":
            return _run(["setarch", "-R", *command], data, size, limit, race, kernel)
    raise _fault(status, log, begun, kernel)


def _fault(status: int, log: str, begun: bool, kernel: str) -> Broken | Missing:
    """Why a run did not end well: Broken only where it is certain that the kernel is to blame."""
    undefined = re.search(r"undefined symbol: (\w+)", log)
    if status == UNLOADABLE and undefined and not undefined[1].startswith("__tsan"):
        return Broken(f"what was built of it cannot be loaded: {undefined[1]} is nowhere defined")
    if not begun:
        return Unfit(f"the kernel was not begun: {ending(status, log)}")
    if status == REPORTED and (report := RACE_REPORT.search(log)):
        return Broken(_race(report[1], log, kernel))
    if -status in (signal.SIGILL, signal.SIGTRAP):  # how -fsanitize=alignment stops it
        return Broken("a wide access at an address that is not a multiple of its width")
    if -status in CRASHES:
        return Broken(f"the kernel died of signal {-status}")
    if status in TROUBLE:
        return Broken(TROUBLE[status])
    return Missing(f"the kernel was not run to its end: {ending(status, log)}")


def _race(kind: str, log: str, kernel: str) -> str:
    """ThreadSanitizer's first report, in the words of the source."""
    found = re.findall(
        r"^  (?:Previous )?(?:atomic )?(read|write) of size.*\n"
        r"(?:    #\d+ .*\n)*?    #\d+ .*?gemm\.cu:(\d+)",
        log,
        re.MULTILINE | re.IGNORECASE,
    )
    sides = [f"a {what.lower()} in line {n} ({line(kernel, int(n))})" for what, n in found[:2]]
    return f"{kind} between threads: " + " and ".join(sides or ["unknown lines"])


def compiled(tiling: Tiling, build: Build = "plain", kernel: str | None = None) -> Path:
    """The library that holds the tiling's kernel: compiled now, or kept from before.

    Raises Broken if the compiler finds a mistake in it, Missing if there is none that compiles.
    """
    race = build == "race"
    options = (*_options(race), *KERNEL_OPTIONS, *(RACE_KERNEL_OPTIONS if race else ()))
    options = (*options, *defines(tiling, build == "trace"), "-x", "c++")
    return _kept({"gemm.cu": kernel or source()}, options, ("-lm",))


def host_program(race: bool) -> Path:
    """The program that loads a kernel and runs it: compiled now, or kept from before.

    Raises Missing where that does not succeed: no kernel is to blame for it.
    """
    files = ("host.cpp", "threads.cpp" if race else "fibers.cpp")
    # -rdynamic: the kernel looks for shared memory, threadIdx and the rest in this program.
    options = (*_options(race), "-rdynamic")
    try:
        return _kept({file: file_text(file) for file in files}, options, ("-ldl",))
    except Broken as broken:
        raise Missing(str(broken)) from None


def _options(race: bool) -> tuple[str, ...]:
    return (*OPTIONS, *(RACE_OPTIONS if race else ()))


def _kept(texts: dict[str, str], options: tuple[str, ...], libraries: tuple[str, ...]) -> Path:
    return kept(texts | {header: file_text(header) for header in HEADERS}, options, libraries)
