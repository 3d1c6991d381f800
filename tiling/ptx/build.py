"""From blocks to functions over arrays: each batch becomes one step, each end of a block one more.

A step is called with the threads that take part (None: all) and works on arrays (instructions,
threads) of the register file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tiling.ptx.barriers import BARRIERS, DONE, STAYS
from tiling.ptx.flow import Batch, Block
from tiling.ptx.forms import DTYPE, Form, refused
from tiling.ptx.memory import Bools, Ints
from tiling.ptx.races import WARP
from tiling.ptx.registers import Array, Mask, Read, Write
from tiling.ptx.syntax import Instruction, Refused, address, number, vector

if TYPE_CHECKING:
    from tiling.ptx.machine import Machine

Step: TypeAlias = Callable[[Mask], None]
Finish: TypeAlias = Callable[[Mask], "int | Ints"]


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
        if first.startswith("!"):
            inner = self.values([operand[1:] for operand in operands], kind)
            return lambda: ~inner()
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
            if letter == "q":
                return lambda: read().view(np.int64)
            return lambda: read().astype(np.int64)
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


def block(machine: Machine, of: Block) -> tuple[list[Step], Finish]:
    """The steps of a block, and the function that says where each thread goes on."""
    steps = [step(machine, batch) for batch in of.batches]
    here = machine.flow.at[of.first]
    if of.end is None:
        return steps, lambda mask: here + 1
    return steps, finish(machine, machine.flow.body[of.end], of.end, here + 1)


def step(machine: Machine, batch: Batch) -> Step:
    """One step. Raises Refused for what is not known."""
    group = Group(machine, batch.places)
    builder = BUILDERS.get(group.form.name)
    if builder is None:
        raise group.form.refused("is not known to this machine")
    try:
        return builder(group)
    except IndexError:
        raise group.form.refused("has too few operands") from None


def finish(machine: Machine, one: Instruction, place: int, after: int) -> Finish:
    """Where threads go at the end of a block."""
    group = Group(machine, (place,))
    form, active = group.form, group.active()
    if form.name in ("bar", "barrier"):
        return _barrier(group, one, place, after)
    if form.name == "bra":
        form.flag("uni")
        form.done(1)
        to = _target(machine, one, one.operands[0])
        leave: Callable[[Bools | None], int] = lambda here: to
    elif form.name == "brx":
        return _jump(group, one)
    else:
        if form.name == "ret":
            form.flag("uni")
        form.done(0)
        trap = form.name == "trap"

        def leave(here: Bools | None) -> int:
            which = slice(None) if here is None else here
            machine.ended[which] = True
            if trap:
                threads = machine.thread if here is None else np.flatnonzero(here)
                machine.found("stops at a trap, or at an assertion that does not hold", threads, place)
            return DONE

    def go(mask: Mask) -> int | Ints:
        here = active(mask)
        if here is None:
            return leave(None)
        goes = here[0] if here.ndim == 2 else here
        if mask is not None and (goes == mask).all():
            return leave(goes)
        if not goes.any():
            return after
        to = np.full(machine.threads, STAYS)
        to[slice(None) if mask is None else mask] = after
        to[goes] = leave(goes)
        return to

    return go


def _target(machine: Machine, one: Instruction, label: str) -> int:
    place = machine.flow.labels.get(label)
    if place is None:
        raise refused(one, f"no label {label}")
    return machine.flow.at[place]


def _jump(group: Group, one: Instruction) -> Finish:
    """`brx.idx index, list`: each thread to the label of its number."""
    group.form.need("idx", "idx")
    group.form.flag("uni")
    group.form.done(2)
    labels = group.flow.function.targets.get(one.operands[1])
    if not labels or one.guard:
        raise refused(one, "no list of labels, or a guard")
    targets = np.array([_target(group.machine, one, label) for label in labels])
    index = group.read(0, "u32")

    def go(mask: Mask) -> Ints:
        which = np.broadcast_to(index()[0], (group.threads,))
        active = np.ones(group.threads, bool) if mask is None else mask
        far = active & (which >= len(targets))
        if far.any():
            group.machine.found("jumps past the list", np.flatnonzero(far), int(group.place[0]))
        to = targets[np.minimum(which, len(targets) - 1)]
        return np.where(active, to, STAYS)

    return go


def _barrier(group: Group, one: Instruction, place: int, after: int) -> Finish:
    """`bar.sync a{, b}`, `bar.arrive a, b`, `bar.red.op d, a{, b}, p`."""
    form, machine = group.form, group.machine
    form.flag("cta")
    aligned = form.name == "bar" or form.flag("aligned")
    what = form.need("sync, arrive or red", "sync", "arrive", "red")
    operation = form.need("popc, and, or", "popc", "and", "or") if what == "red" else ""
    kind = form.kind("u32", "pred") if what == "red" else ""
    form.done()
    if one.guard or not aligned:
        raise refused(one, "a barrier with a guard, or not .aligned, is not known")
    operands = list(one.operands)
    result = group.write(0, kind) if what == "red" else None
    if what == "red":
        operands.pop(0)
    predicate = group.values([operands.pop()], "pred") if what == "red" else None
    if not 1 <= len(operands) <= 2 or (what == "arrive" and len(operands) < 2):
        raise refused(one, "a barrier has a number, and perhaps a count of threads")
    numbers = [group.values([operand], "u32") for operand in operands]

    def opens(threads: Bools) -> None:
        assert result is not None and predicate is not None
        said = np.broadcast_to(predicate()[0], (group.threads,))[threads]
        value = {"popc": said.sum(), "and": said.all(), "or": said.any()}[operation]
        result(np.full((1, 1), value, DTYPE[kind]), threads)

    def go(mask: Mask) -> int | Ints:
        found = [np.broadcast_to(read()[0], (group.threads,)) for read in numbers]
        values = [np.unique(one_ if mask is None else one_[mask]) for one_ in found]
        count = int(values[1][0]) if len(values) > 1 else None
        if any(v.size > 1 for v in values) or values[0][0] >= BARRIERS or (count or 0) % WARP:
            threads = machine.thread if mask is None else np.flatnonzero(mask)
            machine.found("names a barrier that cannot be", threads, place)
            return after
        wait = what != "arrive"
        said = opens if what == "red" else None
        return machine.barriers.come(place, int(values[0][0]), count, mask, after, wait, said)

    return go


def shape(value: Array, n: int, threads: int) -> Array:
    """Values (instructions, 1) or (instructions, threads) as the latter."""
    return value if value.shape == (n, threads) else np.broadcast_to(value, (n, threads))


__all__ = ["BUILDERS", "Group", "Refused", "Step", "block", "builds", "shape"]
