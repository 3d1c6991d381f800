"""Moving, choosing and comparing (PTX ISA, "Data Movement and Conversion", "Comparison and
Selection Instructions")."""

from collections.abc import Callable

import numpy as np

from tiling.ptx import floats
from tiling.ptx.build import Group, Step, builds
from tiling.ptx.convert import convert, pack
from tiling.ptx.forms import DTYPE, ROUNDINGS, kinds, size
from tiling.ptx.memory import LOCAL, PARAM, ROOM, SHARED
from tiling.ptx.registers import Array, Mask

WHOLE = kinds("us", (16, 32, 64))
BITS = kinds("b", (16, 32, 64))
FLOATS = ("f16", "bf16", "f32", "f64")
COMPARE = ("eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs")
UNORDERED = ("equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan")
WINDOWS = {"shared": SHARED, "local": LOCAL, "param": PARAM, "global": 0, "const": 0}


@builds("mov")
def move(group: Group) -> Step:
    """mov of a register, a number, an address; packs and unpacks vectors; reads clocks."""
    form = group.form
    kind = form.kind("pred", *BITS, *WHOLE, "f16", "bf16", "f32", "f64", "f16x2", "bf16x2")
    form.done(2)
    if group.operands(1)[0].startswith("%clock") or group.operands(1)[0] == "%globaltimer":
        return _clock(group, kind)
    many, parts = group.parts(0), group.parts(1)
    if many == parts == 1:
        return group.pure(lambda a: a, kind, kind)
    bits = 8 * size(kind)
    if f"b{bits // max(many, parts)}" not in DTYPE or bits % max(many, parts):
        raise form.refused(f"{max(many, parts)} parts of {bits} bits")
    if parts > 1:  # pack: the first part is the lowest
        reads = [group.read(1, f"b{bits // parts}", part) for part in range(parts)]
        write, active = group.write(0, f"b{bits}"), group.active()

        def pack_(mask: Mask) -> None:
            value: Array = np.zeros((1, 1), DTYPE[f"b{bits}"])
            for at, read in enumerate(reads):
                value = value | read().astype(DTYPE[f"b{bits}"]) << at * (bits // parts)
            write(value.astype(DTYPE[f"b{bits}"]), active(mask))

        return pack_
    read, active = group.read(1, f"b{bits}"), group.active()
    writes = [group.write(0, f"b{bits // many}", part) for part in range(many)]

    def unpack(mask: Mask) -> None:
        # A part may be the register that is read: all parts are made before any is written.
        value, here = read(), active(mask)
        found = [
            (value >> at * (bits // many)).astype(DTYPE[f"b{bits // many}"]) for at in range(many)
        ]
        for write_, part in zip(writes, found, strict=True):
            write_(part, here)

    return unpack


def _clock(group: Group, kind: str) -> Step:
    """Instructions run so far stand for the time: it grows, and means no more."""
    write, active, machine = group.write(0, kind), group.active(), group.machine
    upper = group.operands(1)[0] == "%clock_hi"

    def step(mask: Mask) -> None:
        machine.instructions += 1
        now = machine.instructions >> (32 if upper else 0)
        write(np.full((1, 1), now, np.uint64).astype(DTYPE[kind]), active(mask))

    return step


@builds("selp")
def select(group: Group) -> Step:
    kind = group.form.kind(*BITS, *WHOLE, "f32", "f64")
    group.form.done(4)

    def function(a: Array, b: Array, p: Array) -> Array:
        return np.where(p, a, b)

    return group.pure(function, kind, kind, kind, "pred")


@builds("slct")
def select_by_sign(group: Group) -> Step:
    form = group.form
    ftz = form.flag("ftz")
    sign = form.kind("s32", "f32")
    kind = form.kind(*BITS, *WHOLE, "f32", "f64")
    form.done(4)
    at_least = comparison("ge", sign, ftz)

    def function(a: Array, b: Array, c: Array) -> Array:
        return np.where(at_least(c, np.zeros_like(c)), a, b)

    return group.pure(function, kind, kind, kind, sign)


INTEGERS: dict[str, Callable[[Array, Array], Array]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "lo": np.less,
    "ls": np.less_equal,
    "hi": np.greater,
    "hs": np.greater_equal,
}


def comparison(operation: str, kind: str, ftz: bool) -> Callable[[Array, Array], Array]:
    if kind in FLOATS:
        return lambda a, b: floats.compare(operation, kind, a, b, ftz=ftz)
    return INTEGERS[operation]


@builds("setp", "set")
def compare(group: Group) -> Step:
    """setp: a predicate, and perhaps its opposite, joined with another; set: all ones, or 1.0."""
    form = group.form
    operation = form.need("a comparison", *COMPARE, *UNORDERED)
    join = form.take("and", "or", "xor")
    ftz = form.flag("ftz")
    kind = form.kind(*BITS, *WHOLE, *FLOATS)
    result = form.kind("u32", "s32", "f32", "b32") if form.name == "set" else "pred"
    form.done(4 if join else 3)
    if kind not in FLOATS and operation in UNORDERED:
        raise form.refused(f".{operation} is for floats")
    function = comparison(operation, kind, ftz)
    joined = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor, "": None}[join]
    a, b = group.read(1, kind), group.read(2, kind)
    other = group.read(3, "pred") if joined else None
    active = group.active()
    both = [operand.split("|") for operand in group.operands(0)]
    first = group.results([names[0] for names in both], result)
    second = group.results([names[1] for names in both], "pred") if len(both[0]) > 1 else None
    one = {"u32": 0xFFFFFFFF, "b32": 0xFFFFFFFF, "s32": -1, "f32": 1.0}.get(result)

    def step(mask: Mask) -> None:
        found, here = function(a(), b()), active(mask)
        opposite = ~found
        if joined is not None and other is not None:
            with_ = other()
            found, opposite = joined(found, with_), joined(opposite, with_)
        if one is not None:
            found = np.where(found, one, 0).astype(DTYPE[result])
        first(found, here)
        if second is not None:
            second(opposite, here)

    return step


@builds("cvt")
def converts(group: Group) -> Step:
    """cvt between all types; two floats into a pair of halves."""
    form = group.form
    rounding = form.take(*ROUNDINGS, "rna", "rni", "rzi", "rmi", "rpi")
    ftz, sat, relu = form.flag("ftz"), form.flag("sat"), form.flag("relu")
    integers = kinds("us", (8, 16, 32, 64))
    source = form.kind(*integers, *FLOATS)
    to = form.kind(*integers, *FLOATS, "f16x2", "bf16x2", "tf32")
    if to.endswith("x2"):
        form.done(3)
        return group.pure(
            lambda a, b: pack(to, a, b, rounding=rounding, relu=relu), "b32", "f32", "f32"
        )
    form.done(2)
    _needs_rounding(group, to, source, rounding)

    def function(a: Array) -> Array:
        return convert(to, source, a, rounding=rounding, ftz=ftz, sat=sat, relu=relu)

    return group.pure(function, to, source)


def _needs_rounding(group: Group, to: str, source: str, rounding: str) -> None:
    """A float becomes an integer by .rni and the like, and where digits may be lost by .rn."""
    whole = rounding.endswith("i")
    if source in FLOATS and to not in FLOATS and to != "tf32":
        if not whole:
            raise group.form.refused("has no rounding to an integer (rni, rzi, rmi, rpi)")
    elif to in FLOATS and source not in FLOATS:
        if rounding not in ROUNDINGS:
            raise group.form.refused("has no rounding (rn, rz, rm, rp)")
    elif to in FLOATS and source in FLOATS:
        narrower = size(to) < size(source) or (to != source and size(to) == size(source))
        if (narrower and (not rounding or whole)) or (to != source and whole):
            raise group.form.refused("has no rounding (rn, rz, rm, rp)")
    elif to == "tf32" and (source != "f32" or rounding not in ("rna", "rn", "rz")):
        raise group.form.refused("is not known: cvt.rna.tf32.f32 is")
    elif rounding and to not in FLOATS and source not in FLOATS and to != "tf32":
        raise group.form.refused("needs no rounding")


@builds("cvta")
def address_space(group: Group) -> Step:
    """Between an address in its own space and the one among generic addresses."""
    form = group.form
    back = form.flag("to")
    base = WINDOWS[form.need("a space", *WINDOWS)]
    kind = form.kind("u64", "u32")
    form.done(2)
    if kind == "u32":
        raise form.refused("only 64-bit addresses are known")
    if base == 0:
        return group.pure(lambda a: a, kind, kind)
    shift = np.uint64(base)
    return group.pure((lambda a: a - shift) if back else (lambda a: a + shift), kind, kind)


@builds("isspacep")
def is_in_space(group: Group) -> Step:
    form = group.form
    space = form.need("a space", *WINDOWS)
    form.done(2)
    tops = {name: base >> ROOM for name, base in WINDOWS.items() if base}

    def function(a: Array) -> Array:
        top = a >> np.uint64(ROOM)
        wanted = [tops[space]] if space in tops else list(tops.values())
        return np.isin(top, wanted, invert=space not in tops)

    return group.pure(function, "pred", "u64")
