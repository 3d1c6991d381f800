"""Instructions by which a warp loads, multiplies and stores matrices: `ldmatrix`, `stmatrix`,
`mma`, `wmma` (PTX ISA, "Warp-level Matrix Instructions"). Who holds what is in `fragments`."""

from collections.abc import Callable

import numpy as np

from tiling.ptx.build import Group, Step, builds, shape
from tiling.ptx.cells import WORD, Cells
from tiling.ptx.fragments import MMA, WMMA, Fragment, Unknown, fragment, ldmatrix_map
from tiling.ptx.matrices import check, mma
from tiling.ptx.memory import SHARED, Ints
from tiling.ptx.races import WARP
from tiling.ptx.registers import Array, Mask
from tiling.ptx.warps import Lanes

TYPES = ("f16", "bf16", "tf32", "f32", "s8", "u8", "s32")


class _Warps:
    """The whole warps of a CTA. All lanes of a warp must take part: none may have ended."""

    def __init__(self, group: Group) -> None:
        form = group.form
        form.need("sync", "sync")
        form.need("aligned", "aligned")
        if group.instructions[0].guard:
            raise form.refused("with a guard is not known here")
        if group.threads % WARP:
            raise form.refused(f"needs whole warps, not {group.threads} threads")
        self.group, self.lanes, self.many = group, Lanes(group), group.threads // WARP

    def check(self, mask: Mask) -> None:
        if mask is not None:
            here = self.lanes.there(mask)
            absent = np.broadcast_to(
                here.any(-1, keepdims=True) & ~here, (self.group.n, *here.shape)
            )
            self.lanes.tell("does not take part in what its warp does together", absent, here)

    def reads(self, position: int, count: int) -> Callable[[], Array]:
        """Gives a fragment: (registers, instructions · warps, lanes)."""
        group = self.group
        reads = [group.values(names, "b32") for names in self._registers(position, count)]

        def read() -> Array:
            whole = np.stack([shape(one(), group.n, group.threads) for one in reads])
            return whole.reshape(count, -1, WARP)

        return read

    def writes(self, position: int, count: int) -> Callable[[Array, Mask], None]:
        """Sets a fragment, from anything that is in that order."""
        group = self.group
        writes = [group.results(names, "b32") for names in self._registers(position, count)]

        def write(value: Array, mask: Mask) -> None:
            registers = value.reshape(count, group.n, group.threads)
            for one, register in zip(writes, registers, strict=True):
                one(register, mask)

        return write

    def _registers(self, position: int, count: int) -> list[list[str]]:
        """The registers of a fragment, each of all instructions."""
        group = self.group
        if group.parts(position) != count:
            raise group.form.refused(f"{group.parts(position)} registers, not {count}")
        return [group.operands(position, part) for part in range(count)]


@builds("mma")
def multiply(group: Group) -> Step:
    """mma.sync.aligned.mMnNkK.row.col{.satfinite}.d.a.b.c"""
    form, warps = group.form, _Warps(group)
    size_ = form.need("a shape", *MMA)
    if "row.col" not in form.instruction.opcode:
        raise form.refused("is known with .row.col alone")
    form.need("row", "row")
    form.need("col", "col")
    return _product(group, warps, size_)


def _product(group: Group, warps: _Warps, size_: str) -> Step:
    form = group.form
    saturate = form.flag("satfinite")
    found = [form.kind(*TYPES) for _ in range(sum(m in TYPES for m in form.left))][::-1]
    if len(found) == 2 and size_ in WMMA:  # wmma of halves names D and C alone
        found = [found[0], "f16", "f16", found[1]]
    form.done(4)
    if len(found) != 4:
        raise form.refused("four types are needed: of D, A, B and C")
    d, a, b, c = types = (found[0], found[1], found[2], found[3])
    try:
        check(size_, types, saturate)
    except Unknown as unknown:
        raise form.refused(str(unknown)) from None
    counts = [len(fragment(size_, *of).row) for of in (("a", a), ("b", b), ("c", c), ("d", d))]
    left, right, start = (warps.reads(at + 1, counts[at]) for at in range(3))
    write = warps.writes(0, counts[3])

    def step(mask: Mask) -> None:
        warps.check(mask)
        write(mma(size_, types, left(), right(), start(), saturate), mask)

    return step


@builds("ldmatrix", "stmatrix")
def rows(group: Group) -> Step:
    """ldmatrix, stmatrix .sync.aligned.m8n8.x1/.x2/.x4{.trans}.shared.b16

    A row of eight halves is one access of the lane that names it. To whom its halves go is no
    matter of memory.
    """
    form, warps = group.form, _Warps(group)
    form.need("m8n8", "m8n8")
    count = int(form.need("a count", "x1", "x2", "x4")[1:])
    whose, offset = ldmatrix_map(count, form.flag("trans"))
    deal = np.s_[:, whose, offset // 2]
    # Without a space the address is generic, but must be one of shared memory.
    window = 0 if form.take("shared", "shared:cta") else SHARED
    form.kind("b16")
    form.done(2)
    loads = form.name == "ldmatrix"
    address = group.addresses(1 if loads else 0)
    n, threads, place, machine = group.n, group.threads, group.place, group.machine
    naming = np.broadcast_to(np.arange(threads) % WARP < 8 * count, (n, threads))

    def who(mask: Mask) -> Mask:
        warps.check(mask)
        machine.place = place
        return naming if mask is None else naming & mask

    if loads:
        write = warps.writes(0, count)

        def load(mask: Mask) -> None:
            active, where = who(mask), address() - window
            value, found = machine.memory.load("shared", where, active, WORD, WORD)
            machine.accessed("load", found, place, WORD, value)
            halves = np.ascontiguousarray(value.transpose(0, 2, 1)).view(np.uint16)
            dealt = np.ascontiguousarray(halves.reshape(-1, WARP, 8)[deal]).view(np.uint32)
            write(dealt[..., 0].swapaxes(0, 1), mask)

        return load
    read = warps.reads(1, count)

    def store(mask: Mask) -> None:
        active, where = who(mask), address() - window
        registers = np.ascontiguousarray(read().swapaxes(0, 1)[..., None])
        halves = np.zeros((n * warps.many, WARP, 8), np.uint16)
        halves[deal] = registers.view(np.uint16)
        value = halves.view(np.uint32).reshape(n, threads, WORD).transpose(0, 2, 1)
        found = machine.memory.store("shared", where, active, value, WORD)
        machine.accessed("store", found, place, WORD, value)

    return store


@builds("wmma")
def matrix(group: Group) -> Step:
    """wmma.load.a/.b/.c, wmma.store.d, wmma.mma .sync.aligned"""
    form, warps = group.form, _Warps(group)
    if form.flag("mma"):
        for _ in "ab":
            form.need("row or col", "row", "col")
        return _product(group, warps, form.need("a shape", *WMMA))
    what = form.need("load, store or mma", "load", "store")
    operand = form.need("an operand", *("abc" if what == "load" else "d"))
    down = form.need("row or col", "row", "col") == "col"
    size_ = form.need("a shape", *WMMA)
    shared, place = form.take("shared", "shared:cta"), form.take("global")
    kind = form.kind(*TYPES)
    form.done(2, 3)
    try:
        where = fragment(size_, operand, kind)
    except Unknown as unknown:
        raise form.refused(str(unknown)) from None
    return _matrix(group, warps, where, kind, down, "shared" if shared else place or "generic")


def _matrix(
    group: Group, warps: _Warps, where: Fragment, kind: str, down: bool, space: str
) -> Step:
    """A fragment from or to memory."""
    cells, count = Cells(where, kind, down), len(where.row)
    begin = _begin(group, warps, where, cells, down, space)
    n, threads, machine = group.n, group.threads, group.machine
    places = np.tile(group.place, len(cells.major))

    if ".load." in group.form.instruction.opcode:
        write = warps.writes(0, count)

        def load(mask: Mask) -> None:
            located, active = begin(mask)
            machine.place = places
            value, found = machine.memory.load(space, located, active, cells.unit, cells.times)
            machine.accessed("load", found, places, cells.unit, value)
            registers = cells.to_registers(value, n, threads)
            write(np.tile(registers, (count // cells.registers, 1, 1)), mask)

        return load
    read = warps.reads(1, count)

    def store(mask: Mask) -> None:
        located, active = begin(mask)
        machine.place = places
        value = cells.from_registers(read(), n, threads)
        found = machine.memory.store(space, located, active, value, cells.unit)
        machine.accessed("store", found, places, cells.unit, value)

    return store


def _begin(
    group: Group, warps: _Warps, where: Fragment, cells: Cells, down: bool, space: str
) -> Callable[[Mask], tuple[Ints, Mask]]:
    """Gives the addresses of all accesses, and who makes them; tells of what may not be.

    All lanes give the same address and stride. Each row (with .col: column) begins at a multiple of
    the bytes of the fragment (PTX ISA, "Matrix Storage for wmma"); of a stride, mma.h asks for no
    more than a multiple of 16 bytes.
    """
    n, threads, lanes, machine = group.n, group.threads, warps.lanes, group.machine
    address = group.addresses(1 if ".load." in group.form.instruction.opcode else 0)
    if len(group.instructions[0].operands) == 3:
        stride = group.read(2, "u32")
    else:
        stride = group.values([str(where.place.shape[0 if down else 1])] * n, "u32")
    whole = WORD * len(where.row)
    apart = min(whole, 16)
    first = np.broadcast_to(np.arange(threads) % WARP == 0, (n, threads))

    def begin(mask: Mask) -> tuple[Ints, Mask]:
        warps.check(mask)
        machine.place = group.place
        base, step = address(), shape(stride(), n, threads).astype(np.int64)
        here = lanes.there(mask)
        for values in (base, step):
            of_warp = lanes.by_warp(values)
            other = (of_warp != of_warp[..., :1]) & here
            lanes.tell("gives another address or stride than its warp", other)
        uneven = lanes.by_warp(step * cells.width % apart != 0) & here
        lanes.tell(f"has a stride that is not a multiple of {apart} bytes", uneven)
        machine.memory.find(space, base, first if mask is None else first & mask, whole)
        located = cells.addresses(base, step)
        return located, None if mask is None else np.broadcast_to(mask, located.shape)

    return begin
