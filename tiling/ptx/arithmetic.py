"""Floating-point instructions, and those that integers share with them (PTX ISA, "Floating Point",
"Half Precision Floating Point Instructions"). The arithmetic itself is in `floats`."""

from collections.abc import Callable

import numpy as np

from tiling.ptx import floats, integers
from tiling.ptx.approximate import approximate
from tiling.ptx.build import Builder, Group, Step, builds, shape
from tiling.ptx.forms import ROUNDINGS
from tiling.ptx.registers import Array, Mask

HALVES = {"f16x2": "f16", "bf16x2": "bf16"}
KINDS = ("f16", "bf16", "f32", "f64", "f16x2", "bf16x2")


def _is_float(group: Group) -> bool:
    return any(modifier in KINDS for modifier in group.form.left)


def _shared_with_integers(of_floats: Builder, of_integers: Builder) -> Builder:
    return lambda group: of_floats(group) if _is_float(group) else of_integers(group)


def _apply(group: Group, kind: str, count: int, function: Callable[..., Array]) -> Step:
    """A pure step; of a pair of halves each is a number of its own."""
    inner = HALVES.get(kind)
    if inner is None:
        return group.pure(function, kind, *[kind] * count)
    half = np.float16 if inner == "f16" else np.uint16
    n, threads = group.n, group.threads

    def paired(*values: Array) -> Array:
        pairs = [np.ascontiguousarray(shape(v, n, threads)).view(half) for v in values]
        return np.ascontiguousarray(function(*pairs)).view(np.uint32)

    return group.pure(paired, kind, *[kind] * count)


def _two(group: Group) -> Step:
    """add, sub, mul, div."""
    form = group.form
    rounding = form.take(*ROUNDINGS)
    approximately = form.take("approx", "full")
    ftz, sat = form.flag("ftz"), form.flag("sat")
    kind = form.kind(*KINDS)
    form.done(3)
    inner = HALVES.get(kind, kind)
    if form.name == "div":
        if approximately and kind == "f32":
            way = f"div.{approximately}"
            return group.pure(lambda a, b: approximate(way, a, b, ftz=ftz), kind, kind, kind)
        if not rounding or kind not in ("f32", "f64"):
            raise form.refused("a division has a rounding, and is of f32 or f64")
        return group.pure(
            lambda a, b: floats.div(kind, a, b, rounding=rounding, ftz=ftz), kind, kind, kind
        )
    if approximately:
        raise form.refused(f".{approximately} is not known here")
    operation = {"add": floats.add, "sub": floats.sub, "mul": floats.mul}[form.name]
    rounding = rounding or "rn"

    def function(a: Array, b: Array) -> Array:
        return operation(inner, a, b, rounding=rounding, ftz=ftz, sat=sat)

    return _apply(group, kind, 2, function)


@builds("fma")
def fused(group: Group) -> Step:
    """fma, and mad of floats, which is the same since sm_20."""
    form = group.form
    rounding = form.need("a rounding", *ROUNDINGS)
    ftz, sat, relu = form.flag("ftz"), form.flag("sat"), form.flag("relu")
    kind = form.kind(*KINDS)
    form.done(4)
    if (kind, rounding, ftz, sat, relu) == ("f32", "rn", False, False, False):
        return _plain_fma(group)
    inner = HALVES.get(kind, kind)

    def function(a: Array, b: Array, c: Array) -> Array:
        return floats.fma(inner, a, b, c, rounding=rounding, ftz=ftz, sat=sat, relu=relu)

    return _apply(group, kind, 3, function)


def _plain_fma(group: Group) -> Step:
    """fma.rn.f32, of which a matrix product is made: where it may, straight into the registers."""
    a, b, c = (group.read(position, "f32") for position in (1, 2, 3))
    write, active = group.write(0, "f32"), group.active()
    direct = group.together(0, "f32")
    out = np.empty((group.n, group.threads), np.float32)

    def step(mask: Mask) -> None:
        here = active(mask)
        if here is None and direct is not None:
            # A result is no other instruction's operand in its batch, so nothing is overwritten.
            floats.fma_f32(a(), b(), c(), direct)
            return
        floats.fma_f32(a(), b(), c(), out)
        write(out, here)

    return step


def _one(group: Group) -> Step:
    """neg, abs."""
    form = group.form
    ftz = form.flag("ftz")
    kind = form.kind(*KINDS)
    form.done(2)
    function = floats.neg if form.name == "neg" else floats.absolute
    inner = HALVES.get(kind, kind)
    return _apply(group, kind, 1, lambda a: function(inner, a, ftz=ftz))


def _least_most(group: Group) -> Step:
    """min, max."""
    form = group.form
    ftz, nan = form.flag("ftz"), form.flag("NaN")
    xorsign = form.flag("xorsign") and form.flag("abs")
    kind = form.kind(*KINDS)
    form.done(3)
    function = floats.minimum if form.name == "min" else floats.maximum
    inner = HALVES.get(kind, kind)
    return _apply(
        group, kind, 2, lambda a, b: function(inner, a, b, nan=nan, xorsign=xorsign, ftz=ftz)
    )


@builds("rcp", "sqrt", "rsqrt", "ex2", "lg2", "sin", "cos", "tanh")
def function_of_one(group: Group) -> Step:
    form = group.form
    rounding = form.take(*ROUNDINGS)
    approximately = form.flag("approx")
    ftz = form.flag("ftz")
    kind = form.kind(*KINDS)
    form.done(2)
    name = form.name
    if rounding and name in ("rcp", "sqrt") and kind in ("f32", "f64"):
        exact = floats.rcp if name == "rcp" else floats.sqrt
        return group.pure(lambda a: exact(kind, a, rounding=rounding, ftz=ftz), kind, kind)
    halves = kind not in ("f32", "f64")
    if not approximately or (halves and name not in ("ex2", "tanh")):
        raise form.refused("is not known for this type and rounding")
    return _apply(group, kind, 1, lambda a: approximate(name, a, ftz=ftz))


@builds("copysign")
def copy_sign(group: Group) -> Step:
    kind = group.form.kind("f32", "f64")
    group.form.done(3)
    return group.pure(lambda a, b: floats.copysign(kind, a, b), kind, kind, kind)


@builds("testp")
def test_property(group: Group) -> Step:
    form = group.form
    what = form.need(
        "a property", "finite", "infinite", "number", "notanumber", "normal", "subnormal"
    )
    kind = form.kind("f32", "f64")
    form.done(2)
    return group.pure(lambda a: floats.testp(what, kind, a), "pred", kind)


builds("add", "sub")(_shared_with_integers(_two, integers.add))
builds("addc", "subc")(integers.add)
builds("mul")(_shared_with_integers(_two, integers.multiply))
builds("mad")(_shared_with_integers(fused, integers.multiply))
builds("mul24", "mad24", "madc")(integers.multiply)
builds("sad")(integers.sad)
builds("div")(_shared_with_integers(_two, integers.divide))
builds("rem")(integers.divide)
builds("neg", "abs")(_shared_with_integers(_one, integers.one_operand))
builds("min", "max")(_shared_with_integers(_least_most, integers.least_most))
