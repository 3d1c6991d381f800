"""Loads, stores and fences (PTX ISA, "Data Movement and Conversion Instructions")."""

import numpy as np

from tiling.ptx.build import Group, Step, builds, shape
from tiling.ptx.forms import DTYPE, SCOPES, kinds, size
from tiling.ptx.memory import Bools, Raw
from tiling.ptx.registers import Mask

TYPES = (*kinds("bus", (8, 16, 32, 64)), "f16", "bf16", "f32", "f64")
CACHES = ("ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc")
HINTS = (
    *("L1:evict_normal", "L1:evict_unchanged", "L1:evict_first", "L1:evict_last", "L1:no_allocate"),
    *("L2:64B", "L2:128B", "L2:256B", "L2:evict_last", "L2:evict_first"),
)
SPACES = ("global", "shared", "local", "param", "const")
WIDEST = 16
"""Bytes that an access moves at most."""


def space_of(group: Group, default: str = "generic") -> str:
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
    space = space_of(group)
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
        value, found = memory.load(space, address(), full(here, n, threads), width, count, used)
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


def full(mask: Mask, n: int, threads: int) -> Bools | None:
    """A mask (threads,) as (instructions, threads)."""
    if mask is None or mask.ndim == 2:
        return mask
    return np.broadcast_to(mask, (n, threads))


@builds("st")
def store(group: Group) -> Step:
    form = group.form
    space = space_of(group)
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
        here = full(active(mask), n, threads)
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
