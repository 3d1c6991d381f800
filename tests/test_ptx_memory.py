"""Accesses to memory: what they bring, and what is said of those that must not be."""

import numpy as np
import pytest

from tests.ptx_running import buffer, kernel, line_of, run
from tiling.ptx.events import Access

TID = "mov.u32 %r0, %tid.x; cvt.u64.u32 %q9, %r0;\n"
TILE = ".shared .align 16 .b8 tile[512];\n"
OWN = ".local .align 16 .b8 own[64];\n"


WIDTHS = [(f"{sign}{bits}", bits // 8) for sign in "bus" for bits in (8, 16, 32, 64)]


@pytest.mark.parametrize(("kind", "width"), WIDTHS)
def test_widths_signs_and_vectors(kind: str, width: int) -> None:
    """From global to shared memory and back, by ways of their own and by generic addresses."""
    for many in (1, 2, 4):
        total = width * many
        if total > 16:
            continue
        register = "%q" if width == 8 else "%r" if width == 4 else "%h"
        names = ", ".join(f"{register}{n + 20}" for n in range(many))
        names, vector = (f"{{{names}}}", f".v{many}") if many > 1 else (names, "")
        body = f"""{TID}
        mad.lo.u64 %q2, %q9, {total}, %q0;
        mad.lo.u64 %q3, %q9, {total}, %q1;
        mov.u64 %q4, tile; mad.lo.u64 %q4, %q9, {total}, %q4;
        cvta.shared.u64 %q5, %q4;
        ld.global{vector}.{kind} {names}, [%q2];
        st{vector}.{kind} [%q5], {names};
        ld.shared{vector}.{kind} {names}, [%q4];
        st.global{vector}.{kind} [%q3], {names};"""
        data = np.random.default_rng(width).integers(0, 256, 32 * total, np.uint8)
        out = buffer("out", 1, data.size, written=False)
        ran = run(kernel(body, 2, TILE), buffer("in", 0, data), out)
        assert not ran.findings, ran.findings[0]
        assert np.array_equal(out.data, data)


@pytest.mark.parametrize("kind", ["s8", "u8", "s16", "u16", "s32", "u32"])
def test_loads_into_wider_registers(kind: str) -> None:
    width = int(kind[1:]) // 8
    body = f"""{TID} mad.lo.u64 %q2, %q9, {width}, %q0; mad.lo.u64 %q3, %q9, 8, %q1;
    ld.global.{kind} %q4, [%q2]; st.global.u64 [%q3], %q4;"""
    data = np.random.default_rng(1).integers(0, 256, 32 * width, np.uint8)
    data = data.view(f"{'i' if kind[0] == 's' else 'u'}{width}")
    out = buffer("out", 1, 256, written=False)
    assert not run(kernel(body, 2), buffer("in", 0, data), out).findings
    assert np.array_equal(out.data.view(np.int64), data.astype(np.int64))


@pytest.mark.parametrize(
    ("space", "base", "array", "size"),
    [
        ("shared", "mov.u64 %q2, tile;", "tile", 512),
        ("local", "mov.u64 %q2, own;", "own", 64),
        ("global", "mov.u64 %q2, %q0;", "in", 128),
        ("", "mov.u64 %q2, tile; cvta.shared.u64 %q2, %q2;", "tile", 512),
        ("", "mov.u64 %q2, own; cvta.local.u64 %q2, %q2;", "own", 64),
        ("", "mov.u64 %q2, %q0;", "in", 128),
        ("const", "mov.u64 %q2, numbers;", "numbers", 16),
    ],
)
@pytest.mark.parametrize("width", [1, 4, 16])
def test_bounds(space: str, base: str, array: str, size: int, width: int) -> None:
    """Thread 7 goes to the byte before the end at which an access still fits, thread 9 too far."""
    kind = {1: "u8 %h0", 4: "u32 %r1", 16: "v4.u32 {%r1, %r2, %r3, %r4}"}[width]
    opcode = f"ld.{space}.{kind}" if space else f"ld.{kind}"
    for last, wrong in ((size, "lies outside"), (-width, "lies outside")):
        body = f"""{TID} {base}
        setp.eq.u32 %p1, %r0, 9;
        setp.eq.u32 %p2, %r0, 7;
        selp.u64 %q3, {last}, {size - width}, %p1;
        add.u64 %q2, %q2, %q3;
        or.pred %p1, %p1, %p2;
        @%p1 {opcode}, [%q2];"""
        outside = ".const .align 16 .b32 numbers[4] = {1, 2, 3, 4};"
        text = kernel(body, 1, TILE + OWN, outside)
        data = buffer("in", 0, np.zeros(32, np.uint32))
        ran = run(text, data)
        found = [one for one in ran.findings if one.kind != "was never written"]
        (one,) = found
        named = array if last > 0 else {"tile": "shared", "own": "local"}.get(array, array)
        assert (one.kind, one.threads, one.array, one.offset) == (wrong, (9,), named, last)
        assert one.instruction is not None
        assert one.instruction.line == line_of(text, f"@%p1 {opcode}")
        assert str(size) in one.before or array == "in"


def test_far_beyond_the_end_is_nobody_s() -> None:
    body = f"{TID} mad.lo.u64 %q2, %q9, 0x20000000000, %q0; ld.global.u32 %r1, [%q2];"
    (one,) = run(kernel(body, 1), buffer("in", 0, np.zeros(4, np.uint32)), threads=4).findings
    assert (one.kind, one.threads) == ("is in no buffer of global memory", (1, 2, 3))


@pytest.mark.parametrize("width", [2, 4, 8, 16])
@pytest.mark.parametrize("space", ["shared", "global", "local"])
def test_alignment(space: str, width: int) -> None:
    value = {
        2: "u16 [%q2], 5",
        4: "u32 [%q2], 5",
        8: "v2.u32 [%q2], {5, 6}",
        16: "v2.u64 [%q2], {5, 6}",
    }
    base = {"shared": "tile", "local": "own", "global": "%q0"}[space]
    body = f"""{TID} mov.u64 %q2, {base};
    setp.eq.u32 %p1, %r0, 3; selp.u64 %q3, {width // 2}, 0, %p1;
    mad.lo.u64 %q4, %q9, {0 if space == "local" else width}, %q3;
    add.u64 %q2, %q2, %q4;
    st.{space}.{value[width]};"""
    text = kernel(body, 1, TILE + OWN)
    one = run(text, buffer("in", 0, np.zeros(512, np.uint8))).only
    offset = (0 if space == "local" else 3 * width) + width // 2
    assert (one.kind, one.threads, one.offset) == (f"is not aligned to {width} bytes", (3,), offset)
    assert one.array == {"shared": "tile", "local": "own", "global": "in"}[space]
    assert one.instruction is not None
    assert one.instruction.line == line_of(text, f"st.{space}")


@pytest.mark.parametrize("space", ["shared", "local", "global"])
@pytest.mark.parametrize("hole", [0, 5, 15])
def test_what_was_never_written(space: str, hole: int) -> None:
    """All bytes but one are written. In local memory a compiler may load more than it uses."""
    base = {"shared": "tile", "local": "own", "global": "%q0"}[space]
    stores = "\n".join(f"st.{space}.u8 [%q2+{n}], 1;" for n in range(16) if n != hole)
    body = f"""{TID} mov.u64 %q2, {base}; mad.lo.u64 %q2, %q9, 16, %q2;
    {stores} ld.{space}.v2.u64 {{%q5, %q6}}, [%q2];"""
    text = kernel(body, 1, TILE + OWN)
    ran = run(text, buffer("C", 0, 64, written=False), threads=4)
    if space == "local":
        assert not ran.findings
        return
    one = ran.only
    assert (one.kind, one.threads) == ("was never written", (0, 1, 2, 3))
    assert (one.array, one.offset) == ("tile" if space == "shared" else "C", hole)


def test_local_memory_of_which_nothing_was_written() -> None:
    body = f"""{TID} mov.u64 %q2, own; st.local.u32 [%q2], 1;
    ld.local.v2.u32 {{%r1, %r2}}, [%q2+0]; ld.local.u32 %r3, [%q2+4];"""
    ran = run(kernel(body, 0, OWN), threads=4)
    assert [one.kind for one in ran.findings] == ["was never written"] * 2


def test_every_thread_has_local_memory_of_its_own() -> None:
    body = f"""{TID} mov.u64 %q2, own; st.local.u64 [%q2], %q9; st.local.u32 [%q2+8], 7;
    ld.local.u64 %q3, [%q2]; mad.lo.u64 %q4, %q9, 8, %q0; st.global.u64 [%q4], %q3;"""
    out = buffer("out", 0, 8 * 32, written=False)
    assert not run(kernel(body, 1, ".local .align 8 .b8 own[12];"), out).findings
    assert np.array_equal(out.data.view(np.int64), np.arange(32))


def test_an_array_is_named_by_the_byte() -> None:
    declare = ".shared .align 4 .b8 _ZZ4gemmE1A[64];\n.shared .align 4 .b8 B[64];\n"
    body = f"{TID} mov.u32 %r1, _ZZ4gemmE1A; ld.shared.u32 %r2, [%r1+68];"
    one = run(kernel(body, 0, declare), threads=1).only
    assert (one.array, one.offset) == ("B", 4)


def test_dynamic_shared_memory_lies_behind_all_other() -> None:
    declare = ".shared .align 4 .b8 A[20];\n"
    outside = ".extern .shared .align 16 .b8 rest[];\n"
    body = f"""{TID} mov.u64 %q2, rest; mad.lo.u64 %q2, %q9, 16, %q2;
    st.shared.v4.u32 [%q2], {{%r0, %r0, %r0, %r0}};
    mov.u32 %r1, rest; mad.lo.u64 %q3, %q9, 4, %q0; st.global.u32 [%q3], %r1;"""
    out = buffer("out", 0, 128, written=False)
    assert not run(kernel(body, 1, declare, outside), out, dynamic=12 + 512).findings
    assert (out.data.view(np.uint32) == 32).all()
    one = run(kernel(body, 1, declare, outside), out, dynamic=12 + 496).only
    assert (one.kind, one.threads, one.array) == ("lies outside", (31,), "rest")
    assert one.offset == 496


def test_variables_hold_what_they_are_declared_with() -> None:
    outside = """.const .align 2 .b16 odd[5] = {1, -3, 5, 0x7F, 9};
    .global .align 8 .b64 wide[2] = {-1, 0x123456789ABCDEF};
    .global .align 4 .f32 real[3] = {0f3F800000, 0fC0000000};
    .visible .global .align 1 .b8 word[6] = {104, 101, 108, 108, 111};
    .global .align 4 .u32 count;"""
    body = f"""{TID} mov.u64 %q2, odd; ld.const.s16 %q3, [%q2+2]; ld.const.u16 %r1, [odd+6];
    ld.global.u64 %q4, [wide+8]; ld.global.u32 %r2, [real+4]; ld.global.u32 %r3, [real+8];
    ld.global.u8 %r4, [word+4]; ld.global.u32 %r5, [count]; st.global.u32 [count], 8;
    st.global.v2.u64 [%q0], {{%q3, %q4}}; st.global.v4.u32 [%q0+16], {{%r1, %r2, %r3, %r4}};
    st.global.u32 [%q0+32], %r5;"""
    out = buffer("out", 0, 36, written=False)
    assert not run(kernel(body, 1, outside=outside), out, threads=1).findings
    assert out.data[:16].view(np.int64).tolist() == [-3, 0x123456789ABCDEF]
    assert out.data[16:36].view(np.uint32).tolist() == [0x7F, 0xC0000000, 0, 111, 0]


@pytest.mark.parametrize(
    "code",
    ["st.global.u32 [%q2], 1;", "atom.global.add.u32 %r1, [%q2], 1;", "red.add.u32 [%q2], 1;"],
)
def test_what_may_not_be_written(code: str) -> None:
    body = f"{TID} mad.lo.u64 %q2, %q9, 4, %q0; {code}"
    data = np.arange(32, dtype=np.uint32)
    ran = run(kernel(body, 1), buffer("A", 0, data.copy(), writable=False))
    assert (ran.only.kind, ran.only.threads[:2], ran.only.array) == (
        "may not be written",
        (0, 1),
        "A",
    )
    assert np.array_equal(ran.machine.memory.buffers[1].data.view(np.uint32), data)
    stores = kernel("st.const.u32 [c], 1;", outside=".const .b32 c = 5;")
    assert run(stores, threads=1).only.kind == "may not be written"


@pytest.mark.parametrize("space", ["shared", "local"])
def test_an_address_of_another_space_is_not_global(space: str) -> None:
    name = {"shared": "tile", "local": "own"}[space]
    body = f"""{TID} mov.u64 %q2, {name}; cvta.{space}.u64 %q3, %q2; st.u32 [%q3], 1;
    cvta.to.{space}.u64 %q4, %q3; ld.{space}.u32 %r1, [%q4]; ld.u32 %r2, [%q3];
    ld.global.u32 %r3, [%q3];"""
    one = run(kernel(body, 0, TILE + OWN), threads=1).only
    assert one.instruction is not None
    assert one.instruction.opcode == "ld.global.u32"


def test_which_space_an_address_is_in() -> None:
    body = """mov.u64 %q2, tile; cvta.shared.u64 %q2, %q2;
    mov.u64 %q3, own; cvta.local.u64 %q3, %q3;
    mov.u32 %r1, 0;\n"""
    bit = 0
    for address in ("%q0", "%q2", "%q3"):
        for space in ("global", "shared", "local"):
            body += f"isspacep.{space} %p0, {address}; @%p0 or.b32 %r1, %r1, {1 << bit};\n"
            bit += 1
    out = buffer("out", 0, 4, written=False)
    assert not run(
        kernel(body + "st.global.u32 [%q0], %r1;", 1, TILE + OWN), out, threads=1
    ).findings
    assert out.data[:4].view(np.uint32)[0] == 0b100_010_001


def test_guarded_vectors_side_by_side() -> None:
    """Two wide loads that run as one, each for threads of its own."""
    body = f"""{TID} mad.lo.u64 %q2, %q9, 32, %q0; mad.lo.u64 %q3, %q9, 32, %q1;
    and.b32 %r1, %r0, 1; setp.eq.u32 %p1, %r1, 0; setp.lt.u32 %p2, %r0, 9;
    mov.u32 %r20, 0; mov.u32 %r21, 1; mov.u32 %r22, 2; mov.u32 %r23, 3;
    mov.u32 %r24, 4; mov.u32 %r25, 5; mov.u32 %r26, 6; mov.u32 %r27, 7;
    @%p1 ld.global.v4.u32 {{%r20, %r21, %r22, %r23}}, [%q2];
    @!%p2 ld.global.v4.u32 {{%r24, %r25, %r26, %r27}}, [%q2+16];
    st.global.v4.u32 [%q3], {{%r20, %r21, %r22, %r23}};
    st.global.v4.u32 [%q3+16], {{%r24, %r25, %r26, %r27}};"""
    data = np.random.default_rng(4).integers(9, 2**32, (32, 8), np.uint32)
    out = buffer("out", 1, data.nbytes, written=False)
    assert not run(kernel(body, 2), buffer("in", 0, data), out).findings
    thread, wanted = np.arange(32)[:, None], np.broadcast_to(np.arange(8), (32, 8)).copy()
    wanted[:, :4] = np.where(thread % 2 == 0, data[:, :4], wanted[:, :4])
    wanted[:, 4:] = np.where(thread >= 9, data[:, 4:], wanted[:, 4:])
    assert np.array_equal(out.data.view(np.uint32).reshape(32, 8), wanted)


def test_one_finding_of_a_kind_for_each_instruction() -> None:
    body = f"""{TID} ld.shared.u32 %r1, [tile];
    ld.shared.u32 %r2, [tile+4];
    mov.u32 %r3, 0;
    again: ld.shared.u8 %r4, [tile+9];
    add.u32 %r3, %r3, 1; setp.lt.u32 %p0, %r3, 5; @%p0 bra again;"""
    assert run(kernel(body, 0, TILE)).kinds == ["was never written"] * 3


def test_shared_and_local_memory_are_fresh_for_every_cta() -> None:
    body = f"""{TID} ld.shared.u32 %r1, [tile]; ld.local.u32 %r2, [own];
    st.shared.u32 [tile], 1; st.local.u32 [own], 1;"""
    ran = run(kernel(body, 0, TILE + OWN), threads=1)
    assert len(ran.findings) == 2
    assert len(ran.machine.run((1, 0, 0))) == 2
    assert ran.machine.findings[0].cta == (1, 0, 0)


def test_what_is_told_of_accesses_stays_as_it_was() -> None:
    """Registers and addresses change after an access, or with the next turn of a loop."""
    body = f"""{TID} mov.u64 %q2, tile; mad.lo.u64 %q2, %q9, 16, %q2; mov.u32 %r3, 0;
    again: add.u32 %r1, %r0, %r3; add.u32 %r2, %r1, 100;
    st.shared.u32 [%q2], %r1; st.shared.v2.u32 [%q2+8], {{%r1, %r2}};
    ld.shared.u32 %r4, [%q2];
    mov.u32 %r1, 77; add.u64 %q2, %q2, 4; mov.u32 %r2, 78;
    add.u32 %r3, %r3, 1; setp.lt.u32 %p0, %r3, 2; sub.u64 %q2, %q2, 4; @%p0 bra again;"""
    ran = run(kernel(body, 0, TILE))
    accesses = [event for event in ran.events if isinstance(event, Access)]
    assert [one.kind for one in accesses] == ["store", "store", "load"] * 2
    thread = np.arange(32)
    for number, one in enumerate(accesses):
        turn, what = divmod(number, 3)
        wanted = [thread + turn, thread + turn + 100] if what == 1 else [thread + turn]
        assert np.array_equal(one.value[0], wanted)
        assert np.array_equal(one.offset[0], 16 * thread + 8 * (what == 1))
        assert np.array_equal(one.thread[0], thread)
        assert (one.width, one.epoch) == (4, 0)
    assert len({one.visit for one in accesses}) == 2
