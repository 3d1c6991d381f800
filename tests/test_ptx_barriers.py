"""Barriers of a CTA and of a warp, with numbers and counts; who does not come; endless programs."""

import numpy as np
import pytest

from tests.ptx_running import Ran, buffer, kernel, line_of, run
from tiling.ptx.events import Sync

TILE = ".shared .align 16 .b8 tile[2048];\n"
HEAD = """mov.u32 %r0, %tid.x; shr.u32 %r9, %r0, 5; and.b32 %r10, %r0, 31; mov.u32 %r8, tile;
mad.lo.u32 %r3, %r0, 4, %r8; mul.wide.u32 %q8, %r0, 4; add.u64 %q2, %q0, %q8;
"""
"""%r9, %r10: warp and lane; %r3, %q2: the thread's own word of `tile`, and of the output."""


def met(body: str, threads: int = 128, most: int = 10**6) -> tuple[Ran, list[int], str]:
    text = kernel(HEAD + body, 1, TILE)
    out = buffer("out", 0, np.full(threads, 777, np.uint32))
    ran = run(text, out, threads=threads, most=most)
    return ran, out.data.view(np.uint32)[:threads].tolist(), text


def warp(number: int, code: str) -> str:
    """Code of one warp alone."""
    return f"setp.eq.u32 %p0, %r9, {number}; @!%p0 bra w{number}; {code}\nw{number}:\n"


def test_what_all_have_written_is_read_by_all() -> None:
    body = """st.shared.u32 [%r3], %r0; bar.sync 0;
    sub.u32 %r4, 127, %r0; mad.lo.u32 %r4, %r4, 4, %r8; ld.shared.u32 %r5, [%r4];
    st.global.u32 [%q2], %r5;"""
    ran, out, _ = met(body)
    assert not ran.findings
    assert out == list(range(127, -1, -1))


@pytest.mark.parametrize(
    "name", ["bar.sync 3;", "bar.cta.sync 3;", "barrier.sync.aligned 3;", "bar.sync 3, 128;"]
)
def test_ways_to_write_a_barrier(name: str) -> None:
    ran, _, _ = met(
        f"st.shared.u32 [%r3], 1; {name} xor.b32 %r3, %r3, 64; ld.shared.u32 %r5, [%r3];"
    )
    assert not ran.findings
    assert [event.kind for event in ran.events] == ["store", "barrier", "load"]
    assert [event.epoch for event in ran.events] == [0, 0, 1]


def test_threads_of_a_warp_that_do_not_come() -> None:
    ran, _, text = met("setp.eq.u32 %p0, %r10, 7; @%p0 bra on;\nbar.sync 0;\non: mov.u32 %r1, 0;")
    one = ran.findings[0]
    assert one.kind == "does not reach a barrier that its warp has reached"
    assert one.threads == (7,) and one.before == "thread 0 is there"
    assert one.instruction is not None and one.instruction.line == line_of(text, "bar.sync")


def test_a_warp_that_does_not_come() -> None:
    body = "setp.eq.u32 %p0, %r9, 2; @%p0 bra on;\nbar.sync 0;\non: mov.u32 %r1, 0;"
    one = met(body)[0].only
    assert one.kind == "ended without reaching a barrier that others wait at"
    assert one.threads == tuple(range(64, 96))


def test_threads_that_have_ended_are_not_waited_for() -> None:
    """Rows beyond the matrix return at once, and the others go on: CUDA does not allow it."""
    ran, out, _ = met("setp.gt.u32 %p0, %r0, 99; @%p0 ret; bar.sync 0; st.global.u32 [%q2], 1;")
    assert ran.only.kind == "ended without reaching a barrier that others wait at"
    assert ran.only.threads == tuple(range(100, 128))
    assert out == [1] * 100 + [777] * 28


def test_barriers_at_different_places_of_the_text() -> None:
    """Whole warps may meet at any bar.sync of the same number; lanes of one warp may not."""
    body = """setp.{0} %p0, {1}; @%p0 bra other; st.shared.u32 [%r3], 1; bar.sync 1; bra on;
    other: st.shared.u32 [%r3], 2; bar.sync 1;
    on: xor.b32 %r3, %r3, 256; ld.shared.u32 %r5, [%r3]; st.global.u32 [%q2], %r5;"""
    ran, out, _ = met(body.format("gt.u32", "%r9, 1"))
    assert not ran.findings
    assert out == [2] * 64 + [1] * 64
    ran, _, _ = met(body.format("gt.u32", "%r10, 1"))
    assert ran.findings[0].kind == "does not reach a barrier that its warp has reached"


PIPE = """mov.u32 %r11, 0; mov.u32 %r12, 0;
    setp.lt.u32 %p3, %r9, 2; @%p3 bra produce;
    consume: bar.sync 1, 128;
    ld.shared.u32 %r5, [%r3+-256]; add.u32 %r12, %r12, %r5;
    bar.arrive 2, 128;
    add.u32 %r11, %r11, 1; setp.lt.u32 %p0, %r11, 5; @%p0 bra consume;
    st.global.u32 [%q2], %r12; ret;
    produce: setp.eq.u32 %p1, %r11, 0; @%p1 bra first;
    bar.sync 2, 128;
    first: mad.lo.u32 %r5, %r11, 100, %r0; st.shared.u32 [%r3], %r5;
    bar.arrive 1, 128;
    add.u32 %r11, %r11, 1; setp.lt.u32 %p0, %r11, 5; @%p0 bra produce;
    bar.sync 2, 128;"""


def test_two_warps_make_what_two_others_use() -> None:
    ran, out, _ = met(PIPE)
    assert not ran.findings, ran.findings[0]
    assert out[:64] == [777] * 64
    assert out[64:] == [1000 + 5 * thread for thread in range(64)]


@pytest.mark.parametrize("wrong", ["bar.arrive 1", "bar.sync 1", "bar.sync 2"])
def test_a_pipe_with_a_barrier_missing(wrong: str) -> None:
    body = PIPE.replace(wrong + ", 128;", "", 1)
    kinds = {one.kind.split(":")[0] for one in met(body)[0].findings}
    assert kinds & {"is raced for", "waits at barrier 1 for ever", "waits at barrier 2 for ever"}


def test_a_barrier_of_half_the_cta() -> None:
    """It keeps apart what its own warps do, and not what the others do."""
    own = warp(0, "st.shared.u32 [tile], 1;").replace("[tile]", "[%r3]")
    half = "setp.lt.u32 %p1, %r9, 2; @!%p1 bra rest; bar.sync 1, 64; rest:\n"
    read = "st.shared.u32 [tile+1024], 0;"
    assert read
    reads = "mad.lo.u32 %r4, %r10, 4, %r8; ld.shared.u32 %r5, [%r4];"
    assert not met(own + half + warp(1, reads))[0].findings
    assert met(own + half + warp(2, reads))[0].kinds[0].startswith("is raced for")
    assert met(own + warp(1, reads))[0].kinds[0].startswith("is raced for")


@pytest.mark.parametrize(("count", "fine"), [("64", True), ("96", False), ("32", True)])
def test_counts(count: str, fine: bool) -> None:
    ran, _, _ = met(f"setp.lt.u32 %p1, %r9, 2; @!%p1 bra on; bar.sync 4, {count}; on:")
    if fine:
        assert not ran.findings
    else:
        assert ran.only.kind == "waits at barrier 4 for ever"
        assert ran.only.threads == tuple(range(64))


def test_numbers_and_counts_that_cannot_be() -> None:
    for operands in ("16", "0, 40", "%r0", "0, %r0"):
        kinds = met(f"bar.sync {operands};")[0].kinds
        assert "names a barrier that cannot be" in kinds, operands
    ran, _, _ = met(warp(0, "bar.sync 1, 64;") + warp(1, "bar.sync 1, 96;"))
    assert "comes to barrier 1 with another count" in ran.kinds


def test_warps_that_wait_for_each_other_at_two_barriers() -> None:
    ran, _, _ = met(warp(0, "bar.sync 1;") + "bar.sync 0;")
    assert sorted(ran.kinds) == ["waits at barrier 0 for ever", "waits at barrier 1 for ever"]
    threads = {one.kind: one.threads for one in ran.findings}
    assert threads["waits at barrier 1 for ever"] == tuple(range(32))
    assert threads["waits at barrier 0 for ever"] == tuple(range(32, 128))


def test_a_warp_that_comes_twice_before_the_others_have_come() -> None:
    ran, _, text = met(warp(0, "bar.arrive 1, 96;\nbar.arrive 1, 96; // again"))
    one = ran.findings[0]
    assert one.kind == "comes to barrier 1 again before it opens"
    assert one.threads == tuple(range(32)) and one.instruction is not None
    assert one.instruction.line == line_of(text, "// again")


def test_a_barrier_whose_number_is_in_a_register() -> None:
    body = """add.u32 %r1, %r9, 1; st.shared.u32 [%r3], %r0; bar.sync %r1, 32;
    xor.b32 %r3, %r3, 4; ld.shared.u32 %r5, [%r3]; st.global.u32 [%q2], %r5;"""
    ran, out, _ = met(warp(2, body))
    assert not ran.findings
    assert out[64:96] == [thread ^ 1 for thread in range(64, 96)]


@pytest.mark.parametrize(
    ("operation", "kind", "wanted"),
    [("popc", "u32", 42), ("and", "pred", 0), ("or", "pred", 1)],
)
def test_reductions(operation: str, kind: str, wanted: int) -> None:
    result = "%r5" if kind == "u32" else "%p5"
    after = "" if kind == "u32" else "selp.u32 %r5, 1, 0, %p5;"
    for sign, said in (("", wanted), ("!", {"popc": 86, "and": 0, "or": 1}[operation])):
        body = f"""setp.lt.u32 %p1, %r0, 42;
        bar.red.{operation}.{kind} {result}, 0, {sign}%p1; {after} st.global.u32 [%q2], %r5;"""
        ran, out, _ = met(body)
        assert not ran.findings
        assert out == [said] * 128
    every = f"setp.lt.u32 %p1, %r0, 128; bar.red.{operation}.{kind} {result}, 0, %p1; {after}"
    assert met(every + "st.global.u32 [%q2], %r5;")[1] == [128 if kind == "u32" else 1] * 128


def test_a_reduction_that_warps_come_to_from_different_places() -> None:
    """Each with a predicate of its own."""
    body = """setp.gt.u32 %p1, %r0, 9; setp.lt.u32 %p2, %r10, 3; setp.lt.u32 %p0, %r9, 1;
    @%p0 bra other; bar.red.popc.u32 %r5, 0, %p2; bra on;
    other: bar.red.popc.u32 %r5, 0, %p1;
    on: st.global.u32 [%q2], %r5;"""
    ran, out, _ = met(body)
    assert not ran.findings
    assert out == [22 + 9] * 128


def test_reductions_of_some_warps() -> None:
    body = "setp.lt.u32 %p1, %r10, 5; bar.red.popc.u32 %r5, 1, 64, %p1; st.global.u32 [%q2], %r5;"
    ran, out, _ = met(f"setp.lt.u32 %p0, %r9, 2; @!%p0 bra on; {body} on:")
    assert not ran.findings
    assert out == [10] * 64 + [777] * 64


@pytest.mark.parametrize(
    "code",
    [
        "bar.warp.sync -1;",
        "shfl.sync.idx.b32 %r5, %r0, 0, 31, -1;",
        "vote.sync.any.pred %p5, %p1, -1;",
        "match.sync.any.b32 %r5, %r0, -1;",
        "redux.sync.add.u32 %r5, %r0, -1;",
    ],
)
def test_lanes_that_do_not_take_part(code: str) -> None:
    ran, _, text = met(f"setp.eq.u32 %p0, %r10, 7; @%p0 bra on;\n{code}\non: mov.u32 %r1, 0;")
    one = ran.only
    assert one.kind == "does not take part in what its warp does together"
    assert one.threads == (7, 39, 71, 103)
    assert one.instruction is not None and one.instruction.line == line_of(text, code)
    named = code.replace("-1;", "0xFFFFFF7F;")
    assert not met(f"setp.eq.u32 %p0, %r10, 7; @%p0 bra on;\n{named}\non: mov.u32 %r1, 0;")[
        0
    ].findings
    assert met(f"{named}")[0].only.threads == (7, 39, 71, 103)


def test_a_cta_that_is_no_multiple_of_a_warp() -> None:
    ran, out, _ = met(
        "setp.lt.u32 %p1, %r0, 50; bar.red.popc.u32 %r5, 0, %p1; st.global.u32 [%q2], %r5;", 50
    )
    assert not ran.findings
    assert out == [50] * 50
    assert not met("shfl.sync.idx.b32 %r5, %r0, 0, 31, -1; bar.sync 0;", 50)[0].findings


def test_an_upper_bound_of_instructions() -> None:
    ran, _, _ = met("again: add.u32 %r1, %r1, 1; bra again;", most=5000)
    assert ran.only.kind == "more than 5000 instructions"
    assert ran.only.threads == tuple(range(128))
    assert ran.machine.instructions <= 5010
    assert not met("", most=5000)[0].findings
    ran, _, _ = met("bar.sync 0; again: bar.sync 0; bra again;", most=500)
    assert ran.only.kind == "more than 500 instructions"


def test_a_trap() -> None:
    ran, out, text = met("setp.eq.u32 %p0, %r0, 9;\n@%p0 trap;\nst.global.u32 [%q2], 1;")
    one = ran.only
    assert one.kind.startswith("stops at a trap") and one.threads == (9,)
    assert one.instruction is not None and one.instruction.line == line_of(text, "trap")
    assert out == [777 if thread == 9 else 1 for thread in range(128)]


def test_who_comes_to_a_barrier_is_told() -> None:
    ran, _, _ = met(warp(1, "bar.sync 1, 32;") + "bar.sync 0;")
    some, everyone = [event for event in ran.events if isinstance(event, Sync)]
    assert some.active is not None and np.flatnonzero(some.active).tolist() == list(range(32, 64))
    assert everyone.active is None and (some.epoch, everyone.epoch) == (0, 0)
