"""gemm.cu through NVIDIA's compiler, with no GPU: what it becomes on each architecture."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from tiling import nvidia
from tiling.kernel.build import device_defines, source, unrolled_groups
from tiling.layout import Operand, fragment_width
from tiling.shapes import UNROLLED, Tiling

ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100")

WITHOUT_LDGSTS = ("sm_75",)
"""Architectures without asynchronous copies from global to shared memory."""


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
    log, _, binary = build(tiling, arch, kernel, trace)

    def number(pattern: str) -> int:
        found = re.search(pattern, log)
        return int(found[1]) if found else 0

    code = nvidia.disassemble(binary)
    return Machine(
        arch,
        registers=number(r"Used (\d+) registers"),
        spilled=number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads"),
        stack=number(r"(\d+) bytes stack frame"),
        shared=number(r"(\d+) bytes smem"),
        census=census(code),
        code=code,
    )


def build(
    tiling: Tiling, arch: str, kernel: str | None = None, trace: bool = False
) -> tuple[str, str, bytes]:
    """(ptxas's log, PTX, binary) of one run of NVRTC, which may make other PTX of the same text the
    next time. Line information changes no instruction."""
    return _built(device_defines(tiling, trace), arch, kernel or source())


@lru_cache(maxsize=16)
def _built(defines: tuple[str, ...], arch: str, kernel: str) -> tuple[str, str, bytes]:
    options = (f"--gpu-architecture={arch}", "--std=c++17", "--ptxas-options=-v", "-lineinfo")
    log, text, binary = nvidia.compiled(kernel, (*options, *defines), "PTX", "CUBIN")
    return log.decode().rstrip("\0"), text.decode().rstrip("\0"), binary


def census(code: tuple[str, ...]) -> dict[str, int]:
    """How many instructions of each kind, memory accesses by their width in bits."""
    found: Counter[str] = Counter()
    for line in code:
        if line.startswith("@!PT "):
            continue  # never carried out: the assembler puts some beside LDGSTS
        name, *modifiers = line.removeprefix("@").split()[line.startswith("@")].split(".")
        width = next((m for m in modifiers if m in ("64", "128")), "32")
        if name in ("LDS", "STS", "LDG", "STG", "LDGSTS"):
            name = f"{name}.{width}"
        # Blackwell may pair two multiply-adds of neighbouring registers in one instruction.
        found["FFMA" if name == "FFMA2" else name] += 2 if name == "FFMA2" else 1
    return dict(found)


def count(machine: Machine, tiling: Tiling) -> dict[str, int]:
    """The machine code's numbers for what `predicted` predicts."""
    return {opcode: words(machine.census, opcode) for opcode in predicted(tiling, machine.arch)}


def words(census: dict[str, int], opcode: str) -> int:
    """Instructions of one opcode, a wide one counted once for each 32-bit word."""
    one = {"": 1, "32": 1, "64": 2, "128": 4}
    return sum(
        many * one[name.partition(".")[2]]
        for name, many in census.items()
        if name.partition(".")[0] == opcode
    )


def predicted(tiling: Tiling, arch: str) -> dict[str, int]:
    """What the machine code must hold, from the tiling: words moved and multiply-adds made.

    The body of the main loop stands in the code once, its k loop unrolled. A request of several
    words stands there twice: wide, and word by word for where it may not be wide. With several
    stages the copies stand there once more, for the prologue.
    """
    loop, once = _in_the_loop(tiling, arch), _outside_the_loop(tiling, arch)
    return {opcode: loop[opcode] + once[opcode] for opcode in loop}


def _in_the_loop(tiling: Tiling, arch: str) -> dict[str, int]:
    return {
        "FFMA": tiling.tm * tiling.tn * tiling.bk,
        "LDS": 0 if tiling.direct else tiling.bk * (tiling.tm + tiling.tn),
        **_copies(tiling, arch),
        "STG": 0,
        "BAR": 0 if tiling.direct else 1 if tiling.asynchronous else 2,
    }


def _outside_the_loop(tiling: Tiling, arch: str) -> dict[str, int]:
    """Prologue and store."""
    results = tiling.tm * tiling.tn
    through_shared = results if tiling.shared_store else 0
    once = {"FFMA": 0, "LDS": through_shared, "STS": through_shared, "LDG": 0, "LDGSTS": 0}
    if tiling.asynchronous:
        once = {op: many + _copies(tiling, arch).get(op, 0) for op, many in once.items()}
    return {**once, "STG": results, "BAR": 2 * tiling.tm if tiling.shared_store else 0}


def _copies(tiling: Tiling, arch: str) -> dict[str, int]:
    """Words of a k-tile. LDGSTS copies by itself; sm_75 lacks it."""
    if tiling.direct:
        return {"STS": 0, "LDG": tiling.bk * (tiling.tm + tiling.tn), "LDGSTS": 0}
    written = requested = 0
    for operand in "AB":
        words = unrolled_groups(tiling, operand) * tiling.request(operand)
        written += words
        requested += words * (1 if tiling.request(operand) == 1 else 2)
    if not tiling.asynchronous:
        return {"STS": written, "LDG": requested, "LDGSTS": 0}
    if arch in WITHOUT_LDGSTS:
        return {"STS": requested, "LDG": requested, "LDGSTS": 0}
    return {"STS": 0, "LDG": 0, "LDGSTS": requested}


def fragment_reads(tiling: Tiling) -> int:
    """How often a thread reads shared memory in a k-tile, each read as wide as the layout allows.

    The source asks for the width that all k allow; where one k allows more, the compiler sees it.
    """
    if tiling.direct:
        return 0
    sides: tuple[tuple[Operand, int], ...] = ("A", tiling.tm), ("B", tiling.tn)
    return sum(
        size // fragment_width(tiling, operand, k)
        for operand, size in sides
        for k in range(tiling.bk)
    )


def complaints(machine: Machine, tiling: Tiling) -> list[str]:
    """Where the machine code is not what the model says, in words; empty if it is.

    FFMA, STG and BAR must be exact. A wide LDS may bring a word that nobody asked for, one may be
    made in parts, and a word may be read again where registers are short. Where a copy has two
    branches, a wide one and one by one, the compiler may write what follows in both. For short
    bodies it may also repeat the whole main loop, the first time without the barrier that the first
    k-tile does not need.
    """
    want, got = predicted(tiling, machine.arch), count(machine, tiling)
    loop = _in_the_loop(tiling, machine.arch)
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
    least = {opcode: many + (trips - 1) * loop[opcode] for opcode, many in want.items()}
    peeled = trips > 1 and not tiling.asynchronous
    if got["BAR"] not in (least["BAR"], least["BAR"] - peeled):
        found.append(f"BAR {got['BAR']}, not {least['BAR']}")
    reads = sum(many for name, many in machine.census.items() if name.startswith("LDS."))
    most = trips * fragment_reads(tiling) + want["LDS"] - loop["LDS"]
    if reads > most + max(2, most // 20):
        found.append(f"{reads} reads by LDS, not {most}")
    wide = machine.census.get("LDS.128", 0) + machine.census.get("LDS.64", 0)
    for opcode in "LDS", "STS", "LDG", "LDGSTS":
        spare = wide if opcode == "LDS" else least[opcode] * (tiling.vector > 1)
        if not least[opcode] <= got[opcode] <= least[opcode] + spare:
            found.append(f"{got[opcode]} words by {opcode}, not {least[opcode]}")
    return found


def supported() -> tuple[str, ...]:
    """Those of ARCHITECTURES that this NVRTC knows. Raises Missing."""
    return tuple(arch for arch in ARCHITECTURES if arch in nvidia.architectures())
