"""Comparisons, selections, moves, numbers and guards, of integers."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.ptx_integers import BITS, LOGIC, WHOLE, check, width
from tests.ptx_running import compute

COMPARE: dict[str, Callable[[int, int], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lo": lambda a, b: a < b,
    "ls": lambda a, b: a <= b,
    "hi": lambda a, b: a > b,
    "hs": lambda a, b: a >= b,
}


@pytest.mark.parametrize("kind", WHOLE + BITS)
def test_comparisons(kind: str) -> None:
    for name, holds in COMPARE.items():
        if name in {"b": tuple(COMPARE)[2:], "s": ("lo", "ls", "hi", "hs")}.get(kind[0], ()):
            continue
        # Equal values are rare among random ones.
        near = f"and.b{width(kind)} %a0, %a0, 3; and.b{width(kind)} %a1, %a1, 3;"
        for before, mask in (("", -1), (near, 3)):

            def answer(a: int, b: int, f: Callable[[int, int], bool] = holds, m: int = mask) -> int:
                return int(f(a & m, b & m))

            pair = (kind, kind)
            check(f"{before} setp.{name}.{kind} %x0, %a0, %a1;", "pred", pair, answer)
        check(
            f"setp.{name}.{kind} %p0|%x0, %a0, %a1;",
            "pred",
            pair,
            lambda a, b, f=holds: not f(a, b),
        )
    check(f"setp.eq.{kind} %x0, %a0, 1;", "pred", (kind,), lambda a: int(a == 1))


@pytest.mark.parametrize("join", LOGIC)
@pytest.mark.parametrize("negated", [False, True])
def test_comparisons_joined_with_a_predicate(join: str, negated: bool) -> None:
    sources, sign = ("s32", "s32", "pred"), "!" * negated

    def wanted(a: int, b: int, c: int) -> int:
        return LOGIC[join](int(a < b), c ^ negated)

    def opposite(a: int, b: int, c: int) -> int:
        return LOGIC[join](int(a >= b), c ^ negated)

    check(f"setp.lt.{join}.s32 %x0|%p0, %a0, %a1, {sign}%a2;", "pred", sources, wanted)
    check(f"setp.lt.{join}.s32 %p0|%x0, %a0, %a1, {sign}%a2;", "pred", sources, opposite)
    code = f"set.lt.{join}.u32.s32 %x0, %a0, %a1, {sign}%a2;"
    check(code, "u32", sources, lambda *v: 0xFFFFFFFF * wanted(*v))


def test_selections_and_sets() -> None:
    for kind in (*BITS, *WHOLE):
        check(
            f"selp.{kind} %x0, %a0, %a1, %a2;",
            kind,
            (kind, kind, "pred"),
            lambda a, b, c: a if c else b,
        )
        code = f"slct.{kind}.s32 %x0, %a0, %a1, %a2;"
        check(code, kind, (kind, kind, "s32"), lambda a, b, c: a if c >= 0 else b)
        if kind[0] != "b":
            check(
                f"set.le.s32.{kind} %x0, %a0, %a1;", "s32", (kind, kind), lambda a, b: -int(a <= b)
            )
            check(
                f"set.le.f32.{kind} %x0, %a0, %a1;",
                "b32",
                (kind, kind),
                lambda a, b: 0x3F800000 * (a <= b),
            )


def test_a_selection_by_the_sign_of_a_float() -> None:
    """Zeros of either sign are not negative, nor is with .ftz what is flushed to them; NaN is."""
    one, small, nan = 0x3F800000, 1, 0x7FC00000
    signs = [0, 1 << 31, one, one | 1 << 31, small, small | 1 << 31, nan]
    for ftz in (False, True):
        code = f"slct{'.ftz' * ftz}.u32.f32 %x0, 1, 2, %a0;"
        (found,) = compute(code, ["u32"], ["u32"], np.array(signs, np.uint32))
        assert found.tolist() == [1, 1, 1, 2, 1, 1 if ftz else 2, 2]


def test_moves() -> None:
    for kind in (*BITS, *WHOLE):
        check(f"mov.{kind} %x0, %a0;", kind, (kind,), lambda a: a)
    check("mov.b32 %x0, {%a0, %a1};", "b32", ("b16", "b16"), lambda a, b: a | b << 16)
    check("mov.b64 %x0, {%a0, %a1};", "b64", ("b32", "b32"), lambda a, b: a | b << 32)
    check(
        "mov.b64 %x0, {%a0, %a1, %a0, %a1};",
        "b64",
        ("b16", "b16"),
        lambda a, b: (a | b << 16) * 0x100000001,
    )
    check("mov.b32 {%h0, %x0}, %a0;", "b16", ("b32",), lambda a: a >> 16)
    check("mov.b32 {%x0, %h0}, %a0;", "b16", ("b32",), lambda a: a)
    check("mov.b64 {%h0, %h1, %x0, %h2}, %a0;", "b16", ("b64",), lambda a: a >> 32)
    check("mov.b64 {_, %x0}, %a0;", "b32", ("b64",), lambda a: a >> 32)
    check(
        "mov.b64 {%x0, %a0}, %a1; xor.b32 %x0, %x0, %a0;",
        "b32",
        ("b32", "b64"),
        lambda a, b: b ^ b >> 32,
    )


@pytest.mark.parametrize(
    "text", ["7", "-7", "0x7F", "017", "0b101", "0xFFFFFFFF", "0xffffU", "12U"]
)
def test_numbers_in_the_text(text: str) -> None:
    digits = text.rstrip("U")
    value = (
        int(digits, 8)
        if digits[0] == "0" and digits.isdecimal() and len(digits) > 1
        else int(digits, 0)
    )
    check(f"add.s32 %x0, %a0, {text};", "s32", ("s32",), lambda a: a + value)
    check(f"xor.b16 %x0, %a0, {text};", "b16", ("b16",), lambda a: a ^ value)


@pytest.mark.parametrize("guard", ["@%p0", "@!%p0"])
def test_a_guard_keeps_what_was(guard: str) -> None:
    taken = guard == "@%p0"
    code = f"setp.lt.s32 %p0, %a0, 0; mov.b32 %x0, %a1; {guard} add.s32 %x0, %a1, %a0;"
    check(code, "s32", ("s32", "s32"), lambda a, b: b + a if (a < 0) == taken else b)
    pair = f"mov.b32 %x0, %a1; setp.lt.s32 %p0, %a0, 0; {guard} mov.b64 {{%r0, %x0}}, %q0; "
    check(pair, "b32", ("s32", "b32"), lambda a, b: b if (a < 0) != taken else ADDRESS)


ADDRESS = 1 << 8
"""The upper half of the address of the first buffer, beginning at 1 << 40."""
