"""gemm.cu through NVIDIA's compiler, with no GPU: what it becomes on each architecture.

NVRTC compiles, ptxas reports registers and spills in its log, nvdisasm shows the machine code.
"""

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from tiling.kernel.build import Broken, Missing, device_defines, groups, source
from tiling.layout import Operand, fragment_width
from tiling.shapes import Tiling

ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100")

UNROLLED = 8192
"""Multiply-adds of a k-tile up to which the compiler unrolls the k loop, as it was found to do."""


@dataclass(frozen=True)
class Machine:
    """One architecture's machine code. Bytes are of one thread, `shared` of one CTA.

    census    instructions by opcode, of memory accesses by width: {"LDS.128": 32, "FFMA": 512, …}
    code      the instructions, as text without addresses
    """

    arch: str
    registers: int
    spilled: int
    stack: int
    shared: int
    census: dict[str, int]
    code: tuple[str, ...]


def compile_for(
    arch: str, tiling: Tiling, kernel: str | None = None, trace: bool = False
) -> Machine:
    """The tiling's kernel for one architecture. Raises Missing without tools, Broken if refused."""
    options = (f"--gpu-architecture={arch}", "--std=c++17", "--ptxas-options=-v")
    log, binary = cubin(kernel or source(), (*options, *device_defines(tiling, trace)))

    def number(pattern: str) -> int:
        found = re.search(pattern, log)
        return int(found[1]) if found else 0

    code = disassemble(binary)
    return Machine(
        arch,
        registers=number(r"Used (\d+) registers"),
        spilled=number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads"),
        stack=number(r"(\d+) bytes stack frame"),
        shared=number(r"(\d+) bytes smem"),
        census=census(code),
        code=code,
    )


def census(code: tuple[str, ...]) -> dict[str, int]:
    """How many instructions of each kind, memory accesses by their width in bits."""
    found: Counter[str] = Counter()
    for line in code:
        name, *modifiers = line.removeprefix("@").split()[line.startswith("@")].split(".")
        width = next((m for m in modifiers if m in ("64", "128")), "32")
        if name in ("LDS", "STS", "LDG", "STG"):
            name = f"{name}.{width}"
        # Blackwell may pair two multiply-adds of neighbouring registers in one instruction.
        found["FFMA" if name == "FFMA2" else name] += 2 if name == "FFMA2" else 1
    return dict(found)


def count(machine: Machine, tiling: Tiling) -> dict[str, int]:
    """The machine code's numbers for what `predicted` predicts."""
    return {opcode: words(machine.census, opcode) for opcode in predicted(tiling)}


def words(census: dict[str, int], opcode: str) -> int:
    """Instructions of one opcode, a wide one counted once for each 32-bit word."""
    one = {"": 1, "32": 1, "64": 2, "128": 4}
    return sum(
        many * one[name.partition(".")[2]]
        for name, many in census.items()
        if name.partition(".")[0] == opcode
    )


def predicted(tiling: Tiling) -> dict[str, int]:
    """What the machine code must hold, from the tiling: words moved and multiply-adds made.

    The main loop's body stands in the code once, its k loop unrolled. A request of `vector` words
    stands there twice: wide, and word by word for where it may not be wide.
    """
    requests = groups(tiling, "A") + groups(tiling, "B")
    return {
        "FFMA": tiling.tm * tiling.tn * tiling.bk,
        "LDS": tiling.bk * (tiling.tm + tiling.tn),
        "STS": requests * tiling.vector,
        "LDG": requests * tiling.vector * (1 if tiling.vector == 1 else 2),
        "STG": tiling.tm * tiling.tn,
        "BAR": 2,
    }


def fragment_reads(tiling: Tiling) -> int:
    """How often a thread reads shared memory in a k-tile, each read as wide as the layout allows.

    The source asks for the width that all k allow; where one k allows more, the compiler sees it.
    """
    sides: tuple[tuple[Operand, int], ...] = ("A", tiling.tm), ("B", tiling.tn)
    return sum(
        size // fragment_width(tiling, operand, k)
        for operand, size in sides
        for k in range(tiling.bk)
    )


def complaints(machine: Machine, tiling: Tiling) -> list[str]:
    """Where the machine code is not what the model says, in words; empty if it is.

    FFMA, STG and BAR must be exact. A wide LDS may bring a word that nobody asked for, and where
    a copy has two branches, a wide one and one by one, the compiler may write what follows in both.
    For short bodies it may also repeat the whole main loop, the first time without the barrier that
    the first k-tile does not need.
    """
    want, wide = (
        predicted(tiling),
        machine.census.get("LDS.128", 0) + machine.census.get("LDS.64", 0),
    )
    got = count(machine, tiling)
    trips, rest = divmod(got["FFMA"], want["FFMA"])
    found = []
    if machine.spilled or machine.stack:
        found.append(f"{machine.spilled} bytes spilled, {machine.stack} bytes of stack")
    if machine.registers < tiling.tm * tiling.tn:
        found.append(f"{machine.registers} registers for {tiling.tm * tiling.tn} accumulators")
    if machine.shared != (shared := 0 if tiling.large_shared else tiling.shared_bytes):
        found.append(f"{machine.shared} bytes of shared memory, not {shared}")
    if got["STG"] != want["STG"]:
        found.append(f"STG {got['STG']}, not {want['STG']}")
    if rest and want["FFMA"] > UNROLLED:
        return found  # the k loop is still a loop: its body says nothing about a k-tile
    if rest or not trips:
        return [*found, f"FFMA {got['FFMA']}, not {want['FFMA']}"]
    if got["BAR"] not in (2 * trips, 2 * trips - (trips > 1)):
        found.append(f"BAR {got['BAR']}, not {want['BAR']}")
    twice = tiling.vector > 1
    reads = sum(many for name, many in machine.census.items() if name.startswith("LDS."))
    if reads > trips * (most := fragment_reads(tiling)):
        found.append(f"{reads} reads by LDS, not {trips * most}")
    for opcode in "LDS", "STS", "LDG":
        least = trips * want[opcode]
        spare = wide if opcode == "LDS" else least * twice
        if not least <= got[opcode] <= least + spare:
            found.append(f"{got[opcode]} words by {opcode}, not {least}")
    return found


def supported() -> tuple[str, ...]:
    """Those of ARCHITECTURES that this NVRTC knows. Raises Missing."""
    known = _call(_loaded(lambda nvrtc: nvrtc.nvrtcGetSupportedArchs()))[-1]
    return tuple(arch for arch in ARCHITECTURES if int(arch.removeprefix("sm_")) in known)


def versions() -> dict[str, str]:
    """The compiler's and the disassembler's versions. Raises Missing."""
    major, minor = _call(_loaded(lambda nvrtc: nvrtc.nvrtcVersion()))
    shown = subprocess.run([_nvdisasm(), "--version"], capture_output=True, text=True).stdout
    release = re.search(r"V(\d[\d.]*)", shown)
    return {"nvrtc": f"{major}.{minor}", "nvdisasm": release[1] if release else "unknown"}


def _loaded(use: Callable[[Any], tuple[Any, ...]]) -> tuple[Any, ...]:
    """A call of NVRTC, which may be what loads it. Raises Missing where there is none."""
    try:
        from cuda.bindings import nvrtc

        return use(nvrtc)
    except ImportError:
        raise Missing("no NVRTC here: pip install cuda-bindings nvidia-cuda-nvrtc") from None
    except RuntimeError as error:  # the bindings are there, the library is not
        raise Missing(f"no NVRTC here: {str(error).splitlines()[0]}") from None


def _call(result: tuple[Any, ...]) -> tuple[Any, ...]:
    status, *values = result
    if int(status):
        raise Broken(f"NVRTC says {status.name}")
    return tuple(values)


def cubin(kernel: str, options: tuple[str, ...]) -> tuple[str, bytes]:
    """(log, binary), the log with what ptxas says if asked for. Raises Missing or Broken."""
    (program,) = _call(
        _loaded(lambda nvrtc: nvrtc.nvrtcCreateProgram(kernel.encode(), b"gemm.cu", 0, [], []))
    )
    from cuda.bindings import nvrtc

    (status,) = nvrtc.nvrtcCompileProgram(program, len(options), [o.encode() for o in options])
    log = bytes(_call(nvrtc.nvrtcGetProgramLogSize(program))[0])
    _call(nvrtc.nvrtcGetProgramLog(program, log))
    text = log.decode().rstrip("\0")
    if int(status):
        errors = [line for line in text.splitlines() if "error" in line]
        raise Broken(f"NVRTC refuses it: {'; '.join(errors[:2]) or status.name}")
    binary = bytes(_call(nvrtc.nvrtcGetCUBINSize(program))[0])
    _call(nvrtc.nvrtcGetCUBIN(program, binary))
    _call(nvrtc.nvrtcDestroyProgram(program))
    return text, binary


def disassemble(binary: bytes) -> tuple[str, ...]:
    """The machine's instructions, in order, without addresses."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "gemm.cubin")
        file.write_bytes(binary)
        done = subprocess.run([_nvdisasm(), "-c", str(file)], capture_output=True, text=True)
    if done.returncode:
        raise Broken(f"nvdisasm says {done.stderr.strip()}")
    return tuple(re.findall(r"/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;", done.stdout))


@lru_cache
def _nvdisasm() -> str:
    """The program from PyPI's package, or the one that is installed. Raises Missing."""
    try:
        packaged = metadata.files("nvidia-cuda-nvdisasm") or []
    except metadata.PackageNotFoundError:
        packaged = []
    for file in packaged:
        if file.name == "nvdisasm":
            return str(file.locate())
    if path := shutil.which("nvdisasm"):
        return path
    raise Missing("no nvdisasm here: pip install nvidia-cuda-nvdisasm")
