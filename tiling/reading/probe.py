"""A call tried out: a few CTAs of a small GEMM are run on whole numbers, and looked at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from tiling.ptx.events import Access, Event
from tiling.ptx.memory import SHARED, Ints
from tiling.reading.call import LEADING, Call, Matrix, Order
from tiling.reading.kernel import Kernel
from tiling.reading.numbers import DTYPES, Numbers
from tiling.reading.recorded import Cta, Run
from tiling.shapes import Gemm, Refused

SMALL = Gemm(512, 768, 128)
"""Sizes that most tiles divide, no two alike."""

SQUARE = Gemm(256, 256, 256)
"""For kernels that take one size."""

MOST = 10**5
"""Instructions of a CTA in a trial."""

ALPHA, BETA = 2.0, 3.0


@dataclass(frozen=True)
class Trial:
    """What CTAs of a call stored.

    offsets   of each CTA, the elements of the result that it wrote, ascending
    wrong     the first thing that a CTA must not do, or ""; endless: that it did not end
    call      with the orders of the matrices by which it is A·B what they stored, or None
    shared    bytes of shared memory up to the last that was touched
    """

    offsets: dict[Cta, Ints]
    wrong: str
    call: Call | None
    shared: int = 0

    @property
    def endless(self) -> bool:
        return self.wrong.startswith("more than")

    @property
    def right(self) -> bool:
        return self.call is not None and not self.wrong


def numbers(matrix: Matrix, seed: int) -> Numbers:
    """(batch, rows, cols) whole numbers so small that every type has their products' sums."""
    drawn = np.random.default_rng(seed).integers(-2, 3, (matrix.batch, matrix.rows, matrix.cols))
    if matrix.element in ("u8", "u32"):
        drawn = np.abs(drawn)
    return drawn.astype(np.float64)


class _Stopped(Exception):
    """A trial did what no kernel may do."""


def _stop(kind: str, *_: object, **__: object) -> None:
    raise _Stopped(kind)


def attempt(kernel: Kernel, call: Call, ctas: list[Cta], gemm: Gemm, strict: bool = True) -> Trial:
    """Run these CTAs; if it is strict, up to the first thing that they must not do. Raises Refused
    where the call cannot be made."""
    run = Run(kernel, call, gemm, ALPHA, BETA)
    # What lies in memory is the same whatever the order; the numbers are read from it.
    data = {
        name: matrix.flat(numbers(matrix, seed))
        for seed, (name, matrix) in enumerate(run.matrices.items())
    }
    buffers = run.buffers({name: flat.copy() for name, flat in data.items()})
    stores = _Stores(run)
    machine = run.machine(buffers, stores.hear, MOST)
    machine.races = None
    if strict:
        machine.found = _stop  # type: ignore[method-assign]
    offsets: dict[Cta, Ints] = {}
    wrong = ""
    for cta in ctas:
        stores.clear()
        try:
            findings = machine.run(cta)
        except _Stopped as stopped:
            wrong = str(stopped)
            break
        wrong = wrong or (str(findings[0]) if findings else "")
        offsets[cta] = np.unique(np.concatenate([np.empty(0, np.int64), *stores]))
    if wrong or not call.is_gemm:
        return Trial(offsets, wrong, None, stores.shared)
    every = np.unique(np.concatenate(list(offsets.values())))
    right = _right(run, data, buffers[call.result].data, every)
    return Trial(offsets, wrong, right, stores.shared)


class _Stores(list[Ints]):
    """Elements of the result that are written, as arrays; and how much of shared memory is used."""

    shared = 0

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.name = run.call.result
        self.size = DTYPES[run.matrices[self.name].element].itemsize

    def hear(self, event: Event) -> None:
        if not isinstance(event, Access) or not event.offset.size:
            return
        if event.buffer.base == SHARED:
            last = int(event.offset.max()) + event.width * event.value.shape[1]
            self.shared = max(self.shared, last)
        elif event.buffer.name == self.name and event.kind in ("store", "atomic"):
            width = event.width * event.value.shape[1] // self.size
            for more in range(max(1, width)):
                self.append(event.offset.reshape(-1) // self.size + more)


def _right(run: Run, data: dict[str, np.ndarray], got: np.ndarray, every: Ints) -> Call | None:
    """The call with the orders by which the stored elements are those of the product, if there are
    such. One that passes leading dimensions has its own."""
    if not every.size:
        return None
    matrix = run.matrices[run.call.result]
    element = DTYPES[matrix.element]
    stored = got[: matrix.count * element.itemsize].view(element)[every]
    ways: list[Mapping[str, Order]] = [run.call.orders]
    if not set(LEADING) & set(run.call.words):
        ways = list(every_order())
    products = np.unique(every // (matrix.rows * matrix.cols))
    for orders in ways:
        for adds in (False, True) if "beta" not in run.call.words else (False,):
            call = replace(run.call, orders=orders, adds=adds)
            if np.array_equal(expected(replace(run, call=call), data, products)[every], stored):
                return call
    return None


def every_order() -> Iterator[dict[str, Order]]:
    """All orders of A, B and the result, to which C is alike; all rows and all columns first."""
    ways: list[tuple[Order, ...]] = list(product(("row", "col"), repeat=3))
    for a, b, c in sorted(ways, key=lambda way: len(set(way))):
        yield {"A": a, "B": b, "C": c, "D": c}


def expected(run: Run, data: Mapping[str, np.ndarray], products: Ints) -> np.ndarray:
    """The result as it lies in memory, of these products of a batch; zeros elsewhere."""
    values = {
        name: matrix.numbers(data[name].view(np.uint8))[products]
        for name, matrix in run.matrices.items()
        if name in data
    }
    found = exact(run, values)
    result = run.matrices[run.call.result]
    whole = np.zeros((result.batch, result.rows, result.cols))
    whole[products] = found
    return result.flat(whole)


def exact(run: Run, values: Mapping[str, Numbers]) -> Numbers:
    """What the result must be, of (batch, rows, cols) numbers, in float64."""
    found = values["A"] @ values["B"]
    if "alpha" in run.call.words:
        found = run.alpha * found
    if run.call.keeps:
        found = found + (1.0 if run.call.adds else run.beta) * values["C"]
    return found


def usual(call: Call) -> Gemm:
    """A small GEMM that a call can be tried on."""
    return SQUARE if len(call.sizes) == 1 or not call.is_gemm else SMALL


def corners(run: Run) -> list[Cta]:
    """The first CTA and the last, where there are two; and where a third axis may count parts of
    one sum, all of them."""
    x, y, z = run.shape.grid
    depth = range(z) if run.shape.batch == 1 and z <= MOST_PARTS else (0, z - 1)
    return list(dict.fromkeys((i, j, k) for i, j in ((0, 0), (x - 1, y - 1)) for k in depth))


MOST_PARTS = 64


def tried(kernel: Kernel, call: Call, gemm: Gemm, strict: bool = True) -> tuple[Call, Trial] | None:
    """The call with the orders that its matrices have, and what some CTAs of it did; None where it
    cannot be made."""
    ways = [call]
    if set(LEADING) & set(call.words):
        ways = [replace(call, orders=orders) for orders in every_order()]
    found: tuple[Call, Trial] | None = None
    for way in ways:
        try:
            trial = attempt(kernel, way, corners(Run(kernel, way, gemm)), gemm, strict)
        except Refused:
            return None
        if trial.right:
            return trial.call or way, trial
        found = found or (way, trial)
    return found


def told_of(call: Call, trial: Trial) -> Call:
    """The call, with a word where what it computes is not what it should be."""
    if trial.right or not call.is_gemm:
        return call
    return replace(call, said=(*call.said, "but at small sizes it does not compute A·B"))


def settled(kernel: Kernel, call: Call) -> tuple[Call, int]:
    """A call that was given, with the orders of its matrices by which it makes A·B, if there are
    such, else as it is; and how many elements a CTA writes, 0 where that is not known."""
    found = tried(kernel, call, usual(call))
    if found is None:
        return call, 0
    each = max((offsets.size for offsets in found[1].offsets.values()), default=0)
    return (found[0] if found[1].right else told_of(call, found[1])), each


def covers(kernel: Kernel, call: Call, trial: Trial, gemm: Gemm) -> bool:
    """Whether the CTAs that were tried show as many elements as all must make together."""
    shape = Run(kernel, call, gemm).shape
    if not trial.offsets:
        return False
    sizes = {offsets.size for offsets in trial.offsets.values()}
    rows, cols = (getattr(gemm, axis.lower()) for axis in call.axes(call.result))
    every = shape.batch * rows * cols
    apart = np.unique(np.concatenate(list(trial.offsets.values()))).size
    return (
        len(sizes) == 1
        and apart == sum(o.size for o in trial.offsets.values())
        and (sizes.pop() * shape.ctas == every)
    )
