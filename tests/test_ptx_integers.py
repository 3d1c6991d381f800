"""Integer arithmetic in every type, against Python's own integers and the text of the PTX ISA."""

from collections.abc import Callable

import pytest

from tests.ptx_integers import SIGNED, WHOLE, check, width, wrap

WIDE = {"u16": "u32", "s16": "s32", "u32": "u64", "s32": "s64"}


def quotient(a: int, b: int) -> int:
    """Towards zero. Of a zero b the ISA says nothing: no test may ask."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


TWO: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul.lo": lambda a, b: a * b,
    "min": min,
    "max": max,
}


@pytest.mark.parametrize("kind", WHOLE)
def test_two_operands(kind: str) -> None:
    for name, wanted in TWO.items():
        check(f"{name}.{kind} %x0, %a0, %a1;", kind, (kind, kind), wanted)
    bits = width(kind)
    check(f"mul.hi.{kind} %x0, %a0, %a1;", kind, (kind, kind), lambda a, b: a * b >> bits)
    for part, shift in (("lo", 0), ("hi", bits)):
        code = f"mad.{part}.{kind} %x0, %a0, %a1, %a2;"
        check(code, kind, (kind,) * 3, lambda a, b, c, by=shift: (a * b >> by) + c)
    code = f"sad.{kind} %x0, %a0, %a1, %a2;"
    check(code, kind, (kind,) * 3, lambda a, b, c: c + abs(a - b))


@pytest.mark.parametrize("kind", WHOLE)
def test_division_is_towards_zero(kind: str) -> None:
    never_zero = f"setp.eq.{kind} %p0, %a1, 0; @%p0 mov.b{width(kind)} %a1, 7;"
    pair = (kind, kind)
    check(f"{never_zero} div.{kind} %x0, %a0, %a1;", kind, pair, lambda a, b: quotient(a, b or 7))
    code = f"{never_zero} rem.{kind} %x0, %a0, %a1;"
    check(code, kind, pair, lambda a, b: a - quotient(a, b or 7) * (b or 7))


@pytest.mark.parametrize("kind", SIGNED)
def test_one_operand(kind: str) -> None:
    check(f"neg.{kind} %x0, %a0;", kind, (kind,), lambda a: -a)
    check(f"abs.{kind} %x0, %a0;", kind, (kind,), abs)


def test_products_that_are_wider_or_of_24_bits() -> None:
    for kind, wide in WIDE.items():
        check(f"mul.wide.{kind} %x0, %a0, %a1;", wide, (kind, kind), lambda a, b: a * b)
        code = f"mad.wide.{kind} %x0, %a0, %a1, %a2;"
        check(code, wide, (kind, kind, wide), lambda a, b, c: a * b + c)
    for kind in ("u32", "s32"):
        for part, shift in (("lo", 0), ("hi", 16)):

            def product(a: int, b: int, c: int = 0, of: str = kind, by: int = shift) -> int:
                a, b = (wrap(f"{of[0]}24", v) for v in (a, b))
                return (a * b >> by) + c

            check(f"mul24.{part}.{kind} %x0, %a0, %a1;", kind, (kind,) * 2, product)
            check(f"mad24.{part}.{kind} %x0, %a0, %a1, %a2;", kind, (kind,) * 3, product)


def test_saturation() -> None:
    def clamp(value: int) -> int:
        return max(-(2**31), min(2**31 - 1, value))

    check("add.sat.s32 %x0, %a0, %a1;", "s32", ("s32",) * 2, lambda a, b: clamp(a + b))
    check("sub.sat.s32 %x0, %a0, %a1;", "s32", ("s32",) * 2, lambda a, b: clamp(a - b))
    code = "mad.hi.sat.s32 %x0, %a0, %a1, %a2;"
    check(code, "s32", ("s32",) * 3, lambda a, b, c: clamp((a * b >> 32) + c))


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("sign", "us")
def test_carries(bits: int, sign: str) -> None:
    """Numbers of three registers; a borrow is a carry too."""
    kind, pair = f"{sign}{bits}", (f"u{bits}",) * 6
    t = "%r1" if bits == 32 else "%q20"
    low = (1 << bits) - 1

    def whole(a: int, b: int, c: int) -> int:
        return a | b << bits | c << 2 * bits

    for name, sign_of in (("add", 1), ("sub", -1)):
        for word in range(3):
            names = (f"{name}.cc", f"{name}c.cc", f"{name}c")
            code = "".join(
                f"{one}.{kind} {'%x0' if n == word else t}, %a{n}, %a{n + 3};"
                for n, one in enumerate(names)
            )

            def wanted(
                a: int, b: int, c: int, d: int, e: int, f: int, at: int = word, s: int = sign_of
            ) -> int:
                return (whole(a, b, c) + s * whole(d, e, f)) >> at * bits & low

            check(code, f"u{bits}", pair, wanted)


@pytest.mark.parametrize("bits", [32, 64])
def test_products_with_carries(bits: int) -> None:
    kind, low = f"u{bits}", (1 << bits) - 1
    t = "%r1" if bits == 32 else "%q20"
    product = f"mad.lo.cc.{kind} {t}, %a0, %a1, %a2; madc.hi.{kind} %x0, %a0, %a1, %a3;"

    def wanted(a: int, b: int, c: int, d: int) -> int:
        return (a * b + (c | d << bits)) >> bits

    check(product, kind, (kind,) * 4, wanted)
    chain = f"""mad.hi.cc.{kind} {t}, %a0, %a1, %a2; madc.lo.cc.{kind} {t}, %a0, %a2, %a3;
    addc.{kind} %x0, 0, 0;"""

    def carried(a: int, b: int, c: int, d: int) -> int:
        first = (a * b >> bits) + c
        return ((a * c & low) + d + (first >> bits)) >> bits

    check(chain, kind, (kind,) * 4, carried)


@pytest.mark.parametrize("first", ["u32", "s32"])
@pytest.mark.parametrize("second", ["u32", "s32"])
def test_products_of_bytes(first: str, second: str) -> None:
    def part(kind: str, value: int, at: int, bits: int = 8) -> int:
        return wrap(f"{kind[0]}{bits}", value >> bits * at)

    result = "s32" if "s32" in (first, second) else "u32"

    def wanted(a: int, b: int, c: int) -> int:
        return c + sum(part(first, a, n) * part(second, b, n) for n in range(4))

    code = f"dp4a.{first}.{second} %x0, %a0, %a1, %a2;"
    check(code, result, ("b32", "b32", result), wanted)
