"""From blocks to functions over arrays: each batch becomes a step, each end of a block one more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

# Each of these enters its opcodes into BUILDERS.
from tiling.ptx import (  # noqa: F401
    accesses,
    arithmetic,
    atomics,
    copying,
    integers,
    moves,
    tensor,
    warps,
)
from tiling.ptx.barriers import BARRIERS, DONE, STAYS
from tiling.ptx.build import BUILDERS, Group, Step
from tiling.ptx.flow import Batch, Block
from tiling.ptx.forms import DTYPE, refused
from tiling.ptx.memory import Bools, Ints
from tiling.ptx.races import WARP
from tiling.ptx.registers import Mask
from tiling.ptx.syntax import Instruction

if TYPE_CHECKING:
    from tiling.ptx.machine import Machine

Finish: TypeAlias = Callable[[Mask], "int | Ints"]
"""Given who comes to the end of a block, the block where all go on, or (threads,) of each."""


def block(machine: Machine, of: Block) -> tuple[list[Step], Finish]:
    """The steps of a block, and the function that says where each thread goes on."""
    steps = [step(machine, batch) for batch in of.batches]
    flow, next_ = machine.flow, of.first + of.size
    if not of.size:
        head = flow.at[of.first]
        return steps, lambda mask: head
    # Where a body does not go on, it has ended with a jump or a return.
    after = flow.after(of, next_) if next_ in flow.at else DONE
    if of.end is None:
        return steps, lambda mask: after
    return steps, finish(machine, of, of.end, after)


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


def finish(machine: Machine, of: Block, place: int, after: int) -> Finish:
    """Where threads go at the end of a block, after the instruction at a place."""
    one, group = machine.flow.body[place], Group(machine, (place,))
    form, active = group.form, group.active()
    if form.name in ("bar", "barrier"):
        return _barrier(group, one, place, after)
    if form.name == "bra":
        form.flag("uni")
        form.done(1)
        to = _target(machine, of, one, one.operands[0])

        def leave(here: Bools | None) -> int:
            return to
    elif form.name == "brx":
        return _jump(group, of, one)
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
                machine.found(
                    "stops at a trap, or at an assertion that does not hold", threads, place
                )
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


def _target(machine: Machine, of: Block, one: Instruction, label: str) -> int:
    place = machine.flow.labels.get(label)
    if place is None:
        raise refused(one, f"no label {label}")
    return machine.flow.after(of, place)


def _jump(group: Group, of: Block, one: Instruction) -> Finish:
    """`brx.idx index, list`: each thread to the label of its number."""
    group.form.need("idx", "idx")
    group.form.flag("uni")
    group.form.done(2)
    labels = group.flow.function.targets.get(one.operands[1])
    if not labels or one.guard:
        raise refused(one, "no list of labels, or a guard")
    targets = np.array([_target(group.machine, of, one, label) for label in labels])
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

    def opens(said: Bools, threads: Bools) -> None:
        assert result is not None
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
        red = None
        if predicate is not None:
            red = np.broadcast_to(predicate()[0], (group.threads,)), opens
        return machine.barriers.come(place, int(values[0][0]), count, mask, after, wait, red)

    return go
