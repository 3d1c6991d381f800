"""Branches, loops, calls and memory: random programs of all threads at once, and of each alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ptx_alone import Thread, functions
from tests.ptx_programs import SLOT, THREADS, WORDS, program, straight
from tests.ptx_running import HEAD, buffer, kernel, line_of, run
from tiling.ptx.memory import ROOM
from tiling.ptx.order import order

graphs = st.integers(1, 9).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, n - 1), max_size=3), min_size=n, max_size=n)
)


def check(text: str, seed: int) -> None:
    """All threads at once leave in global memory what each thread leaves alone."""
    start = np.random.default_rng(seed).integers(0, 2**32, (THREADS, 2 * WORDS), np.uint32)
    start[:, WORDS:] %= np.array([7, 50, 1000, 2**32 - 1, 3, 9, 100, 2**20], np.uint32)
    out = buffer("out", 1, start.copy())
    ran = run(text, out, threads=THREADS, most=3 * 10**5)
    assert not ran.findings, ran.findings[0]
    found = out.data.view(np.uint32).reshape(start.shape)
    base = 2 << ROOM
    code = functions(text)
    names = {f"own{n}{s}": 4096 * (n + 1) for n in range(3) for s in "sl"}
    names |= {"tiles": 0, "tilel": 0}
    for thread in range(THREADS):
        alone = Thread(code, names | {"%tid.x": thread})
        first = base + thread * 2 * SLOT
        alone.memory.update(enumerate(start[thread].tobytes(), first))
        alone.run("k", {"p0": base})
        left = bytes(alone.memory[first + at] for at in range(2 * SLOT))
        assert np.array_equal(np.frombuffer(left, np.uint32), found[thread]), thread


@pytest.mark.parametrize("seed", range(16))
def test_random_programs(seed: int) -> None:
    check(program(seed), seed)


@pytest.mark.parametrize("seed", range(8))
def test_blocks_in_any_order_with_barriers(seed: int) -> None:
    """Wherever a branch stands in the text, threads meet again before what follows it."""
    check(program(seed, crooked=True, barriers=True), seed)


@pytest.mark.parametrize("seed", range(12))
def test_a_block_gives_what_program_order_gives(seed: int) -> None:
    check(straight(seed), seed)


def test_threads_meet_after_what_stands_apart() -> None:
    body = """mov.u32 %r0, %tid.x;
    setp.eq.u32 %p0, %r0, 5;
    mov.u32 %r1, 0;
    again: @%p0 bra rare;
    back: bar.sync 0;
    add.u32 %r1, %r1, 1;
    setp.lt.u32 %p1, %r1, 3;
    @%p1 bra again;
    mad.wide.u32 %q0, %r0, 4, %q0;
    st.global.u32 [%q0], %r1;
    ret;
    rare: add.u32 %r1, %r1, 0;
    bra back;"""
    out = buffer("out", 0, 4 * THREADS, written=False)
    assert not run(kernel(body, 1), out, threads=THREADS).findings
    assert (out.data.view(np.uint32) == 3).all()


def test_threads_meet_that_go_on_with_a_loop_from_different_places() -> None:
    """As with `continue`: nobody begins the next turn before all have come to the end of this."""
    body = """mov.u32 %r0, %tid.x; mov.u32 %r1, 0; mov.u32 %r5, 0;
    again: bar.sync 0; add.u32 %r1, %r1, 1;
    setp.gt.u32 %p0, %r1, 9; @%p0 bra end;
    add.u32 %r2, %r0, %r1; and.b32 %r3, %r2, 1; setp.eq.u32 %p1, %r3, 0; @%p1 bra again;
    add.u32 %r5, %r5, 1;
    and.b32 %r3, %r2, 2; setp.eq.u32 %p1, %r3, 0; @!%p1 bra again;
    add.u32 %r5, %r5, 100; bra again;
    end: mad.wide.u32 %q0, %r0, 4, %q0; st.global.u32 [%q0], %r5;"""
    out = buffer("out", 0, 4 * THREADS, written=False)
    assert not run(kernel(body, 1), out, threads=THREADS).findings
    sums = [[t + n for n in range(1, 10) if t + n & 1] for t in range(THREADS)]
    wanted = [sum(1 + 100 * (v & 2 == 0) for v in some) for some in sums]
    assert out.data.view(np.uint32).tolist() == wanted


def test_a_jump_past_the_list_of_labels() -> None:
    body = "mov.u32 %r0, %tid.x;\nbrx.idx %r0, list; one: bra three; two: three: mov.u32 %r1, 0;"
    text = kernel(body, declare="list: .branchtargets one, two, three;")
    one = run(text, threads=5).only
    assert (one.kind, one.threads) == ("jumps past the list", (3, 4))
    assert one.instruction is not None and one.instruction.line == line_of(text, "brx.idx")


@pytest.mark.parametrize("end", ["", "end:", "@%p0 bra end; ret; end:", "@%p0 ret;", "bar.sync 0;"])
def test_a_body_returns_at_its_end(end: str) -> None:
    text = kernel(
        "mov.u32 %r0, %tid.x; setp.lt.u32 %p0, %r0, 9; st.global.u32 [%q0], 1;\n" + end, 1
    )
    out = buffer("out", 0, 4, written=False)
    ran = run(text.replace("\nret;\n}", "\n}"), out, threads=THREADS, heard=False)
    assert not ran.findings
    assert out.data[0] == 1
    assert ran.machine.ended.all()


def test_the_order_of_blocks() -> None:
    assert order([[1, 2], [3], [3], []]) == [0, 1, 2, 3]
    assert order([[3], [2], [], [1]]) == [0, 3, 1, 2]
    # A loop 1 to 4 to 3 whose exit 2 stands before most of it.
    assert order([[1], [2, 4], [], [1], [3]]) == [0, 1, 4, 3, 2]
    # A loop with three ways back to its head, and its end.
    assert order([[1], [2, 4], [1, 3], [1, 3, 1], []]) == [0, 1, 2, 3, ~1, 4]
    # A loop within a loop, both entered at their heads.
    assert order([[1], [2, 5], [3], [2, 4], [1], []]) == [0, 1, 2, 3, 4, 5]
    assert order([[5], [], [4], [5], [2, 3], [4, 1]]) == [0, 5, 4, 2, 3, 1]


@given(graphs)
def test_no_block_comes_before_one_that_leads_to_it_but_in_loops(leads_to: list[list[int]]) -> None:
    found = order(leads_to)
    blocks = [block for block in found if block >= 0]
    assert sorted(blocks) == list(range(len(leads_to)))
    reaches = np.array([[b in after for b in range(len(leads_to))] for after in leads_to])
    for middle in range(len(leads_to)):
        reaches |= reaches[:, [middle]] & reaches[[middle], :]
    for block, after in enumerate(leads_to):
        for other in after:
            first, last = found.index(other), found.index(block)
            if first > last:
                continue
            # A way back: from within a loop, which lies together, to its head.
            inside = [b for b in found[first : last + 1] if b >= 0]
            assert all(reaches[b, other] and reaches[other, b] for b in inside)
            if sum(other in leads_to[b] for b in inside) > 1:
                assert found.index(~other) > last


def test_a_kernel_s_parameter_beside_a_call_s_result() -> None:
    text = (
        HEAD
        + """.func (.param .b64 x) twice(.param .b64 a)
    { .reg .b64 %q<2>; ld.param.b64 %q0, [a]; add.u64 %q0, %q0, %q0; st.param.b64 [x], %q0; ret; }
    .visible .entry k(.param .u64 out, .param .u64 more)
    { .reg .b64 %q<5>; mov.u64 %q0, 21;
    { .param .b64 given; .param .b64 got; st.param.b64 [given], %q0;
    call.uni (got), twice, (given); ld.param.b64 %q1, [got]; ld.param.b64 %q2, [more]; }
    ld.param.b64 %q3, [out]; add.u64 %q1, %q1, %q2; st.global.u64 [%q3], %q1; ret; }"""
    )
    out = buffer("out", 0, 8, written=False)
    assert not run(text, out, (1000).to_bytes(8, "little"), threads=1).findings
    assert out.data[:8].view(np.uint64)[0] == 1042
