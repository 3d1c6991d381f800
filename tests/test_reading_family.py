"""Kernels as people write them, through `tiling.reading`: what is right about each stands in
`tests.kernels.known`."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from tests.kernel_cases import needs
from tests.kernels.known import BROKEN, GOOD
from tests.kernels.table import Finding, Kernel, Line, Sizes, Tile
from tiling import nvidia
from tiling.faults import Missing
from tiling.ptx import events
from tiling.ptx.memory import Buffer
from tiling.ptx.syntax import Instruction
from tiling.reading import kernel as reading
from tiling.reading.call import Call, Order
from tiling.reading.expressions import value
from tiling.reading.find import find
from tiling.reading.lines import count
from tiling.reading.names import split
from tiling.reading.numbers import Numbers
from tiling.reading.recorded import Cta, Run
from tiling.reading.tiled import Tiled, recover
from tiling.shapes import Gemm

pytestmark = needs(lambda: nvidia.nvcc("--version"))

ALPHA, BETA = 3.0, 2.0
KINDS = {
    "race": "is raced for",
    "outside": "lies outside",
    "unwritten": "was never written",
    "coming": "is still on its way",
    "misaligned": "is not aligned",
    "barrier": "does not reach a barrier",
}
"""How the machine calls what it finds."""

RIGHT_SOMEWHERE = tuple(one for one in BROKEN if one.gemm not in {f.gemm for f in one.findings})

NOT_TILED = {"int8_dp4a.cu": "a byte cannot number the elements"}
"""What is not read as it should be, and why."""


def known(kernels: tuple[Kernel, ...], but: dict[str, str]) -> list[object]:
    """As parameters of a test, some of them known to fail."""

    def mark(kernel: Kernel) -> tuple[pytest.MarkDecorator, ...]:
        why = but.get(kernel.file)
        return (pytest.mark.xfail(reason=why, strict=True),) if why else ()

    return [pytest.param(one, id=one.file, marks=mark(one)) for one in kernels]


@cache
def loaded(kernel: Kernel) -> reading.Kernel:
    """Kernels alone by NVRTC, which takes a tenth of nvcc's time; the machine code of broken ones
    is not looked at."""

    def missing(*_: str) -> None:
        raise Missing("not wanted here")

    with pytest.MonkeyPatch.context() as patch:
        if not kernel.whole:
            patch.setattr(nvidia, "nvcc", missing)
        if kernel.findings:
            patch.setattr(nvidia, "listing", lambda _: "")
        return reading.load(kernel.path, kernel.name)


def called(kernel: Kernel) -> Call:
    """The call that the table has."""
    orders: dict[str, Order] = dict(zip("ABCD", (*kernel.layout, "row"), strict=True))
    return Call(
        kernel.grid,
        tuple(map(str, kernel.block)),
        tuple(split(kernel.args)),
        str(kernel.dynamic),
        orders,
        str(kernel.batch),
    )


def run(kernel: Kernel, gemm: Sizes) -> Run:
    beta = BETA if kernel.c == "numbers" else 0.0
    return Run(loaded(kernel), called(kernel), Gemm(*gemm), ALPHA, beta)


def numbers(kernel: Kernel, one: Run) -> dict[str, Numbers]:
    """Whole numbers, so small that every type has all sums of products; C as the table says."""
    random = np.random.default_rng(0)
    found = {}
    for name, matrix in one.matrices.items():
        if name != "C" or kernel.c != "nothing":
            shape = matrix.batch, matrix.rows, matrix.cols
            zero = name == "C" and kernel.c == "zeros"
            found[name] = random.integers(-4, 5, shape).astype(np.float64) * (not zero)
    return found


@dataclass(frozen=True)
class Ran:
    """What CTAs of a kernel did."""

    findings: list[events.Finding]
    given: dict[str, Numbers]
    buffers: dict[str, Buffer]
    run: Run

    def right(self, kernel: Kernel) -> bool:
        got = self.run.matrices["C"].numbers(self.buffers["C"].data)
        return np.array_equal(got, wanted(kernel, self.given))


def ran(kernel: Kernel, gemm: Sizes, cta: Cta | None = None) -> Ran:
    """Run all CTAs, or one."""
    one = run(kernel, gemm)
    given = numbers(kernel, one)
    buffers = one.buffers({name: one.matrices[name].flat(given[name]) for name in given})
    machine = one.machine(buffers, lambda event: None)
    ctas = one.ctas() if cta is None else [cta]
    return Ran([finding for cta in ctas for finding in machine.run(cta)], given, buffers, one)


def wanted(kernel: Kernel, given: dict[str, Numbers]) -> Numbers:
    """C as it must be."""
    if not kernel.product:
        return given["A"].swapaxes(1, 2).reshape(given["A"].shape)
    product = given["A"] @ given["B"]
    if "alpha" in kernel.args:
        product = ALPHA * product
    if kernel.c == "numbers":
        product = product + BETA * given["C"]
    return product


@pytest.mark.parametrize("kernel", known(GOOD, {}))
def test_good_kernels_are_right(kernel: Kernel) -> None:
    found = ran(kernel, kernel.gemm)
    assert not found.findings, found.findings[0]
    assert found.right(kernel)


@pytest.mark.parametrize("kernel", known(BROKEN, {}))
def test_broken_kernels_are_found_out(kernel: Kernel) -> None:
    for wanted in kernel.findings:
        found = ran(kernel, wanted.gemm, wanted.cta)
        if wanted.kind == "wrong":
            assert not found.right(kernel)
            continue
        told = [one for one in found.findings if is_(one, wanted, kernel)]
        assert told, [str(one) for one in found.findings]


@pytest.mark.parametrize(
    "kernel", [k for k in BROKEN if k.gemm not in (f.gemm for f in k.findings)]
)
def test_broken_kernels_are_right_where_they_may_be(kernel: Kernel) -> None:
    found = ran(kernel, kernel.gemm)
    assert not found.findings, found.findings[0]
    assert found.right(kernel)


ONE_OF_EACH = tuple({(one.args, one.layout, one.whole): one for one in GOOD}.values())
"""A kernel for each way to be called; all would take seconds."""


@pytest.mark.parametrize("kernel", known(ONE_OF_EACH, {}))
def test_calls_are_found(kernel: Kernel) -> None:
    found = find(loaded(kernel))
    assert found is not None
    wanted = called(kernel)
    assert arguments(found) == arguments(wanted)
    assert [found.orders[name] for name in "ABC"] == list(kernel.layout)


def arguments(call: Call) -> list[object]:
    """Matrices and factors by name, sizes as numbers."""
    gemm = call.names(Gemm(128, 256, 64))
    return [
        one if one in ("A", "B", "C", "alpha", "beta") else value(one, gemm) for one in call.words
    ]


@pytest.mark.parametrize("kernel", known(GOOD, NOT_TILED))
def test_tilings_are_recovered(kernel: Kernel) -> None:
    found = recover(loaded(kernel), called(kernel))
    assert (as_table(found) if found else None) == kernel.tile


def as_table(found: Tiled) -> Tile:
    arrays = found.arrays
    steps = {name: (one.k_step, one.i_step) for name, one in arrays.items()}
    turned = [arrays[name].swizzle.removeprefix("XORed by ") if arrays else "" for name in "AB"]
    a, b = (one.replace("row or column", "side") for one in turned)
    return Tile(
        (found.rows.tile, found.cols.tile, *((found.bk,) if arrays else ())),
        (found.rows.thread, found.cols.thread),
        (found.rows.warp, found.cols.warp),
        (found.rows.run, found.cols.run),
        steps.get("A", ()),
        steps.get("B", ()),
        (a, b),
        found.stages,
    )


@pytest.mark.parametrize("kernel", known(GOOD, {}))
def test_lines_cost_what_they_cost_by_hand(kernel: Kernel) -> None:
    counted = {
        (line.source.line, part.kind, part.array): (
            part.bits,
            part.cost.requests,
            part.cost.moved,
            part.cost.ways,
        )
        for line in count(run(kernel, kernel.gemm), ((0, 0, 0),)).lines
        for part in line.parts
    }
    names = {name: role for role, name in own_names(kernel).items()}
    rows: dict[tuple[int, str, str], list[Line]] = defaultdict(list)
    unclear = {one.part for one in kernel.lines if one.unclear}
    for one in kernel.lines:
        if one.part in unclear:
            continue
        array = names.get(one.array, one.array) if one.ways == 0 else one.array
        rows[kernel.line(one.part), one.kind, array].append(one)
    wanted = {
        key: (
            tuple(sorted({one.bits for one in some})),
            sum(kernel.warps * one.per_warp for one in some),
            sum(kernel.warps * one.per_warp * one.each for one in some),
            max(one.ways for one in some),
        )
        for key, some in rows.items()
    }
    assert {key: counted.get(key) for key in wanted} == wanted


def is_(told: events.Finding, wanted: Finding, kernel: Kernel) -> bool:
    """Whether this is what the table wants."""
    array = own_names(kernel).get(told.array, told.array)
    return (
        KINDS[wanted.kind] in told.kind
        and (wanted.kind == "barrier" or array == wanted.array)
        and kernel.line(wanted.part) in lines(told.instruction)
        and (not wanted.other or kernel.line(wanted.other) in lines(told.also))
    )


def own_names(kernel: Kernel) -> dict[str, str]:
    """What the kernel calls A, B and C."""
    listed = zip(called(kernel).args, loaded(kernel).parameters, strict=True)
    return {arg: parameter.name for arg, parameter in listed if arg in "ABC"}


def lines(instruction: Instruction | None) -> set[int]:
    """Lines that an instruction comes from: where it stands, and where that is inlined."""
    found, source = set(), instruction.source if instruction else None
    while source:
        found.add(source.line)
        source = source.inlined_at
    return found
