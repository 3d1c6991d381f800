"""The arithmetic of PTX, bit for bit against exact fractions and against the C library."""

import ctypes
import ctypes.util
import math
import platform
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import ptx_oracle as oracle
from tests.ptx_oracle import LAYOUT, MODES, is_nan, nearest_pattern, number
from tiling.ptx import floats
from tiling.ptx.approximate import approximate
from tiling.ptx.rounding import FORMATS

KINDS = ("f16", "bf16", "f32", "f64")
NAN = {"f16": 0x7FFF, "bf16": 0x7FFF, "f32": 0x7FFFFFFF}
COUNT = 150


def array(kind, patterns):
    layout = FORMATS[kind]
    return np.array(patterns, layout.bits).view(layout.dtype)


def patterns(kind, x):
    assert x.dtype == FORMATS[kind].dtype
    return np.asarray(x).view(FORMATS[kind].bits).tolist()


class Draw:
    """Random patterns of a type, of the kinds that go wrong."""

    def __init__(self, kind, seed=0, count=COUNT):
        self.kind, self.layout, self.count = kind, LAYOUT[kind], count
        self.random = np.random.default_rng(seed)

    def whole(self, below):
        return [int(self.random.integers(below, dtype=np.uint64)) for _ in range(self.count)]

    def any(self):
        return self.whole(2**self.layout.width)

    def near(self, exponent, spread):
        """Few bits set in the fraction, exponents close to one another."""
        bias = (1 << self.layout.exponent - 1) - 1
        low = max(bias + exponent - spread, 0)
        found = []
        for top, a, b, sign in zip(
            self.random.integers(low, bias + exponent + spread + 1, self.count),
            self.random.integers(0, self.layout.fraction, self.count),
            self.random.integers(0, self.layout.fraction, self.count),
            self.random.integers(0, 2, self.count),
            strict=True,
        ):
            fraction = (1 << int(a) | 1 << int(b)) - (int(b) % 3 == 0)
            found.append(int(sign) * self.layout.sign | int(top) << self.layout.fraction | fraction)
        return found

    def small(self):
        """Subnormal, or little more."""
        return [p & ~(self.layout.infinity & ~(1 << self.layout.fraction)) for p in self.any()]

    def special(self):
        one = ((1 << self.layout.exponent - 1) - 1) << self.layout.fraction
        top = self.layout.infinity
        few = [
            0,
            1,
            2,
            1 << self.layout.fraction,
            one,
            one + 1,
            top - 1,
            top,
            top + 1,
            top | top >> 1,
        ]
        few += [(1 << self.layout.fraction) - 1, one - 1, one + (1 << self.layout.fraction)]
        few += [p | self.layout.sign for p in few]
        return self.random.choice(np.array(few, np.uint64), self.count).tolist()

    def operands(self, number_of):
        """Some of each."""
        bias = (1 << self.layout.exponent - 1) - 1
        sets = [[self.any() for _ in range(number_of)], [self.special() for _ in range(number_of)]]
        sets += [[self.near(0, 3) for _ in range(number_of)]]
        sets += [[self.small() for _ in range(number_of)]]
        sets += [[self.near(0, 2), *[self.small() for _ in range(number_of - 1)]]]
        sets += [[self.near(-bias // 2, 2) for _ in range(min(2, number_of))]]
        sets[-1] += [self.small()] * (number_of - 2)
        sets += [[self.near(bias // 2, 2) for _ in range(min(2, number_of))]]
        sets[-1] += [self.near(bias - 1, 1)] * (number_of - 2)
        return [[pattern for one in sets for pattern in one[i]] for i in range(number_of)]


def expected(op, kind, mode, *operands):
    """The pattern of an operation on patterns; None for NaN."""
    layout = LAYOUT[kind]
    values = [number(kind, p) for p in operands]
    signs = [bool(p & layout.sign) for p in operands]
    if any(isinstance(v, float) and math.isnan(v) for v in values):
        return None
    if op == "sub":
        op, values, signs = "add", [values[0], -values[1]], [signs[0], not signs[1]]
    if op == "rcp":
        op, values, signs = "div", [Fraction(1), values[0]], [False, signs[0]]
    if op == "sqrt":
        return _root(kind, mode, values[0], signs[0])
    product = signs[0] ^ signs[-1 if len(signs) == 2 else 1]
    if any(isinstance(v, float) for v in values):
        return _with_infinity(op, layout, values, signs, product)
    if op == "div":
        if values[1] == 0:
            return None if values[0] == 0 else layout.infinity | product * layout.sign
        return nearest_pattern(kind, values[0] / values[1], mode, product)
    if op == "mul":
        return nearest_pattern(kind, values[0] * values[1], mode, product)
    first, last = (values[0], signs[0]), (values[-1], signs[-1])
    if op == "fma":
        first = (values[0] * values[1], product)
    negative = first[1] if first[1] == last[1] else mode == "rm"
    return nearest_pattern(kind, first[0] + last[0], mode, negative)


def _with_infinity(op, layout, values, signs, product):
    infinite = [isinstance(v, float) for v in values]
    if op == "div":
        if all(infinite):
            return None
        return product * layout.sign | (layout.infinity if infinite[0] else 0)
    terms = [(infinite[0], signs[0]), (infinite[-1], signs[-1])]
    if op in ("mul", "fma"):
        if (infinite[0] or infinite[1]) and (values[0] == 0 or values[1] == 0):
            return None
        terms[0] = (infinite[0] or infinite[1], product)
        if op == "mul":
            return layout.infinity | product * layout.sign
    there = {sign for is_infinite, sign in terms if is_infinite}
    return layout.infinity | there.pop() * layout.sign if len(there) == 1 else None


def _root(kind, mode, x, negative):
    layout = LAYOUT[kind]
    if x == 0:
        return negative * layout.sign
    if negative:
        return None
    if isinstance(x, float):
        return layout.infinity
    low = oracle.greatest_not_above(layout, x, square=True)
    below, above = oracle.magnitude_of(layout, low), oracle.magnitude_of(layout, low + 1)
    if below**2 == x:
        return low
    if mode == "rn":
        return low + ((below + above) ** 2 < 4 * x)  # a root is never half-way
    return low + (mode == "rp")


def same(kind, got, want, *operands):
    for index, (one, other) in enumerate(zip(patterns(kind, got), want, strict=True)):
        shown = [hex(operand[index]) for operand in operands]
        if other is None:
            assert one == NAN[kind] if kind != "f64" else is_nan(kind, one), (shown, hex(one))
        else:
            assert one == other, (shown, hex(one), hex(other))


ALL = [
    *((op, kind, mode) for op in ("add", "sub", "mul", "fma") for kind in KINDS for mode in MODES),
    *(
        (op, kind, mode)
        for op in ("div", "rcp", "sqrt")
        for kind in ("f32", "f64")
        for mode in MODES
    ),
]
COUNT_OF = {"sqrt": 1, "rcp": 1, "fma": 3}


@pytest.mark.parametrize(("op", "kind", "mode"), ALL)
def test_operation(op, kind, mode):
    operands = Draw(kind).operands(COUNT_OF.get(op, 2))
    got = getattr(floats, op)(kind, *(array(kind, one) for one in operands), rounding=mode)
    want = [expected(op, kind, mode, *one) for one in zip(*operands, strict=True)]
    same(kind, got, want, *operands)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_fma_a_hair_from_the_middle(kind, mode):
    """c plus or minus half a unit of its last place, less or more by a hair."""
    draw, layout = Draw(kind), LAYOUT[kind]
    digits, bias = layout.fraction, (1 << layout.exponent - 1) - 1
    c, a, b = [], [], []
    for fraction, hair, signs in zip(
        draw.whole(1 << digits), draw.whole(digits), draw.whole(8), strict=True
    ):
        c.append(bias << digits | fraction | (signs & 1) * layout.sign)
        # (1 + h)(1 - h)/2 units, or (1 + h)/2: below and above.
        a.append(bias << digits | 1 << hair | (signs >> 1 & 1) * layout.sign)
        less = (bias << digits) - (2 << hair) if signs & 4 else bias << digits
        b.append(less - (digits + 1 << digits))
    got = floats.fma(kind, *(array(kind, x) for x in (a, b, c)), rounding=mode)
    same(kind, got, [expected("fma", kind, mode, *x) for x in zip(a, b, c, strict=True)], a, b, c)


@pytest.mark.parametrize("exponent", [-535, -500, -460, -300, 0, 300, 500])
def test_fma_f64_leaves_the_error_of_the_product(exponent):
    """c cancels a·b but for a few units of its last place; what is left may be subnormal."""
    draw = Draw("f64", seed=4)
    a, b = ([1023 + exponent << 52 | p >> 12 for p in draw.any()] for _ in range(2))
    with np.errstate(under="ignore"):
        c = patterns("f64", array("f64", a) * array("f64", b))
    c = [p + step - 1 | 1 << 63 for p, step in zip(c, draw.whole(3), strict=True)]
    got = floats.fma("f64", *(array("f64", x) for x in (a, b, c)))
    same("f64", got, [expected("fma", "f64", "rn", *x) for x in zip(a, b, c, strict=True)], a, b, c)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", ["add", "mul", "div", "fma"])
def test_any_patterns(kind, op):
    pattern = st.integers(0, 2 ** LAYOUT[kind].width - 1)
    count = COUNT_OF.get(op, 2)

    @given(st.lists(st.tuples(*[pattern] * count), min_size=1, max_size=5), st.sampled_from(MODES))
    def check(rows, mode):
        got = getattr(floats, op)(kind, *(array(kind, x) for x in zip(*rows, strict=True)), mode)
        same(kind, got, [expected(op, kind, mode, *row) for row in rows], *zip(*rows, strict=True))

    check()


# The C library, in its four modes

libm = ctypes.CDLL(ctypes.util.find_library("m"))
C_MODES = {"rn": 0, "rm": 0x400, "rp": 0x800, "rz": 0xC00}


def c_function(name, kind, count):
    function = getattr(libm, name + ("f" if kind == "f32" else ""))
    ctype = ctypes.c_float if kind == "f32" else ctypes.c_double
    function.restype, function.argtypes = ctype, [ctype] * count
    return function


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the modes' numbers are of x86")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["f32", "f64"])
@pytest.mark.parametrize("op", ["fma", "sqrt"])
def test_against_the_c_library(op, kind, mode):
    operands = [array(kind, x) for x in Draw(kind, seed=1, count=500).operands(COUNT_OF[op])]
    got = getattr(floats, op)(kind, *operands, rounding=mode)
    function = c_function(op, kind, len(operands))
    rows = list(zip(*(x.tolist() for x in operands), strict=True))
    try:
        assert libm.fesetround(C_MODES[mode]) == 0
        want = [function(*row) for row in rows]
    finally:
        libm.fesetround(0)
    want = np.array(want, got.dtype)
    number_ = ~np.isnan(want)
    assert (np.isnan(got) == ~number_).all()
    assert patterns(kind, got[number_]) == patterns(kind, want[number_])


# fma_f32: the fast one


def fast(a, b, c):
    out = np.empty(np.broadcast_shapes(a.shape, b.shape, c.shape), np.float32)
    floats.fma_f32(a, b, c, out)
    return out


def c_fma(a, b, c):
    function = c_function("fma", "f32", 3)
    wide = np.broadcast_arrays(a, b, c)
    rows = zip(*(x.ravel().tolist() for x in wide), strict=True)
    want = np.array([function(*row) for row in rows], np.float32).reshape(wide[0].shape)
    want.view(np.uint32)[np.isnan(want)] = NAN["f32"]
    return want


def ordinary(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    "shapes",
    [
        ((64, 256),) * 3,
        ((4, 1), (1, 5), (4, 5)),
        ((), (7,), (1,)),
        ((0, 4), (4,), (4,)),
        ((), (), ()),
        ((3, 9000), (1, 9000), (3, 1)),  # more than a block
        ((20_000,), (20_000,), (20_000,)),
        ((1, 20_000), (), (20_000,)),
    ],
)
def test_fma_f32_of_shapes(shapes):
    a, b, c = (ordinary(*shape) for shape in shapes)
    assert fast(a, b, c).tobytes() == c_fma(a, b, c).tobytes()


HAIR = np.float32(2.0**-20)
LESS = 1 + HAIR, 1 - HAIR  # whose product is less than 1 by 2^-40
MORE = 1 + np.float32(2.0**-12), 1 - np.float32(2.0**-12 - 2.0**-24)  # more than 1 by 2^-36
HALF = np.float32(2.0**-75)  # its square is half the smallest number
TWICE_WRONG = {
    "less than a tie that would go up": (LESS[0], LESS[1] * 2.0**-24, 1 + 2.0**-23),
    "more than a tie that would go down": (MORE[0], MORE[1] * 2.0**-24, 1.0),
    "subnormal, less than a tie": (LESS[0] * HALF, LESS[1] * HALF, 2.0**-127 + 2.0**-149),
    "subnormal, more than a tie": (MORE[0] * HALF, MORE[1] * HALF, 2.0**-127 + 2.0**-148),
    "below a tie with the smallest normal": (-MORE[0] * HALF, MORE[1] * HALF, 2.0**-126),
}
DOUBTFUL = TWICE_WRONG | {
    "less than a tie that goes down": (LESS[0], LESS[1] * 2.0**-24, 1.0),
    "a tie": (1.0, 2.0**-24, 1.0),
    "a tie that goes up": (1.0, 2.0**-24, 1 + 2.0**-23),
    "less than half the smallest": (LESS[0] * HALF, LESS[1] * HALF, 0.0),
    "more than half the smallest": (MORE[0] * HALF, MORE[1] * HALF, 0.0),
    "NaN": (np.nan, 1.0, 1.0),
    "a NaN of another pattern": (1.0, 1.0, np.uint32(0xFFC12345).view(np.float32)),
    "infinity less infinity": (np.inf, 1.0, -np.inf),
    "zero times infinity": (0.0, np.inf, 1.0),
    "overflow": (3e38, 2.0, 0.0),
    "overflow by half a unit": (2.0**103, 1.0, 3.4028235e38),
    "zero": (1.0, -1.0, 1.0),
    "negative zero": (-1.0, 0.0, -0.0),
}


@pytest.mark.parametrize("case", DOUBTFUL)
@pytest.mark.parametrize("sign", [1, -1])
def test_fma_f32_sees_one_doubtful_element(case, sign):
    a, b, c = (ordinary(3, 50) for _ in range(3))
    a[1, 7], b[1, 7], c[1, 7] = DOUBTFUL[case]
    a[1, 7], c[1, 7] = sign * a[1, 7], sign * c[1, 7]
    assert fast(a, b, c).tobytes() == c_fma(a, b, c).tobytes()


@pytest.mark.parametrize("case", TWICE_WRONG)
def test_rounding_twice_is_wrong(case):
    """Else the cases would show nothing."""
    a, b, c = map(np.float32, TWICE_WRONG[case])
    with np.errstate(under="ignore"):
        twice = np.float32(np.float64(a) * b + c)
    assert twice != c_fma(a, b, c)


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("doubt", [False, True])
def test_fma_f32_into_an_operand(which, doubt):
    operands = [ordinary(4, 40), ordinary(4, 40) + 1, ordinary(4, 40) + 2]
    if doubt:
        for x, value in zip(operands, TWICE_WRONG["less than a tie that would go up"], strict=True):
            x[0, 0] = value
        operands[0][1, 1] = np.nan
    want = c_fma(*operands)
    floats.fma_f32(*operands, operands[which])
    assert operands[which].tobytes() == want.tobytes()


def test_fma_f32_of_every_second_element():
    a, b, c, out = (ordinary(8, 60)[::2, ::2] for _ in range(4))
    floats.fma_f32(a, b, c, out)
    assert out.tobytes() == c_fma(a, b, c).tobytes()


# NaN, .ftz, .sat, .relu


def test_nan_of_f64():
    """The first NaN operand, made quiet; CUDART_NAN where no operand is NaN."""
    first, second = 0x7FF0000000000123, 0xFFF8000000000456
    quiet = first | 1 << 51
    one, inf = 0x3FF0000000000000, 0x7FF0000000000000

    def of(op, *operands, **options):
        return patterns(
            "f64", getattr(floats, op)("f64", *(array("f64", [x]) for x in operands), **options)
        )

    assert of("add", first, second) == [quiet] == of("mul", first, one)
    assert of("add", second, first) == [second] == of("sub", one, second)
    assert of("fma", one, second, first) == [second] == of("div", one, second)
    assert of("fma", one, one, first, rounding="rm") == [quiet] == of("sqrt", first)
    assert of("sub", inf, inf) == [0xFFF8000000000000] == of("mul", inf, 0)
    assert of("maximum", first, second) == [quiet]
    assert of("absolute", second) == [second] == of("neg", second)


def subnormals(kind):
    layout = LAYOUT[kind]
    return [
        1,
        5 | layout.sign,
        (1 << layout.fraction) - 1,
        layout.sign | (1 << layout.fraction) - 1,
    ]


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        *((op, kind) for op in ("add", "sub", "mul", "fma") for kind in ("f16", "f32")),
        *((op, "f32") for op in ("div", "sqrt", "rcp")),
    ],
)
def test_ftz(op, kind):
    """As if subnormal operands, and then results, were zeros of their sign."""

    def zero(pattern):
        small = pattern is not None and pattern & ~layout.sign < 1 << layout.fraction
        return pattern & layout.sign if small else pattern

    layout = LAYOUT[kind]
    draw = Draw(kind, seed=2)
    operands = draw.operands(COUNT_OF.get(op, 2))
    got = getattr(floats, op)(kind, *(array(kind, x) for x in operands), ftz=True)
    rows = zip(*([zero(p) for p in x] for x in operands), strict=True)
    want = [zero(expected(op, kind, "rn", *row)) for row in rows]
    same(kind, got, want, *operands)
    flushed = sum(w in (0, layout.sign) for w in want)
    assert flushed > COUNT / 10


def test_f64_is_never_flushed():
    x = array("f64", subnormals("f64"))
    assert patterns("f64", floats.add("f64", x, x * 0, ftz=True)) == subnormals("f64")


@pytest.mark.parametrize("kind", ["f16", "f32"])
def test_sat_and_relu(kind):
    x = np.array([-np.inf, -1, -0.0, 0.0, 1e-7, 0.5, 1, 2, np.inf, np.nan], FORMATS[kind].dtype)
    one, zero = np.ones_like(x), np.full_like(x, -0.0)
    want = np.array([0, 0, 0, 0, x[4], 0.5, 1, 1, 1, 0], x.dtype)
    for got in (
        floats.add(kind, x, zero, sat=True),
        floats.sub(kind, x, -zero, sat=True),
        floats.mul(kind, x, one, sat=True),
        floats.fma(kind, x, one, zero, sat=True),
    ):
        assert got.dtype == x.dtype
        assert got.tobytes() == want.tobytes()
    want = np.array([0, 0, 0, 0, x[4], 0.5, 1, 2, np.inf, 0], x.dtype)
    want.view(FORMATS[kind].bits)[-1] = NAN[kind]
    assert floats.fma(kind, x, one, zero, relu=True).tobytes() == want.tobytes()


def test_relu_of_bf16():
    x = array("bf16", [0x8000, 0xBF80, 0x3F80, 0xFFC1])
    one, zero = array("bf16", [0x3F80]), array("bf16", [0x8000])
    assert patterns("bf16", floats.fma("bf16", x, one, zero, relu=True)) == [0, 0, 0x3F80, 0x7FFF]


# Signs, extremes, comparisons


@pytest.mark.parametrize("kind", KINDS)
def test_neg_absolute_copysign(kind):
    layout, draw = LAYOUT[kind], Draw(kind)
    a, b = draw.operands(2)
    x, y = array(kind, a), array(kind, b)
    some = [not is_nan(kind, p) for p in a]
    for got, want in (
        (floats.neg(kind, x), [p ^ layout.sign for p in a]),
        (floats.absolute(kind, x), [p & ~layout.sign for p in a]),
    ):
        assert [g for g, s in zip(patterns(kind, got), some, strict=True) if s] == [
            w for w, s in zip(want, some, strict=True) if s
        ]
        if kind != "f64":
            assert {g for g, s in zip(patterns(kind, got), some, strict=True) if not s} == {
                NAN[kind]
            }
    want = [(p & layout.sign) | (q & ~layout.sign) for p, q in zip(a, b, strict=True)]
    assert patterns(kind, floats.copysign(kind, x, y)) == want


@pytest.mark.parametrize("kind", ["f16", "f32"])
def test_neg_absolute_ftz(kind):
    x, sign = array(kind, subnormals(kind)), LAYOUT[kind].sign
    assert patterns(kind, floats.neg(kind, x, ftz=True)) == [sign, 0, sign, 0]
    assert patterns(kind, floats.absolute(kind, x, ftz=True)) == [0] * 4


def extreme(kind, least, nan, xorsign, a, b):
    """min and max of the pseudo-code in PTX ISA 9.7.3.11 and 9.7.3.12."""
    layout = LAYOUT[kind]
    flip = (a ^ b) & layout.sign
    if xorsign:
        a, b = a & ~layout.sign, b & ~layout.sign
    if is_nan(kind, a) or is_nan(kind, b):
        if nan or (is_nan(kind, a) and is_nan(kind, b)):
            return None
        d = b if is_nan(kind, a) else a
    else:
        order = sorted((a, b), key=lambda p: p if p < layout.sign else layout.sign - 1 - p)
        d = order[0 if least else 1]
    return (d & ~layout.sign) | flip if xorsign else d


@pytest.mark.parametrize("xorsign", [False, True])
@pytest.mark.parametrize("nan", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_minimum_maximum(kind, nan, xorsign):
    a, b = Draw(kind).operands(2)
    for least, function in ((True, floats.minimum), (False, floats.maximum)):
        got = function(kind, array(kind, a), array(kind, b), nan=nan, xorsign=xorsign)
        want = [extreme(kind, least, nan, xorsign, *pair) for pair in zip(a, b, strict=True)]
        same(kind, got, want, a, b)


def test_minimum_flushes():
    tiny = np.float32(1e-40)
    got = floats.minimum("f32", np.array([tiny, -tiny]), np.array([1, 1], np.float32), ftz=True)
    assert patterns("f32", got) == [0, 1 << 31]


@pytest.mark.parametrize("kind", KINDS)
def test_compare(kind):
    a, b = Draw(kind).operands(2)
    x, y = array(kind, a), array(kind, b)
    numbers = [(number(kind, p), number(kind, q)) for p, q in zip(a, b, strict=True)]
    python = {
        "eq": lambda p, q: p == q,
        "ne": lambda p, q: p != q,
        "lt": lambda p, q: p < q,
        "le": lambda p, q: p <= q,
        "gt": lambda p, q: p > q,
        "ge": lambda p, q: p >= q,
    }
    ordered = [not (p != p or q != q) for p, q in numbers]
    for op, function in python.items():
        plain = [function(p, q) for p, q in numbers]
        want = [w and o for w, o in zip(plain, ordered, strict=True)]
        assert floats.compare(op, kind, x, y).tolist() == want, op
        want = [w or not o for w, o in zip(plain, ordered, strict=True)]
        assert floats.compare(op + "u", kind, x, y).tolist() == want, op + "u"
    assert floats.compare("num", kind, x, y).tolist() == ordered
    assert floats.compare("nan", kind, x, y).tolist() == [not o for o in ordered]
    assert not all(ordered)


def test_compare_flushes():
    tiny, zero = np.array([1e-40], np.float32), np.array([-0.0], np.float32)
    assert floats.compare("eq", "f32", tiny, zero, ftz=True).tolist() == [True]
    assert floats.compare("eq", "f32", tiny, zero).tolist() == [False]


@pytest.mark.parametrize("kind", KINDS)
def test_testp(kind):
    layout = LAYOUT[kind]
    cases = {
        "zero": [0, layout.sign],
        "subnormal": subnormals(kind),
        "normal": [1 << layout.fraction, layout.sign | layout.infinity - 1],
        "infinite": [layout.infinity, layout.sign | layout.infinity],
        "notanumber": [layout.infinity + 1, layout.sign | layout.infinity | layout.infinity >> 1],
    }
    true = {
        "finite": {"zero", "subnormal", "normal"},
        "infinite": {"infinite"},
        "number": {"zero", "subnormal", "normal", "infinite"},
        "notanumber": {"notanumber"},
        "normal": {"zero", "normal"},
        "subnormal": {"subnormal"},
    }
    for op, of in true.items():
        for name, some in cases.items():
            got = floats.testp(op, kind, array(kind, some))
            assert got.tolist() == [name in of] * len(some), (op, name)


# Approximate functions


APPROXIMATE = {
    "ex2": lambda x: 2.0**x,
    "lg2": math.log2,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "sqrt": math.sqrt,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "rcp": lambda x: 1 / x,
}


@pytest.mark.parametrize("op", APPROXIMATE)
def test_approximate(op):
    """Within half a unit of the last place, and a hair for the float64 functions."""
    low = 0.001 if op in ("lg2", "sqrt", "rsqrt", "rcp") else -6
    x = np.random.default_rng(0).uniform(low, 6, 1000).astype(np.float32)
    got = approximate(op, x)
    assert got.dtype == np.float32
    want = np.array([APPROXIMATE[op](float(v)) for v in x])
    assert (np.abs(got - want) <= np.spacing(np.abs(want).astype(np.float32)) * 0.501).all()


INF, NONE = math.inf, math.nan
TABLES = {  # PTX ISA 9.7.3.13 to 9.7.3.22: of -Inf, -normal, -0, +0, +Inf, NaN
    "rcp": [-0.0, -0.5, -INF, INF, 0.0, NONE],
    "sqrt": [NONE, NONE, -0.0, 0.0, INF, NONE],
    "rsqrt": [NONE, NONE, -INF, INF, 0.0, NONE],
    "sin": [NONE, math.sin(-2), -0.0, 0.0, NONE, NONE],
    "cos": [NONE, math.cos(-2), 1.0, 1.0, NONE, NONE],
    "lg2": [NONE, NONE, -INF, -INF, INF, NONE],
    "ex2": [0.0, 0.25, 1.0, 1.0, INF, NONE],
    "tanh": [-1.0, math.tanh(-2), -0.0, 0.0, 1.0, NONE],
}


@pytest.mark.parametrize("op", TABLES)
def test_approximate_tables(op):
    x = np.array([-INF, -2, -0.0, 0.0, INF, NONE], np.float32)
    want = np.array(TABLES[op], np.float32)
    want.view(np.uint32)[np.isnan(want)] = NAN["f32"]
    assert patterns("f32", approximate(op, x)) == patterns("f32", want)


@pytest.mark.parametrize("op", ["rcp", "rsqrt", "lg2", "ex2", "sin", "sqrt"])
def test_approximate_ftz(op):
    """Subnormal operands are zeros; results too."""
    x = array("f32", subnormals("f32"))
    zeros = array("f32", [0, 1 << 31, 0, 1 << 31])
    assert patterns("f32", approximate(op, x, ftz=True)) == patterns("f32", approximate(op, zeros))
    if op == "ex2":
        x = np.array([-130, -126], np.float32)
        assert approximate(op, x, ftz=True).tolist() == [0, 2.0**-126]
        assert approximate(op, x).tolist() == [2.0**-130, 2.0**-126]


@pytest.mark.parametrize("op", ["ex2", "tanh"])
@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_approximate_halves(kind, op):
    """Every pattern, against the nearest number to the float64 function."""
    every = [p for p in range(1 << 16) if not is_nan(kind, p)]
    got = patterns(kind, approximate(op, array(kind, every)))
    for pattern, one in list(zip(every, got, strict=True))[::37]:
        value = number(kind, pattern)
        try:
            exact = APPROXIMATE[op](float(value))
        except OverflowError:
            exact = INF
        negative = math.copysign(1, exact) < 0 or (pattern >> 15 and op == "tanh")
        want = (
            LAYOUT[kind].infinity
            if exact == INF
            else nearest_pattern(kind, Fraction(exact), "rn", negative)
        )
        assert one == want, hex(pattern)


def test_divisions():
    largest = np.float32(3.4028235e38)
    a = np.array([1, -1, INF, -3, 6, largest], np.float32)
    b = np.array([2.0**127, 2.0**127, 2.0**127, -INF, 3, -largest], np.float32)
    got = approximate("div.approx", a, b)
    assert patterns("f32", got) == [0, 1 << 31, NAN["f32"], 0, 0x40000000, 1 << 31]
    got = approximate("div.full", a, b)
    assert got.tolist() == [2.0**-127, -(2.0**-127), INF, 0, 2, -1]
    assert approximate("div.full", a, b, ftz=True).tolist() == [0, 0, INF, 0, 2, -1]


def test_gross_f64():
    """rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64: the upper words alone."""
    x = array("f64", [0x4008000012345678, 1, 0x8000000000000001, 0xFFF0000000000000, 0x7FF8 << 48])
    got = patterns("f64", approximate("rcp", x, ftz=True))
    infinity, nan = 0x7FF << 52, 0x7FFFFFFF << 32
    assert got == [0x3FD5555500000000, infinity, infinity | 1 << 63, 1 << 63, nan]
    x = array("f64", [0x4010000000000001, 0x8000000000000001, 0xBFF0000000000000])
    got = patterns("f64", approximate("rsqrt", x, ftz=True))
    assert got == [0x3FE0000000000000, infinity | 1 << 63, nan]
    assert approximate("rsqrt", np.array([2.0])).tolist() == [1 / math.sqrt(2)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_warning_and_no_shape(kind):
    """Arrays without dimensions, and everything that could warn."""
    every = [array(kind, x) for x in Draw(kind, seed=3).operands(3)]
    one = [array(kind, p) for p in (1, LAYOUT[kind].infinity, 0)]
    for operands in (every, one):
        for op in ("add", "mul", "fma"):
            some = operands if op == "fma" else operands[:2]
            for mode in MODES:
                got = getattr(floats, op)(kind, *some, rounding=mode)
                assert got.shape == some[0].shape
        assert floats.maximum(kind, *operands[:2]).shape == operands[0].shape
        assert floats.compare("lt", kind, *operands[:2]).shape == operands[0].shape
        assert floats.neg(kind, operands[0]).shape == operands[0].shape
