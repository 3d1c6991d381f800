"""Logic, shifts, fields and permutations of bits, against the text of the PTX ISA."""

from random import Random

import numpy as np
import pytest

from tests.ptx_integers import BITS, LOGIC, WHOLE, check, width, wrap
from tests.ptx_running import compute


@pytest.mark.parametrize("kind", BITS)
def test_logic(kind: str) -> None:
    for name, wanted in LOGIC.items():
        check(f"{name}.{kind} %x0, %a0, %a1;", kind, (kind, kind), wanted)
    check(f"not.{kind} %x0, %a0;", kind, (kind,), lambda a: ~a)
    check(f"cnot.{kind} %x0, %a0;", kind, (kind,), lambda a: int(a == 0))


def test_logic_of_predicates() -> None:
    for name, wanted in LOGIC.items():
        check(f"{name}.pred %x0, %a0, %a1;", "pred", ("pred", "pred"), wanted)
        check(
            f"{name}.pred %x0, %a0, !%a1;",
            "pred",
            ("pred", "pred"),
            lambda a, b, f=wanted: f(a, b ^ 1),
        )
    check("not.pred %x0, %a0;", "pred", ("pred",), lambda a: a ^ 1)
    check("mov.pred %x0, %a0;", "pred", ("pred",), lambda a: a)


def test_predicates_and_their_opposites_side_by_side() -> None:
    """Instructions that are ready together may run as one; a `!` belongs to one of them alone."""
    code = """and.pred %p0, %a0, %a1; and.pred %p1, %a0, !%a1; or.pred %p2, !%a0, %a1;
    selp.u32 %r0, 1, 0, %p0; selp.u32 %r1, 2, 0, %p1; selp.u32 %r2, 0, 4, !%p2;
    add.u32 %r0, %r0, %r1; add.u32 %x0, %r0, %r2;"""
    check(
        code,
        "u32",
        ("pred", "pred"),
        lambda a, b: (a & b) + 2 * (a & b ^ 1) * (b ^ 1) * a + 4 * ((a ^ 1) | b),
    )


@pytest.mark.parametrize("kind", BITS + WHOLE)
def test_shifts_beyond_the_width_leave_nothing_or_the_sign(kind: str) -> None:
    bits = width(kind)
    check(f"shr.{kind} %x0, %a0, %a1;", kind, (kind, "u32"), lambda a, b: a >> min(b, bits))
    if kind[0] == "b":
        check(f"shl.{kind} %x0, %a0, %a1;", kind, (kind, "u32"), lambda a, b: a << min(b, bits))
        for by in (0, 1, bits - 1, bits, 200):
            check(f"shl.{kind} %x0, %a0, {by};", kind, (kind,), lambda a, n=by: a << n)


@pytest.mark.parametrize("way", ["l", "r"])
@pytest.mark.parametrize("mode", ["wrap", "clamp"])
def test_funnel_shifts(way: str, mode: str) -> None:
    def wanted(a: int, b: int, c: int) -> int:
        n = min(c, 32) if mode == "clamp" else c & 31
        return (b << n | a >> 32 - n) if way == "l" else (b << 32 - n | a >> n)

    check(f"shf.{way}.{mode}.b32 %x0, %a0, %a1, %a2;", "b32", ("b32", "b32", "u32"), wanted)


def test_every_function_of_three_bits() -> None:
    """As many as the machine runs at once, so of each word one value is enough."""
    random = Random(3)
    words = [[random.getrandbits(32) for _ in range(4)] for _ in range(3)]
    tables = [*random.sample(range(256), 48), 0x00, 0xFF, 0xF0, 0xCC, 0xAA, 0x96, 0xE8, 0x80, 0xFE]
    code = "".join(f"lop3.b32 %x{n}, %a0, %a1, %a2, {t};" for n, t in enumerate(tables))
    arrays = [np.array(w, np.uint32) for w in words]
    found = compute(code, ["b32"] * len(tables), ["b32"] * 3, *arrays)
    for table, got in zip(tables, found, strict=True):
        for thread, value in enumerate(got.tolist()):
            a, b, c = (w[thread] for w in words)
            bit = [
                table >> (4 * (a >> i & 1) + 2 * (b >> i & 1) + (c >> i & 1)) & 1 for i in range(32)
            ]
            assert value == sum(b_ << i for i, b_ in enumerate(bit)), table


@pytest.mark.parametrize("kind", ["u32", "s32", "u64", "s64"])
def test_fields_of_bits(kind: str) -> None:
    msb, plain = width(kind) - 1, f"b{width(kind)}"

    def extract(a: int, b: int, c: int) -> int:
        pos, length, raw = b & 255, c & 255, wrap(plain, a)
        sbit = 0 if kind[0] == "u" or length == 0 else raw >> min(pos + length - 1, msb) & 1
        inside = [
            raw >> pos + i & 1 if i < length and pos + i <= msb else sbit for i in range(msb + 1)
        ]
        return sum(bit << i for i, bit in enumerate(inside))

    check(f"bfe.{kind} %x0, %a0, %a1, %a2;", kind, (kind, "u32", "u32"), extract)
    for start, length in ((0, 0), (0, msb + 1), (5, 3), (msb, 1), (msb - 3, 9), (msb + 1, 4)):
        code = f"bfe.{kind} %x0, %a0, {start}, {length};"
        check(code, kind, (kind,), lambda a, s=start, n=length: extract(a, s, n))

    def insert(a: int, b: int, c: int, d: int) -> int:
        pos, length = c & 255, d & 255
        for i in range(length):
            if pos + i <= msb:
                b = b & ~(1 << pos + i) | (a >> i & 1) << pos + i
        return b

    check(f"bfi.{plain} %x0, %a0, %a1, %a2, %a3;", plain, (plain, plain, "u32", "u32"), insert)


@pytest.mark.parametrize("bits", [32, 64])
def test_bits_are_counted_and_found(bits: int) -> None:
    kind = f"b{bits}"
    check(f"popc.{kind} %x0, %a0;", "u32", (kind,), lambda a: a.bit_count())
    check(f"clz.{kind} %x0, %a0;", "u32", (kind,), lambda a: bits - a.bit_length())
    check(f"brev.{kind} %x0, %a0;", kind, (kind,), lambda a: int(f"{a:0{bits}b}"[::-1], 2))
    for of in (f"u{bits}", f"s{bits}"):

        def highest(a: int) -> int:
            return (~a if a < 0 else a).bit_length() - 1

        check(f"bfind.{of} %x0, %a0;", "u32", (of,), highest)
        code = f"bfind.shiftamt.{of} %x0, %a0;"
        check(code, "u32", (of,), lambda a: -1 if highest(a) < 0 else bits - 1 - highest(a))


MODES = {  # PTX ISA, prmt: the sources of d.b3 to d.b0 for the selectors 0 to 3
    "f4e": ("3210", "4321", "5432", "6543"),
    "b4e": ("5670", "6701", "7012", "0123"),
    "rc8": ("0000", "1111", "2222", "3333"),
    "ecl": ("3210", "3211", "3222", "3333"),
    "ecr": ("0000", "1110", "2210", "3210"),
    "rc16": ("1010", "3232", "1010", "3232"),
}


def test_permutations_of_bytes() -> None:
    def byte(a: int, b: int, at: int) -> int:
        return (a | b << 32) >> 8 * at & 255

    def wanted(a: int, b: int, c: int) -> int:
        total = 0
        for place in range(4):
            nibble = c >> 4 * place & 15
            found = byte(a, b, nibble & 7)
            total |= (255 * (found >> 7) if nibble & 8 else found) << 8 * place
        return total

    check("prmt.b32 %x0, %a0, %a1, %a2;", "b32", ("b32",) * 3, wanted)
    for mode, table in MODES.items():

        def chosen(a: int, b: int, c: int, rows: tuple[str, ...] = table) -> int:
            return sum(byte(a, b, int(at)) << 8 * (3 - n) for n, at in enumerate(rows[c & 3]))

        check(f"prmt.b32.{mode} %x0, %a0, %a1, %a2;", "b32", ("b32",) * 3, chosen)
