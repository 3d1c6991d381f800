"""One GEMM by a kernel: CTAs are run, and all that they do is looked at."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tiling.ptx.events import Access, Event
from tiling.ptx.memory import Ints
from tiling.reading.bound import bound
from tiling.reading.call import Matrix
from tiling.reading.findings import Wrong, told
from tiling.reading.lines import own_line
from tiling.reading.numbers import Numbers, integral, size
from tiling.reading.probe import exact, numbers
from tiling.reading.recorded import Cta, Run, endless
from tiling.shapes import Gemm

WORK = 2**24
"""Multiply-adds that are run for one GEMM, where not all of its CTAs are: some seconds."""

MOST_FOUND = 8
"""Counterexamples of one GEMM that are told."""


@dataclass(frozen=True)
class Checked:
    """What was seen of one GEMM.

    ctas      that were run, of `of` in the grid
    accesses  of all threads, to all memory
    floats    whether it was run on floats too, and held to their bound
    """

    gemm: Gemm
    ctas: int
    of: int
    accesses: int
    floats: bool
    wrong: tuple[Wrong, ...]


def check(run: Run, whole: bool, advance: Callable[[float], object] = id) -> Checked:
    """Run all CTAs of a GEMM if `whole`, else some that stand for all: on whole numbers, on which
    every sum is exact, then on floats."""
    ctas = list(run.ctas()) if whole else chosen(run)
    floats = run.call.is_gemm and not integral(run.matrices[run.call.result].element)
    kinds = [whole_numbers, random_floats] if floats else [whole_numbers]
    wrong: list[Wrong] = []
    accesses = 0
    for turn, kind in enumerate(kinds):

        def tell(share: float, turn: int = turn) -> None:
            advance((turn + share) / len(kinds))

        one = _Checking(run, ctas, kind(run))
        wrong += one.run_all(tell)
        accesses += one.accesses
        if not wrong and run.call.is_gemm:
            wrong += one.elements(whole)
        if wrong:
            break
    return Checked(run.gemm, len(ctas), run.shape.ctas, accesses, floats, tuple(wrong[:MOST_FOUND]))


def chosen(run: Run) -> list[Cta]:
    """CTAs that stand for all: in the middle, the last, the first, at the other corners; fewer
    where each has much to do. Parts of one sum all come."""
    x, y, z = run.shape.grid
    corners = [((x - 1) // 2, (y - 1) // 2), (x - 1, y - 1), (0, 0), (x - 1, 0), (0, y - 1)]
    work = run.gemm.m * run.gemm.n * run.gemm.k // (x * y)
    some = list(dict.fromkeys(corners))[: max(1, WORK // max(1, work))]
    depth = range(z) if run.shape.batch == 1 else dict.fromkeys((0, z - 1))
    return [(i, j, k) for i, j in some for k in depth]


def whole_numbers(run: Run) -> dict[str, Numbers]:
    return {name: numbers(m, seed) for seed, (name, m) in enumerate(run.matrices.items())}


def random_floats(run: Run) -> dict[str, Numbers]:
    """From -1 to 1, as the matrices can hold them."""
    found = {}
    for seed, (name, matrix) in enumerate(run.matrices.items()):
        drawn = np.random.default_rng(seed).uniform(-1, 1, (matrix.batch, matrix.rows, matrix.cols))
        found[name] = matrix.numbers(matrix.flat(drawn).view(np.uint8))
    return found


@dataclass
class _Checking:
    """CTAs of one GEMM on given numbers.

    element, thread, place, cta  of all that was written to the result: arrays, one by one
    """

    run: Run
    ctas: list[Cta]
    values: Mapping[str, Numbers]
    accesses: int = 0
    now: int = 0
    atomic: bool = False
    written: list[tuple[Ints, Ints, Ints, Ints]] = field(default_factory=list)

    def __post_init__(self) -> None:
        run, result = self.run, self.run.call.result
        given = [name for name in self.values if name != result or run.call.keeps]
        data = {name: run.matrices[name].flat(self.values[name]) for name in given}
        self.buffers = run.buffers(data)
        self.result = run.matrices[result]

    def hear(self, event: Event) -> None:
        if not isinstance(event, Access):
            return
        self.accesses += event.offset.size
        if event.kind not in ("store", "atomic") or event.buffer.name != self.result.name:
            return
        self.atomic |= event.kind == "atomic"
        shape = event.offset.shape if event.active is None else event.active.shape
        place = np.broadcast_to(event.place[:, None], shape)
        place = place if event.active is None else place[event.active]
        first = event.offset.reshape(-1) // size(self.result.element)
        of = np.full(first.size, self.now)
        for more in range(max(1, event.width * event.value.shape[1] // size(self.result.element))):
            self.written.append((first + more, event.thread.reshape(-1), place.reshape(-1), of))

    def run_all(self, advance: Callable[[float], None]) -> list[Wrong]:
        """Run the CTAs; what they did that no kernel may do."""
        machine = self.run.machine(self.buffers, self.hear, endless(self.run.gemm))
        machine.found = _OncePerLine(machine.found, self.run)  # type: ignore[method-assign]
        wrong: list[Wrong] = []
        for number, cta in enumerate(self.ctas):
            self.now = number
            wrong += [told(self.run, one) for one in machine.run(cta)]
            advance((number + 1) / len(self.ctas))
            if len(wrong) >= MOST_FOUND:
                break
        return wrong

    def elements(self, whole: bool) -> Iterator[Wrong]:
        """Elements of the result that are wrong, written twice, or, of all CTAs, not at all."""
        if not self.written:
            yield Wrong("once", "is never written", self.ctas[0], array=self.result.name)
            return
        columns = [np.concatenate(column) for column in zip(*self.written, strict=True)]
        element = columns[0]
        different, times = np.unique(element, return_counts=True)
        if not self.atomic and times.max() > 1:
            one = int(different[times.argmax()])
            _, thread, _, cta = (column[np.flatnonzero(element == one)[0]] for column in columns)
            first = f"thread {thread} of CTA {self.ctas[int(cta)]}"
            yield self._wrong("once", columns, one, f"is written again, after {first}")
        found, wanted, may = self._numbers(different)
        off = np.flatnonzero(~(np.abs(found - wanted) <= may))
        if off.size:
            at = off[0]
            more = f"; so {off.size} of {different.size} elements"
            near = f" within {may[at]:.3g}" if may[at] else ""
            says = f"is {found[at]:.9g}, not {wanted[at]:.9g}{near}{more}"
            yield self._wrong("product", columns, int(different[at]), says)
        if whole and different.size < self.result.count:
            missing = np.setdiff1d(np.arange(self.result.count), different)
            place = self.result.at(int(missing[0]) * size(self.result.element))
            says = f"is never written; so {missing.size} of {self.result.count} elements"
            yield Wrong("once", says, self.ctas[0], array=self.result.name, element=place)

    def _wrong(self, kind: str, columns: list[Ints], one: int, says: str) -> Wrong:
        """Of an element, with who wrote it last."""
        element, thread, place, cta = columns
        last = np.flatnonzero(element == one)[-1]
        kernel = self.run.kernel
        source = own_line(kernel, kernel.program.flow.body[int(place[last])])
        return Wrong(
            kind,
            says,
            self.ctas[int(cta[last])],
            (int(thread[last]),),
            source,
            kernel.built.text(source),
            self.result.name,
            self.result.at(one * size(self.result.element)),
        )

    def _numbers(self, element: Ints) -> tuple[Numbers, Numbers, Numbers]:
        """Of elements of the result, as they lie in memory: what is there, what must be, and how
        far from it that may be."""
        matrix = self.result
        inside = matrix.rows * matrix.cols
        products = np.unique(element // inside)
        some = {name: values[products] for name, values in self.values.items()}
        want = exact(self.run, some)
        far = bound(self.run, some, want)
        at = np.searchsorted(products, element // inside) * inside + element % inside
        found = _in_memory(matrix, matrix.numbers(self.buffers[matrix.name].data))[element]
        return found, _in_memory(matrix, want)[at], _in_memory(matrix, far)[at]


class _OncePerLine:
    """Lets the first finding of a kind, line and array through: an unrolled loop has many alike."""

    def __init__(self, found: Callable[..., None], run: Run) -> None:
        self.found, self.kernel = found, run.kernel
        self.seen = set[tuple[object, ...]]()

    def __call__(
        self, kind: str, threads: object, place: int | None, array: str = "", *more: Any, **by: Any
    ) -> None:
        one = None if place is None else self.kernel.program.flow.body[place]
        key = kind.partition(":")[0], array, one and own_line(self.kernel, one)
        if key not in self.seen:
            self.seen.add(key)
            self.found(kind, threads, place, array, *more, **by)


def _in_memory(matrix: Matrix, values: Numbers) -> Numbers:
    """(batch, rows, cols) numbers in the order in which they lie in memory."""
    turned = values if matrix.order == "row" else values.swapaxes(-1, -2)
    return np.ascontiguousarray(turned).reshape(-1)
