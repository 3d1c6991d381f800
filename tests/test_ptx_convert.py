"""cvt, bit for bit against exact fractions."""

import math
import operator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ptx_oracle import LAYOUT, MODES, is_nan, nearest_pattern, number
from tests.test_ptx_floats import NAN, Draw, array, patterns
from tiling.ptx.convert import INTEGERS, convert, pack

FLOATS = ("f16", "bf16", "f32", "f64")
TO_INTEGER = {"rni": round, "rzi": math.trunc, "rmi": math.floor, "rpi": math.ceil}
NAN_OF = NAN | {"tf32": 0x7FFFFFFF}
SHIFT = {"tf32": 13}  # its pattern lies in the upper bits of a uint32


def converted(to, source, pattern, mode):
    """The pattern of a conversion between floating-point types; None for NaN."""
    x = number(source, pattern)
    negative = bool(pattern & LAYOUT[source].sign)
    if isinstance(x, float):
        if math.isnan(x):
            return None
        return LAYOUT[to].infinity | negative * LAYOUT[to].sign
    return nearest_pattern(to, x, mode, negative)


def check(to, source, given_patterns, got, want):
    for before, one, other in zip(given_patterns, patterns(to, got), want, strict=True):
        if other is None:
            assert one == NAN_OF[to] if to != "f64" else is_nan(to, one), hex(before)
        else:
            assert one == other << SHIFT.get(to, 0), (hex(before), hex(one), hex(other))


def middles(to, source):
    """Numbers half-way between two of a narrower type, and beside the middle."""
    wide, narrow = LAYOUT[source], LAYOUT[to]
    dropped = wide.fraction - narrow.fraction
    if dropped <= 0:
        return []
    draw = Draw(source, seed=5)
    found = []
    bias, top = (1 << wide.exponent - 1) - 1, (1 << narrow.exponent - 1) - 1
    for pattern, exponent in zip(draw.any(), draw.whole(2 * top + 40), strict=True):
        whole = max(bias - top - 30 + exponent, 0) % ((1 << wide.exponent) - 1) << wide.fraction
        whole |= pattern & wide.sign
        tie = whole | (pattern & (1 << wide.fraction) - 1) >> dropped << dropped | 1 << dropped - 1
        found += [tie - 1, tie, tie + 1]
    return found


PAIRS = [(to, source) for to in (*FLOATS, "tf32") for source in FLOATS if to != source]
PAIRS = [(to, source) for to, source in PAIRS if to != "tf32" or source == "f32"]


@pytest.mark.parametrize(("to", "source"), PAIRS)
@pytest.mark.parametrize("mode", [*MODES, "rna"])
def test_float_to_float(to, source, mode):
    some = Draw(source).operands(1)[0] + middles(to, source)
    got = convert(to, source, array(source, some), mode)
    check(to, source, some, got, [converted(to, source, p, mode) for p in some])


@pytest.mark.parametrize(("to", "source"), PAIRS)
def test_any_float_to_float(to, source):
    pattern = st.integers(0, 2 ** LAYOUT[source].width - 1)

    @given(st.lists(pattern, min_size=1, max_size=20), st.sampled_from(MODES))
    def run(some, mode):
        got = convert(to, source, array(source, some), mode)
        check(to, source, some, got, [converted(to, source, p, mode) for p in some])

    run()


@pytest.mark.parametrize("source", ["f16", "bf16"])
@pytest.mark.parametrize("to", ["f32", "f64"])
def test_every_half_is_exact(to, source):
    got = patterns(to, convert(to, source, array(source, range(1 << 16)), ""))
    for before, after in enumerate(got):
        if is_nan(source, before):
            assert is_nan(to, after)
        else:
            assert number(to, after) == number(source, before)
            assert bool(after & LAYOUT[to].sign) == bool(before & LAYOUT[source].sign)


def test_f64_keeps_its_nan():
    nan = array("f64", [0x7FF0000000000123])
    assert patterns("f64", convert("f64", "f64", nan, "")) == [0x7FF8000000000123]


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("rounding", TO_INTEGER)
def test_to_a_whole_number_of_the_same_type(kind, rounding):
    some = Draw(kind).operands(1)[0]
    got = convert(kind, kind, array(kind, some), rounding)
    want = []
    for p in some:
        x = number(kind, p)
        if not isinstance(x, float):
            x = Fraction(TO_INTEGER[rounding](x))
            p = nearest_pattern(kind, x, "rn", bool(p & LAYOUT[kind].sign))
        want.append(None if is_nan(kind, p) else p)
    check(kind, kind, some, got, want)


def whole_range(name):
    info = np.iinfo(INTEGERS[name])
    return info.min, info.max


def edges(source):
    """Halves, and what lies about the ends of every integer type."""
    ends = [sign * 2**n for n in (0, 7, 8, 15, 16, 31, 32, 63, 64) for sign in (1, -1)]
    near = [end + Fraction(d, 4) for end in ends for d in (-6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6)]
    return [nearest_pattern(source, x, mode) for x in near for mode in ("rm", "rp")]


@pytest.mark.parametrize("source", FLOATS)
@pytest.mark.parametrize("to", INTEGERS)
def test_float_to_integer(to, source):
    some = Draw(source).operands(1)[0] + edges(source)
    least, most = whole_range(to)
    for rounding, function in TO_INTEGER.items():
        got = convert(to, source, array(source, some), rounding)
        assert got.dtype == INTEGERS[to]
        for pattern, one in zip(some, got.tolist(), strict=True):
            x = number(source, pattern)
            if is_nan(source, pattern):
                size = INTEGERS[to].itemsize * 8
                # PTX ISA 9.7.9.21: zero if source is not .f64 and destination is not .s64, .u64.
                want = 0 if source != "f64" and size < 64 else 1 << size - 1
                one %= 1 << size
            elif isinstance(x, float):
                want = most if x > 0 else least
            else:
                want = min(max(function(x), least), most)
            assert one == want, (hex(pattern), rounding)


def test_float_to_integer_flushes():
    tiny = np.array([1e-40, -1e-40], np.float32)
    assert convert("s32", "f32", tiny, "rpi", ftz=True).tolist() == [0, 0]
    assert convert("s32", "f32", tiny, "rpi").tolist() == [1, 0]
    assert convert("s32", "f32", tiny, "rmi").tolist() == [0, -1]


def test_float_to_integer_needs_a_rounding():
    with pytest.raises(ValueError, match=r"cvt\.s32\.f32 needs a rounding: rni, rzi, rmi or rpi"):
        convert("s32", "f32", np.zeros(1, np.float32), "")


def integers(name):
    least, most = whole_range(name)
    random = np.random.default_rng(0)
    found = [least, least + 1, most, most - 1, 0, 1]
    # Few digits from the first to the last: ties at every width, and a hair beside them.
    for _ in range(300):
        high, low, last = random.integers(0, INTEGERS[name].itemsize * 8, 3)
        x = (1 << int(high)) + (1 << int(low)) + (1 << int(last)) * int(random.integers(-1, 2))
        found += [x, -x, int(random.integers(2**63)) >> int(low)]
    return [x for x in found if least <= x <= most]


@pytest.mark.parametrize("source", INTEGERS)
@pytest.mark.parametrize("to", FLOATS)
def test_integer_to_float(to, source):
    some = integers(source)
    for mode in MODES:
        got = convert(to, source, np.array(some, INTEGERS[source]), mode)
        check(to, source, some, got, [nearest_pattern(to, Fraction(x), mode) for x in some])


@pytest.mark.parametrize("source", INTEGERS)
@pytest.mark.parametrize("to", INTEGERS)
def test_integer_to_integer(to, source):
    some = integers(source)
    least, most = whole_range(to)
    x = np.array(some, INTEGERS[source])
    got, clamped = convert(to, source, x, ""), convert(to, source, x, "", sat=True)
    assert got.dtype == clamped.dtype == INTEGERS[to]
    assert got.tolist() == [(v - least) % (most - least + 1) + least for v in some]
    assert clamped.tolist() == [min(max(v, least), most) for v in some]


def test_ftz_is_of_f32_alone():
    tiny, one = array("f16", [1, 0x8001]), array("f64", [1, 0x37A << 52 | 1 << 63])  # 2^-133
    assert patterns("f32", convert("f32", "f16", tiny, "", ftz=True)) == [0x33800000, 0xB3800000]
    assert patterns("f32", convert("f32", "f64", one, ftz=True)) == [0, 1 << 31]
    assert patterns("f32", convert("f32", "f64", one, "rp")) == [1, 0x80010000]
    small = array("f32", [0x33800000, 0x00400000, 0x80400000])  # 2^-24 and +-2^-127
    assert patterns("f16", convert("f16", "f32", small, ftz=True)) == [1, 0, 0x8000]
    assert patterns("bf16", convert("bf16", "f32", small, ftz=True)) == [0x3380, 0, 0x8000]
    assert patterns("bf16", convert("bf16", "f32", small)) == [0x3380, 0x0040, 0x8040]
    assert patterns("f32", convert("f32", "f32", small, "", ftz=True)) == [0x33800000, 0, 1 << 31]
    assert patterns("f32", convert("f32", "f32", small, "rpi", ftz=True)) == [
        0x3F800000,
        0,
        1 << 31,
    ]


X = [-math.inf, -1, -0.0, 0.5, 1, 3, math.inf, math.nan]


@pytest.mark.parametrize("to", ["f16", "f32", "f64"])
@pytest.mark.parametrize("source", ["f32", "f64"])
def test_sat(to, source):
    x = np.array(X, array(source, [0]).dtype)
    want = np.array([0, 0, 0, 0.5, 1, 1, 1, 0], array(to, [0]).dtype)
    assert convert(to, source, x, sat=True).tobytes() == want.tobytes()
    assert convert(to, "s8", np.array([-3, 0, 1, 7], np.int8), sat=True).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("to", ["f16", "bf16", "tf32"])
def test_relu(to):
    x = np.array(X, np.float32)
    zero, infinity = 0, LAYOUT[to].infinity << SHIFT.get(to, 0)
    half, one, three = (
        nearest_pattern(to, Fraction(v), "rn") << SHIFT.get(to, 0) for v in (0.5, 1, 3)
    )
    want = [zero, zero, zero, half, one, three, infinity, NAN_OF[to]]
    assert patterns(to, convert(to, "f32", x, relu=True)) == want


@pytest.mark.parametrize("mode", ["rn", "rz"])
@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_pack(kind, mode):
    a, b = Draw("f32").operands(2)
    got = pack(f"{kind}x2", array("f32", a), array("f32", b), mode)
    assert got.dtype == np.uint32
    upper, lower = map(list, zip(*map(divmod, got.tolist(), [1 << 16] * len(a)), strict=True))
    for some, half in ((a, upper), (b, lower)):
        want = [converted(kind, "f32", p, mode) for p in some]
        check(kind, "f32", some, array(kind, half), want)


def test_pack_relu():
    got = pack("bf16x2", np.array([-1, 2], np.float32), np.array([1, -0.0], np.float32), relu=True)
    assert got.tolist() == [0x00003F80, 0x40000000]


@pytest.mark.parametrize("to", [*FLOATS, *INTEGERS])
@pytest.mark.parametrize("source", [*FLOATS, *INTEGERS])
def test_shapes(to, source):
    """Of no dimension, of no element, and of a view that is not contiguous."""
    x = np.ones((6, 8), array(source, [0]).dtype if source in FLOATS else INTEGERS[source])
    rounding = "rzi" if to in INTEGERS and source in FLOATS else "rz"
    one = convert(to, source, x[0, 0, ...], rounding)
    for view in (x[:0], x[::2, ::2], x[0, 0, ...], np.broadcast_to(x, (2, 6, 8)), x.T):
        got = convert(to, source, view, rounding)
        assert got.shape == view.shape
        assert operator.eq(got, one).all()
