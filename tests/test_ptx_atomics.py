"""Atomic operations in every type, one thread after the other, against Python's integers."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.ptx_integers import some, width, wrap
from tests.ptx_running import DTYPES, Array, buffer, kernel, run

THREADS, CELLS = 64, 4
Operation = Callable[[int, int], int]
OPERATIONS: dict[str, tuple[tuple[str, ...], Operation]] = {
    "add": (("u32", "s32", "u64"), lambda old, b: old + b),
    "min": (("u32", "s32", "u64", "s64"), min),
    "max": (("u32", "s32", "u64", "s64"), max),
    "and": (("b32", "b64"), lambda old, b: old & b),
    "or": (("b32", "b64"), lambda old, b: old | b),
    "xor": (("b32", "b64"), lambda old, b: old ^ b),
    "exch": (("b32", "b64"), lambda old, b: b),
    "inc": (("u32",), lambda old, b: 0 if old >= b else old + 1),
    "dec": (("u32",), lambda old, b: b if old == 0 or old > b else old - 1),
}
CASES = [(name, kind) for name, (kinds, _) in OPERATIONS.items() for kind in kinds]


def ran(code: str, kind: str, cells: list[int], *values: list[int]) -> tuple[Array, Array]:
    """(what the cells hold at the end, what each thread got) after the code at [%q8] with operands
    %x and %y, the cell of a thread being that of its number."""
    bits = DTYPES[kind].itemsize
    loads = "".join(
        f"mad.lo.u64 %q9, %q7, {bits}, %q{n + 2}; ld.global.b{8 * bits} %{name}, [%q9];\n"
        for n, name in zip(range(len(values)), "xy", strict=False)
    )
    body = f"""mov.u32 %r0, %tid.x; cvt.u64.u32 %q7, %r0; {loads}
    and.b64 %q8, %q7, {CELLS - 1}; mad.lo.u64 %q8, %q8, {bits}, %q0;
    {code}
    mad.lo.u64 %q9, %q7, {bits}, %q1; st.global.b{8 * bits} [%q9], %old;"""
    declare = "".join(f".reg .b{8 * bits} %{name};\n" for name in ("x", "y", "old"))
    held = buffer("cells", 0, np.array(cells, DTYPES[kind]))
    got = buffer("got", 1, bits * THREADS, written=False)
    given = [buffer(f"v{n}", n + 2, np.array(v, DTYPES[kind])) for n, v in enumerate(values)]
    made = run(kernel(body, 2 + len(values), declare), held, got, *given, threads=THREADS)
    assert not made.findings, made.findings[0]
    return held.data[: held.size].view(DTYPES[kind]), got.data.view(DTYPES[kind])


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_operation_in_every_type(name: str, kind: str) -> None:
    function = OPERATIONS[name][1]
    cells, values = some(kind, 1)[:CELLS], some(kind, 2)[:THREADS]
    if name in ("inc", "dec"):
        values = [v % 5 for v in values]
        cells = [2, 0, 9, 4]
    for opcode in (f"atom.global.{name}.{kind} %old", f"atom.relaxed.gpu.{name}.{kind} %old"):
        held, got = ran(f"{opcode}, [%q8], %x;", kind, cells, values)
        now = list(cells)
        for thread, value in enumerate(values):
            assert got[thread] == now[thread % CELLS]
            now[thread % CELLS] = wrap(kind, function(now[thread % CELLS], value))
        assert held.tolist() == now
    left, _ = ran(
        f"red.global.{name}.{kind} [%q8], %x; mov.b{width(kind)} %old, 0;", kind, cells, values
    )
    assert left.tolist() == now or name == "exch"


@pytest.mark.parametrize("kind", ["b16", "b32", "b64"])
def test_compare_and_swap(kind: str) -> None:
    cells = [0, 1, 2, 3]
    old = [thread // CELLS % 4 for thread in range(THREADS)]
    new = [(thread * 7) % 4 for thread in range(THREADS)]
    held, got = ran(f"atom.global.cas.{kind} %old, [%q8], %x, %y;", kind, cells, old, new)
    now = list(cells)
    for thread in range(THREADS):
        cell = thread % CELLS
        assert got[thread] == now[cell]
        if now[cell] == old[thread]:
            now[cell] = new[thread]
    assert held.tolist() == now


@pytest.mark.parametrize(("kind", "dtype"), [("f32", np.float32), ("f64", np.float64)])
def test_sums_of_floats_are_rounded_each_time(kind: str, dtype: type[np.floating]) -> None:
    bits = {"f32": "u32", "f64": "u64"}[kind]
    values = np.random.default_rng(3).normal(size=THREADS).astype(dtype)
    cells = np.array([0, 1e6, -3, 0.1], dtype)
    raw = [v.view(DTYPES[bits]).tolist() for v in (cells, values)]
    held, _ = ran(f"atom.global.add.{kind} %old, [%q8], %x;", bits, *raw)
    wanted = cells.copy()
    for thread, value in enumerate(values):
        wanted[thread % CELLS] += value
    assert np.array_equal(held.view(dtype), wanted)


def test_pairs_of_halves() -> None:
    values = np.random.default_rng(3).normal(size=2 * THREADS).astype(np.float16)
    cells = np.arange(2 * CELLS).astype(np.float16)
    raw = [v.view(np.uint32).tolist() for v in (cells, values)]
    held, _ = ran("atom.global.add.noftz.f16x2 %old, [%q8], %x;", "u32", *raw)
    wanted = cells.reshape(CELLS, 2).copy()
    for thread, pair in enumerate(values.reshape(THREADS, 2)):
        wanted[thread % CELLS] += pair
    assert np.array_equal(held.view(np.float16), wanted.ravel())


def test_only_threads_whose_guard_holds_take_part() -> None:
    code = "mov.b32 %old, 5; setp.gt.u32 %p0, %x, 9; @%p0 atom.global.add.u32 %old, [%q8], 1;"
    values = [thread % 20 for thread in range(THREADS)]
    held, got = ran(code, "u32", [100] * CELLS, values)
    for thread, value in enumerate(values):
        assert (got[thread] >= 100) == (value > 9)
        assert got[thread] >= 100 or got[thread] == 5
    assert held.sum() == 400 + sum(value > 9 for value in values)
