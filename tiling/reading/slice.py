"""A kernel without its arithmetic: what is left decides who goes where and touches what.

All accesses are made, at the same addresses and in the same order, but what is stored is not what
the kernel would store; so a whole K can be counted in a second. Backward slicing: Weiser, Program
slicing, 1981.
"""

from bisect import bisect_left
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from typing import NamedTuple

from tiling.ptx.flow import results, sources, words
from tiling.ptx.machine import Machine
from tiling.ptx.program import Program
from tiling.ptx.syntax import Instruction

MEMORY = ("ld", "ldu", "st", "atom", "red", "cp", "ldmatrix", "stmatrix")
ENDS = ("bra", "brx", "ret", "exit", "trap", "bar", "barrier")


class Times(NamedTuple):
    """How often an instruction was come to: by warps, and by threads, guards not asked."""

    warps: int
    threads: int


@dataclass(frozen=True)
class Slice:
    """The rest of a program.

    places  of its instructions in the whole program's body
    data    whether values from memory decide where accesses go, so that they had to be kept
    """

    whole: Program
    program: Program
    places: tuple[int, ...]
    data: bool

    def times(self, machine: Machine) -> Iterator[tuple[int, Times]]:
        """How often each instruction of the whole program was come to, of CTAs that ran this: of
        each of its blocks an instruction is left."""
        flow = self.program.flow
        of_place: dict[int, Times] = {}
        for block, warps, threads in zip(flow.blocks, machine.runs, machine.counts, strict=True):
            for place in range(block.first, block.first + block.size):
                of_place[self.places[place]] = Times(int(warps), int(threads))
        for block in self.whole.flow.blocks:
            inside = range(block.first, block.first + block.size)
            here = next((of_place[place] for place in inside if place in of_place), Times(0, 0))
            for place in inside:
                yield place, here


def sliced(program: Program) -> Slice:
    """The program without what no address and no branch depends on."""
    function = program.function
    body = function.body
    made = _Made(program)
    wanted, data = made.closure(stored=False)
    if data:
        wanted, _ = made.closure(stored=True)
    wanted |= {p for p, one in enumerate(body) if _moves_memory(one) or _name(one) in ENDS}
    for block in program.flow.blocks:
        inside = range(block.first, block.first + block.size)
        if block.size and wanted.isdisjoint(inside):
            wanted.add(block.first)
    kept = sorted(wanted)
    labels = {label: bisect_left(kept, place) for label, place in function.labels.items()}
    rest = copy(program)
    rest.function = replace(function, body=[body[place] for place in kept], labels=labels)
    rest.__dict__.pop("flow", None)
    return Slice(program, rest, tuple(kept), data)


def _name(one: Instruction) -> str:
    return one.opcode.partition(".")[0]


def _moves_memory(one: Instruction) -> bool:
    name = _name(one)
    if name == "wmma":
        return ".mma." not in one.opcode
    return name in MEMORY and not one.opcode.startswith("ld.param")


def _roots(one: Instruction, stored: bool) -> set[str]:
    """Registers whose values decide where a thread goes, or where it touches memory; with `stored`
    also those whose values go there."""
    found = {one.guard.lstrip("!")} if one.guard else set()
    if _name(one) in ENDS:
        return found | set(sources(one))
    if not _moves_memory(one):
        return set() if results(one) else found
    if stored:
        return found | set(sources(one))
    for operand in one.operands:
        if operand.startswith("["):
            found |= set(words(operand))
    if one.opcode.startswith("cp."):  # bytes that are copied
        found |= {name for operand in one.operands[2:] for name in words(operand)}
    if one.opcode.startswith("wmma"):  # the stride
        found |= {name for operand in one.operands[2:] for name in words(operand)}
    return found


class _Made:
    """Which instructions make what another one reads: the last before it in its block, or, where
    none is there, all that set the register."""

    def __init__(self, program: Program) -> None:
        self.body = program.function.body
        self.everywhere: dict[str, list[int]] = {}
        self.before: list[dict[str, int]] = [{} for _ in self.body]
        for place, one in enumerate(self.body):
            for result in results(one):
                self.everywhere.setdefault(result, []).append(place)
        for block in program.flow.blocks:
            last: dict[str, int] = {}
            for place in range(block.first, block.first + block.size):
                one = self.body[place]
                self.before[place] = {n: last[n] for n in sources(one) if n in last}
                for name in results(one):
                    if one.guard:  # for the other threads it may still be what it was
                        last.pop(name, None)
                    else:
                        last[name] = place

    def of(self, place: int, register: str) -> list[int]:
        here = self.before[place].get(register)
        return self.everywhere.get(register, []) if here is None else [here]

    def closure(self, stored: bool) -> tuple[set[int], bool]:
        """Places that the roots are made in, and whether values from memory are among them."""
        todo = [
            maker
            for place, one in enumerate(self.body)
            for register in _roots(one, stored)
            for maker in self.of(place, register)
        ]
        found, data = set[int](), False
        while todo:
            place = todo.pop()
            if place in found:
                continue
            found.add(place)
            one = self.body[place]
            if _moves_memory(one):
                data |= not one.opcode.startswith("ld.const")
                continue
            for register in sources(one):
                todo += self.of(place, register)
        return found, data
