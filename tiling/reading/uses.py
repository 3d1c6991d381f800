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
    """

    read: frozenset[int]
    written: frozenset[int]
    registers: frozenset[str]
    dynamic: bool


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
    return Uses(frozenset(read), frozenset(written), frozenset(special), dynamic)


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
