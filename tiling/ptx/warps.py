"""What the lanes of a warp do together: shuffles, votes, matches, reductions (PTX ISA, "Data Movement
and Conversion: shfl", "Parallel Synchronization and Communication: vote, match, redux, elect").

All threads that are named must be there. Lanes that a CTA does not have are not waited for.
"""

from collections.abc import Callable

import numpy as np

from tiling.ptx.build import Group, Step, builds, shape
from tiling.ptx.forms import DTYPE
from tiling.ptx.memory import Bools
from tiling.ptx.races import WARP
from tiling.ptx.registers import Array, Mask

FULL = 0xFFFFFFFF


class Lanes:
    """The threads of a CTA as (warps, lanes), the last warp filled up with lanes that are not."""

    def __init__(self, group: Group) -> None:
        self.group, self.threads = group, group.threads
        self.warps = group.machine.warps
        self.lane = np.arange(WARP)
        self.exists = self.by_warp(np.ones(self.threads, bool))

    def by_warp(self, values: Array) -> Array:
        """(…, threads) as (…, warps, lanes)."""
        room = self.warps * WARP - self.threads
        if room:
            values = np.concatenate(
                [values, np.zeros((*values.shape[:-1], room), values.dtype)], -1
            )
        return values.reshape(*values.shape[:-1], self.warps, WARP)

    def by_thread(self, values: Array) -> Array:
        """The inverse of `by_warp`."""
        return values.reshape(*values.shape[:-2], self.warps * WARP)[..., : self.threads]

    def there(self, mask: Mask) -> Bools:
        """(warps, lanes) who takes part."""
        if mask is None:
            return self.exists
        return self.by_warp(mask[0] if mask.ndim == 2 else mask)

    def check(self, members: Array, mask: Mask) -> Bools:
        """(warps, lanes) who takes part; a finding where a thread that is named does not."""
        here = self.there(mask)
        named = (members >> self.lane.astype(np.uint32) & 1).astype(bool)
        wanted = np.where(here, members, 0).max(-1)
        member = (wanted[:, None] >> self.lane.astype(np.uint32) & 1).astype(bool) & self.exists
        absent = (member & ~here) | (here & ~named)
        # Whoever has ended cannot come any more; that too is what the kernel may not do.
        absent &= here.any(-1)[:, None]
        if absent.any():
            machine = self.group.machine
            threads = np.flatnonzero(self.by_thread(absent))
            kind = "does not take part in what its warp does together"
            machine.found(kind, threads, int(self.group.place[0]))
        return here


def _alone(group: Group) -> None:
    """Instructions with a guard, or of which each needs its own threads."""
    if group.instructions[0].guard:
        raise group.form.refused("with a guard is not known here")


def _members(group: Group, position: int, lanes: Lanes) -> Callable[[], Array]:
    """Gives the mask of members of each instruction (instructions, warps, lanes)."""
    read = group.read(position, "b32")
    return lambda: lanes.by_warp(shape(read(), group.n, group.threads))


@builds("shfl")
def shuffle(group: Group) -> Step:
    """shfl.sync.up/.down/.bfly/.idx: from another lane of the segment, or the lane's own value."""
    form = group.form
    if not form.flag("sync"):
        raise form.refused("without .sync is not known")
    mode = form.need("a mode", "up", "down", "bfly", "idx")
    form.kind("b32")
    form.done(5)
    _alone(group)
    lanes, n, threads = Lanes(group), group.n, group.threads
    names = [operand.split("|") for operand in group.operands(0)]
    put = group.results([name[0] for name in names], "b32")
    valid = group.results([name[1] for name in names], "pred") if len(names[0]) > 1 else None
    reads = [group.read(position, "b32") for position in (1, 2, 3)]
    members = _members(group, 4, lanes)
    lane = lanes.lane

    def step(mask: Mask) -> None:
        value, by, clamp = (lanes.by_warp(shape(read(), n, threads)) for read in reads)
        here = lanes.exists
        for one in members():
            here = lanes.check(one, mask)
        by, bound = (by & 31).astype(np.int64), (clamp & 31).astype(np.int64)
        segment = (clamp >> np.uint32(8) & np.uint32(31)).astype(np.int64)
        highest = (lane & segment) | (bound & ~segment)
        lowest = lane & segment
        match mode:
            case "up":
                source = lane - by
                inside = source >= highest
            case "down":
                source = lane + by
                inside = source <= highest
            case "bfly":
                source = lane ^ by
                inside = source <= highest
            case _:
                source = lowest | (by & ~segment)
                inside = source <= highest
        source = np.where(inside, source, lane)
        found = np.take_along_axis(value, np.broadcast_to(source, value.shape), -1)
        silent = inside & ~np.take_along_axis(
            np.broadcast_to(here, value.shape), np.broadcast_to(source, value.shape), -1
        )
        silent = silent & here
        if silent.any():
            who = np.flatnonzero(lanes.by_thread(silent).any(0))
            kind = "shuffles from a lane that does not take part"
            group.machine.found(kind, who, int(group.place[0]))
        put(lanes.by_thread(found), mask)
        if valid is not None:
            valid(np.ascontiguousarray(lanes.by_thread(np.broadcast_to(inside, value.shape))), mask)

    return step


@builds("vote")
def vote(group: Group) -> Step:
    """vote.sync.all/.any/.uni/.ballot."""
    form = group.form
    if not form.flag("sync"):
        raise form.refused("without .sync is not known")
    mode = form.need("a mode", "all", "any", "uni", "ballot")
    kind = form.kind("b32") if mode == "ballot" else form.kind("pred")
    form.done(3)
    _alone(group)
    lanes, n, threads = Lanes(group), group.n, group.threads
    put, read, members = group.write(0, kind), group.read(1, "pred"), _members(group, 2, lanes)

    def step(mask: Mask) -> None:
        said = lanes.by_warp(shape(read(), n, threads))
        here = lanes.exists
        for one in members():
            here = lanes.check(one, mask)
        yes, no = (said & here).any(-1), (~said & here).any(-1)
        match mode:
            case "all":
                found: Array = ~no
            case "any":
                found = yes
            case "uni":
                found = ~(yes & no)
            case _:
                found = _bits(said & here)
        wide = np.broadcast_to(found[..., None], said.shape)
        put(np.ascontiguousarray(lanes.by_thread(wide)), mask)

    return step


def _bits(which: Array) -> Array:
    """(…, lanes) as one number, lane 0 its lowest bit."""
    weights = np.uint32(1) << np.arange(WARP, dtype=np.uint32)
    return (which * weights).sum(-1, dtype=np.uint64).astype(np.uint32)


@builds("activemask")
def active_mask(group: Group) -> Step:
    group.form.kind("b32")
    group.form.done(1)
    lanes, put, active = Lanes(group), group.write(0, "b32"), group.active()

    def step(mask: Mask) -> None:
        found = _bits(lanes.there(mask))
        wide = np.broadcast_to(found[:, None], (lanes.warps, WARP))
        put(lanes.by_thread(wide)[None], active(mask))

    return step


@builds("match")
def match_values(group: Group) -> Step:
    """match.sync.any/.all: who has the same value."""
    form = group.form
    if not form.flag("sync"):
        raise form.refused("without .sync is not known")
    mode = form.need("a mode", "any", "all")
    kind = form.kind("b32", "b64")
    form.done(3)
    _alone(group)
    lanes, n, threads = Lanes(group), group.n, group.threads
    names = [operand.split("|") for operand in group.operands(0)]
    put = group.results([name[0] for name in names], "b32")
    same = group.results([name[1] for name in names], "pred") if len(names[0]) > 1 else None
    read, members = group.read(1, kind), _members(group, 2, lanes)

    def step(mask: Mask) -> None:
        value = lanes.by_warp(shape(read(), n, threads))
        here = lanes.exists
        for one in members():
            here = lanes.check(one, mask)
        equal = (value[..., :, None] == value[..., None, :]) & here[:, None, :]
        if mode == "any":
            found = _bits(equal)
        else:
            every = (equal | ~here[:, None, :]).all(-1)
            found = np.where(every, _bits(np.broadcast_to(here, value.shape))[..., None], 0)
            if same is not None:
                same(np.ascontiguousarray(lanes.by_thread(every)), mask)
        put(np.ascontiguousarray(lanes.by_thread(found.astype(np.uint32))), mask)

    return step


@builds("redux")
def reduce(group: Group) -> Step:
    """redux.sync: add, min, max, and, or, xor over the members."""
    form = group.form
    if not form.flag("sync"):
        raise form.refused("without .sync is not known")
    operation = form.need("an operation", "add", "min", "max", "and", "or", "xor")
    kind = form.kind("u32", "s32", "b32")
    form.done(3)
    _alone(group)
    lanes, n, threads = Lanes(group), group.n, group.threads
    put, read, members = group.write(0, kind), group.read(1, kind), _members(group, 2, lanes)
    limits = np.iinfo(DTYPE[kind])
    neutral = {"min": limits.max, "max": limits.min, "and": FULL}.get(operation, 0)
    function = {
        "add": np.add,
        "min": np.minimum,
        "max": np.maximum,
        "and": np.bitwise_and,
        "or": np.bitwise_or,
        "xor": np.bitwise_xor,
    }[operation]

    def step(mask: Mask) -> None:
        value = lanes.by_warp(shape(read(), n, threads))
        here = lanes.exists
        for one in members():
            here = lanes.check(one, mask)
        some = np.where(here, value, np.array(neutral).astype(value.dtype))
        found = function.reduce(some, axis=-1, dtype=value.dtype)
        wide = np.broadcast_to(found[..., None], value.shape)
        put(np.ascontiguousarray(lanes.by_thread(wide)), mask)

    return step


@builds("bar")
def warp_barrier(group: Group) -> Step:
    """bar.warp.sync: the other barriers end a block and are no step."""
    form = group.form
    if not (form.flag("warp") and form.flag("sync")):
        raise form.refused("is not known to this machine")
    form.done(1)
    _alone(group)
    lanes, machine = Lanes(group), group.machine
    members = _members(group, 0, lanes)

    def step(mask: Mask) -> None:
        for one in members():
            here = lanes.check(one, mask)
            if machine.races is not None:
                for warp in np.flatnonzero(here.any(-1)):
                    machine.races.leave(np.array([warp]))

    return step
