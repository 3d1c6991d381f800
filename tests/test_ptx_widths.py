"""PTX's accesses beside the machine code's requests."""

from collections import Counter

import pytest

from tiling.ptx.asked import Asked, asked
from tiling.ptx.program import load
from tiling.ptx.sass import Request
from tiling.ptx.syntax import Source
from tiling.ptx.widths import Group, Made, compare

HERE, THERE = Source("k.cu", 7), Source("k.cu", 8)


def asks(
    *widths: int, source: Source | None = HERE, first: int = 0, run: object = 0
) -> list[Asked]:
    """Loads of shared memory that lie one behind the other."""
    found, offset = [], 0
    for place, bits in enumerate(widths, first):
        found.append(Asked(place, source, "shared", "load", bits, run, offset))
        offset += bits // 8
    return found


def finds(*widths: int, source: Source | None = HERE, loop: int = -1) -> list[Request]:
    return [
        Request(16 * n, "LDS", "", "shared", "load", bits, "R0", 0, loop, source)
        for n, bits in enumerate(widths)
    ]


def only(asked: list[Asked], found: list[Request]) -> Group:
    (group,) = compare(asked, found)
    return group


def verdict(asked: list[Asked], found: list[Request]) -> str:
    return only(asked, found).verdict


def test_the_same_widths_are_as_ptx_says() -> None:
    group = only(asks(32, 32, 128), finds(128, 32, 32))
    assert group.verdict == "as PTX says" and group.certain
    assert group.made == group.merged == (Made((0,), 32), Made((1,), 32), Made((2,), 128))
    assert str(group) == "load shared, line 7: asked 2x32, 1x128, found 2x32, 1x128: as PTX says"


def test_neighbours_are_merged_where_the_machine_code_has_that_width() -> None:
    group = only(asks(*[32] * 8), finds(128, 128))
    assert group.verdict == "merged" and group.certain
    assert group.made == (Made((0, 1, 2, 3), 128), Made((4, 5, 6, 7), 128))
    assert verdict(asks(*[32] * 8), finds(*[64] * 4)) == "merged"
    assert only(asks(64, 32, 32), finds(128)).made == (Made((0, 1, 2), 128),)


def test_of_several_widths_those_are_merged_that_are_missing() -> None:
    # As tile1d is on sm_75: a vector of four, and one that PTX has in three parts.
    group = only(asks(128, 32, 32, 64), finds(128, 64, 64))
    assert group.made == (Made((0,), 128), Made((1, 2), 64), Made((3,), 64))
    assert verdict(asks(128, 32, 32, 64), finds(128, 128)) == "merged"
    group = only(asks(*[32] * 6), finds(64, 128))
    assert group.made == (Made((0, 1, 2, 3), 128), Made((4, 5), 64))


@pytest.mark.parametrize(
    "apart",
    [
        {"run": 1},  # another base, block or guard
        {"offset": 8},  # a gap
        {"offset": 0},  # the same word
    ],
)
def test_what_are_no_neighbours_cannot_have_been_merged(apart: dict[str, int]) -> None:
    both = asks(32, 32)
    assert verdict(both, finds(64)) == "merged"
    assert verdict([both[0], both[1]._replace(**apart)], finds(64)) == "differs"


def test_nor_those_that_begin_at_no_multiple_of_the_width() -> None:
    assert verdict(asks(32, 32, 32)[1:], finds(64)) == "differs"


def test_where_only_some_were_merged_and_nobody_knows_which_both_are_counted() -> None:
    group = only(asks(*[32] * 4), finds(64, 32, 32))
    assert group.verdict == "differs" and not group.certain
    assert group.made == tuple(Made((place,), 32) for place in range(4))
    assert group.merged == (Made((0, 1, 2, 3), 128),)


def test_wide_ones_may_be_made_in_parts() -> None:
    group = only(asks(128, 128), finds(*[64] * 4))
    assert group.verdict == "split" and group.certain
    assert group.made == (Made((0,), 64), Made((1,), 64))
    assert only(asks(128, 32), finds(*[32] * 5)).made == (Made((0,), 32), Made((1,), 32))
    assert verdict(asks(128, 128), finds(128, 64, 64)) == "differs"
    assert verdict(asks(128), finds(64, 32, 32)) == "differs"


def test_code_may_stand_there_several_times() -> None:
    assert verdict(asks(32, 128), finds(128, 32, 32, 128)) == "as PTX says"
    assert verdict(asks(*[32] * 4), finds(128, 128, 128)) == "merged"
    assert verdict(asks(32, 128), finds(128, 32, 32)) == "differs"
    assert verdict(asks(32, 128), finds(128, 32, 32, 32, 128)) == "differs"


def test_one_width_is_enough_whatever_the_number() -> None:
    assert verdict(asks(32, 32, 32), finds(*[32] * 4)) == "as PTX says"
    assert verdict(asks(128, 128, 128), finds(128, 128)) == "as PTX says"
    assert verdict(asks(*[32] * 8), finds(128, 128, 128)) == "merged"
    assert verdict(asks(32, 32, 32), finds(64)) == "differs"


def test_a_peeled_round_may_differ_from_the_loop() -> None:
    group = only(asks(32, 32, 32, 32), finds(128) + finds(32, 32, 32, 32, loop=64))
    assert group.verdict == "as PTX says" and group.elsewhere == Counter({128: 1})
    assert not group.certain and str(group).endswith("as PTX says, but for 1x128")
    merged = only(asks(32, 32), finds(32, 32, 32) + finds(64, loop=64))
    assert merged.made == (Made((0, 1), 64),)
    several = only(asks(32, 128), finds(64) + finds(32, 128, loop=64) + finds(32, loop=96))
    assert several.elsewhere == Counter({32: 1, 64: 1})


def test_of_two_loops_that_differ_none_is_taken() -> None:
    both = finds(32, 32, 128, loop=64) + finds(64, 128, loop=96)
    assert verdict(asks(32, 32, 128), both) == "differs"
    assert verdict(asks(32, 32, 128), finds(32, 32, 128) + finds(64, 64, loop=64)) == "differs"


def test_what_only_one_of_them_has_is_told() -> None:
    gone, added = compare(asks(32), finds(64, source=THERE)[:0] + local(64))
    assert (gone.verdict, gone.made) == ("gone", (Made((0,), 32),))
    assert (added.verdict, added.places, added.made) == ("added", (), ())
    assert not gone.certain and not added.certain
    assert str(added) == "load local, line 7: asked none, found 1x64: added"


def local(bits: int) -> list[Request]:
    return [request._replace(space="local") for request in finds(bits)]


def chains() -> list[Source]:
    """A line that is inlined into two places."""
    return [HERE._replace(inlined_at=Source("k.cu", line)) for line in (20, 21)]


def test_lines_are_kept_apart() -> None:
    one, two = compare(
        asks(32, 32) + asks(128, source=THERE, first=2), finds(32, 32) + finds(128, source=THERE)
    )
    assert (one.places, two.places, two.source) == ((0, 1), (2,), THERE)
    # Together they would be as PTX says.
    crossed = compare(
        asks(32, 32, 32, 32) + asks(128, source=THERE, first=4),
        finds(128) + finds(32, 32, 32, 32, source=THERE),
    )
    assert [group.verdict for group in crossed] == ["merged", "split"]


def test_where_ptxas_mixes_the_chains_of_a_line_the_line_is_looked_at_as_a_whole() -> None:
    one, two = chains()
    both = asks(32, 32, source=one) + asks(128, source=two, first=2)
    group = only(both, finds(32, 128, source=one) + finds(32, source=two))
    assert group.verdict == "as PTX says" and group.places == (0, 1, 2)
    assert only(both, finds(32, 32, 128, source=two)).verdict == "as PTX says"
    # The same number of words in each chain says nothing where the numbers are wrong.
    singles = asks(32, 32, source=one) + asks(32, source=two, first=2)
    assert only(singles, finds(*[32] * 6, source=one)).verdict == "as PTX says"


def test_at_last_lines_do_not_count() -> None:
    assert verdict(asks(32, 128), finds(32, 128, source=None)) == "as PTX says"
    assert verdict(asks(32, 32), finds(64, source=THERE)) == "merged"


def test_a_generic_address_may_have_become_shared() -> None:
    generic = [one._replace(space="generic") for one in asks(32, 32)]
    assert verdict(generic, finds(32, 32)) == "as PTX says"
    assert verdict(generic, finds(64)) == "merged"


@pytest.mark.parametrize(
    ("kind", "verdict_"), [("store", "merged"), ("atomic", "differs"), ("copy", "differs")]
)
def test_only_loads_and_stores_are_merged(kind: str, verdict_: str) -> None:
    of_ptx = [one._replace(kind=kind) for one in asks(32, 32)]
    assert verdict(of_ptx, [one._replace(kind=kind) for one in finds(64)]) == verdict_


def accesses(body: str) -> list[Asked]:
    text = ".version 8.0\n.target sm_80\n.address_size 64\n"
    text += ".visible .entry k() {\n.reg .pred %p<9>;\n.reg .b32 %r<20>;\n.reg .f32 %f<20>;\n"
    text += f".reg .b64 %rd<20>;\n{body}\nret;\n}}"
    return asked(load(text).flow)


@pytest.mark.parametrize(
    ("line", "space", "kind", "bits"),
    [
        ("ld.shared.f32 %f1, [%r1];", "shared", "load", 32),
        ("ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%r1];", "shared", "load", 128),
        ("ld.global.nc.v2.b32 {%r1, %r2}, [%rd1];", "global", "load", 64),
        ("ld.volatile.shared.u8 %r2, [%r1];", "shared", "load", 8),
        ("ld.f64 %rd2, [%rd1];", "generic", "load", 64),
        ("st.local.v2.u16 [%rd1], {%r1, %r2};", "local", "store", 32),
        ("atom.shared.add.f32 %f1, [%r1], %f2;", "shared", "atomic", 32),
        ("red.global.add.u64 [%rd1], %rd2;", "global", "atomic", 64),
        ("cp.async.ca.shared.global [%r1], [%rd1], 8;", "global", "copy", 64),
        ("cp.async.cg.shared.global [%r1], [%rd1], 16, %r2;", "global", "copy", 128),
        (
            "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r1, %r2, %r3, %r4}, [%r5];",
            *("shared", "matrix", 128),
        ),
        ("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r1}, [%r5];", "shared", "matrix", 32),
    ],
)
def test_accesses_are_read_from_ptx(line: str, space: str, kind: str, bits: int) -> None:
    (found,) = accesses(line)
    assert found[2:5] == (space, kind, bits)


@pytest.mark.parametrize(
    "line",
    ["ld.const.u32 %r1, [%rd1];", "add.s32 %r1, %r2, 4;", "cp.async.commit_group;", "bar.sync 0;"],
)
def test_what_is_no_access_is_left_out(line: str) -> None:
    assert accesses(line) == []


FIRST, SECOND = "ld.shared.f32 %f1, [%r1];", "ld.shared.f32 %f2, [%r1+4];"


@pytest.mark.parametrize(
    ("body", "neighbours"),
    [
        (f"{FIRST} {SECOND}", True),
        (f"{FIRST} mov.f32 %f3, %f4; {SECOND}", True),
        (f"{FIRST} add.s32 %r1, %r1, 4; {SECOND}", False),
        (f"{FIRST} bar.sync 0; {SECOND}", False),
        (f"{FIRST} ld.shared.f32 %f2, [%r2+4];", False),
        (f"{FIRST} add.s32 %r1, %r1, 4; ld.shared.f32 %f2, [%r1];", False),
        (f"add.s32 %r1, %r1, 4; {FIRST} {SECOND}", True),
        (f"{FIRST} @%p1 {SECOND}", False),
        (f"@%p1 {FIRST} @%p1 {SECOND}", True),
        (f"mov.u32 %r1, 0; add.s32 %r2, %r1, 4; {FIRST} ld.shared.f32 %f2, [%r2];", True),
        (
            "mov.u32 %r1, 0; add.s32 %r2, %r1, 2; add.s32 %r3, %r2, 2;"
            f" {FIRST} ld.shared.f32 %f2, [%r3];",
            True,
        ),
        (f"mov.u32 %r1, 0; add.s32 %r2, %r1, 8; {FIRST} ld.shared.f32 %f2, [%r2];", False),
        # A register that is set twice is not the same in both places.
        (
            "mov.u32 %r1, 0; add.s32 %r2, %r1, 4; mov.u32 %r1, 8;"
            f" {FIRST} ld.shared.f32 %f2, [%r2];",
            False,
        ),
    ],
)
def test_neighbours_are_told_by_base_block_and_guard(body: str, neighbours: bool) -> None:
    assert verdict(accesses(body), finds(64, source=None)) == (
        "merged" if neighbours else "differs"
    )
