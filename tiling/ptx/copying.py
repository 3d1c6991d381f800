"""`cp.async` and its groups (PTX ISA, "Data Movement and Conversion: Asynchronous copy")."""

import numpy as np

from tiling.ptx.accesses import full
from tiling.ptx.build import Group, Step, builds, shape
from tiling.ptx.memory import COMING, UNSIGNED, Bools, Ints
from tiling.ptx.registers import Array, Mask


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
        here = full(active(mask), n, threads)
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
