"""The memory instructions of PTX, and which of them access neighbours."""

import re
from collections import Counter
from collections.abc import Hashable
from typing import NamedTuple

from tiling.ptx.flow import Flow, results
from tiling.ptx.syntax import SIZES, Instruction, Source, address, number, vector


class Asked(NamedTuple):
    """One memory instruction of PTX.

    place   in the program's body
    space   shared, global, local or generic; kind and bits as in Request
    run     alike where two addresses have one base, and the same threads use both at one time
    offset  bytes from that base
    """

    place: int
    source: Source | None
    space: str
    kind: str
    bits: int
    run: Hashable
    offset: int


def asked(flow: Flow) -> list[Asked]:
    """The memory instructions of a program, in its order, without parameters and constants."""
    found, sums = [], _sums(flow)
    for block_number, block in enumerate(sorted(flow.blocks, key=lambda block: block.first)):
        version = Counter[str]()
        for place in range(block.first, block.first + block.size):
            one = flow.body[place]
            if (known := _known(one)) is not None:
                base, offset = known[3]
                base, more = sums.get(base, (base, 0))
                run = block_number, base, version[base], one.guard
                found.append(Asked(place, one.source, *known[:3], run, offset + more))
            version.update(results(one))
    return found


def _sums(flow: Flow) -> dict[str, tuple[str, int]]:
    """Registers that are another register and a number, where both are set only once."""
    times = Counter(name for one in flow.body for name in results(one))
    found: dict[str, tuple[str, int]] = {}
    for one in flow.body:
        if re.fullmatch(r"add\.[su](32|64)", one.opcode) and not one.guard:
            result, register, added = one.operands
            value = number(added)
            if value is not None and result != register and times[result] == times[register] == 1:
                base, more = found.get(register, (register, 0))
                found[result] = base, more + value
    return found


def _known(one: Instruction) -> tuple[str, str, int, tuple[str, int]] | None:
    """(space, kind, bits, address), or None for what is no access to memory."""
    name, *modifiers = one.opcode.replace("::", ".").split(".")
    space = next((m for m in modifiers if m in ("shared", "global", "local", "param", "const")), "")
    kind = {"ld": "load", "ldu": "load", "st": "store", "atom": "atomic", "red": "atomic"}.get(name)
    many = next((int(m[1:]) for m in modifiers if re.fullmatch("[vx][1248]", m)), 1)
    size = next((SIZES[m] for m in reversed(modifiers) if m in SIZES), 4)
    bits = 8 * size * many
    if name == "cp" and modifiers[1] in ("ca", "cg"):
        kind, space, bits = "copy", "global", 8 * int(one.operands[2])
    elif name in ("ldmatrix", "stmatrix"):
        kind, bits = "matrix", 32 * many
    elif name == "wmma" and modifiers[0] in ("load", "store"):
        kind, bits = "matrix", 32 * len(vector(one.operands[modifiers[0] == "store"]))
    if kind is None or space in ("param", "const"):
        return None
    return space or "generic", kind, bits, next(filter(None, map(address, one.operands)))
