"""What the lanes of a warp do together: shuffles, votes, matches, reductions.

PTX ISA, "Data Movement and Conversion: shfl.sync", "Parallel Synchronization and Communication:
vote.sync, match.sync, redux.sync, activemask, bar.warp.sync".

Each thread gives a mask of members. Whoever is named must come to the same instruction at the same
time with the same mask; only who has ended, or is no thread of the CTA, is not waited for.
"""

from collections.abc import Callable

import numpy as np

from tiling.ptx.build import Group, Step, builds, shape
from tiling.ptx.memory import Bools
from tiling.ptx.races import WARP
from tiling.ptx.registers import Array, Mask

LANE = np.arange(WARP)
BIT = np.uint32(1) << LANE.astype(np.uint32)


class Lanes:
    """The threads of a CTA as (warps, lanes), the last warp filled up with lanes that are not."""

    def __init__(self, group: Group) -> None:
        self.group, self.threads = group, group.threads
        self.warps = group.machine.warps
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
        return self.exists if mask is None else self.by_warp(mask)

    def check(self, members: Array, mask: Mask) -> Bools:
        """(warps, lanes) who takes part. `members` (instructions, warps, lanes): the mask that each
        thread gives. Findings: who is named and does not come, who does not name itself, and who
        names others than a member does."""
        here = self.there(mask)
        given = np.where(here, members, np.uint32(0))
        union = np.bitwise_or.reduce(given, -1, keepdims=True)
        waited = self.exists & ~self.by_warp(self.group.machine.ended)
        absent = (union & BIT > 0) & waited & ~here
        self.tell("does not take part in what its warp does together", absent, here)
        self.tell("is not among the members that it names", here & (members & BIT == 0))
        differ = given[..., :, None] != given[..., None, :]
        named = (given[..., :, None] & BIT > 0) & here[:, None, :]
        self.tell("names other members than one of its members does", (differ & named).any(-1))
        return here

    def tell(self, kind: str, who: Bools, here: Bools | None = None) -> None:
        """Findings, of (instructions, warps, lanes); `here`: who was there instead."""
        for number in np.flatnonzero(who.any((1, 2))):
            before = ""
            if here is not None:
                came = np.flatnonzero(self.by_thread(here & who[number].any(-1, keepdims=True)))
                before = f"thread {came[0]} is there"
            threads = np.flatnonzero(self.by_thread(who[number]))
            place = int(self.group.place[number])
            self.group.machine.found(kind, threads, place, before=before)


def bits(which: Array) -> Array:
    """(…, lanes) as (…, 1): one number, lane 0 its lowest bit."""
    found: Array = np.bitwise_or.reduce(np.where(which, BIT, np.uint32(0)), -1, keepdims=True)
    return found


def _sync(group: Group, *modes: str) -> str:
    """What every form here has: .sync, perhaps a mode; no guard."""
    form = group.form
    if not form.flag("sync"):
        raise form.refused("without .sync is not known")
    if group.instructions[0].guard:
        raise form.refused("with a guard is not known here")
    return form.need("a mode", *modes) if modes else ""


def _read(group: Group, lanes: Lanes, position: int, kind: str) -> Callable[[], Array]:
    """Gives an operand as (instructions, warps, lanes)."""
    read = group.read(position, kind)
    return lambda: lanes.by_warp(shape(read(), group.n, group.threads))


Put = Callable[[Array, Mask], None]


def _puts(group: Group, lanes: Lanes, kind: str) -> tuple[Put, Put | None]:
    """Sets the result, and the predicate beside it (`d|p`): (instructions, warps, lanes or 1)."""

    def put(names: list[str], kind: str) -> Put:
        write = group.results(names, kind)

        def whole(value: Array, mask: Mask) -> None:
            wide = np.broadcast_to(value, (group.n, lanes.warps, WARP))
            write(np.ascontiguousarray(lanes.by_thread(wide)), mask)

        return whole

    names = [operand.split("|") for operand in group.operands(0)]
    first = put([name[0] for name in names], kind)
    return first, put([name[1] for name in names], "pred") if len(names[0]) > 1 else None


@builds("shfl")
def shuffle(group: Group) -> Step:
    """shfl.sync.up/.down/.bfly/.idx: from another lane of the segment, or the lane's own value."""
    mode = _sync(group, "up", "down", "bfly", "idx")
    group.form.kind("b32")
    group.form.done(5)
    lanes = Lanes(group)
    put, valid = _puts(group, lanes, "b32")
    reads = [_read(group, lanes, position, "b32") for position in (1, 2, 3, 4)]

    def step(mask: Mask) -> None:
        value, by, clamp, members = (read() for read in reads)
        here = lanes.check(members, mask)
        source, inside = _source(mode, by.astype(np.int64), clamp.astype(np.int64))
        takes_part = np.take_along_axis(np.broadcast_to(here, value.shape), source, -1)
        silent = ~takes_part | (members >> source.astype(np.uint32) & 1 == 0)
        lanes.tell("shuffles from a lane that does not take part", silent & here & inside)
        put(np.take_along_axis(value, source, -1), mask)
        if valid is not None:
            valid(inside, mask)

    return step


def _source(mode: str, by: Array, clamp: Array) -> tuple[Array, Bools]:
    """(the lane that each takes from, whether it is within the segment; else its own)."""
    by, bound, segment = by & 31, clamp & 31, clamp >> 8 & 31
    lowest = LANE & segment
    highest = lowest | (bound & ~segment)
    match mode:
        case "up":
            source = LANE - by
            inside = source >= highest
        case "down":
            source = LANE + by
            inside = source <= highest
        case "bfly":
            source = LANE ^ by
            inside = source <= highest
        case _:
            source = lowest | (by & ~segment)
            inside = source <= highest
    return np.where(inside, source, LANE), inside


@builds("vote")
def vote(group: Group) -> Step:
    """vote.sync.all/.any/.uni/.ballot."""
    mode = _sync(group, "all", "any", "uni", "ballot")
    kind = group.form.kind("b32" if mode == "ballot" else "pred")
    group.form.done(3)
    lanes = Lanes(group)
    put, _ = _puts(group, lanes, kind)
    said, named = _read(group, lanes, 1, "pred"), _read(group, lanes, 2, "b32")

    def step(mask: Mask) -> None:
        says, members = said(), named()
        here = lanes.check(members, mask)
        yes, no = bits(says & here) & members, bits(~says & here) & members
        found = {
            "all": no == 0,
            "any": yes > 0,
            "uni": (no == 0) | (yes == 0),
            "ballot": yes,
        }
        put(found[mode], mask)

    return step


@builds("activemask")
def active_mask(group: Group) -> Step:
    """Who is at this instruction now."""
    group.form.kind("b32")
    group.form.done(1)
    if group.instructions[0].guard:
        raise group.form.refused("with a guard is not known here")
    lanes = Lanes(group)
    put, _ = _puts(group, lanes, "b32")
    return lambda mask: put(bits(lanes.there(mask)), mask)


@builds("match")
def match_values(group: Group) -> Step:
    """match.sync.any/.all: which members have the same value; all of them, or none."""
    mode = _sync(group, "any", "all")
    kind = group.form.kind("b32", "b64")
    group.form.done(3)
    lanes = Lanes(group)
    put, same = _puts(group, lanes, "b32")
    if same is not None and mode == "any":
        raise group.form.refused("has no predicate")
    read, named = _read(group, lanes, 1, kind), _read(group, lanes, 2, "b32")

    def step(mask: Mask) -> None:
        value, members = read(), named()
        here = lanes.check(members, mask)
        equal = (value[..., :, None] == value[..., None, :]) & here[:, None, :]
        found = bits(equal)[..., 0] & members
        if mode == "all":
            every = found == bits(here) & members
            found = np.where(every, found, np.uint32(0))
            if same is not None:
                same(every, mask)
        put(found, mask)

    return step


REDUCTIONS: dict[str, tuple[np.ufunc, tuple[str, ...]]] = {
    "add": (np.add, ("u32", "s32")),
    "min": (np.minimum, ("u32", "s32")),
    "max": (np.maximum, ("u32", "s32")),
    "and": (np.bitwise_and, ("b32",)),
    "or": (np.bitwise_or, ("b32",)),
    "xor": (np.bitwise_xor, ("b32",)),
}
"""Operations of redux.sync, and their types."""


@builds("redux")
def reduce(group: Group) -> Step:
    """redux.sync: add, min, max, and, or, xor over the members."""
    operation = _sync(group, *REDUCTIONS)
    function, kinds = REDUCTIONS[operation]
    kind = group.form.kind(*kinds)
    group.form.done(3)
    lanes = Lanes(group)
    put, _ = _puts(group, lanes, kind)
    read, named = _read(group, lanes, 1, kind), _read(group, lanes, 2, "b32")
    least, most = (-(2**31), 2**31 - 1) if kind == "s32" else (0, 2**32 - 1)
    neutral = {"min": most, "max": least, "and": most}.get(operation, 0)

    def step(mask: Mask) -> None:
        value, members = read(), named()
        here = lanes.check(members, mask)
        counted = (members[..., :, None] & BIT > 0) & here[:, None, :]
        some = np.where(counted, value[..., None, :], value.dtype.type(neutral))
        put(function.reduce(some, axis=-1, dtype=value.dtype), mask)

    return step


@builds("bar")
def warp_barrier(group: Group) -> Step:
    """bar.warp.sync: the other barriers end a block and are no step. It is alone in its batch."""
    if not group.form.flag("warp"):
        raise group.form.refused("is not known to this machine")
    _sync(group)
    group.form.done(1)
    lanes, races = Lanes(group), group.machine.races
    named = _read(group, lanes, 0, "b32")

    def step(mask: Mask) -> None:
        (members,) = named()
        here = lanes.check(members[None], mask)
        if races is None:
            return
        for warp in np.flatnonzero(here.any(-1)):
            for met in np.unique(members[warp][here[warp]]):
                races.leave(np.array([warp]), int(met))

    return step
