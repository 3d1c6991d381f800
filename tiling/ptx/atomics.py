"""Atomic operations (PTX ISA, "Parallel Synchronization and Communication: atom, red")."""

import numpy as np

from tiling.ptx import floats
from tiling.ptx.accesses import full, space_of
from tiling.ptx.build import Group, Step, builds, shape
from tiling.ptx.forms import DTYPE, SCOPES, kinds, size
from tiling.ptx.registers import Array, Mask

FLOATS = ("f16", "bf16", "f32", "f64", "f16x2", "bf16x2")
BITS = kinds("b", (32, 64))
OPERATIONS = {
    "add": ("u32", "s32", "u64", *FLOATS),
    **dict.fromkeys(("min", "max"), kinds("us", (32, 64))),
    **dict.fromkeys(("and", "or", "xor", "exch"), BITS),
    "cas": ("b16", *BITS),
    **dict.fromkeys(("inc", "dec"), ("u32",)),
}
"""Atomic operations and their types (PTX ISA, atom)."""


@builds("atom", "red")
def atomic(group: Group) -> Step:
    """atom, red: one thread after the other, in the order of their numbers."""
    form = group.form
    space = space_of(group)
    form.take("relaxed", "acquire", "release", "acq_rel")
    form.take(*SCOPES)
    operation = form.need("an operation", *OPERATIONS)
    form.flag("noftz")
    kind = form.kind(*OPERATIONS[operation])
    gives = form.name == "atom"
    form.done(3 + gives if operation == "cas" else 2 + gives)
    at = 1 if gives else 0
    address, active, machine = group.addresses(at), group.active(), group.machine
    operands = [group.read(at + 1, kind)]
    if operation == "cas":
        operands.append(group.read(at + 2, kind))
    write = group.write(0, kind) if gives else None
    width, n, threads, place = size(kind), group.n, group.threads, group.place
    dtype = DTYPE[kind]

    def step(mask: Mask) -> None:
        here = active(mask)
        some = full(here, n, threads)
        machine.place = place
        where = address()
        given = [shape(read(), n, threads) for read in operands]
        old = np.zeros((n, threads), dtype)
        value, found = machine.memory.load(space, where, some, width)
        found = machine.memory.writable(found)
        for one in found:
            which = np.ones((n, threads), bool) if one.active is None else one.active
            cells = one.buffer.rows(width, 1).view(dtype)
            flat = one.offset.reshape(-1) // width
            for at_, (row, thread) in enumerate(np.argwhere(which)):
                now = cells[flat[at_]].copy()
                old[row, thread] = now
                new = [v[row, thread] for v in given]
                cells[flat[at_]] = _changed(operation, kind, now, *new)
        machine.accessed("atomic", found, place, width, value)
        if write is not None:
            write(old, here)

    return step


def _changed(
    operation: str, kind: str, now: Array, new: Array, other: Array | None = None
) -> Array:
    """What an atomic operation leaves, of one value."""
    match operation:
        case "exch":
            return new
        case "cas":
            assert other is not None
            return other if now == new else now
        case "inc":
            return np.uint32(0) if now >= new else np.uint32(now + 1)  # type: ignore[return-value]
        case "dec":
            wraps = now == 0 or now > new
            return new if wraps else np.uint32(now - 1)  # type: ignore[return-value]
        case "add" if kind in FLOATS:
            inner = kind.removesuffix("x2")
            part = np.float16 if inner == "f16" else np.uint16 if inner == "bf16" else DTYPE[kind]
            a, b = (np.atleast_1d(v).view(part) for v in (now, new))
            total: Array = floats.add(inner, a, b).view(DTYPE[kind])[0]
            return total
    function = {
        "add": np.add,
        "min": np.minimum,
        "max": np.maximum,
        "and": np.bitwise_and,
        "or": np.bitwise_or,
        "xor": np.bitwise_xor,
    }[operation]
    return function(now, new)
