"""Integer arithmetic and logic (PTX ISA, "Integer Arithmetic", "Logic and Shift Instructions")."""

from collections.abc import Callable

import numpy as np

from tiling.ptx.build import Group, Step, builds
from tiling.ptx.forms import DTYPE, kinds, size
from tiling.ptx.registers import Array, Mask, Read

WIDE = {"u16": "u32", "s16": "s32", "u32": "u64", "s32": "s64"}
WHOLE = kinds("us", (16, 32, 64))


def unsigned(kind: str) -> str:
    """The unsigned type of the same width, in which everything wraps around."""
    return f"u{8 * size(kind)}"


def add(group: Group) -> Step:
    """add, sub; with .cc the carry is kept, addc and subc take it; add.sat.s32 saturates."""
    form = group.form
    carry_out, saturate = form.flag("cc"), form.flag("sat")
    kind = form.kind(*WHOLE)
    form.done(3)
    minus, carry_in = form.name.startswith("sub"), form.name.endswith("c")
    if saturate:
        if kind != "s32" or carry_out or carry_in:
            raise form.refused(".sat is for s32")
        sign = -1 if minus else 1

        def clamped(a: Array, b: Array) -> Array:
            total = a.astype(np.int64) + sign * b.astype(np.int64)
            return total.clip(-(2**31), 2**31 - 1).astype(np.int32)

        return group.pure(clamped, kind, kind, kind)
    bits = unsigned(kind)
    if not carry_out and not carry_in:
        return group.pure(np.subtract if minus else np.add, bits, bits, bits)
    terms = group.read(1, bits), group.read(2, bits)
    return _with_carry(group, bits, terms, minus, carry_in, carry_out)


def _with_carry(
    group: Group, bits: str, terms: tuple[Read, Read], minus: bool, carry_in: bool, carry_out: bool
) -> Step:
    """A sum or difference of two terms that takes the carry, or keeps it."""
    (a, b), put = terms, group.write(0, bits)
    carry = group.values(["%cc"] * group.n, "pred") if carry_in or carry_out else None
    keep, active = group.results(["%cc"] * group.n, "pred"), group.active()
    one = DTYPE[bits]

    def step(mask: Mask) -> None:
        assert carry is not None
        here = active(mask)
        more: Array = carry().astype(one) if carry_in else np.zeros((1, 1), one)
        x, y = a(), b()
        if minus:
            total = x - y - more
            over = (x < y) | ((x == y) & (more > 0))
        else:
            total = x + y + more
            over = (total < x) | ((total == x) & (more > 0))
        if carry_out:
            keep(over, here)
        put(total, here)

    return step


def high(kind: str) -> Callable[[Array, Array], Array]:
    """The upper half of a product."""
    bits = 8 * size(kind)
    dtype = DTYPE[kind]
    if bits < 64:
        wide = np.dtype(f"{'i' if kind[0] == 's' else 'u'}8")

        def short(a: Array, b: Array) -> Array:
            upper: Array = (a.astype(wide) * b.astype(wide) >> bits).astype(dtype)
            return upper

        return short

    def long(a: Array, b: Array) -> Array:
        # In halves of 32 bits; for signed numbers what their sign takes away is put right after.
        x, y = a.view(np.uint64), b.view(np.uint64)
        low = np.uint64(0xFFFFFFFF)
        x1, x0, y1, y0 = x >> 32, x & low, y >> 32, y & low
        middle = x1 * y0 + (x0 * y0 >> 32)
        other = (middle & low) + x0 * y1
        top = x1 * y1 + (middle >> 32) + (other >> 32)
        if kind == "s64":
            top = top - np.where(a < 0, y, 0).astype(np.uint64)
            top = top - np.where(b < 0, x, 0).astype(np.uint64)
        upper: Array = top.view(dtype)
        return upper

    return long


def _low24(kind: str) -> Callable[[Array, Array], Array]:
    """The exact product of the low 24 bits, as 64 bits."""

    def product(a: Array, b: Array) -> Array:
        if kind == "u32":
            return (a & 0xFFFFFF).astype(np.int64) * (b & 0xFFFFFF).astype(np.int64)
        return (a << 8 >> 8).astype(np.int64) * (b << 8 >> 8).astype(np.int64)

    return product


def multiply(group: Group) -> Step:
    """mul.lo/.hi/.wide, mul24, and with the addition mad, mad24, madc; mad.hi.sat.s32 saturates."""
    form = group.form
    adds, carry_in = form.name.startswith("mad"), form.name == "madc"
    if form.name.endswith("24"):
        part = form.need("lo or hi", "lo", "hi")
        kind = form.kind("u32", "s32")
        product24, shift = _low24(kind), 16 if part == "hi" else 0
        dtype = DTYPE[kind]

        def product(a: Array, b: Array) -> Array:
            return (product24(a, b) >> shift).astype(np.uint32).view(dtype)

        result = kind
    else:
        part = form.need("lo, hi or wide", "lo", "hi", "wide")
        kind = form.kind(*WHOLE)
        if part == "wide":
            if kind not in WIDE:
                raise form.refused(f".wide is not for {kind}")
            result = WIDE[kind]
            wide = DTYPE[result]

            def product(a: Array, b: Array) -> Array:
                return a.astype(wide) * b.astype(wide)

        elif part == "hi":
            result, upper = kind, high(kind)

            def product(a: Array, b: Array) -> Array:
                return upper(a, b)

        else:
            result = kind = unsigned(kind)

            def product(a: Array, b: Array) -> Array:
                return np.multiply(a, b)

    halves = adds and form.name != "mad24" and part != "wide"
    carry_out = halves and form.flag("cc")
    with_carry = carry_in or carry_out
    saturate = halves and (part, kind) == ("hi", "s32") and not with_carry and form.flag("sat")
    if not adds:
        form.done(3)
        return group.pure(product, result, kind, kind)
    form.done(4)
    if with_carry:
        return _product_with_carry(group, product, kind, carry_in, carry_out)
    if saturate:

        def clamped(a: Array, b: Array, c: Array) -> Array:
            total = product(a, b).astype(np.int64) + c
            return total.clip(-(2**31), 2**31 - 1).astype(np.int32)

        return group.pure(clamped, kind, kind, kind, kind)

    def mad(a: Array, b: Array, c: Array) -> Array:
        return product(a, b) + c

    return group.pure(mad, result, kind, kind, result)


def _product_with_carry(
    group: Group,
    product: Callable[[Array, Array], Array],
    kind: str,
    carry_in: bool,
    carry_out: bool,
) -> Step:
    a, b, bits = group.read(1, kind), group.read(2, kind), unsigned(kind)
    terms = (lambda: product(a(), b()).view(DTYPE[bits])), group.read(3, bits)
    return _with_carry(group, bits, terms, False, carry_in, carry_out)


def sad(group: Group) -> Step:
    """sad: c + |a − b|."""
    kind = group.form.kind(*WHOLE)
    group.form.done(4)
    dtype = DTYPE[kind]

    def function(a: Array, b: Array, c: Array) -> Array:
        return c + np.where(a < b, b - a, a - b).astype(dtype)

    return group.pure(function, kind, kind, kind, kind)


def divide(group: Group) -> Step:
    """div and rem, towards zero. Of a division by zero PTX says nothing; here all bits are set."""
    kind = group.form.kind(*WHOLE)
    group.form.done(3)
    dtype, remainder = DTYPE[kind], group.form.name == "rem"

    def function(a: Array, b: Array) -> Array:
        a, b = np.broadcast_arrays(a, b)
        zero = b == 0
        some = np.where(zero, 1, b).astype(dtype)
        if kind[0] == "u":
            quotient = a // some
        else:
            # The least number by −1 wraps around, as it does in two's complement.
            quotient = a // some
            quotient += ((a % some != 0) & ((a < 0) != (some < 0))).astype(dtype)
        value = a - quotient * some if remainder else quotient
        every = np.array(-1).astype(dtype)
        return np.where(zero, a if remainder else every, value).astype(dtype)

    return group.pure(function, kind, kind, kind)


def one_operand(group: Group) -> Step:
    """neg, abs of integers."""
    kind = group.form.kind(*kinds("s", (16, 32, 64)))
    group.form.done(2)
    return group.pure(np.negative if group.form.name == "neg" else np.abs, kind, kind)


def least_most(group: Group) -> Step:
    """min, max of integers."""
    kind = group.form.kind(*WHOLE)
    group.form.done(3)
    function = np.minimum if group.form.name == "min" else np.maximum
    return group.pure(function, kind, kind, kind)


@builds("and", "or", "xor")
def logic(group: Group) -> Step:
    kind = group.form.kind("pred", "b16", "b32", "b64")
    group.form.done(3)
    function = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}[group.form.name]
    return group.pure(function, kind, kind, kind)


@builds("not", "cnot")
def complement(group: Group) -> Step:
    kind = group.form.kind("pred", "b16", "b32", "b64")
    group.form.done(2)
    if group.form.name == "cnot":
        return group.pure(lambda a: (a == 0).astype(DTYPE[kind]), kind, kind)
    return group.pure(np.invert, kind, kind)


@builds("shl", "shr")
def shift(group: Group) -> Step:
    """Shifts; an amount beyond the width leaves nothing, or the sign."""
    form = group.form
    left = form.name == "shl"
    kind = form.kind(*kinds("b" if left else "bus", (16, 32, 64)))
    form.done(3)
    bits, dtype = 8 * size(kind), DTYPE[kind]

    def function(a: Array, b: Array) -> Array:
        amount = np.minimum(b, bits - 1).astype(np.uint8)
        moved = np.left_shift(a, amount) if left else np.right_shift(a, amount)
        if kind[0] != "s" and int(b.max()) >= bits:
            moved = np.where(b >= bits, 0, moved)
        return moved.astype(dtype, copy=False)

    return group.pure(function, kind, kind, "u32")


@builds("lop3")
def lop3(group: Group) -> Step:
    """Any function of three bits, by its table of 8."""
    group.form.kind("b32")
    group.form.done(5)
    table = group.read(4, "u32")()[:, 0]

    def function(a: Array, b: Array, c: Array) -> Array:
        found = np.zeros(np.broadcast_shapes(a.shape, b.shape, c.shape), np.uint32)
        for number in range(8):
            wanted = np.where(table >> number & 1, 0xFFFFFFFF, 0).astype(np.uint32)[:, None]
            x, y, z = (v if number >> at & 1 else ~v for v, at in ((a, 2), (b, 1), (c, 0)))
            found |= x & y & z & wanted
        return found

    return group.pure(function, "b32", "b32", "b32", "b32")


@builds("shf")
def funnel(group: Group) -> Step:
    """shf: 32 bits out of 64, after a shift that is clamped or wraps around."""
    form = group.form
    left = form.need("l or r", "l", "r") == "l"
    wraps = form.need("wrap or clamp", "wrap", "clamp") == "wrap"
    form.kind("b32")
    form.done(4)

    def function(low: Array, upper: Array, amount: Array) -> Array:
        by = (amount & 31 if wraps else np.minimum(amount, 32)).astype(np.uint64)
        both = upper.astype(np.uint64) << np.uint64(32) | low
        if left:
            return (both << by >> np.uint64(32)).astype(np.uint32)
        return (both >> by).astype(np.uint32)

    return group.pure(function, "b32", "b32", "b32", "u32")


@builds("bfe")
def extract(group: Group) -> Step:
    """bfe: a field of bits, filled up with zeros or the field's highest bit (PTX ISA, bfe)."""
    kind = group.form.kind(*kinds("us", (32, 64)))
    group.form.done(4)
    bits, dtype = 8 * size(kind), DTYPE[kind]

    def function(a: Array, start: Array, length: Array) -> Array:
        first, many = (start & 255).astype(np.int64), (length & 255).astype(np.int64)
        raw = a.view(f"u{bits // 8}").astype(np.uint64)
        within = np.where(first < bits, raw >> np.minimum(first, 63).astype(np.uint64), 0)
        mask = np.where(
            many >= 64,
            ~np.uint64(0),
            (np.uint64(1) << np.minimum(many, 63).astype(np.uint64)) - np.uint64(1),
        )
        found = within.astype(np.uint64) & mask
        if kind[0] == "s":
            top = np.minimum(first + many - 1, bits - 1)
            sign = raw >> np.maximum(top, 0).astype(np.uint64) & np.uint64(1)
            sign = np.where(many == 0, 0, sign)
            # The field may reach beyond the register: there too the sign is repeated.
            have = np.clip(bits - first, 0, many)
            keep = np.where(
                have >= 64,
                ~np.uint64(0),
                (np.uint64(1) << np.minimum(have, 63).astype(np.uint64)) - np.uint64(1),
            )
            found = np.where(sign == 1, found & keep | ~keep, found & keep)
        return found.astype(f"u{bits // 8}").view(dtype)

    return group.pure(function, kind, kind, "u32", "u32")


@builds("bfi")
def insert(group: Group) -> Step:
    """bfi: a's low bits put into b (PTX ISA, bfi)."""
    kind = group.form.kind("b32", "b64")
    group.form.done(5)
    bits, dtype = 8 * size(kind), DTYPE[kind]

    def function(a: Array, b: Array, start: Array, length: Array) -> Array:
        first, many = (start & 255).astype(np.uint64), (length & 255).astype(np.uint64)
        ones = np.where(
            many >= 64, ~np.uint64(0), (np.uint64(1) << np.minimum(many, 63)) - np.uint64(1)
        )
        near = np.minimum(first, 63)
        mask = np.where(first < bits, ones << near, 0).astype(np.uint64)
        put = np.where(first < bits, a.astype(np.uint64) << near, 0).astype(np.uint64)
        return (b.astype(np.uint64) & ~mask | put & mask).astype(dtype)

    return group.pure(function, kind, kind, kind, "u32", "u32")


@builds("popc", "clz", "bfind", "brev")
def count_bits(group: Group) -> Step:
    """popc, clz, bfind (with .shiftamt), brev."""
    form = group.form
    shift_amount = form.flag("shiftamt")
    kind = form.kind(*kinds("us", (32, 64))) if form.name == "bfind" else form.kind("b32", "b64")
    form.done(2)
    bits = 8 * size(kind)
    name = form.name

    def each_bit(a: Array) -> Array:
        raw = a.view(f"u{bits // 8}").astype(np.uint64)
        return (raw[..., None] >> np.arange(bits, dtype=np.uint64) & np.uint64(1)).astype(np.uint8)

    def function(a: Array) -> Array:
        if name == "bfind" and kind[0] == "s":
            a = np.where(a < 0, ~a, a)
        found = each_bit(a)
        if name == "popc":
            return np.asarray(found.sum(-1)).astype(np.uint32)
        if name == "brev":
            weights = np.uint64(1) << np.arange(bits - 1, -1, -1, dtype=np.uint64)
            return np.asarray((found * weights).sum(-1, dtype=np.uint64)).astype(DTYPE[kind])
        highest = np.where(found.any(-1), bits - 1 - found[..., ::-1].argmax(-1), -1)
        if name == "clz":
            highest = bits - 1 - highest
        elif shift_amount:
            highest = np.where(highest < 0, -1, bits - 1 - highest)
        result: Array = np.asarray(highest).astype(np.int64).astype(np.uint32)
        return result

    return group.pure(function, kind if name == "brev" else "u32", kind)


@builds("prmt")
def permute(group: Group) -> Step:
    """prmt: four bytes out of eight, each chosen by a nibble; bit 3 of it repeats the sign."""
    form = group.form
    mode = form.take("f4e", "b4e", "rc8", "ecl", "ecr", "rc16")
    form.kind("b32")
    form.done(4)

    def function(a: Array, b: Array, chosen: Array) -> Array:
        both = a.astype(np.uint64) | b.astype(np.uint64) << np.uint64(32)
        out = np.zeros(np.broadcast_shapes(a.shape, b.shape, chosen.shape), np.uint32)
        for byte in range(4):
            at, sign = _byte(mode, byte, chosen)
            value = both >> (8 * at).astype(np.uint64) & np.uint64(255)
            value = np.where(sign, np.where(value >> np.uint64(7), 255, 0), value)
            out |= value.astype(np.uint32) << np.uint32(8 * byte)
        return out

    return group.pure(function, "b32", "b32", "b32", "b32")


def _byte(mode: str, byte: int, chosen: Array) -> tuple[Array, Array]:
    """(which of the eight bytes, whether only its sign) goes to a byte of the result."""
    if not mode:
        nibble = chosen >> np.uint32(4 * byte) & np.uint32(15)
        return nibble & 7, nibble > 7
    of = chosen & 3
    at = {
        "f4e": of + byte,
        "b4e": (of - byte) & 7,
        "rc8": of,
        "ecl": np.maximum(of, byte),
        "ecr": np.minimum(of, byte),
        "rc16": (of & 1) * 2 + byte % 2,
    }[mode]
    return at.astype(np.uint32), np.zeros(at.shape, bool)


@builds("dp4a", "dp2a")
def dot(group: Group) -> Step:
    """dp4a: c and four products of bytes; dp2a: c and two products of halves and bytes, of which
    `b` holds four: .lo takes the lower two."""
    form = group.form
    halves = form.name == "dp2a"
    upper = halves and form.need("lo or hi", "lo", "hi") == "hi"
    of_b = form.kind("u32", "s32")  # the last type in the text
    of_a = form.kind("u32", "s32")
    form.done(4)
    result = "s32" if "s32" in (of_a, of_b) else "u32"

    def part(value: Array, at: int, bits: int, kind: str) -> Array:
        piece = value >> np.uint32(at * bits) & np.uint32((1 << bits) - 1)
        whole = piece.astype(f"u{bits // 8}")
        return (whole.view(f"i{bits // 8}") if kind == "s32" else whole).astype(np.int64)

    def function(a: Array, b: Array, c: Array) -> Array:
        total = c.astype(np.int64)
        for at in range(2 if halves else 4):
            left = part(a, at, 16 if halves else 8, of_a)
            total = total + left * part(b, at + 2 * upper, 8, of_b)
        return total.astype(np.uint32)

    return group.pure(function, "u32", "b32", "b32", result)
