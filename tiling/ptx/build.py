"""The instructions of a batch and their operands as arrays: what steps are made of.

A step is called with the threads that take part (None: all) and works on arrays (instructions,
threads) of the register file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tiling.ptx.forms import DTYPE, Form, refused
from tiling.ptx.memory import Bools, Ints
from tiling.ptx.registers import Array, Mask, Read, Write
from tiling.ptx.syntax import Instruction, address, number, vector

if TYPE_CHECKING:
    from tiling.ptx.machine import Machine

Step: TypeAlias = Callable[[Mask], None]


class Group:
    """The instructions of one batch, and their operands as arrays."""

    def __init__(self, machine: Machine, places: tuple[int, ...]) -> None:
        self.machine, self.flow = machine, machine.flow
        self.instructions = [self.flow.body[place] for place in places]
        self.place = np.array(places)
        self.form = Form(self.instructions[0])
        self.n, self.threads = len(places), machine.threads

    def operands(self, position: int, part: int | None = None) -> list[str]:
        """The operand at a position of each instruction, or one part of a vector."""
        found = [one.operands[position] for one in self.instructions]
        return found if part is None else [vector(operand)[part] for operand in found]

    def parts(self, position: int) -> int:
        """How many registers stand at a position."""
        return len(vector(self.instructions[0].operands[position]))

    def row(self, name: str) -> tuple[str, int]:
        try:
            return self.flow.row(name)
        except KeyError as unknown:
            raise self.form.refused(f"no register {unknown.args[0]}") from None

    def read(self, position: int, kind: str, part: int | None = None) -> Read:
        """Gives the operand's values as a type: (instructions, threads), or (instructions, 1)."""
        return self.values(self.operands(position, part), kind)

    def values(self, operands: list[str], kind: str) -> Read:
        first = operands[0]
        if kind == "pred" and any(operand.startswith("!") for operand in operands):
            inner = self.values([operand.lstrip("!") for operand in operands], kind)
            negated = np.array([[operand.startswith("!")] for operand in operands])
            return lambda: inner() ^ negated
        if number(first) is None and self.machine.program.address(first.split("+")[0]) is None:
            rows = [self.row(name) for name in operands]
            letter = rows[0][0]
            self._fits(letter, kind, operands[0])
            if any(one != letter for one, _ in rows):
                raise self.form.refused("registers of different widths")
            return self.machine.registers.reader(letter, [row for _, row in rows], kind)
        constant = np.array([[self.constant(text, kind)] for text in operands])
        return lambda: constant

    def _fits(self, letter: str, kind: str, name: str) -> None:
        """A register holds a type of its own width; 8 bits stand in wider ones."""
        bits = {"p": 0, "h": 16, "r": 32, "q": 64}[letter]
        wanted = 0 if kind == "pred" else 8 * np.dtype(DTYPE[kind]).itemsize
        if bits != wanted and not (wanted and bits > wanted):
            raise self.form.refused(f"{name} is no register for {kind}")

    def constant(self, text: str, kind: str) -> Any:
        """A number, or the place of a variable."""
        value = number(text)
        if value is None:
            name, _, offset = text.partition("+")
            at = self.machine.program.address(name)
            if at is None:
                raise self.form.refused(f"{text} is not known")
            value = at + (number(offset) or 0)
        dtype = np.dtype(DTYPE[kind])
        if kind in ("f32", "f16", "bf16") and text[:2] in ("0d", "0D"):
            return np.uint64(value).view(np.float64).astype(dtype)
        if kind == "f64" and text[:2] in ("0f", "0F"):
            return np.float64(np.uint32(value).view(np.float32))
        if kind == "pred":
            return np.bool_(value)
        bits = np.dtype(f"u{dtype.itemsize}").type(value & (1 << 8 * dtype.itemsize) - 1)
        return bits.view(dtype)

    def write(self, position: int, kind: str, part: int | None = None) -> Write:
        """Sets the result from values of a type, where a mask holds. `_` takes nothing."""
        return self.results(self.operands(position, part), kind)

    def results(self, names: list[str], kind: str) -> Write:
        if names[0] == "_":
            return lambda value, mask: None
        rows = [self.row(name) for name in names]
        self._fits(rows[0][0], kind, names[0])
        return self.machine.registers.writer(rows[0][0], [row for _, row in rows], kind)

    def together(self, position: int, kind: str) -> Array | None:
        """The results as one array (instructions, threads), where their rows lie side by side."""
        rows = [self.row(name) for name in self.operands(position)]
        return self.machine.registers.together(rows[0][0], [row for _, row in rows], kind)

    def active(self) -> Callable[[Mask], Mask]:
        """The threads that take part, (instructions, threads) where there is a guard."""
        guards = [one.guard for one in self.instructions]
        if not guards[0]:
            return lambda mask: mask
        read = self.values([guard.lstrip("!") for guard in guards], "pred")
        negated = np.array([[guard.startswith("!")] for guard in guards])

        def active(mask: Mask) -> Mask:
            holds: Bools = read() ^ negated
            if mask is not None:
                holds &= mask
            return None if holds.all() else holds

        return active

    def addresses(self, position: int) -> Callable[[], Ints]:
        """Gives the addresses (instructions, threads) of operands in []."""
        return self.places([self.located(one, position) for one in self.instructions])

    def located(self, one: Instruction, position: int) -> tuple[str, int]:
        found = address(one.operands[position])
        if found is None:
            raise refused(one, f"{one.operands[position]} is not an address")
        return found

    def places(self, found: list[tuple[str, int]]) -> Callable[[], Ints]:
        offsets = np.array([[offset] for _, offset in found], np.int64)
        bases = [base for base, _ in found]
        known = [self.machine.program.address(base) if base else 0 for base in bases]
        if all(at is not None for at in known):
            fixed = offsets + np.array([[at or 0] for at in known], np.int64)
            whole = np.broadcast_to(fixed, (self.n, self.threads)).copy()
            return lambda: whole
        letter = self.row(bases[0])[0]
        if letter not in "rq":
            raise self.form.refused(f"{bases[0]} is no register for an address")
        read = self.values(bases, "u64" if letter == "q" else "u32")
        if not offsets.any():
            return lambda: read().astype(np.int64)  # a copy: the registers will change
        if letter == "q":
            return lambda: read().view(np.int64) + offsets
        return lambda: read() + offsets

    def pure(self, function: Callable[..., Array], result: str, *kinds: str) -> Step:
        """A step that sets the first operand from the others, each of its kind."""
        reads = [self.read(position + 1, kind) for position, kind in enumerate(kinds)]
        write, active = self.write(0, result), self.active()
        if len(reads) == 2:
            first, second = reads
            return lambda mask: write(function(first(), second()), active(mask))
        return lambda mask: write(function(*[read() for read in reads]), active(mask))


Builder: TypeAlias = Callable[[Group], Step]
BUILDERS: dict[str, Builder] = {}
"""For each opcode's first word what makes a step of it."""


def builds(*names: str) -> Callable[[Builder], Builder]:
    """Enter a builder for these opcodes."""

    def enter(builder: Builder) -> Builder:
        for name in names:
            BUILDERS[name] = builder
        return builder

    return enter


def shape(value: Array, n: int, threads: int) -> Array:
    """Values (instructions, 1) or (instructions, threads) as the latter."""
    return value if value.shape == (n, threads) else np.broadcast_to(value, (n, threads))
