"""Shuffles, votes, matches and reductions, against the formulas of the PTX ISA, lane by lane."""

import operator
from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np
import pytest

from tests.kernel_cases import needs_nvrtc
from tests.ptx_running import Array, Ran, buffer, compute, kernel, line_of, run
from tiling import nvidia
from tiling.ptx.machine import Launch, Machine
from tiling.ptx.program import load
from tiling.ptx.syntax import Refused

THREADS, FULL = 96, 0xFFFFFFFF
random = np.random.default_rng(0)


def words(threads: int = THREADS, below: int = 2**32) -> Array:
    return random.integers(0, below, threads, dtype=np.uint32)


def groups(threads: int = THREADS, many: int = 3) -> Array:
    """For each thread the mask of its group: the lanes of a warp fall into some groups."""
    of, masks = random.integers(0, many, threads), np.zeros(threads, np.uint32)
    for thread in range(threads):
        masks[thread] = sum(
            1 << other % 32 for other in same_warp(thread) if of[other] == of[thread]
        )
    return masks


def same_warp(thread: int, threads: int = THREADS) -> range:
    first = thread // 32 * 32
    return range(first, min(first + 32, threads))


def members(thread: int, masks: Array) -> list[int]:
    """The threads that a thread names, of those that there are."""
    return [
        other for other in same_warp(thread, masks.size) if int(masks[thread]) >> other % 32 & 1
    ]


def each(threads: int, answer: Callable[[int], int]) -> Array:
    return np.array([answer(thread) & FULL for thread in range(threads)], np.uint32)


def shuffled(mode: str, lane: int, b: int, c: int) -> tuple[int, bool]:
    """PTX ISA, shfl.sync: the lane that is read, and the predicate."""
    bval, cval, segmask = b & 31, c & 31, c >> 8 & 31
    max_lane = (lane & segmask) | (cval & ~segmask)
    min_lane = lane & segmask
    match mode:
        case "up":
            j = lane - bval
            pval = j >= max_lane
        case "down":
            j = lane + bval
            pval = j <= max_lane
        case "bfly":
            j = lane ^ bval
            pval = j <= max_lane
        case _:
            j = min_lane | (bval & ~segmask)
            pval = j <= max_lane
    return (j if pval else lane), pval


CLAMPS = [31, 0, *(32 - width << 8 | 31 for width in (2, 8, 16)), 32 - 8 << 8, None]
"""Those of __shfl_sync and __shfl_up_sync in parts of the warp; None: any."""


@pytest.mark.parametrize("clamp", CLAMPS)
@pytest.mark.parametrize("mode", ["up", "down", "bfly", "idx"])
def test_shuffles(mode: str, clamp: int | None) -> None:
    a, b = words(), words(below=40)
    c = words() if clamp is None else np.full(THREADS, clamp, np.uint32)
    want = [shuffled(mode, t % 32, int(b[t]), int(c[t])) for t in range(THREADS)]
    code = f"shfl.sync.{mode}.b32 %x0|%x1, %a0, %a1, %a2, -1;"
    value, inside = compute(code, ("b32", "pred"), ("b32",) * 3, a, b, c)
    assert np.array_equal(value, each(THREADS, lambda t: a[t // 32 * 32 + want[t][0]]))
    assert inside.tolist() == [pval for _, pval in want]
    code = f"shfl.sync.{mode}.b32 %a0, %a0, %a1, %a2, 0xffffffff; mov.b32 %x0, %a0;"
    (alone,) = compute(code, ("b32",), ("b32",) * 3, a, b, c)
    assert np.array_equal(alone, value)


def test_shuffles_within_groups() -> None:
    """Each group is named by a mask of its own; each thread asks for one of its group."""
    a, masks = words(), groups()
    asks = each(THREADS, lambda t: random.choice(members(t, masks)) % 32)
    code = "shfl.sync.idx.b32 %x0, %a0, %a1, 31, %a2;"
    (value,) = compute(code, ("b32",), ("b32",) * 3, a, asks, masks)
    assert np.array_equal(value, each(THREADS, lambda t: a[t // 32 * 32 + asks[t]]))


VOTES: dict[str, Callable[[list[bool]], bool]] = {
    "all": all,
    "any": any,
    "uni": lambda said: all(said) or not any(said),
}


@pytest.mark.parametrize("many", [1, 3, 16])
@pytest.mark.parametrize("threads", [THREADS, 40])
def test_votes(many: int, threads: int) -> None:
    masks = groups(many=many)[:threads] if many > 1 else np.full(threads, FULL, np.uint32)
    for below in (1, 2, 8):
        said = words(threads, below) == 0
        for mode, holds in VOTES.items():
            code = f"vote.sync.{mode}.pred %x0, %a0, %a1;"
            (found,) = compute(code, ("pred",), ("pred", "b32"), said, masks)
            assert [bool(f) for f in found] == [
                holds([bool(said[m]) for m in members(t, masks)]) for t in range(threads)
            ]
        code = "vote.sync.ballot.b32 %x0, !%a0, %a1;"
        (ballot,) = compute(code, ("b32",), ("pred", "b32"), said, masks)
        want = each(threads, lambda t, s=said: sum((not s[m]) << m % 32 for m in members(t, masks)))
        assert np.array_equal(ballot, want)


@pytest.mark.parametrize("kind", ["b32", "b64"])
@pytest.mark.parametrize("threads", [THREADS, 40])
def test_matches(kind: str, threads: int) -> None:
    for many, below in ((1, 3), (3, 3), (12, 2), (12, 1)):
        masks = groups(many=many)[:threads] if many > 1 else np.full(threads, FULL, np.uint32)
        values = words(threads, below).astype(f"u{int(kind[1:]) // 8}") << int(kind[1:]) - 3

        def equal(thread: int, masks: Array = masks, values: Array = values) -> int:
            return sum((values[m] == values[thread]) << m % 32 for m in members(thread, masks))

        def everyone(thread: int, masks: Array = masks) -> int:
            return sum(1 << m % 32 for m in members(thread, masks))

        (some,) = compute(
            f"match.sync.any.{kind} %x0, %a0, %a1;", ("b32",), (kind, "b32"), values, masks
        )
        assert np.array_equal(some, each(threads, equal))
        code = f"match.sync.all.{kind} %x0|%x1, %a0, %a1;"
        whole, same = compute(code, ("b32", "pred"), (kind, "b32"), values, masks)
        want = [equal(t) == everyone(t) for t in range(threads)]
        assert same.tolist() == want
        assert np.array_equal(whole, each(threads, lambda t, w=want: everyone(t) * w[t]))


REDUCTIONS: dict[str, tuple[Callable[..., int], tuple[str, ...]]] = {
    "add": (operator.add, ("u32", "s32")),
    "min": (min, ("u32", "s32")),
    "max": (max, ("u32", "s32")),
    "and": (operator.and_, ("b32",)),
    "or": (operator.or_, ("b32",)),
    "xor": (operator.xor, ("b32",)),
}


@pytest.mark.parametrize("operation", REDUCTIONS)
@pytest.mark.parametrize("threads", [THREADS, 40])
def test_reductions(operation: str, threads: int) -> None:
    function, kinds = REDUCTIONS[operation]
    for kind in kinds:
        for many in (1, 4, 30):
            masks = groups(many=many)[:threads] if many > 1 else np.full(threads, FULL, np.uint32)
            values = words(threads).astype(np.uint32)
            values = values.view(np.int32) if kind == "s32" else values
            code = f"redux.sync.{operation}.{kind} %x0, %a0, %a1;"
            (found,) = compute(code, (kind,), (kind, "b32"), values, masks)
            want = each(
                threads,
                lambda t, v=values, m=masks: reduce(function, [int(v[o]) for o in members(t, m)]),
            )
            assert np.array_equal(found.view(np.uint32), want), kind


def test_who_is_here() -> None:
    branch = "setp.lt.u32 %p1, %a0, 7; @%p1 bra less; activemask.b32 %x0; bra on; less: "
    (found,) = compute(f"{branch} mov.b32 %x0, 5; on:", ("b32",), ("u32",), np.arange(40))
    assert found.tolist() == [5] * 7 + [FULL & ~127] * 25 + [255] * 8


def test_members_that_went_another_way_are_not_asked() -> None:
    """The odd threads vote, shuffle and sum among themselves."""
    odd, a = 0xAAAAAAAA, words(40, 1000)
    code = f"""and.b32 %r1, %a1, 1; setp.eq.u32 %p1, %r1, 0; setp.gt.u32 %p2, %a0, 500;
    mov.b32 %x0, 0; mov.b32 %x1, 0; mov.b32 %x2, 0;
    @%p1 bra on;
    vote.sync.ballot.b32 %x0, %p2, {odd}; redux.sync.add.u32 %x1, %a0, {odd};
    shfl.sync.bfly.b32 %x2, %a0, 2, 31, {odd};
    on:"""
    found = compute(code, ("b32", "u32", "b32"), ("u32", "u32"), a, np.arange(40))
    masks = np.full(40, odd, np.uint32)
    want = (
        each(40, lambda t: t % 2 * sum((a[m] > 500) << m % 32 for m in members(t, masks))),
        each(40, lambda t: t % 2 * sum(int(a[m]) for m in members(t, masks))),
        each(40, lambda t: t % 2 * int(a[t ^ 2])),
    )
    for got, wanted in zip(found, want, strict=True):
        assert np.array_equal(got, wanted)


def test_threads_that_have_ended_are_not_waited_for() -> None:
    body = """mov.u32 %r0, %tid.x; setp.ne.u32 %p1, %r0, 9; setp.lt.u32 %p0, %r0, 5;
    @%p0 exit; vote.sync.ballot.b32 %r1, %p1, -1;
    mad.wide.u32 %q1, %r0, 4, %q0; st.global.u32 [%q1], %r1;"""
    out = buffer("out", 0, np.zeros(32, np.uint32))
    assert not run(kernel(body, 1), out).findings
    assert out.data.view(np.uint32).tolist() == [0] * 5 + [FULL & ~31 & ~(1 << 9)] * 27


TOGETHER = {
    "shfl": "shfl.sync.idx.b32 %r5, %r0, %r0, 31, MASK;",
    "vote": "vote.sync.any.pred %p5, %p0, MASK;",
    "match any": "match.sync.any.b32 %r5, %r0, MASK;",
    "match all": "match.sync.all.b64 %r5|%p5, %q0, MASK;",
    "redux": "redux.sync.or.b32 %r5, %r0, MASK;",
    "bar": "bar.warp.sync MASK;",
}


@pytest.fixture(params=TOGETHER)
def together(request: pytest.FixtureRequest) -> str:
    return TOGETHER[request.param]


def ran(body: str, threads: int = 40) -> tuple[str, Ran]:
    text = kernel(f"mov.u32 %r0, %tid.x; {body}")
    return text, run(text, threads=threads)


def test_a_member_that_does_not_come_is_found(together: str) -> None:
    """In the second warp: threads 33 and 35 go another way."""
    code = together.replace("MASK", "0xff")
    skip = "setp.eq.u32 %p1, %r0, 33; setp.eq.u32 %p2, %r0, 35; or.pred %p1, %p1, %p2;"
    apart = "setp.ge.u32 %p3, %r0, 8; setp.lt.u32 %p4, %r0, 32; and.pred %p3, %p3, %p4; @%p3 exit;"
    text, found = ran(f"{apart} {skip} @%p1 bra on;\n{code}\non:")
    assert found.only.kind == "does not take part in what its warp does together"
    assert found.only.threads == (33, 35) and found.only.before == "thread 32 is there"
    assert found.only.instruction is not None
    assert found.only.instruction.line == line_of(text, code)
    assert not ran(f"{apart} {skip} {code}")[1].findings


def test_who_does_not_name_itself_is_found(together: str) -> None:
    found = ran(together.replace("MASK", "0xfffffeff"))[1]
    if together.startswith("shfl"):  # and takes from itself
        assert found.kinds.pop() == "shuffles from a lane that does not take part"
        found.findings.pop()
    assert found.only.kind == "is not among the members that it names"
    assert found.only.threads == (8,)


def test_members_that_name_others_are_found(together: str) -> None:
    """Thread 3 names thread 0 and itself, thread 0 names everyone."""
    other = "setp.eq.u32 %p1, %r0, 3; selp.b32 %r9, 9, 0xffffffff, %p1;"
    found = ran(f"{other} {together.replace('MASK', '%r9')}")[1]
    assert found.only.kind == "names other members than one of its members does"
    assert found.only.threads == tuple(range(32))


def test_a_shuffle_from_a_lane_that_gives_nothing_is_found() -> None:
    kind = "shuffles from a lane that does not take part"
    down = "shfl.sync.down.b32 %r5, %r0, 4, 31, -1;"
    # Lanes 8 to 31 of the second warp are not there.
    assert ran(down)[1].only.kind == kind and ran(down)[1].only.threads == (36, 37, 38, 39)
    # Threads 0 to 4 have ended.
    ended = ran("setp.lt.u32 %p0, %r0, 5; @%p0 exit; shfl.sync.up.b32 %r5, %r0, 2, 0, -1;", 32)[1]
    assert (ended.only.kind, ended.only.threads) == (kind, (5, 6))
    # Each half asks the other.
    halves = "setp.lt.u32 %p0, %r0, 16; selp.b32 %r9, 0xffff, 0xffff0000, %p0;"
    across = ran(f"{halves} shfl.sync.bfly.b32 %r5, %r0, 16, 31, %r9;", 32)[1]
    assert (across.only.kind, across.only.threads) == (kind, tuple(range(32)))
    assert not ran(f"{halves} shfl.sync.bfly.b32 %r5, %r0, 8, 31, %r9;", 32)[1].findings


def test_of_several_at_once_the_one_that_is_wrong_is_named() -> None:
    votes = [f"vote.sync.ballot.b32 %r{n}, %p0, {mask};" for n, mask in ((1, -1), (2, 15), (3, -1))]
    text, found = ran("\n".join(votes), 32)
    assert found.only.instruction is not None
    assert found.only.instruction.line == line_of(text, votes[1])
    assert found.only.threads == tuple(range(4, 32))


def exchanged(between: str, other: int = 1) -> list[str]:
    """Each lane stores a word and loads that of another."""
    body = f"""mov.u64 %q1, tile; mad.wide.u32 %q1, %r0, 4, %q1; xor.b32 %r1, %r0, {other};
    mov.u64 %q2, tile; mad.wide.u32 %q2, %r1, 4, %q2;
    st.shared.u32 [%q1], %r0; {between} ld.shared.u32 %r3, [%q2];"""
    text = kernel(f"mov.u32 %r0, %tid.x; {body}", declare=".shared .align 4 .b8 tile[256];")
    return run(text, threads=64).kinds


def test_lanes_that_have_met_do_not_race() -> None:
    assert not exchanged("bar.warp.sync -1;")
    (kind,) = exchanged("")
    assert kind.startswith("is raced for")


def test_only_those_lanes_have_met_that_name_each_other() -> None:
    halves = "and.b32 %r8, %r0, 16; shl.b32 %r9, 0xffff, %r8; bar.warp.sync %r9;"
    assert not exchanged(halves) and not exchanged(halves, 8)
    (kind,) = exchanged(halves, 16)
    assert kind.startswith("is raced for")


def test_a_warp_that_has_met_still_races_with_another() -> None:
    body = """mov.u64 %q1, tile; mov.u64 %q2, tile; mad.wide.u32 %q1, %r0, 4, %q1;
    xor.b32 %r1, %r0, 32; mad.wide.u32 %q2, %r1, 4, %q2;
    st.shared.u32 [%q1], %r0; bar.warp.sync -1; ld.shared.u32 %r3, [%q2];"""
    text = kernel(f"mov.u32 %r0, %tid.x; {body}", declare=".shared .align 4 .b8 tile[256];")
    assert run(text, threads=64).only.kind.startswith("is raced for")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("shfl.down.b32 %r1, %r0, 1, 31;", "without .sync"),
        ("shfl.sync.b32 %r1, %r0, 1, 31, -1;", "a mode is missing"),
        ("shfl.sync.down.b64 %q1, %q0, 1, 31, -1;", "not known for b64"),
        ("shfl.sync.down.b32 %r1, %r0, 1, 31;", "4 operands"),
        ("@%p0 shfl.sync.down.b32 %r1, %r0, 1, 31, -1;", "with a guard"),
        ("vote.all.pred %p1, %p0;", "without .sync"),
        ("vote.sync.ballot.pred %p1, %p0, -1;", "not known for pred"),
        ("vote.sync.any.b32 %r1, %p0, -1;", "not known for b32"),
        ("@%p0 vote.sync.any.pred %p1, %p0, -1;", "with a guard"),
        ("match.any.b32 %r1, %r0, -1;", "without .sync"),
        ("match.sync.any.b32 %r1|%p1, %r0, -1;", "has no predicate"),
        ("@%p0 match.sync.any.b32 %r1, %r0, -1;", "with a guard"),
        ("redux.sync.add.b32 %r1, %r0, -1;", "not known for b32"),
        ("redux.sync.and.u32 %r1, %r0, -1;", "not known for u32"),
        ("redux.sync.min.f32 %f1, %f0, -1;", "not known for f32"),
        ("redux.add.u32 %r1, %r0, -1;", "without .sync"),
        ("@%p0 redux.sync.add.u32 %r1, %r0, -1;", "with a guard"),
        ("@%p0 activemask.b32 %r1;", "with a guard"),
        ("@%p0 bar.warp.sync -1;", "with a guard"),
        ("bar.warp.sync;", "0 operands"),
        ("elect.sync %r1|%p1, -1;", "is not known"),
    ],
)
def test_what_is_not_known_is_refused(code: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        run(kernel(code))
    assert code.strip(";").split(" ")[0] in str(refused.value)


SOURCE = """
extern "C" __global__ void sums(const int *a, int *x) {
    __shared__ int parts[32];
    int t = threadIdx.x, lane = t % 32, warp = t / 32, sum = a[t];
    for (int d = 16; d > 0; d /= 2) sum += __shfl_down_sync(0xffffffffu, sum, d);
    if (lane == 0) parts[warp] = sum;
    __syncthreads();
    if (warp == 0) {
        sum = lane < blockDim.x / 32 ? parts[lane] : 0;
        for (int d = 16; d > 0; d /= 2) sum += __shfl_down_sync(0xffffffffu, sum, d);
        if (lane == 0) x[0] = sum;
    }
}

extern "C" __global__ void keep(const int *a, int *x) {  // those that are even, in their order
    __shared__ int counts[32];
    int t = threadIdx.x, lane = t % 32, warp = t / 32, before = 0;
    bool even = a[t] % 2 == 0;
    unsigned who = __ballot_sync(0xffffffffu, even);
    if (lane == 0) counts[warp] = __popc(who);
    __syncthreads();
    for (int w = 0; w < warp; w++) before += counts[w];
    if (even) x[before + __popc(who & ((1u << lane) - 1))] = a[t];
}

extern "C" __global__ void alike(const int *a, int *x) {  // the sum of all that have the same key
    int t = threadIdx.x, key = a[t] % 5;
    unsigned who = __match_any_sync(0xffffffffu, key);
    x[t] = __reduce_add_sync(who, a[t]) * 2 + __reduce_min_sync(who, a[t]);
}

extern "C" __global__ void ways(const int *a, int *x) {  // each way by itself, until all have gone
    int t = threadIdx.x, left = a[t] % 4, rounds = 0;
    while (left-- > 0) {
        unsigned here = __activemask();
        rounds += __popc(__ballot_sync(here, a[t] & 1));
        __syncwarp(here);
    }
    x[t] = rounds;
}
"""


@pytest.fixture(scope="module", params=["80", "90", "100"])
def compiled(request: pytest.FixtureRequest) -> str:
    return nvidia.ptx(SOURCE, (f"--gpu-architecture=compute_{request.param}",))


A = np.random.default_rng(3).integers(0, 1000, 96).astype(np.int32)


def made(text: str, name: str) -> Array:
    x = buffer("x", 1, np.zeros(A.size, np.int32))
    launch = Launch((1, 1, 1), (A.size, 1, 1), [buffer("a", 0, A), x])
    findings = Machine(load(text, name), launch, lambda _: None).run()
    assert not findings, findings[0]
    return x.data.view(np.int32)


def rounds() -> Iterator[int]:
    for thread in range(A.size):
        others = [A[other] for other in same_warp(thread)]
        yield sum(sum(o % 4 > turn and o % 2 for o in others) for turn in range(A[thread] % 4))


@needs_nvrtc
def test_kernels_of_cuda(compiled: str) -> None:
    assert made(compiled, "sums")[0] == A.sum()
    even = A[A % 2 == 0]
    assert np.array_equal(made(compiled, "keep")[: even.size], even)
    want = []
    for thread in range(A.size):
        same = [A[other] for other in same_warp(thread) if A[other] % 5 == A[thread] % 5]
        want.append(2 * sum(same) + min(same))
    assert made(compiled, "alike").tolist() == want
    assert made(compiled, "ways").tolist() == list(rounds())
