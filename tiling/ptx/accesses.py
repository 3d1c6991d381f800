"""Loads, stores, atomic operations and asynchronous copies (PTX ISA, "Data Movement and Conversion
Instructions", "Parallel Synchronization and Communication Instructions")."""

import numpy as np

from tiling.ptx import floats
from tiling.ptx.build import Group, Step, builds, shape
from tiling.ptx.forms import DTYPE, SCOPES, kinds, size
from tiling.ptx.memory import COMING, UNSIGNED, Bools, Ints, Raw
from tiling.ptx.registers import Array, Mask

TYPES = (*kinds("bus", (8, 16, 32, 64)), "f16", "bf16", "f32", "f64")
CACHES = ("ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc")
HINTS = (
    *("L1:evict_normal", "L1:evict_unchanged", "L1:evict_first", "L1:evict_last", "L1:no_allocate"),
    *("L2:64B", "L2:128B", "L2:256B", "L2:evict_last", "L2:evict_first"),
)
SPACES = ("global", "shared", "local", "param", "const")
WIDEST = 16
"""Bytes that an access moves at most."""


def _space(group: Group, default: str = "generic") -> str:
    """The space that is named; `shared::cta` is `shared`."""
    form = group.form
    if form.take("shared:cta"):
        return "shared"
    return form.take(*SPACES, default=default)


def _hints(group: Group) -> None:
    """Modifiers that say how and not what: caches, and order between CTAs."""
    form = group.form
    form.take("weak", "volatile", "relaxed", "acquire", "release")
    form.take(*SCOPES)
    form.take(*CACHES)
    form.take("nc")
    while form.take(*HINTS):
        pass


def _vector(group: Group, kind: str) -> int:
    count = int((group.form.take("v2", "v4", "v8") or "v1")[1:])
    if count * size(kind) > WIDEST:
        raise group.form.refused(f"moves more than {WIDEST} bytes")
    return count


@builds("ld", "ldu")
def load(group: Group) -> Step:
    form = group.form
    space = _space(group)
    _hints(group)
    kind = form.kind(*TYPES)
    count = _vector(group, kind)
    form.done(2)
    if group.parts(0) != count:
        raise form.refused(f"{group.parts(0)} registers, not {count}")
    width, n = size(kind), group.n
    names = [name for one in group.instructions for name in _names(one.operands[0])]
    dtype = DTYPE[kind]
    address, active, memory, machine = (
        group.addresses(1),
        group.active(),
        group.machine.memory,
        group.machine,
    )
    threads, place = group.threads, group.place
    quiet = space in ("param", "const")
    used = group.flow.wanted(group.instructions[0])
    used = () if all(used) else used
    space = _own_memory(group, space)
    if "_" in names or len(set(names)) < len(names):
        parts = [group.write(0, kind, part) for part in range(count)]

        def put(value: Raw, mask: Mask) -> None:
            for part, write in enumerate(parts):
                write(np.ascontiguousarray(value[:, part]).view(dtype), mask)

    else:
        whole = group.results(names, kind)

        def put(value: Raw, mask: Mask) -> None:
            flat = np.ascontiguousarray(value).reshape(n * count, threads).view(dtype)
            if mask is not None and mask.ndim == 2 and count > 1:
                mask = np.repeat(mask, count, 0)
            whole(flat, mask)

    def step(mask: Mask) -> None:
        here = active(mask)
        machine.place = place
        value, found = memory.load(space, address(), _full(here, n, threads), width, count, used)
        if not quiet:
            machine.accessed("load", found, place, width, value, used)
        put(value, here)

    return step


def _names(operand: str) -> list[str]:
    return operand.strip("{}").split(",")


def _own_memory(group: Group, space: str) -> str:
    """Parameters of a call are memory of the thread, those of the kernel are not. Constants are in
    buffers of their own, as what is global."""
    if space == "param":
        base = group.located(group.instructions[0], 1 if group.form.name[:2] == "ld" else 0)[0]
        found = group.machine.program.places.get(base)
        return "local" if found is not None and found[0] == "local" else "param"
    return "global" if space == "const" else space


def _full(mask: Mask, n: int, threads: int) -> Bools | None:
    """A mask (threads,) as (instructions, threads)."""
    if mask is None or mask.ndim == 2:
        return mask
    return np.broadcast_to(mask, (n, threads))


@builds("st")
def store(group: Group) -> Step:
    form = group.form
    space = _space(group)
    _hints(group)
    kind = form.kind(*TYPES)
    count = _vector(group, kind)
    form.done(2)
    if group.parts(1) != count:
        raise form.refused(f"{group.parts(1)} registers, not {count}")
    width, n, threads = size(kind), group.n, group.threads
    bits = f"b{8 * width}"
    names = [name for one in group.instructions for name in _names(one.operands[1])]
    reads = [group.values(names[part::count], bits) for part in range(count)]
    address, active, memory, machine = (
        group.addresses(0),
        group.active(),
        group.machine.memory,
        group.machine,
    )
    place, space = group.place, _own_memory(group, space)

    def step(mask: Mask) -> None:
        here = _full(active(mask), n, threads)
        if count == 1:
            # A copy, for whoever hears of it keeps it while the registers change.
            value = shape(reads[0](), n, threads)[:, None].copy()
        else:
            value = np.stack([shape(read(), n, threads) for read in reads], 1)
        machine.place = place
        found = memory.store(space, address(), here, value, width)
        machine.accessed("store", found, place, width, value)

    return step


@builds("prefetch", "prefetchu")
def prefetch(group: Group) -> Step:
    """Changes nothing that a kernel could see."""
    group.form.take(*SPACES)
    group.form.take("L1", "L2", "L2:evict_last", "L2:evict_normal")
    group.form.done(1)
    return lambda mask: None


@builds("membar", "fence", "nanosleep")
def fence(group: Group) -> Step:
    """Within a CTA each access is seen at once here, so a fence has nothing to do."""
    form = group.form
    if form.name == "nanosleep":
        form.kind("u32")
        form.done(1)
        return lambda mask: None
    form.take("sc", "acq_rel", "acquire", "release")
    form.take("gl", *SCOPES)
    form.done(0)
    return lambda mask: None


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
    space = _space(group)
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
        full = _full(here, n, threads)
        machine.place = place
        where = address()
        given = [shape(read(), n, threads) for read in operands]
        old = np.zeros((n, threads), dtype)
        value, found = machine.memory.load(space, where, full, width)
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


@builds("cp")
def asynchronous(group: Group) -> Step:
    """cp.async and its groups. Bulk copies and their barriers are not known."""
    form = group.form
    if not form.flag("async"):
        raise form.refused("is not known to this machine")
    if form.flag("commit_group"):
        form.done(0)
        return _commit(group)
    if form.flag("wait_group"):
        form.done(1)
        return _wait(group, int(group.constant(group.operands(0)[0], "u32")))
    if form.flag("wait_all"):
        form.done(0)
        return _wait(group, None)
    return _copy(group)


def _each_in_turn(group: Group) -> None:
    if group.instructions[0].guard:
        raise group.form.refused("with a guard is not known here")


def _commit(group: Group) -> Step:
    _each_in_turn(group)
    machine = group.machine

    def step(mask: Mask) -> None:
        for place in group.place:
            machine.copies.commit(mask)
            machine.synced("commit", int(place), mask)

    return step


def _wait(group: Group, pending: int | None) -> Step:
    _each_in_turn(group)
    machine = group.machine

    def step(mask: Mask) -> None:
        for place in group.place:
            machine.copies.wait(pending, mask)
            machine.synced("wait", int(place), mask, pending)

    return step


def _copy(group: Group) -> Step:
    """cp.async.ca/.cg.shared.global [to], [from], bytes{, source bytes}: the rest is zeros."""
    form = group.form
    cache = form.need("ca or cg", "ca", "cg")
    form.need("shared", "shared", "shared:cta")
    form.need("global", "global")
    form.take("L2:64B", "L2:128B", "L2:256B")
    form.done(3, 4)
    width = int(group.constant(group.operands(2)[0], "u32"))
    if width not in (4, 8, 16) or (cache == "cg" and width != 16):
        raise form.refused("copies 4, 8 or 16 bytes, with .cg 16")
    to, source, active, machine = (
        group.addresses(0),
        group.addresses(1),
        group.active(),
        group.machine,
    )
    n, threads, place, memory = group.n, group.threads, group.place, group.machine.memory
    brings = group.read(3, "u32") if len(group.instructions[0].operands) == 4 else None
    unit = min(width, 8)
    many = width // unit
    poison = ~np.zeros((n, many, threads), UNSIGNED[unit])

    def step(mask: Mask) -> None:
        here = _full(active(mask), n, threads)
        machine.place = place
        start, end = source(), to()
        if brings is None:
            value, read = memory.load("global", start, here, unit, many)
            machine.accessed("copy", read, place, unit, value)
            data = np.ascontiguousarray(value.transpose(0, 2, 1)).view(np.uint8)
        else:
            data = _partly(start, here, shape(brings(), n, threads))
        data = data.reshape(n, threads, width)
        written = memory.store("shared", end, here, poison, unit, COMING)
        machine.accessed("begin", written, place, unit, poison)
        everyone, numbers = np.broadcast_arrays(machine.thread, place[:, None])
        for where in written:
            which = slice(None) if where.active is None else where.active
            machine.copies.begin(where, everyone[which], numbers[which], data[which])

    def _partly(start: Ints, here: Bools | None, count: Array) -> Array:
        """Only the first bytes are read. In place of the others, untouched, come zeros."""
        data = np.zeros((n, threads, width), np.uint8)
        some = np.ones((n, threads), bool) if here is None else here
        if (count[some] > width).any():
            machine.wrong(
                "copies more bytes than it has room for", None, start, some & (count > width)
            )
        whole = some & (count >= width)
        whole_mask = None if whole.all() else whole
        if whole.any():
            value, read = memory.load("global", start, whole_mask, unit, many)
            machine.accessed("copy", read, place, unit, value)
            data[...] = (
                np.ascontiguousarray(value.transpose(0, 2, 1)).view(np.uint8).reshape(data.shape)
            )
        for byte in range(width if (some & (count > 0) & (count < width)).any() else 0):
            part = some & (count > byte) & (count < width)
            if part.any():
                value, read = memory.load("global", start + byte, part, 1)
                machine.accessed("copy", read, place, 1, value)
                data[..., byte] = np.where(part, value[:, 0], data[..., byte])
        return data

    return step
