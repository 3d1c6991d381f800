"""What a kernel's code does with its parameters, told from its text without running it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tiling.ptx.flow import results, sources
from tiling.ptx.program import Program
from tiling.ptx.syntax import Instruction, Variable, address

READS = ("ld", "ldu", "atom", "cp", "wmma", "ldmatrix")
WRITES = ("st", "atom", "red", "wmma")


@dataclass(frozen=True)
class Uses:
    """Parameters by their numbers.

    read, written  those that addresses are made of where something is read, or written
    registers      special registers that are read, as "%tid.y"
    dynamic        whether there is shared memory whose size the launch gives
    ignored        those that nothing looks at
    """

    read: frozenset[int]
    written: frozenset[int]
    registers: frozenset[str]
    dynamic: bool
    ignored: frozenset[int] = frozenset()


def uses(program: Program) -> Uses:
    """What the code does with parameters; flow is not looked at, so this may be too much."""
    body = program.function.body
    numbers = {param.name: number for number, param in enumerate(program.params)}
    comes_from = _origins(body, numbers)
    read, written = set[int](), set[int]()
    for one in body:
        name, _, modifiers = one.opcode.partition(".")
        stores = name in WRITES and not (name == "wmma" and not modifiers.startswith("store"))
        loads = name in READS and not (name == "wmma" and not modifiers.startswith("load"))
        if not (stores or loads) or ".param" in one.opcode:
            continue
        for operand in one.operands:
            if located := address(operand):
                origin = comes_from[located[0]]
                read |= origin if loads else set()
                written |= origin if stores else set()
    special = {
        name for one in body for name in sources(one) if name.startswith("%") and "." in name
    }
    dynamic = any(v.space == "shared" and not v.size for v in _variables(program))
    ignored = {number for name, number in numbers.items() if name not in _mentioned(body)}
    return Uses(
        frozenset(read), frozenset(written), frozenset(special), dynamic, frozenset(ignored)
    )


def _mentioned(body: list[Instruction]) -> set[str]:
    """Parameters that stand somewhere in the code."""
    return {located[0] for one in body for o in one.operands if (located := address(o))}


TYPES = {"f32": "float", "f64": "double", "b16": "__half", "u16": "__half", "s8": "signed char"}
"""What is loaded from memory, as C++ calls it; what is not named here is taken for an int."""


def guessed(program: Program) -> tuple[str, ...]:
    """Types of the parameters, as C++ has them, where no source tells: by what is done with them.
    An address of global memory is a pointer, to what is loaded or stored there."""
    body = program.function.body
    numbers = {param.name: number for number, param in enumerate(program.params)}
    comes_from = _origins(body, numbers)
    found = [""] * len(numbers)
    for one in body:
        name, *modifiers = one.opcode.split(".")
        if one.opcode.startswith("ld.param.f"):
            located = address(one.operands[1])
            if located and located[0] in numbers:
                found[numbers[located[0]]] = TYPES[modifiers[-1]]
        elif one.opcode.startswith("cvta.to.global"):
            for number in comes_from[one.operands[0]]:
                found[number] = found[number] or "float*"
    for one in body:
        name, *modifiers = one.opcode.split(".")
        if name in ("ld", "st") and "global" in modifiers:
            for number in _pointers(one, comes_from, found):
                found[number] = f"{TYPES.get(modifiers[-1], 'int')}*"
    return tuple(found)


def _pointers(one: Instruction, comes_from: dict[str, set[int]], found: list[str]) -> list[int]:
    operands = [located for operand in one.operands if (located := address(operand))]
    return [n for located in operands for n in comes_from[located[0]] if found[n].endswith("*")]


def _variables(program: Program) -> Iterator[Variable]:
    yield from program.module.variables.values()
    yield from program.function.variables.values()


def _origins(body: list[Instruction], numbers: dict[str, int]) -> dict[str, set[int]]:
    """The parameters that each register may be made of; what is loaded from memory is of none."""
    found: dict[str, set[int]] = defaultdict(set)
    changed = True
    while changed:
        changed = False
        for one in body:
            name = one.opcode.partition(".")[0]
            if one.opcode.startswith("ld.param"):
                located = address(one.operands[1])
                origin = {numbers[located[0]]} if located and located[0] in numbers else set()
            elif name in READS or name in WRITES:
                continue
            else:
                origin = set().union(*(found[source] for source in sources(one)))
            for result in results(one):
                if not origin <= found[result]:
                    found[result] |= origin
                    changed = True
    return found
