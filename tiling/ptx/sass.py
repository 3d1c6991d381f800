"""The memory instructions of machine code, each with its width and the line that it comes from.

Read is what `nvdisasm -gi -c` prints of a build with -lineinfo.
"""

import re
from typing import NamedTuple

from tiling.ptx.syntax import Source


class Request(NamedTuple):
    """One memory instruction of the machine code.

    at      its address in the code
    guard   the predicate that must hold, as "P1" or "!P1", or ""
    space   shared, global, local, or generic where the address decides
    kind    load, store, atomic, "copy" from global to shared memory, "matrix" as ldmatrix
    bits    that one thread moves
    base    registers of the (first) address; offset: bytes added to them
    loop    address where the innermost loop around it begins, or -1
    source  the line it comes from, or None
    """

    at: int
    opcode: str
    guard: str
    space: str
    kind: str
    bits: int
    base: str
    offset: int
    loop: int
    source: Source | None


OPCODES = {
    "LDS": ("shared", "load"),
    "STS": ("shared", "store"),
    "ATOMS": ("shared", "atomic"),
    "LDSM": ("shared", "matrix"),
    "STSM": ("shared", "matrix"),
    "LDG": ("global", "load"),
    "STG": ("global", "store"),
    "ATOMG": ("global", "atomic"),
    "RED": ("global", "atomic"),
    "REDG": ("global", "atomic"),
    "LDGSTS": ("global", "copy"),
    "LDL": ("local", "load"),
    "STL": ("local", "store"),
    "LD": ("generic", "load"),
    "ST": ("generic", "store"),
    "ATOM": ("generic", "atomic"),
}
"""Space and kind of the machine's memory instructions (CUDA Binary Utilities, "Instruction Set
Reference"). Constants and parameters are not looked at."""

_FILE = re.compile(r'//## File "(.*?)", line (\d+)(?: inlined at "(.*?)", line (\d+))?')
_CODE = re.compile(r"/\*([0-9a-f]{4,})\*/\s+(?:@(\S+)\s+)?([A-Z][\w.]*)\s*(.*?)\s*;")
_SECTION = re.compile(r"^//-+ \.text\.(\S+)", re.MULTILINE)
_ADDRESS = re.compile(r"(?:^|[\s\]])\[([^\]]*)\]")
_WIDTH = {"8": 8, "16": 16, "64": 64, "128": 128, "256": 256}


class Unknown(ValueError):
    """A disassembly that is not understood; the text says why, in one line."""


class Code(NamedTuple):
    """One instruction of the machine code; fields as in Request, operands as text."""

    at: int
    guard: str
    opcode: str
    operands: str
    loop: int
    source: Source | None


def code(text: str, kernel: str | None = None) -> list[Code]:
    """The instructions of a kernel, or of the only one, in a disassembly by `nvdisasm -c`.

    Those that can never be carried out (`@!PT`) are left out. Raises Unknown.
    """
    lines = _section(text, kernel).splitlines()
    loops, found = _loops(lines), []
    source: Source | None = None
    chain: list[tuple[str, int]] = []
    for line in lines:
        if place := _FILE.search(line):
            chain.append((place[1], int(place[2])))
            if not place[3]:
                source, chain = _inlined(chain) or source, []
        elif (one := _CODE.search(line)) and one[2] != "!PT":
            at = int(one[1], 16)
            loop = max((first for first, last in loops if first <= at <= last), default=-1)
            found.append(Code(at, one[2] or "", one[3], one[4], loop, source))
    return found


def requests(text: str, kernel: str | None = None) -> list[Request]:
    """The memory instructions among them. Raises Unknown."""
    found = []
    for one in code(text, kernel):
        name, *modifiers = one.opcode.split(".")
        if name in OPCODES:
            where = _ADDRESS.search(one.operands)
            base, offset = _split(where[1] if where else "")
            space, kind = OPCODES[name]
            bits = _bits(name, modifiers)
            found.append(
                Request(
                    one.at,
                    one.opcode,
                    one.guard,
                    space,
                    kind,
                    bits,
                    base,
                    offset,
                    one.loop,
                    one.source,
                )
            )
    return found


def _section(text: str, kernel: str | None) -> str:
    """The text of one kernel's code."""
    heads = list(_SECTION.finditer(text))
    names = [head[1] for head in heads]
    if not heads:
        raise Unknown("the disassembly has no code")
    if kernel is None and len(heads) > 1:
        raise Unknown(f"the disassembly has several kernels: {', '.join(names[:8])}")
    if kernel is not None and kernel not in names:
        raise Unknown(f"the disassembly has no kernel {kernel!r}; it has: {', '.join(names[:8])}")
    number = names.index(kernel) if kernel is not None else 0
    end = heads[number + 1].start() if number + 1 < len(heads) else len(text)
    return text[heads[number].start() : end]


def _inlined(chain: list[tuple[str, int]]) -> Source | None:
    """The innermost place of a chain. Line 0: code of no line is counted to the one before."""
    source = None
    for file, line in reversed(chain):
        source = Source(file, line, source)
    return source if source is None or source.line else None


def _loops(lines: list[str]) -> list[tuple[int, int]]:
    """(first, last) address of each loop: from the target of a branch backwards to that branch."""
    labels, waiting, back = dict[str, int](), list[str](), []
    for line in lines:
        if line.startswith(".L") and line.rstrip().endswith(":"):
            waiting.append(line.rstrip()[:-1])
        elif code := _CODE.search(line):
            at = int(code[1], 16)
            labels.update(dict.fromkeys(waiting, at))
            waiting = []
            to = re.search(r"\((\.L\w+)\)", code[4]) if code[3].startswith("BRA") else None
            if to and to[1] in labels:
                back.append((labels[to[1]], at))
    return back


def _split(text: str) -> tuple[str, int]:
    """(registers, bytes) of an address: `R8+UR4+-0x10` is R8+UR4 and -16."""
    parts = text.split("+")
    try:
        return "+".join(parts[:-1]), int(parts[-1], 0)
    except ValueError:
        return text, 0


def _bits(name: str, modifiers: list[str]) -> int:
    """32 unless a modifier names another width; of matrices one register each."""
    if name in ("LDSM", "STSM"):
        return 32 * int(modifiers[-1] if modifiers[-1] in ("2", "4") else 1)
    named = (_WIDTH.get(m.lstrip("USF")) for m in modifiers)
    return next((bits for bits in named if bits), 32)
