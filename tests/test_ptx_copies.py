"""Asynchronous copies: what they bring, and when; what is said of whoever does not wait."""

import numpy as np
import pytest

from tests.ptx_running import Ran, buffer, kernel, line_of, run
from tiling.ptx.events import Access, Sync

TILE = ".shared .align 16 .b8 tile[4096];\n"
HEAD = """mov.u32 %r0, %tid.x; mov.u32 %r8, tile;
mul.lo.u32 %r1, %r0, 16; add.u32 %r2, %r8, %r1; cvt.u64.u32 %q8, %r1; add.u64 %q2, %q0, %q8;
add.u64 %q3, %q1, %q8; xor.b32 %r3, %r1, 16; add.u32 %r4, %r8, %r3;
"""
"""%q2, %r2, %q3: the thread's own 16 bytes of the source, of `tile`, of the output; %r4 its
neighbour's in `tile`."""
COPY = "cp.async.cg.shared.global [%r2], [%q2], 16;\n"
COMMIT = "cp.async.commit_group;\n"
STORE = "ld.shared.v4.u32 {%r20, %r21, %r22, %r23}, [%r2];\n"
STORE += "st.global.v4.u32 [%q3], {%r20, %r21, %r22, %r23};\n"
DATA = np.random.default_rng(0).integers(1, 2**32, (64, 4), np.uint32)
ON_ITS_WAY = "is still on its way"


def copied(body: str, threads: int = 64, source: int = DATA.nbytes) -> tuple[Ran, np.ndarray]:
    out = buffer("out", 1, DATA.nbytes, written=False)
    data = buffer("in", 0, DATA.ravel()[: source // 4].copy(), writable=False)
    ran = run(kernel(HEAD + body, 2, TILE), data, out, threads=threads)
    return ran, out.data.view(np.uint32).reshape(DATA.shape)


def wait(pending: int | str) -> str:
    return "cp.async.wait_all;\n" if pending == "all" else f"cp.async.wait_group {pending};\n"


@pytest.mark.parametrize(("width", "cache"), [(4, "ca"), (8, "ca"), (16, "ca"), (16, "cg")])
@pytest.mark.parametrize("hint", ["", ".L2::128B"])
def test_what_a_copy_brings(width: int, cache: str, hint: str) -> None:
    copies = "".join(
        f"cp.async.{cache}.shared.global{hint} [%r2+{at}], [%q2+{at}], {width};\n"
        for at in range(0, 16, width)
    )
    ran, out = copied(copies + COMMIT + wait(0) + STORE)
    assert not ran.findings
    assert np.array_equal(out, DATA)


@pytest.mark.parametrize("width", [4, 8, 16])
def test_the_rest_of_a_copy_is_zeros_and_is_not_read(width: int) -> None:
    """Each thread brings a number of bytes of its own."""
    body = f"""mov.u32 %r10, {width}; mov.u32 %r12, 0;
    sub.u32 %r11, %r10, %r0; max.s32 %r11, %r11, %r12;
    st.shared.v4.u32 [%r2], {{%r12, %r12, %r12, %r12}};
    cp.async.ca.shared.global [%r2], [%q2], {width}, %r11;
    {COMMIT} {wait(0)} {STORE}"""
    ran, out = copied(body)
    assert not ran.findings
    for thread in range(64):
        brought = max(width - thread, 0)
        wanted = DATA[thread].tobytes()[:brought].ljust(16, b"\0")
        assert out[thread].tobytes() == wanted


def test_a_copy_of_nothing_reads_nothing() -> None:
    """As kernels do at the edge of a matrix: the address is wherever it is."""
    body = f"""setp.lt.u32 %p0, %r0, 40; selp.u32 %r10, 16, 0, %p0;
    cp.async.cg.shared.global [%r2], [%q2], 16, %r10; {COMMIT} {wait("all")} {STORE}"""
    ran, out = copied(body, source=40 * 16)
    assert not ran.findings
    assert np.array_equal(out[:40], DATA[:40]) and not out[40:].any()
    ran, _ = copied(body.replace("[%q2], 16, %r10", "[%q2], 16"), source=40 * 16)
    assert (ran.only.kind, ran.only.array, ran.only.offset) == ("lies outside", "in", 640)
    assert ran.only.threads == tuple(range(40, 64))


def test_more_bytes_than_there_is_room_for() -> None:
    body = f"mov.u32 %r10, 17; cp.async.cg.shared.global [%r2], [%q2], 16, %r10; {COMMIT}{wait(0)}"
    assert copied(body)[0].kinds == ["copies more bytes than it has room for"]


def test_copies_are_aligned_and_within_their_buffers() -> None:
    for place, array, offset in (("[%r2+4], [%q2]", "tile", 4), ("[%r2], [%q2+8]", "in", 8)):
        ran, _ = copied(f"setp.eq.u32 %p0, %r0, 0; @%p0 cp.async.cg.shared.global {place}, 16;")
        one = ran.only
        assert one.kind == "is not aligned to 16 bytes"
        assert (one.threads, one.array, one.offset) == ((0,), array, offset)
    ran, _ = copied("@%p0 ret; cp.async.ca.shared.global [%r2+4092], [%q0], 4;")
    assert (ran.only.kind, ran.only.array, ran.only.threads[0]) == ("lies outside", "tile", 1)


def test_who_does_not_wait_is_told_who_began_the_copy() -> None:
    text = HEAD + COPY + COMMIT + STORE
    ran, out = copied(text.removeprefix(HEAD))
    whole = kernel(text, 2, TILE)
    one = next(one for one in ran.findings if one.kind == ON_ITS_WAY)
    assert (one.array, one.offset, one.threads) == ("tile", 0, tuple(range(64)))
    assert f"thread 0 began its copy in PTX line {line_of(whole, COPY)}" in one.before
    assert (out == 0xFFFFFFFF).all()  # NaN, not what an early copy would have brought


@pytest.mark.parametrize("missing", ["commit", "wait"])
def test_a_copy_without_commit_or_wait_never_lands(missing: str) -> None:
    body = COPY + COMMIT * (missing != "commit") + wait(0) * (missing != "wait") + STORE
    assert ON_ITS_WAY in copied(body)[0].kinds
    # wait_all needs no groups.
    assert not copied(COPY + wait("all") + STORE)[0].findings


@pytest.mark.parametrize("groups", [1, 2, 3, 4])
@pytest.mark.parametrize("pending", [0, 1, 2, 3, "all"])
def test_as_late_as_the_groups_allow(groups: int, pending: int | str) -> None:
    """Word n comes in group n; of the last `pending` groups nothing is there."""
    copies = "".join(
        f"cp.async.ca.shared.global [%r2+{4 * n}], [%q2+{4 * n}], 4;\n{COMMIT}"
        for n in range(groups)
    )
    for word in range(groups):
        read = f"ld.shared.u32 %r20, [%r2+{4 * word}]; st.global.u32 [%q3], %r20;"
        ran, out = copied(copies + wait(pending) + read)
        there = pending == "all" or word < groups - int(pending)
        assert ran.kinds == ([] if there else [ON_ITS_WAY])
        assert not there or np.array_equal(out[:, 0], DATA[:, word])


def test_copies_of_different_widths_and_waits_one_after_the_other() -> None:
    """What is ready together is run as one, but each has its own bytes and groups."""
    copies = """cp.async.ca.shared.global [%r2], [%q2], 4;
    cp.async.ca.shared.global [%r2+8], [%q2+8], 8;
    cp.async.ca.shared.global [%r2+4], [%q2+4], 4;\n"""
    ran, out = copied(copies + COMMIT + wait(1) + wait(0) + STORE)
    assert not ran.findings
    assert np.array_equal(out, DATA)


def test_empty_groups_count() -> None:
    assert not copied(COPY + COMMIT * 3 + wait(2) + STORE)[0].findings
    assert ON_ITS_WAY in copied(COPY + COMMIT * 2 + wait(2) + STORE)[0].kinds


def test_groups_are_each_thread_s_own() -> None:
    """Threads of odd number close one more group, so for them one more may be pending."""
    body = f"""{COPY} and.b32 %r10, %r0, 1; setp.eq.u32 %p0, %r10, 1;
    {COMMIT} @!%p0 bra on; {COMMIT} on: {wait(1)} {STORE}"""
    ran, out = copied(body)
    (one,) = [one for one in ran.findings if one.kind == ON_ITS_WAY]
    assert one.threads == tuple(range(0, 64, 2))
    assert np.array_equal(out[1::2], DATA[1::2])


def test_one_thread_s_wait_lands_its_own_copies_alone() -> None:
    body = f"""{COPY}{COMMIT} setp.eq.u32 %p0, %r0, 5; @!%p0 bra on; {wait(0)} on: bar.sync 0;
    {STORE}"""
    ran, out = copied(body)
    (one,) = [one for one in ran.findings if one.kind == ON_ITS_WAY]
    assert one.threads == tuple(n for n in range(64) if n != 5)
    assert np.array_equal(out[5], DATA[5])


def test_a_wait_shows_a_thread_s_copies_to_others_only_behind_a_barrier() -> None:
    neighbour = "ld.shared.v4.u32 {%r20, %r21, %r22, %r23}, [%r4];\n"
    ran, _ = copied(COPY + COMMIT + wait(0) + neighbour)
    assert ran.kinds[0].startswith("is raced for")
    assert ran.findings[0].also is not None
    assert ran.findings[0].also.opcode.startswith("cp.async")
    assert not copied(COPY + COMMIT + wait(0) + "bar.sync 0;\n" + neighbour)[0].findings
    assert ON_ITS_WAY in copied(COPY + COMMIT + "bar.sync 0;\n" + neighbour + wait(0))[0].kinds


def test_a_copy_into_what_others_still_read() -> None:
    """The barrier between the reads of a stage and the copies into it is missing."""
    fill = "st.shared.v4.u32 [%r2], {%r0, %r0, %r0, %r0};\nbar.sync 0;\n"
    neighbour = "ld.shared.v4.u32 {%r20, %r21, %r22, %r23}, [%r4];\n"
    ran, _ = copied(fill + neighbour + COPY + COMMIT + wait(0))
    assert ran.kinds[0].startswith("is raced for")
    assert not copied(fill + neighbour + "bar.sync 0;\n" + COPY + COMMIT + wait(0))[0].findings


def test_a_store_where_a_copy_is_on_its_way() -> None:
    store = "st.shared.u32 [%r2+8], 7;\n"
    ran, _ = copied(COPY + COMMIT + store + wait(0))
    one = ran.only
    assert one.kind == "is written while a copy is on its way"
    assert (one.array, one.offset, one.threads) == ("tile", 8, tuple(range(64)))
    assert "thread 0 began its copy" in one.before
    assert not copied(COPY + COMMIT + wait(0) + store)[0].findings
    assert copied(COPY + COMMIT + COPY + COMMIT + wait(0))[0].kinds == [
        "is written while a copy is on its way"
    ]


def test_what_is_told_of_a_copy() -> None:
    ran, _ = copied(
        COPY
        + COMMIT
        + "bar.sync 0;\n"
        + COPY.replace("%r2", "%r2+2048")
        + COMMIT
        + wait(1)
        + wait(0)
    )
    told = [
        (event.kind, event.epoch) if isinstance(event, Access) else (event.kind, event.pending)
        for event in ran.events
    ]
    assert told == [
        *(("copy", 0), ("begin", 0), ("commit", None), ("barrier", None)),
        *(("copy", 1), ("begin", 1), ("commit", None)),
        *(("land", 1), ("wait", 1), ("land", 1), ("wait", 0)),
    ]
    assert all(isinstance(event, Access | Sync) for event in ran.events)
