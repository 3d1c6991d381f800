"""Matrix instructions run by the machine: mma, wmma, ldmatrix, stmatrix."""

import numpy as np
import pytest

from tests.ptx_running import Array, Ran, buffer, kernel, line_of, run
from tests.test_ptx_fragments import BITS, PRODUCTS, bits, held, is_mma, numbers, operands, sizes
from tests.test_ptx_fragments import loaded as loaded_by_wmma
from tiling.ptx.cells import Cells
from tiling.ptx.events import Access
from tiling.ptx.fragments import fragment
from tiling.ptx.requests import by_warp, wavefronts
from tiling.ptx.syntax import Refused

WARPS, LANES = 3, 32  # as many warps as `operands` makes matrices
THREADS = WARPS * LANES
TID = "mov.u32 %r0, %tid.x; cvt.u64.u32 %q10, %r0; shr.u64 %q11, %q10, 5; and.b32 %r1, %r0, 31;\n"
TILE = ".shared .align 128 .b8 tile[16384];\n"
APART = "does not take part in what its warp does together"


def registers(first: int, count: int) -> str:
    return "{" + ", ".join(f"%r{first + number}" for number in range(count)) + "}"


def from_memory(pointer: str, first: int, count: int, opcode: str = "ld.global.b32") -> str:
    """The thread's words of an array (count, threads) into registers, or the other way."""
    lines = [f"mad.lo.u64 %q12, %q10, 4, {pointer};"]
    for number in range(count):
        operand, address = f"%r{first + number}", f"[%q12+{4 * THREADS * number}]"
        pair = (operand, address) if opcode.startswith("ld") else (address, operand)
        lines.append(f"{opcode} {', '.join(pair)};")
    return "\n".join(lines)


def to_memory(pointer: str, first: int, count: int) -> str:
    return from_memory(pointer, first, count, "st.global.b32")


def accesses(ran: Ran, *names: str) -> list[Access]:
    return [one for one in ran.events if isinstance(one, Access) and one.buffer.name in names]


# mma


@pytest.mark.parametrize(("shape", "d", "a", "b"), [p for p in PRODUCTS if is_mma(p[0])])
@pytest.mark.parametrize("in_place", [False, True])
def test_mma(shape: str, d: str, a: str, b: str, in_place: bool) -> None:
    """Twice in one block; the second time into the registers of C."""
    left, right, start, want = operands(shape, d, a, b)
    given = held(shape, "a", a, left), held(shape, "b", b, right), held(shape, "c", d, start)
    counts = [len(one) for one in given]
    loads = [from_memory(f"%q{n}", 10 * (n + 1), count) for n, count in enumerate(counts)]
    x, y, z = (registers(10 * (n + 1), count) for n, count in enumerate(counts))
    result = 30 if in_place else 40
    opcode = f"mma.sync.aligned.{shape}.row.col.{d}.{a}.{b}.{d}"
    code = f"{opcode} {registers(50, counts[2])}, {x}, {y}, {z};\n"
    code += f"{opcode} {registers(result, counts[2])}, {x}, {y}, {z};\n"
    stores = to_memory("%q3", result, counts[2]) + to_memory("%q4", 50, counts[2])
    buffers = [buffer("abc"[n], n, one) for n, one in enumerate(given)]
    outs = [buffer(f"d{n}", 3 + n, given[2].nbytes, written=False) for n in range(2)]
    text = kernel("\n".join([TID, *loads, code, stores]), 5)
    ran = run(text, *buffers, *outs, threads=THREADS)
    assert not ran.findings, ran.findings[0]
    for out in outs:
        found = out.data.view(np.uint32).reshape(given[2].shape)
        np.testing.assert_array_equal(found, held(shape, "c", d, want))


def test_mma_of_constants_and_saturation() -> None:
    """127·127·32 above the largest number stops there, or wraps around."""
    ones = registers(10, 4), registers(14, 2)
    fill = "".join(f"mov.b32 %r{n}, 0x7f7f7f7f;" for n in range(10, 16))
    start = "".join(f"mov.b32 %r{n}, 0x7fffffff;" for n in range(16, 20))
    opcode = "mma.sync.aligned.m16n8k32.row.col{}.s32.s8.s8.s32"
    code = [
        f"{opcode.format(sat)} {registers(at, 4)}, {ones[0]}, {ones[1]}, {registers(16, 4)};"
        for sat, at in (("", 20), (".satfinite", 24))
    ]
    body = "\n".join([TID, fill, start, *code, to_memory("%q0", 20, 8)])
    out = buffer("out", 0, 8 * 4 * THREADS, written=False)
    assert not run(kernel(body, 1), out, threads=THREADS).findings
    wrapped, stopped = out.data.view(np.int32).reshape(2, -1)
    assert (wrapped == 127 * 127 * 32 - 2**31 - 1).all() and (stopped == 2**31 - 1).all()


def test_accumulators_may_be_of_two_types() -> None:
    left, right, start, want = operands("m16n8k16", "f16", "f16", "f16")
    for c, d in (("f16", "f32"), ("f32", "f16")):
        given = [held("m16n8k16", *one) for one in (("a", "f16", left), ("b", "f16", right))]
        given.append(held("m16n8k16", "c", c, start))
        n = {"f16": 2, "f32": 4}
        operand = registers(30, n[d]), registers(10, 4), registers(14, 2), registers(20, n[c])
        loads = [from_memory(f"%q{i}", (10, 14, 20)[i], len(one)) for i, one in enumerate(given)]
        code = f"mma.sync.aligned.m16n8k16.row.col.{d}.f16.f16.{c} {', '.join(operand)};"
        out = buffer("d", 3, n[d] * 4 * THREADS, written=False)
        text = kernel("\n".join([TID, *loads, code, to_memory("%q3", 30, n[d])]), 4)
        buffers = [buffer("abc"[i], i, one) for i, one in enumerate(given)]
        assert not run(text, *buffers, out, threads=THREADS).findings
        wanted = held("m16n8k16", "c", d, want)
        np.testing.assert_array_equal(out.data.view(np.uint32).reshape(wanted.shape), wanted)


# wmma


def laid(matrices: Array, kind: str, layout: str, stride: int) -> Array:
    """(bytes,): matrices (warps, rows, cols) one behind the other, what is between them not 0."""
    patterns = bits(matrices, kind)
    if layout == "col":
        patterns = patterns.swapaxes(1, 2)
    room = np.full((*patterns.shape[:2], stride), 0x55, patterns.dtype)
    room[..., : patterns.shape[2]] = patterns
    return room.reshape(-1).view(np.uint8)


def taken(data: Array, kind: str, layout: str, stride: int, rows: int, cols: int) -> Array:
    """The inverse: (warps, rows, cols) numbers."""
    view = data.view(f"u{BITS[kind] // 8}").reshape(WARPS, -1, stride)
    inner = view[..., : cols if layout == "row" else rows]
    return numbers(np.ascontiguousarray(inner if layout == "row" else inner.swapaxes(1, 2)), kind)


WMMA_PRODUCTS = [p for p in PRODUCTS if not is_mma(p[0])]
LAYOUTS = [("row",) * 4, ("col",) * 4, ("row", "col") * 2, ("col", "row") * 2]
"""Of A, B, C, D: each has both, dense and with room between the rows."""


class Placed:
    """A matrix of each warp in memory: its stride in elements, its bytes, the operand's text."""

    def __init__(self, rows: int, cols: int, kind: str, layout: str, dense: bool) -> None:
        self.kind, self.layout, self.size = kind, layout, (rows, cols)
        inner, self.outer = (cols, rows) if layout == "row" else (rows, cols)
        self.stride = inner if dense else inner + 128 // BITS[kind] * 2
        self.bytes = self.outer * self.stride * BITS[kind] // 8
        self.text = "" if dense else f", {self.stride}"

    def data(self, matrices: Array) -> Array:
        return laid(matrices, self.kind, self.layout, self.stride)


@pytest.mark.parametrize(("shape", "d", "a", "b"), WMMA_PRODUCTS)
@pytest.mark.parametrize("space", [".global", ""])
def test_wmma(shape: str, d: str, a: str, b: str, space: str) -> None:
    """Each warp multiplies its own matrices."""
    m, n, k = sizes(shape)
    left, right, start, want = operands(shape, d, a, b)
    for number, layouts in enumerate(LAYOUTS):
        dense = number // 2 == (space == "")
        places = [
            Placed(*size, kind, layout, dense)
            for size, kind, layout in zip(
                ((m, k), (k, n), (m, n), (m, n)), (a, b, d, d), layouts, strict=True
            )
        ]
        code, count = [TID], {}
        for at, (operand, kind) in enumerate(zip("abcd", (a, b, d, d), strict=True)):
            one, count[operand] = places[at], len(fragment(shape, operand, kind).row)
            code.append(f"mad.lo.u64 %q{at + 4}, %q11, {one.bytes}, %q{at};")
        fragments = {o: registers(10 + 10 * i, count[o]) for i, o in enumerate("abcd")}
        for at, operand in enumerate("abc"):
            one = places[at]
            opcode = f"wmma.load.{operand}.sync.aligned.{one.layout}.{shape}{space}.{one.kind}"
            code.append(f"{opcode} {fragments[operand]}, [%q{at + 4}]{one.text};")
        types = f"{d}.{d}" if a == "f16" else f"{d}.{a}.{b}.{d}"
        code.append(
            f"wmma.mma.sync.aligned.{layouts[0]}.{layouts[1]}.{shape}.{types} "
            f"{fragments['d']}, {fragments['a']}, {fragments['b']}, {fragments['c']};"
        )
        opcode = f"wmma.store.d.sync.aligned.{layouts[3]}.{shape}{space}.{d}"
        code.append(f"{opcode} [%q7], {fragments['d']}{places[3].text};")
        given = [
            buffer(name, at, places[at].data(matrix))
            for at, (name, matrix) in enumerate(zip("abc", (left, right, start), strict=True))
        ]
        out = buffer("d", 3, WARPS * places[3].bytes, written=False)
        ran = run(kernel("\n".join(code), 4), *given, out, threads=THREADS)
        assert not ran.findings, ran.findings[0]
        found = taken(out.data, d, layouts[3], places[3].stride, m, n)
        np.testing.assert_array_equal(found, want.astype(np.float16) if d == "f16" else want)
        for one, name, operand in zip(places, "abcd", "abcc", strict=True):
            check_accesses(accesses(ran, name), one, shape, operand, name == "d")


def check_accesses(
    found: list[Access], one: Placed, shape: str, operand: str, stores: bool
) -> None:
    """Each element is touched once in its warp, in accesses as wide as its neighbours allow."""
    width = BITS[one.kind] // 8
    # A pair or four of A or B go along k, of accumulators along n: in m8n32k16 along m.
    down = operand == "b" or (operand == "c" and shape == "m8n32k16")
    together = (one.layout == "col") == down and one.kind != "tf32"
    wide = (2 * width if operand == "c" else 4) if together else width
    touched = np.zeros(WARPS * one.bytes, int)
    for access in found:
        assert access.kind == ("store" if stores else "load")
        assert access.width == min(wide, 4) and access.value.shape[1] == wide // access.width
        assert access.active is None
        assert (access.offset // one.bytes == np.arange(THREADS) // LANES).all()
        np.add.at(touched, access.offset[..., None] + np.arange(wide), 1)
    shown = np.zeros((WARPS, one.outer, one.stride), int)
    shown[..., : one.size[1] if one.layout == "row" else one.size[0]] = 1
    np.testing.assert_array_equal(touched, np.repeat(shown.reshape(-1), width))


@pytest.mark.parametrize("operand", ["a", "b"])
@pytest.mark.parametrize("shape", ["m16n16k16", "m32n8k16", "m8n32k16"])
def test_fragments_of_halves_repeat_the_matrix(shape: str, operand: str) -> None:
    m, n, k = sizes(shape)
    matrices = operands(shape, "f16", "f16", "f16")[operand == "b"]
    one = Placed(*((m, k) if operand == "a" else (k, n)), "f16", "row", False)
    code = f"""{TID} mad.lo.u64 %q4, %q11, {one.bytes}, %q0;
    wmma.load.{operand}.sync.aligned.row.{shape}.f16 {registers(10, 8)}, [%q4]{one.text};"""
    out = buffer("out", 1, 32 * THREADS, written=False)
    data = buffer("in", 0, one.data(matrices))
    text = kernel(code + to_memory("%q1", 10, 8), 2)
    assert not run(text, data, out, threads=THREADS).findings
    found = out.data.view(np.uint32).reshape(8, WARPS, LANES)
    np.testing.assert_array_equal(found, loaded_by_wmma(shape, operand, "f16", matrices))


def test_two_at_once() -> None:
    """Loads of two matrices are one batch; each goes to its own registers."""
    start = np.arange(512).reshape(2, 16, 16)
    data, out = buffer("in", 0, start.astype(np.float32)), buffer("out", 1, 2048, written=False)
    loads = [
        f"wmma.load.c.sync.aligned.row.m16n16k16.global.f32 {registers(at, 8)}, [%q0+{more}];"
        for at, more in ((10, 0), (20, 1024))
    ]
    stores = [
        f"wmma.store.d.sync.aligned.row.m16n16k16.global.f32 [%q1+{more}], {registers(at, 8)};"
        for at, more in ((10, 1024), (20, 0))
    ]
    ran = run(kernel("\n".join(loads + stores), 2), data, out)
    assert not ran.findings, ran.findings[0]
    np.testing.assert_array_equal(out.data.view(np.float32).reshape(start.shape), start[::-1])
    (loaded,) = {access.place.size for access in accesses(ran, "in")}
    assert loaded == 2 * 4  # and each in four requests


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(("operand", "kind"), [("a", "f16"), ("a", "s8"), ("c", "f32")])
def test_registers_to_memory_and_back(operand: str, kind: str, down: bool) -> None:
    cells = Cells(fragment("m16n16k16", operand, kind), kind, down)
    given = np.random.default_rng(0).integers(0, 2**32, (cells.registers, 2, 64), np.uint32)
    value = cells.from_registers(given, 2, 64)
    assert value.shape == (2 * len(cells.major), cells.times, 64)
    np.testing.assert_array_equal(cells.to_registers(value, 2, 64), given)


def load_a(address: str = "%q0", stride: str = "16", before: str = "") -> str:
    code = f"wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {registers(10, 8)}, [{address}]"
    return f"{TID} {before} {code}, {stride};"


def test_what_wmma_loads_may_not_be() -> None:
    """The address, the stride, and who is there."""

    def kinds(body: str, size: int = 512, threads: int = THREADS) -> list[str]:
        return run(kernel(body, 1), buffer("a", 0, np.zeros(size, np.uint8)), threads=threads).kinds

    assert not kinds(load_a())
    assert not kinds(load_a(stride="24"), 1024)
    assert kinds(load_a(stride="20"), 1024) == ["has a stride that is not a multiple of 16 bytes"]
    assert kinds(load_a("%q0+16"), 1024) == ["is not aligned to 32 bytes"]
    # Warps that are not there may have any address and stride.
    wild = "setp.lt.u32 %p1, %r0, 32; mad.lo.u64 %q1, %q11, 77, %q0; mov.b32 %r2, 16;"
    wild += (
        "@%p1 bra here; mad.lo.u64 %q1, %q10, 8192, %q1; mad.lo.u32 %r2, %r0, 7, 1; bra on; here: "
    )
    assert not kinds(load_a("%q1", "%r2", wild) + "on:")
    assert kinds(load_a("%q0+32")) == ["lies outside"]
    each = "mad.lo.u64 %q1, %q10, 32, %q0;"
    assert "gives another address or stride than its warp" in kinds(load_a("%q1", "16", each), 8192)
    step = "mul.lo.u32 %r2, %r1, 16;"
    assert "gives another address or stride than its warp" in kinds(
        load_a("%q0", "%r2", step), 2**14
    )
    gone = "setp.lt.u32 %p1, %r0, 5; @%p1 exit;"
    assert kinds(load_a(before=gone)) == [APART]


def test_findings_of_wmma_name_the_lane_and_the_byte() -> None:
    data = buffer("a", 0, 512, written=False)
    assert data.state is not None
    data.state[:] = 1
    data.state[32 * 9 + 22] = 0  # row 9, col 11: register 3 (8, 8), lane 4 + 1
    text = kernel(load_a(), 1)
    ran = run(text, data, threads=32)
    assert (ran.only.kind, ran.only.threads, ran.only.offset) == ("was never written", (5,), 310)
    assert ran.only.instruction is not None
    assert ran.only.instruction.line == line_of(text, load_a().split("wmma")[1])


# ldmatrix, stmatrix


def rows_of(count: int, step: int = 48) -> Array:
    """(threads,) addresses in the tile: the lanes' rows in an order of their own, then nonsense."""
    where = np.random.default_rng(count).permutation(WARPS * 8 * count).reshape(WARPS, -1) * step
    return np.concatenate([where, np.full((WARPS, LANES - 8 * count), 2**31 + 3)], 1).reshape(-1)


def dealt(count: int, trans: bool, rows: Array) -> Array:
    """(count, 32) of rows (8·count, 8): PTX ISA, ldmatrix: thread t holds of row t / 4 (transposed:
    of column t / 4) the elements 2·(t % 4) and 2·(t % 4) + 1."""
    found = np.zeros((count, LANES), np.uint32)
    for number, lane in np.ndindex(count, LANES):
        matrix = rows[8 * number : 8 * number + 8]
        line = (matrix.T if trans else matrix)[lane // 4]
        low, high = (int(value) for value in line[2 * (lane % 4) : 2 * (lane % 4) + 2])
        found[number, lane] = low | high << 16
    return found


VARIANTS = [(count, trans) for count in (1, 2, 4) for trans in ("", ".trans")]
SPACES = {".shared": "", ".shared::cta": "", "": "cvta.shared.u64 %q3, %q3;"}


def matrices(name: str, count: int, trans: str, space: str, first: int = 10) -> str:
    code = f"{name}.sync.aligned.m8n8.x{count}{trans}{space}.b16"
    pair = [registers(first, count), "[%q3]"][:: 1 if name == "ldmatrix" else -1]
    return f"{code} {pair[0]}, {pair[1]};"


ADDRESS = """mad.lo.u64 %q12, %q10, 8, %q1; ld.global.u64 %q7, [%q12];
mov.u64 %q3, tile; add.u64 %q3, %q3, %q7; and.b64 %q3, %q3, 0xffffffff;
"""
FILL = """mov.u64 %q4, tile; mov.u32 %r2, %r0; mov.u32 %r4, %ntid.x;
fill: mad.wide.u32 %q5, %r2, 4, %q0; ld.global.u32 %r3, [%q5];
mad.wide.u32 %q5, %r2, 4, %q4; st.shared.u32 [%q5], %r3; add.u32 %r2, %r2, %r4;
setp.lt.u32 %p1, %r2, 4096; @%p1 bra fill; bar.sync 0;
"""


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(("count", "trans"), VARIANTS)
def test_ldmatrix(count: int, trans: str, space: str) -> None:
    data = np.random.default_rng(7).integers(0, 2**16, 8192).astype(np.uint16)
    where = rows_of(count)
    code = [TID, FILL, ADDRESS, SPACES[space], matrices("ldmatrix", count, trans, space)]
    out = buffer("out", 2, count * 4 * THREADS, written=False)
    text = kernel("\n".join([*code, to_memory("%q2", 10, count)]), 3, TILE)
    ran = run(text, buffer("data", 0, data), buffer("where", 1, where), out, threads=THREADS)
    assert not ran.findings, ran.findings[0]
    found = out.data.view(np.uint32).reshape(count, WARPS, LANES)
    by_warp_ = where.reshape(WARPS, LANES)[:, : 8 * count]
    rows = data.reshape(-1, 8)[by_warp_ // 16]
    for warp in range(WARPS):
        np.testing.assert_array_equal(found[:, warp], dealt(count, trans != "", rows[warp]))
    (access,) = [one for one in accesses(ran, "shared") if one.kind == "load"]
    assert access.active is not None and access.width * access.value.shape[1] == 16
    names = np.arange(THREADS) % LANES < 8 * count
    assert np.array_equal(access.active[0], names)
    assert np.array_equal(access.offset, where[names])
    assert np.array_equal(access.thread, np.flatnonzero(names))
    told = np.ascontiguousarray(access.value[0].T).view(np.uint16)[names]
    assert np.array_equal(told, rows.reshape(-1, 8))


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(("count", "trans"), VARIANTS)
def test_stmatrix(count: int, trans: str, space: str) -> None:
    given = np.random.default_rng(8).integers(0, 2**32, (count, WARPS, LANES)).astype(np.uint32)
    where = rows_of(count)
    loads = from_memory("%q0", 10, count)
    code = [TID, loads, ADDRESS, SPACES[space], matrices("stmatrix", count, trans, space)]
    text = kernel("\n".join(code), 2, TILE)
    ran = run(text, buffer("given", 0, given), buffer("where", 1, where), threads=THREADS)
    assert not ran.findings, ran.findings[0]
    (access,) = [one for one in accesses(ran, "shared") if one.kind == "store"]
    memory = access.buffer.data.view(np.uint16).reshape(-1, 8)
    by_warp_ = where.reshape(WARPS, LANES)[:, : 8 * count]
    for warp in range(WARPS):
        rows = memory[by_warp_[warp] // 16]
        np.testing.assert_array_equal(given[:, warp], dealt(count, trans != "", rows))
    assert access.buffer.state is not None
    assert access.buffer.state.sum() == WARPS * 8 * count * 16
    assert access.active is not None and access.width * access.value.shape[1] == 16
    names = np.arange(THREADS) % LANES < 8 * count
    assert np.array_equal(access.active[0], names) and np.array_equal(access.offset, where[names])
    told = np.ascontiguousarray(access.value[0].T).view(np.uint16)[names]
    assert np.array_equal(told, memory[where[names] // 16])


def loaded(where: Array, count: int, before: str = FILL) -> Ran:
    """What ldmatrix does with these addresses."""
    body = TID + before + ADDRESS + matrices("ldmatrix", count, "", ".shared")
    data = buffer("data", 0, np.zeros(4096, np.uint32))
    text = kernel(body, 2, TILE)
    return run(text, data, buffer("where", 1, where.astype(np.int64)), threads=where.size)


@pytest.mark.parametrize(
    ("count", "step", "wanted"),
    [(4, 16, 4), (4, 128, 32), (1, 16, 1), (1, 144, 1), (2, 128, 16), (4, 48, 4), (4, 32, 8)],
)
def test_wavefronts_of_ldmatrix(count: int, step: int, wanted: int) -> None:
    """Eight rows of 16 bytes are served together: once, unless they share banks."""
    ran = loaded(np.arange(LANES) * step, count)
    (access,) = [one for one in accesses(ran, "shared") if one.kind == "load"]
    cost = wavefronts(*by_warp(access.offset, access.active, 1, LANES), 16)
    assert (cost.requests, cost.moved) == (1, wanted)


def test_findings_of_ldmatrix_name_who_named_the_row() -> None:
    good = np.arange(LANES) * 16

    def only(lane: int, offset: int, before: str = FILL) -> tuple[str, tuple[int, ...], int]:
        where = good.copy()
        where[lane] = offset
        finding = loaded(where, 2, before).only
        assert finding.instruction is not None
        assert finding.instruction.opcode.startswith("ldmatrix")
        return finding.kind, finding.threads, finding.offset

    assert only(5, 16384) == ("lies outside", (5,), 16384)
    assert only(6, 8) == ("is not aligned to 16 bytes", (6,), 8)
    filled = FILL.replace("4096", "1024")  # 4096 bytes
    assert only(7, 4096, filled) == ("was never written", (7,), 4096)
    assert not loaded(np.where(np.arange(LANES) == 16, 3, good), 2).findings


def test_ldmatrix_of_generic_addresses_is_of_shared_memory() -> None:
    body = TID + "mov.u64 %q3, %q0;" + matrices("ldmatrix", 1, "", "")
    ran = run(kernel(body, 1, TILE), buffer("data", 0, np.zeros(4096, np.uint32)))
    assert ran.only.kind == "lies outside"


STORE_ROW = """mov.b32 %r5, 7; mov.u64 %q14, tile;
mad.lo.u64 %q13, {who}, 16, %q14; st.shared.v4.u32 [%q13], {{%r5, %r5, %r5, %r5}};
"""


@pytest.mark.parametrize(
    ("who", "between", "races"),
    [
        ("%q10", "", False),  # each lane its own row, which it names too
        ("%q15", "", True),  # its neighbour's
        ("%q15", "bar.warp.sync -1;", False),
        ("%q15", "bar.sync 0;", False),
        ("%q16", "bar.warp.sync -1;", True),  # another warp's
        ("%q16", "bar.sync 0;", False),
    ],
)
def test_races_with_ldmatrix(who: str, between: str, races: bool) -> None:
    """The row is read by the lane that names it."""
    others = "xor.b64 %q15, %q10, 1; xor.b64 %q16, %q10, 32;"
    body = TID + others + STORE_ROW.format(who=who) + between + ADDRESS
    body += matrices("ldmatrix", 4, "", ".shared")
    where = np.arange(64) * 16
    data = buffer("data", 0, np.zeros(16, np.uint32))
    ran = run(kernel(body, 2, TILE), data, buffer("where", 1, where), threads=64)
    assert [kind.startswith("is raced for") for kind in ran.kinds] == [True] * races


def test_lanes_that_store_the_same_row_race() -> None:
    where = np.arange(LANES) * 16
    where[9] = 32
    body = TID + ADDRESS + "mov.b32 %r10, 1; mov.b32 %r11, 2;"
    body += matrices("stmatrix", 2, "", ".shared")
    data = buffer("data", 0, np.zeros(16, np.uint32))
    ran = run(kernel(body, 2, TILE), data, buffer("where", 1, where))
    assert ran.only.kind.startswith("is raced for") and set(ran.only.threads) == {2, 9}


# All of them

WHOLE = {
    "mma": f"mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {registers(10, 2)}, "
    f"{registers(12, 2)}, {registers(14, 1)}, {registers(15, 2)};",
    "ldmatrix": "mov.u64 %q3, tile; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r10}, [%q3];",
    "stmatrix": "mad.lo.u64 %q3, %q10, 16, %q3; "
    "stmatrix.sync.aligned.m8n8.x1.shared.b16 [%q3], {%r10};",
    "wmma.store": f"wmma.store.d.sync.aligned.row.m16n16k16.shared.f16 [%q4], {registers(10, 4)};",
}


@pytest.mark.parametrize("name", WHOLE)
def test_all_lanes_of_a_warp_must_take_part(name: str) -> None:
    code = FILL + "mad.lo.u64 %q4, %q11, 512, %q4; mov.u64 %q3, tile;\n"
    ways = {
        "": 0,
        "setp.ge.u32 %p1, %r0, 32; @%p1 bra on;": 0,  # whole warps may go another way
        "setp.eq.u32 %p1, %r0, 40; @%p1 bra on;": 1,
        "setp.eq.u32 %p1, %r0, 40; @%p1 exit;": 1,
    }
    for way, wanted in ways.items():
        text = kernel(f"{TID}{code}{way}\n{WHOLE[name]}\non:", 1, TILE)
        ran = run(text, buffer("data", 0, np.zeros(4096, np.uint32)), threads=64)
        assert ran.kinds == [APART] * wanted, way
        if wanted:
            assert ran.only.threads == (40,) and ran.only.before == "thread 32 is there"


REFUSED = [
    ("ldmatrix.aligned.m8n8.x1.shared.b16 {%r1}, [%q0];", "sync is missing"),
    ("ldmatrix.sync.m8n8.x1.shared.b16 {%r1}, [%q0];", "aligned is missing"),
    ("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r1}, [%q0];", "1 registers, not 2"),
    ("ldmatrix.sync.aligned.m8n8.x3.shared.b16 {%r1}, [%q0];", "a count is missing"),
    ("ldmatrix.sync.aligned.m8n8.x1.global.b16 {%r1}, [%q0];", r"\.global is not known"),
    ("ldmatrix.sync.aligned.m16n16.x1.shared.b8 {%r1}, [%q0];", "m8n8 is missing"),
    ("@%p0 ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r1}, [%q0];", "with a guard"),
    (
        "mma.sync.aligned.m16n8k8.col.row.f32.f16.f16.f32 {%r1}, {%r1}, {%r1}, {%r1};",
        "row.col alone",
    ),
    ("mma.sync.aligned.m16n8k8.row.col.f16.f16 {%r1}, {%r1}, {%r1}, {%r1};", "four types"),
    ("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%d1}, {%d1}, {%d1}, {%d1};", "a shape"),
    (
        "mma.sync.aligned.m16n8k16.row.col.s32.s8.f16.s32 {%r1}, {%r1}, {%r1}, {%r1};",
        "is not known",
    ),
    (
        f"mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {registers(1, 3)}, "
        f"{registers(4, 2)}, {registers(6, 1)}, {registers(7, 2)};",
        "3 registers, not 2",
    ),
    (
        "mma.sp.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%r1}, {%r1}, {%r1}, {%r1};",
        r"\.sp is not known",
    ),
    ("wmma.load.a.sync.aligned.row.m16n16k8.global.f16 {%r1}, [%q0];", "no matrix a of f16"),
    ("wmma.load.d.sync.aligned.row.m16n16k16.global.f16 {%r1}, [%q0];", "an operand"),
    ("wmma.store.c.sync.aligned.row.m16n16k16.global.f16 [%q0], {%r1};", "an operand"),
    ("wmma.load.a.sync.aligned.m16n16k16.global.f16 {%r1}, [%q0];", "row or col"),
    ("wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {%r1}, [%q0];", "1 registers, not 8"),
    ("wmma.mma.sync.aligned.row.m16n16k16.f16.f16 {%r1}, {%r1}, {%r1}, {%r1};", "row or col"),
    ("wmma.load.a.sync.aligned.row.m8n8k32.s4 {%r1}, [%q0];", "a shape"),
]


@pytest.mark.parametrize(("code", "why"), REFUSED)
def test_what_is_not_known_is_refused(code: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        run(kernel(code, 1), buffer("data", 0, np.zeros(16, np.uint32)))


@pytest.mark.parametrize("name", WHOLE)
def test_part_of_a_warp_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="needs whole warps, not 40 threads"):
        run(kernel(WHOLE[name], declare=TILE), threads=40)
