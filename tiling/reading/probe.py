"""A call tried out: a few CTAs of a small GEMM are run on whole numbers, and looked at."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from tiling.ptx.events import Access, Event
from tiling.ptx.memory import Ints
from tiling.reading.call import MATRICES, Call, Matrix, Order
from tiling.reading.kernel import Kernel
from tiling.reading.numbers import DTYPES, Numbers
from tiling.reading.recorded import Cta, Run
from tiling.shapes import Gemm, Refused

SMALL = Gemm(512, 768, 128)
"""Sizes that most tiles divide, no two alike."""

SQUARE = Gemm(256, 256, 256)
"""For kernels that take one size."""

MOST = 10**6
"""Instructions of a CTA in a trial."""

ALPHA, BETA = 2.0, 3.0


@dataclass(frozen=True)
class Trial:
    """What CTAs of a call stored.

    offsets   of each CTA, the elements of the result that it wrote, ascending
    twice     whether one was written twice by one CTA
    wrong     the first thing that a CTA must not do, or ""
    orders    of the matrices by which it is A·B what they stored, or None
    """

    offsets: dict[Cta, Ints]
    twice: bool
    wrong: str
    orders: dict[str, Order] | None

    @property
    def right(self) -> bool:
        return self.orders is not None and not self.wrong


def numbers(matrix: Matrix, seed: int) -> Numbers:
    """(batch, rows, cols) whole numbers so small that every type has their products' sums."""
    drawn = np.random.default_rng(seed).integers(-2, 3, (matrix.batch, matrix.rows, matrix.cols))
    if matrix.element in ("u8", "u32"):
        drawn = np.abs(drawn)
    return drawn.astype(np.float64)


def attempt(kernel: Kernel, call: Call, ctas: Iterator[Cta] | list[Cta], gemm: Gemm) -> Trial:
    """Run these CTAs. Raises Refused where the call cannot be made."""
    run = Run(kernel, call, gemm, ALPHA, BETA)
    values = {name: numbers(m, seed) for seed, (name, m) in enumerate(run.matrices.items())}
    # What lies in memory is the same whatever the order; the numbers are read from it.
    data = {name: run.matrices[name].flat(values[name]) for name in values}
    buffers = run.buffers({name: flat.copy() for name, flat in data.items()})
    stores: list[Ints] = []
    size = DTYPES[run.matrices[call.result].element].itemsize if call.result in buffers else 4

    def hear(event: Event) -> None:
        if not isinstance(event, Access) or event.kind not in ("store", "atomic"):
            return
        if event.buffer.name == call.result:
            width = event.width * event.value.shape[1] // size
            for more in range(max(1, width)):
                stores.append(event.offset.reshape(-1) // size + more)

    machine = run.machine(buffers, hear, MOST)
    machine.races = None
    offsets: dict[Cta, Ints] = {}
    wrong, twice = "", False
    for cta in ctas:
        stores.clear()
        findings = machine.run(cta)
        wrong = wrong or (str(findings[0]) if findings else "")
        every = np.concatenate(stores) if stores else np.empty(0, np.int64)
        offsets[cta] = np.unique(every)
        twice |= offsets[cta].size < every.size
    if not call.is_gemm:
        return Trial(offsets, twice, wrong, None)
    got = buffers[call.result].rows(size, 1)
    every = np.unique(np.concatenate(list(offsets.values())))
    return Trial(offsets, twice, wrong, _orders(run, data, got.view(np.uint8), every))


def _orders(
    run: Run, data: dict[str, np.ndarray], got: np.ndarray, every: Ints
) -> dict[str, Order] | None:
    """The orders by which the stored elements are those of the product."""
    if not every.size:
        return None
    result = run.call.result
    matrix = run.matrices[result]
    element = DTYPES[matrix.element]
    stored = got[: matrix.count * element.itemsize].view(element)[every]
    sides: list[list[dict[str, Order]]] = [[{n: "row"}, {n: "col"}] for n in ("A", "B", result)]
    for choice in product(*sides):
        orders: dict[str, Order] = {"A": "row", "B": "row", "C": "row", "D": "row"}
        for one in choice:
            orders |= one
        orders["C"] = orders[result]
        want = expected(run, data, orders)
        if np.array_equal(want[every], stored):
            return orders
    return None


def expected(run: Run, data: dict[str, np.ndarray], orders: dict[str, Order]) -> np.ndarray:
    """The result as it lies in memory."""
    made = {n: replace(m, order=orders[n]) for n, m in run.matrices.items()}
    values = {n: made[n].numbers(data[n].view(np.uint8)) for n in data}
    found = values["A"] @ values["B"]
    if "alpha" in run.call.args:
        found = run.alpha * found
    if "beta" in run.call.args:
        found = found + run.beta * values["C"]
    return made[run.call.result].flat(found)


def usual(call: Call) -> Gemm:
    """A small GEMM that a call can be tried on."""
    return SQUARE if len(call.sizes) == 1 else SMALL


def corners(run: Run) -> list[Cta]:
    """The first CTA and the last, where there are two."""
    x, y, z = run.shape.grid
    return list(dict.fromkeys([(0, 0, 0), (x - 1, y - 1, z - 1)]))


def tried(kernel: Kernel, call: Call) -> Trial | None:
    """The call with its first CTA and its last, or None where it cannot be made."""
    gemm = usual(call)
    try:
        return attempt(kernel, call, corners(Run(kernel, call, gemm)), gemm)
    except Refused:
        return None


def covers(kernel: Kernel, call: Call, trial: Trial) -> bool:
    """Whether the CTAs that were tried show as many elements as all must make together."""
    gemm = usual(call)
    shape = Run(kernel, call, gemm).shape
    sizes = {offsets.size for offsets in trial.offsets.values()}
    rows, cols = (getattr(gemm, axis.lower()) for axis in MATRICES[call.result])
    if len(trial.offsets) == 2:
        one, other = trial.offsets.values()
        apart = not np.intersect1d(one, other).size
    else:
        apart = True
    every = shape.batch * rows * cols
    return len(sizes) == 1 and apart and sizes.pop() * shape.ctas == every
