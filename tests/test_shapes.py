"""Gemm and Tiling: what is valid, what is counted from them, and remedies that do what they say."""

import dataclasses
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.strategies import tilings
from tiling.remedies import divisors
from tiling.shapes import Gemm, Refused, Tiling, ceil_div, dims


def test_reference_tiling():
    sgemm = Tiling(128, 128, 8, 8, 8)
    assert sgemm.threads == 256
    assert sgemm.shared_bytes == 8192
    assert str(sgemm) == "128×128×8 / 8×8"


def test_padding_is_counted_once_for_each_row_of_As():
    assert Tiling(128, 128, 8, 8, 8, pad=4).shared_words == 8 * (132 + 128)


@given(tilings())
def test_threads_times_their_results_are_the_tile(tiling):
    assert tiling.threads * tiling.tm * tiling.tn == tiling.bm * tiling.bn


def test_shapes_of_operands_and_tiles():
    assert [Gemm(2, 3, 5).shape(x) for x in "ABC"] == [(2, 5), (5, 3), (2, 3)]
    assert [Tiling(4, 6, 8, 2, 3).tile_shape(x) for x in "ABC"] == [(4, 8), (8, 6), (4, 6)]


@pytest.mark.parametrize("n", [1, 2, 12, 36, 97, 4096, 10**9 + 7])
def test_divisors(n):
    found = divisors(n)
    assert found == sorted(set(found)) and all(n % d == 0 for d in found)
    if n < 5000:
        assert found == [d for d in range(1, n + 1) if n % d == 0]


def test_words_for_sizes():
    assert dims(6, 6, 4) == "6×6×4"
    assert dims(4096, 4096, 4096) == "4096³"
    assert dims(12, 12, 12) == "12×12×12"
    assert [ceil_div(n, 4) for n in (1, 4, 5)] == [1, 1, 2]


VALID_AT_THE_LIMIT = [
    {"bm": 32, "bn": 32, "bk": 1, "tm": 1, "tn": 1},  # 1,024 threads
    {"bm": 15, "bn": 15, "bk": 1, "tm": 15, "tn": 15},  # 255 registers
    {"bm": 128, "bn": 128, "bk": 48, "tm": 8, "tn": 8},  # 49,152 bytes
    {"bm": 128, "bn": 128, "bk": 64, "tm": 8, "tn": 8, "large_shared": True},
]


@pytest.mark.parametrize("fields", VALID_AT_THE_LIMIT)
def test_limits_themselves_are_allowed(fields):
    Tiling(**fields)


JUST_BEYOND = [
    ({"bm": 33, "bn": 32, "bk": 1, "tm": 1, "tn": 1}, "thread", "1056 threads"),
    ({"bm": 128, "bn": 128, "bk": 49, "tm": 8, "tn": 8}, "cta", "50176 bytes"),
    ({"bm": 128, "bn": 128, "bk": 48, "tm": 8, "tn": 8, "pad": 1}, "pad", "49344 bytes"),
    ({"bm": 128, "bn": 128, "bk": 256, "tm": 8, "tn": 8, "large_shared": True}, "cta", "after"),
    ({"bm": 6, "bn": 6, "bk": 4, "tm": 4, "tn": 2}, "thread", "TM=4 does not divide BM=6"),
    ({"bm": 6, "bn": 6, "bk": 4, "tm": 2, "tn": 4}, "thread", "TN=4 does not divide BN=6"),
    ({"bm": 32, "bn": 15, "bk": 4, "tm": 16, "tn": 15}, "thread", "271 registers"),
    ({"bm": 8, "bn": 8, "bk": 3, "tm": 1, "tn": 1, "vector": 2}, "vector", "BK=3"),
    ({"bm": 8, "bn": 6, "bk": 4, "tm": 1, "tn": 1, "vector": 4}, "vector", "BN=6"),
    ({"bm": 8, "bn": 8, "bk": 4, "tm": 1, "tn": 1, "warp": (4, 4)}, "warp", "16 lanes"),
    ({"bm": 8, "bn": 8, "bk": 4, "tm": 1, "tn": 1, "warp": (3, 8)}, "warp", "WM=3"),
    ({"bm": 8, "bn": 8, "bk": 4, "tm": 1, "tn": 1, "warp": (8, 3)}, "warp", "WN=3"),
    ({"bm": 8, "bn": 8, "bk": 4, "tm": 4, "tn": 1, "warp": (2, 8)}, "warp", "TM=4"),
    ({"bm": 8, "bn": 8, "bk": 4, "tm": 1, "tn": 4, "warp": (8, 2)}, "warp", "TN=4"),
    ({"bm": 8, "bn": 8, "bk": 4, "tm": 1, "tn": 1, "warp": (0, 8)}, "warp", "WM=0"),
    ({"bm": True, "bn": 8, "bk": 4, "tm": 1, "tn": 1}, "cta", "BM=True"),
    ({"bm": 8, "bn": 8, "bk": 4, "tm": 1.0, "tn": 1}, "thread", "TM=1.0"),
    ({"bm": 8, "bn": 8, "bk": 4, "tm": 1, "tn": 1, "pad": -1}, "pad", "from 0"),
    ({"bm": 8, "bn": 8, "bk": 4, "tm": 1, "tn": 1, "stages": 200}, "stages", "without opting in"),
    ({"bm": 8, "bn": 8, "bk": 4, "tm": 1, "tn": 1, "fragments": 3}, "fragments", "1 or 2 buffers"),
    ({"bm": 8, "bn": 8, "bk": 512, "tm": 8, "tn": 8, "fragments": 2}, "fragments", "up to 8192"),
    ({"bm": 8, "bn": 8, "bk": 4, "tm": 8, "tn": 2, "split": True}, "split", "TN=2 is not made"),
    ({"bm": 48, "bn": 8, "bk": 4, "tm": 8, "tn": 8, "swizzle": True}, "swizzle", "BM=48 is not"),
    ({"bm": 32, "bn": 8, "bk": 4, "tm": 8, "tn": 8, "swizzle": True, "pad": 1}, "pad", "without a"),
    (
        {"bm": 128, "bn": 128, "bk": 1, "tm": 1, "tn": 16, "shared_store": True},
        "shared-store",
        "65536 bytes",
    ),
]


@pytest.mark.parametrize(("fields", "field", "rule"), JUST_BEYOND)
def test_just_beyond_is_refused(fields, field, rule):
    with pytest.raises(Refused) as refused:
        Tiling(**fields)
    assert refused.value.field == field and rule in refused.value.rule


def test_matrices_are_as_large_as_an_int_indexes():
    Gemm(1, 2**31 - 1, 1)
    with pytest.raises(Refused, match="B has 2147483648 elements"):
        Gemm(1, 2**31, 1)


def test_a_refusal_is_one_line_whatever_the_value():
    assert "\n" not in str(Refused("cta", "6x6\nx4", "is\x1b[2J odd", "try 6x6x4"))


odd = st.integers(-1, 130) | st.sampled_from([16, 32, 64, 128, 256])
FIELDS = {
    **dict.fromkeys(("bm", "bn", "bk"), odd),
    **{name: st.integers(-1, 9) | st.sampled_from([16, 32]) for name in ("tm", "tn")},
    "vector": st.sampled_from([1, 2, 3, 4]),
    "pad": st.integers(-1, 5) | st.integers(0, 5000),
    "stages": st.integers(-1, 6),
    "fragments": st.integers(0, 3),
    "warp": st.none() | st.tuples(odd, odd),
    **{flag: st.booleans() for flag in ("split", "swizzle", "direct", "shared_store")},
    "large_shared": st.booleans(),
}


@given(st.fixed_dictionaries(FIELDS))
@example({**dict.fromkeys(FIELDS, 1), "bk": 8, "pad": 0, "warp": None, "bm": 0})
@settings(max_examples=150)
def test_whatever_a_refusal_advises_is_accepted(fields):
    try:
        Tiling(**fields)
    except Refused as no:
        advised = changes(no)
        assert advised and len(set(map(str, advised))) == len(advised), no.remedy
        for change in advised:
            Tiling(**{**fields, **change})


def changes(no: Refused) -> list[dict[str, object]]:
    """The fields that a remedy changes, of each thing that it advises."""
    usual = {field.name: field.default for field in dataclasses.fields(Tiling)}
    left = {name.replace("-", "_"): usual[name.replace("-", "_")] for name in no.leave}
    if no.remedy.startswith("leave "):
        return [left]
    if no.remedy.startswith("try cta 128x128x8 with thread 8x8"):
        return [{"bm": 128, "bn": 128, "bk": 8, "tm": 8, "tn": 8, **left}]
    names = {"cta": ["bm", "bn", "bk"], "thread": ["tm", "tn"]}
    found: list[dict[str, object]] = []
    for part in no.remedy.removeprefix("try ").split(" or "):
        values = [int(n) for n in re.findall(r"\d+", part)]
        if part.startswith("large-shared"):
            found.append({"large_shared": True})
        elif no.field == "warp":
            found.append({"warp": tuple(values)})
        else:
            found.append(dict(zip(names.get(no.field, [no.field]), values, strict=True)))
    return found


@pytest.mark.parametrize(
    ("fields", "remedy"),
    [
        (
            {"bm": 128, "bn": 256, "bk": 8, "tm": 32, "tn": 8, "warp": (32, 256), "split": True},
            "try cta 128x128x8 with thread 8x8, and leave warp out",
        ),
        (
            {"bm": 128, "bn": 128, "bk": 16, "tm": 8, "tn": 8, "stages": 5},
            "try 3 or large-shared to opt in to more",
        ),
        ({"bm": 8, "bn": 8, "bk": 4, "tm": 1, "tn": 1, "pad": -1}, "try 4 or 0"),
        ({"bm": 128, "bn": 128, "bk": 48, "tm": 8, "tn": 8, "pad": 1}, "try 0 or large-shared"),
    ],
)
def test_the_nearest_that_would_do_is_advised(fields, remedy):
    with pytest.raises(Refused) as refused:
        Tiling(**fields)
    assert refused.value.remedy.startswith(remedy)
