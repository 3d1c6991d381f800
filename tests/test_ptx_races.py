"""Two threads at one word with nothing between: who, where, and where not."""

import pytest

from tests.ptx_running import Ran, buffer, kernel, line_of, run
from tiling.ptx import races

TILE = ".shared .align 16 .b8 other[256];\n.shared .align 16 .b8 tile[1024];\n"
HEAD = """mov.u32 %r0, %tid.x; shr.u32 %r9, %r0, 5; and.b32 %r10, %r0, 31;
setp.ne.u32 %p9, %r10, 31; shl.b32 %r1, %r0, 2; mov.u32 %r8, tile;
add.u32 %r3, %r8, %r1; add.u32 %r4, %r3, 4;
"""
"""%r3 is the thread's own word of `tile`, %r4 its neighbour's; %r9 its warp, %r10 its lane;
%p9 all lanes but the last."""

BAR = "bar.sync 0;\n"
WARP = "bar.warp.sync -1;\n"


def raced(body: str, threads: int = 64) -> Ran:
    return run(kernel(HEAD + body, 0, TILE), threads=threads)


def test_a_read_of_what_another_thread_writes() -> None:
    text = kernel(HEAD + "st.shared.u32 [%r3], %r0;\n@%p9 ld.shared.u32 %r5, [%r4];", 0, TILE)
    one = run(text, threads=64).findings[0]
    assert one.kind.startswith("is raced for: thread")
    reader, writer = one.threads
    assert writer == reader + 1
    assert (one.array, one.offset) == ("tile", 4 * writer)
    assert one.instruction is not None and one.also is not None
    assert one.instruction.line == line_of(text, "ld.shared")
    assert one.also.line == line_of(text, "st.shared")
    assert f"thread {writer} stores it in PTX line {one.also.line}" in one.before
    assert f"CTA (0, 0, 0), threads {reader}, {writer}, PTX line" in str(one)
    assert f"tile at byte {4 * writer} is raced for: thread {reader} loads it" in str(one)


def test_a_write_of_what_another_thread_has_read() -> None:
    body = f"st.shared.u32 [%r3], 1;\n{BAR}"
    body += "@%p9 ld.shared.u32 %r5, [%r4];\nst.shared.u32 [%r3], %r0;"
    one = raced(body).findings[0]
    assert one.also is not None and one.instruction is not None
    assert (one.also.opcode, one.instruction.opcode) == ("ld.shared.u32", "st.shared.u32")
    assert (
        raced(body.replace("\nst.shared.u32 [%r3], %r0", f"{BAR}st.shared.u32 [%r3], %r0")).findings
        == []
    )


@pytest.mark.parametrize("value", ["%r0", "7"])
def test_two_writes_within_one_instruction(value: str) -> None:
    """Even of the same value: which one stays is not said."""
    one = raced(
        f"and.b32 %r5, %r1, 12; add.u32 %r5, %r8, %r5; st.shared.u32 [%r5], {value};"
    ).findings[0]
    assert one.instruction is one.also
    assert (one.threads[0] - one.threads[1]) % 4 == 0
    assert (one.array, one.offset) == ("tile", 4 * (one.threads[0] % 4))


def test_two_writes_by_two_instructions_that_run_as_one() -> None:
    body = "st.shared.u32 [%r3], 1;\nst.shared.u32 [%r4], 2;"
    found = raced(body)
    assert len(found.findings) == 1
    assert not raced(body.replace("\n", BAR)).findings


@pytest.mark.parametrize(
    ("write", "read", "meet"),
    [
        ("u8 [%r6], 1", "u8 %h0, [%r7]", False),
        ("u8 [%r6], 1", "u8 %h0, [%r7+1]", True),
        ("u8 [%r6], 1", "u16 %h0, [%r7]", True),
        ("v4.u32 [%r6], {1, 1, 1, 1}", "u32 %r5, [%r7+12]", False),
        ("v4.u32 [%r6], {1, 1, 1, 1}", "u32 %r5, [%r7+16]", True),
        ("v4.u32 [%r6], {1, 1, 1, 1}", "u8 %h0, [%r7+31]", True),
        ("v4.u32 [%r6], {1, 1, 1, 1}", "u64 %q5, [%r7+24]", True),
        ("u16 [%r6+2], 1", "u16 %h0, [%r7]", False),
        ("u64 [%r6+8], 1", "v2.u32 {%r5, %r11}, [%r7]", False),
        ("u64 [%r6+8], 1", "v2.u32 {%r5, %r11}, [%r7+24]", True),
    ],
)
def test_widths_meet_where_they_share_a_byte(write: str, read: str, meet: bool) -> None:
    """%r6 and %r7 are a thread's own place, 16 bytes apart, or its own byte of a word."""
    apart = 1 if write.startswith("u8") else 16
    fill = f"shl.b32 %r6, %r0, 4; add.u32 %r6, %r8, %r6; st.shared.v2.u64 [%r6], {{0, 0}};\n{BAR}"
    body = f"{fill} mad.lo.u32 %r6, %r0, {apart}, %r8; mov.u32 %r7, %r6; st.shared.{write};"
    body += f"setp.eq.u32 %p0, %r0, 0; @%p0 ld.shared.{read};"
    assert bool(raced(body, threads=32).findings) == meet


def test_atomic_operations_do_not_race_with_each_other() -> None:
    zero = f"st.shared.u32 [%r3], 0;\n{BAR}"
    assert not raced(
        f"{zero} atom.shared.add.u32 %r5, [tile], 1; red.shared.add.u32 [tile], 1;"
    ).findings
    one = raced(f"{zero} red.shared.add.u32 [tile], 1;\nld.shared.u32 %r5, [tile];").findings[0]
    assert one.kind.startswith("is raced for") and "atomics it" in one.before
    assert one.instruction is not None and one.instruction.opcode == "ld.shared.u32"
    setp = "setp.eq.u32 %p0, %r0, 9;"
    assert raced(
        f"{zero} {setp} @%p0 st.shared.u32 [tile], 1;\nred.shared.add.u32 [tile], 1;"
    ).findings
    # A thread alone may do as it likes.
    code = f"{zero} {setp} @%p0 red.shared.add.u32 [tile], 1; @%p0 ld.shared.u32 %r5, [tile];"
    assert not raced(code).findings


def test_races_in_global_memory() -> None:
    body = HEAD + "cvt.u64.u32 %q2, %r1; add.u64 %q2, %q0, %q2; st.global.u32 [%q2], %r0;\n"
    load = "ld.global.u32 %r5, [%q2+4];"
    text = kernel(body + "setp.lt.u32 %p0, %r0, 63; @%p0 " + load, 1, TILE)
    one = run(text, buffer("C", 0, 256, written=False), threads=64).findings[0]
    assert one.kind.startswith("is raced for") and one.array == "C"
    text = kernel(f"{body} setp.lt.u32 %p0, %r0, 63; {BAR} @%p0 {load}", 1, TILE)
    assert not run(text, buffer("C", 0, 256, written=False), threads=64).findings
    # What is only read is raced for by nobody.
    text = kernel("ld.global.u32 %r1, [%q0];", 1)
    assert not run(text, buffer("A", 0, 256), threads=64).findings


def test_a_barrier_ends_an_epoch_and_the_kernel_s_end_too() -> None:
    assert not raced(f"st.shared.u32 [%r3], 1;\n{BAR} st.shared.u32 [%r4], 1;\n").findings
    assert raced("st.shared.u32 [%r3], 1; ret; st.shared.u32 [%r4], 1;").findings == []
    assert raced(f"{BAR} st.shared.u32 [tile], 1;\n").findings


def test_a_warp_that_has_met() -> None:
    """bar.warp.sync keeps apart what lanes of one warp do, and nothing else."""
    own = "st.shared.u32 [%r3], %r0;\n"
    next_lane = "xor.b32 %r5, %r1, 4; add.u32 %r5, %r8, %r5; ld.shared.u32 %r6, [%r5];\n"
    next_warp = "xor.b32 %r5, %r1, 128; add.u32 %r5, %r8, %r5; ld.shared.u32 %r6, [%r5];\n"
    assert raced(own + next_lane).findings
    assert not raced(own + WARP + next_lane).findings
    assert raced(own + WARP + next_warp).findings
    assert not raced(own + BAR + next_warp).findings
    assert raced(WARP + own + next_lane).findings
    # Epochs of warps do not add up to one of the CTA: warp 0 meets twice, warp 1 not at all.
    alone = "setp.eq.u32 %p0, %r9, 0; @!%p0 bra on; bar.warp.sync -1; bar.warp.sync -1; on:\n"
    assert raced(own + alone + next_warp).findings


def test_lanes_that_are_not_named_have_not_met() -> None:
    """The first half of a warp meets, the second half does not."""
    own = "st.shared.u32 [%r3], %r0;\n"
    other = "xor.b32 %r5, %r1, 4; add.u32 %r5, %r8, %r5; ld.shared.u32 %r6, [%r5];\n"
    half = "setp.lt.u32 %p0, %r0, 16; @!%p0 bra on; bar.warp.sync 0xFFFF; on:\n"
    found = raced(own + half + other, threads=32).findings
    assert found and min(found[0].threads) >= 16


def test_many_epochs_one_of_them_with_a_race() -> None:
    """The same accesses again and again, until in turn 40 a thread goes to its neighbour's word."""
    body = f"""mov.u32 %r11, 0;
    again: setp.eq.u32 %p1, %r11, 40; selp.u32 %r5, %r4, %r3, %p1;
    st.shared.u32 [%r3], %r0;
    ld.shared.u32 %r6, [%r5];
    {BAR} add.u32 %r11, %r11, 1; setp.lt.u32 %p0, %r11, 60; @%p0 bra again;"""
    ran = raced(body, threads=32)
    assert {one.kind.split(":")[0] for one in ran.findings} >= {"is raced for"}
    assert not raced(body.replace("%r11, 40", "%r11, 61"), threads=32).findings


def test_races_are_found_among_very_many_accesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than are kept as they are; two threads meet once, far apart in time."""
    monkeypatch.setattr(races, "MANY", 2**13)
    body = """shl.b32 %r5, %r0, 4; add.u32 %r5, %r8, %r5; mov.u32 %r11, 0;
    setp.eq.u32 %p1, %r0, 3; @%p1 st.shared.u32 [%r5+16], 1;
    again: st.shared.v4.u32 [%r5], {0, 0, 0, 0};
    ld.shared.v4.u32 {%r20, %r21, %r22, %r23}, [%r5];
    add.u32 %r11, %r11, 1; setp.lt.u32 %p0, %r11, 40; @%p0 bra again;"""
    declare = ".shared .align 16 .b8 tile[2048];"
    found = run(kernel(HEAD + body, 0, declare), threads=128).findings
    assert found and set(found[0].threads) == {3, 4}
    rightly = body.replace("[%r5+16]", "[%r5+12]")
    assert not run(kernel(HEAD + rightly, 0, declare), threads=128).findings


@pytest.mark.parametrize("reader", [3, 4])
def test_every_word_s_first_and_last_thread_are_kept(
    reader: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads 3 and 4 read a word, and after very many accesses 3 writes it, or 4."""
    monkeypatch.setattr(races, "MANY", 2**10)
    body = f"""setp.eq.u32 %p1, %r0, 0; @%p1 st.shared.u32 [tile+1020], 5; {BAR}
    sub.u32 %r5, %r0, 3; setp.lt.u32 %p1, %r5, 2; @%p1 ld.shared.u32 %r6, [tile+1020];
    mov.u32 %r11, 0; again: st.shared.u32 [%r3], %r11;
    add.u32 %r11, %r11, 1; setp.lt.u32 %p0, %r11, 60; @%p0 bra again;
    setp.eq.u32 %p1, %r0, {reader}; @%p1 st.shared.u32 [tile+1020], 6;"""
    one = raced(body).only
    assert set(one.threads) == {3, 4}
    assert one.offset == 1020


PIPE = """mov.u32 %r11, 0; setp.eq.u32 %p3, %r9, 0; @%p3 bra produce;
    EARLY consume: bar.sync 1, 64; ld.shared.u32 %r5, [%r3+-128]; bar.arrive 2, 64;
    setp.eq.u32 %p1, %r11, TURN; @%p1 ld.shared.u32 %r5, [%r3+-128];
    add.u32 %r11, %r11, 1; setp.lt.u32 %p0, %r11, 60; @%p0 bra consume; ret;
    produce: setp.eq.u32 %p1, %r11, 0; @%p1 bra first; bar.sync 2, 64;
    first: st.shared.u32 [%r3], %r11; bar.arrive 1, 64;
    add.u32 %r11, %r11, 1; setp.lt.u32 %p0, %r11, 60; @%p0 bra produce; bar.sync 2, 64; LATE"""
"""Warp 0 makes what warp 1 uses; in one turn warp 1 reads it again, having said that it is done."""


@pytest.mark.parametrize(
    ("turn", "early", "late", "fine"),
    [
        (99, "", "", True),
        (30, "", "", False),
        (99, "st.shared.u32 [%r3+512], 1;", "", True),
        (99, "st.shared.u32 [%r3+512], 1;", "ld.shared.u32 %r5, [%r3+640];", True),
    ],
)
def test_what_all_warps_have_met_since_is_not_kept(
    turn: int, early: str, late: str, fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No epoch of the CTA ever ends, and yet accesses are not gathered without end."""
    many, kept, fold = 2**9, list[int](), races.Races._fold

    def folds(self: races.Races) -> None:
        fold(self)
        kept.append(self.pending)

    monkeypatch.setattr(races, "MANY", many)
    monkeypatch.setattr(races.Races, "_fold", folds)
    ran = raced(PIPE.replace("TURN", str(turn)).replace("EARLY", early).replace("LATE", late))
    assert (not [kind for kind in ran.kinds if kind.startswith("is raced for")]) == fine
    assert len(kept) > 5 and max(kept) < many


def test_what_some_warps_have_not_met_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warps 0 and 1 meet again and again, and warp 2 comes late to what warp 0 did first."""
    monkeypatch.setattr(races, "MANY", 2**9)
    rest = PIPE.replace("TURN", "99").replace("EARLY", "").replace("ret;", "bra done;")
    body = """setp.eq.u32 %p1, %r0, 5; @%p1 st.shared.u32 [tile+900], 1;
    setp.gt.u32 %p1, %r9, 1; @%p1 bra last;
    REST done: ret;
    last: ld.shared.u32 %r5, [tile+900];"""
    found = raced(body.replace("REST", rest.replace("LATE", "bra done;")), threads=96).findings
    assert [one.threads[1] for one in found if one.kind.startswith("is raced for")] == [5]


@pytest.mark.parametrize(("met", "fine"), [("", False), (WARP, True), ("HALF", False)])
def test_what_lanes_have_not_met_is_kept(
    met: str, fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lane 5 writes, and after very many accesses lane 20 reads; half of the lanes met, or all."""
    monkeypatch.setattr(races, "MANY", 2**9)
    half = "setp.lt.u32 %p0, %r0, 16; @!%p0 bra on; bar.warp.sync 0xFFFF; on:\n"
    body = f"""{WARP} setp.eq.u32 %p1, %r0, 5; @%p1 st.shared.u32 [tile+900], 1;
    {met.replace("HALF", half)} mov.u32 %r11, 0;
    again: st.shared.u32 [%r3], %r11; add.u32 %r11, %r11, 1;
    setp.lt.u32 %p0, %r11, 60; @%p0 bra again;
    setp.eq.u32 %p1, %r0, 20; @%p1 ld.shared.u32 %r5, [tile+900];"""
    assert (not raced(body, threads=32).findings) == fine


def test_without_anybody_to_hear_races_are_not_looked_for() -> None:
    text = kernel(HEAD + "st.shared.u32 [tile], %r0;", 0, TILE)
    assert not run(text, heard=False).findings
    assert run(text).findings
