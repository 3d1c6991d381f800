"""Instructions by which a warp loads, multiplies and stores matrices: `ldmatrix`, `stmatrix`, `mma`,
`wmma` (PTX ISA, "Warp-level Matrix Instructions"). Who holds what is in `fragments`."""

from collections.abc import Callable

import numpy as np

from tiling.ptx.build import Group, Step, builds, shape
from tiling.ptx.fragments import BITS, MMA, WMMA, Unknown, fragment, ldmatrix_map
from tiling.ptx.matrices import mma
from tiling.ptx.memory import Ints
from tiling.ptx.races import WARP
from tiling.ptx.registers import Array, Mask
from tiling.ptx.warps import Lanes

TYPES = ("f16", "bf16", "tf32", "f32", "s8", "u8", "s32")


def _whole_warps(group: Group, lanes: Lanes) -> Callable[[Mask], None]:
    """All lanes of a warp must take part."""
    if group.instructions[0].guard:
        raise group.form.refused("with a guard is not known here")
    full = np.broadcast_to(np.uint32(0xFFFFFFFF), (lanes.warps, WARP))
    if group.threads % WARP:
        raise group.form.refused(f"needs whole warps, not {group.threads} threads")

    def check(mask: Mask) -> None:
        lanes.check(full, mask)

    return check


def _fragment(group: Group, position: int, count: int) -> list[list[str]]:
    """The registers of a fragment, instruction by instruction."""
    if group.parts(position) != count:
        raise group.form.refused(f"{group.parts(position)} registers, not {count}")
    return [group.operands(position, part) for part in range(count)]


def _reads(group: Group, position: int, count: int) -> Callable[[], Array]:
    """Gives a fragment: (registers, instructions · warps, lanes)."""
    reads = [group.values(names, "b32") for names in _fragment(group, position, count)]
    n, threads = group.n, group.threads

    def read() -> Array:
        whole = np.stack([shape(one(), n, threads) for one in reads])
        return whole.reshape(count, -1, WARP)

    return read


def _writes(group: Group, position: int, count: int) -> Callable[[Array, Mask], None]:
    writes = [group.results(names, "b32") for names in _fragment(group, position, count)]
    n, threads = group.n, group.threads

    def write(value: Array, mask: Mask) -> None:
        for one, register in zip(writes, value.reshape(count, n, threads), strict=True):
            one(register, mask)

    return write


@builds("mma")
def multiply(group: Group) -> Step:
    """mma.sync.aligned.mMnNkK.row.col{.satfinite}.d.a.b.c"""
    form = group.form
    form.need("sync", "sync")
    form.need("aligned", "aligned")
    size = form.need("a shape", *MMA)
    form.need("row", "row")
    form.need("col", "col")
    return _product(group, size)


def _product(group: Group, size: str) -> Step:
    form = group.form
    saturate = form.flag("satfinite")
    found = [form.kind(*TYPES) for _ in range(sum(m in TYPES for m in form.left))][::-1]
    if len(found) == 2:  # wmma of halves names D and C alone
        found = [found[0], "f16", "f16", found[1]]
    if len(found) != 4:
        raise form.refused("four types are needed: of D, A, B and C")
    form.done(4)
    d, a, b, c = found
    types = d, a, b, c
    lanes = Lanes(group)
    check = _whole_warps(group, lanes)
    try:
        counts = [
            len(fragment(size, operand, kind).row)
            for operand, kind in zip("dabc", types, strict=True)
        ]
        empty = [np.zeros((count, 1, WARP), np.uint32) for count in counts[1:]]
        mma(size, types, *empty, saturate)
    except Unknown as unknown:
        raise form.refused(str(unknown)) from None
    write = _writes(group, 0, counts[0])
    left, right, start = (_reads(group, at + 1, count) for at, count in enumerate(counts[1:]))

    def step(mask: Mask) -> None:
        check(mask)
        write(mma(size, types, left(), right(), start(), saturate), mask)

    return step


@builds("ldmatrix", "stmatrix")
def rows(group: Group) -> Step:
    """ldmatrix, stmatrix .sync.aligned.m8n8.x1/.x2/.x4{.trans}.shared.b16"""
    form = group.form
    form.need("sync", "sync")
    form.need("aligned", "aligned")
    form.need("m8n8", "m8n8")
    count = int(form.need("a count", "x1", "x2", "x4")[1:])
    transposed = form.flag("trans")
    form.need("shared", "shared", "shared:cta")
    form.kind("b16")
    form.done(2)
    lanes, loads = Lanes(group), form.name == "ldmatrix"
    check = _whole_warps(group, lanes)
    whose, offset = ldmatrix_map(count, transposed)
    address = group.addresses(1 if loads else 0)
    n, threads, place, machine = group.n, group.threads, group.place, group.machine
    write = _writes(group, 0, count) if loads else None
    read = None if loads else _reads(group, 1, count)
    start = np.arange(lanes.warps)[:, None] * WARP

    def located() -> Ints:
        """(instructions · count · 2, threads): the address of each half."""
        rows_ = address()
        return np.concatenate(
            [
                rows_[:, (start + whose[r, :, h]).ravel()] + np.tile(offset[r, :, h], lanes.warps)
                for r in range(count)
                for h in range(2)
            ]
        )

    # A row of eight halves is one access of the lane that names it.
    naming = np.arange(threads) % WARP < 8 * count
    places = np.tile(place, 2 * count)

    def step(mask: Mask) -> None:
        check(mask)
        active = np.broadcast_to(naming if mask is None else naming & mask, (n, threads))
        everyone = None if mask is None else np.broadcast_to(mask, (2 * count * n, threads))
        machine.place = place
        if not machine.memory.find("shared", address(), active, 16):
            return
        machine.place = places
        if write is not None:
            value, found = machine.memory.load("shared", located(), everyone, 2)
            machine.accessed("load", found, places, 2, value)
            halves = value.reshape(count, 2, n, threads).astype(np.uint32)
            write(halves[:, 0] | halves[:, 1] << np.uint32(16), mask)
        elif read is not None:
            registers = read().reshape(count, n, threads)
            halves = np.stack([registers & np.uint32(0xFFFF), registers >> np.uint32(16)], 1)
            value = halves.reshape(2 * count * n, 1, threads).astype(np.uint16)
            found = machine.memory.store("shared", located(), everyone, value, 2)
            machine.accessed("store", found, places, 2, value)

    return step


@builds("wmma")
def whole(group: Group) -> Step:
    """wmma.load.a/.b/.c, wmma.store.d, wmma.mma .sync.aligned"""
    form = group.form
    what = form.need("load, store or mma", "load", "store", "mma")
    operand = form.need("an operand", "a", "b", "c", "d") if what != "mma" else ""
    form.need("sync", "sync")
    form.need("aligned", "aligned")
    if what == "mma":
        form.need("row or col", "row", "col")
        form.need("row or col", "row", "col")
        return _product(group, form.need("a shape", *WMMA))
    down = form.need("row or col", "row", "col") == "col"
    size = form.need("a shape", *WMMA)
    space = (
        "shared" if form.take("shared", "shared:cta") else form.take("global", default="generic")
    )
    kind = form.kind(*TYPES)
    form.done(2, 3)
    return _matrix(group, what == "load", operand, size, kind, down, space)


def _matrix(
    group: Group, loads: bool, operand: str, size: str, kind: str, down: bool, space: str
) -> Step:
    """A fragment from or to memory, element by element."""
    try:
        where = fragment(size, operand, kind)
    except Unknown as unknown:
        raise group.form.refused(str(unknown)) from None
    lanes = Lanes(group)
    check = _whole_warps(group, lanes)
    count, width = len(where.row), BITS[kind] // 8
    many = 4 // width
    row, col = (np.asarray(a).reshape(count, WARP, many) for a in (where.row, where.col))
    address = group.addresses(1 if loads else 0)
    stride = None
    if len(group.instructions[0].operands) == 3:
        stride = group.read(2, "u32")
    rows_, cols_ = int(row.max()) + 1, int(col.max()) + 1
    dense = np.full((1, 1), rows_ if down else cols_, np.uint32)
    n, threads, place, machine = group.n, group.threads, group.place, group.machine
    write = _writes(group, 0, count) if loads else None
    read = None if loads else _reads(group, 1, count)
    places = np.tile(place, count * many)
    unit = np.dtype(f"u{width}")

    def located() -> Ints:
        base, step_ = address(), shape(dense if stride is None else stride(), n, threads)
        found = []
        for r in range(count):
            for e in range(many):
                major, minor = (col, row) if down else (row, col)
                tall, wide = (np.tile(v[r, :, e], lanes.warps) for v in (major, minor))
                found.append(base + (tall * step_.astype(np.int64) + wide) * width)
        return np.concatenate(found)

    def step(mask: Mask) -> None:
        check(mask)
        everyone = None if mask is None else np.broadcast_to(mask, (count * many * n, threads))
        machine.place = places
        if write is not None:
            value, found = machine.memory.load(space, located(), everyone, width)
            machine.accessed("load", found, places, width, value)
            parts = value.reshape(count, many, n, threads).astype(np.uint32)
            whole_ = parts[:, 0]
            for e in range(1, many):
                whole_ = whole_ | parts[:, e] << np.uint32(8 * width * e)
            write(whole_, mask)
        elif read is not None:
            registers = read().reshape(count, n, threads)
            parts = np.stack([registers >> np.uint32(8 * width * e) for e in range(many)], 1)
            value = parts.reshape(count * many * n, 1, threads).astype(unit)
            found = machine.memory.store(space, located(), everyone, value, width)
            machine.accessed("store", found, places, width, value)

    return step
