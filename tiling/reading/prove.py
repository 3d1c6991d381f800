"""A kernel at small sizes, whole; at the sizes that were asked for; and at awkward ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import lcm

import numpy as np

from tiling.reading.check import WORK, Checked, check, whole_numbers
from tiling.reading.findings import Wrong, told
from tiling.reading.numbers import size
from tiling.reading.probe import attempt, usual
from tiling.reading.recorded import Run, endless
from tiling.shapes import Gemm, Refused

AWKWARD = (33, 65, 17), (7, 5, 3), (1, 129, 64), (131, 1, 9), (1, 1, 1)
ALIKE = 65, 33, 7, 1
"""Sizes that no tile divides, smaller than one, and of one row or column; and where all three are
alike."""

MOST_CTAS = 64
"""CTAs up to which a grid is run whole."""


@dataclass(frozen=True)
class Proof:
    """What was shown of a kernel.

    checked  one for each GEMM that was run
    wrong    counterexamples, with the GEMM that each is of
    notes    what a person should know, though nobody asked for it
    """

    run: Run
    checked: tuple[Checked, ...]
    wrong: tuple[tuple[Gemm, Wrong], ...]
    notes: tuple[str, ...]


def prove(run: Run, any_size: bool, advance: Callable[[float], object] = id) -> Proof:
    """Check a kernel: at small sizes all its CTAs, at those asked for some, and with `any_size` at
    awkward ones, up to the first that goes wrong."""
    least = small(run)
    gemms = list(dict.fromkeys([*([least] if least else []), run.gemm]))
    checked: list[Checked] = []
    notes: list[str] = []
    for number, gemm in enumerate(gemms):

        def tell(share: float, number: int = number) -> None:
            advance((number + share) / (len(gemms) + any_size))

        checked.append(check(replace(run, gemm=gemm), _whole(replace(run, gemm=gemm)), tell))
        if checked[-1].wrong:
            break
    if least and checked[-1].wrong and checked[-1].gemm == least:
        notes += _where_alike(run, least)
    if any_size and not checked[-1].wrong:
        for one in _awkward(run, least):
            if isinstance(one, str):
                notes.append(one)
                break
            checked.append(one)
            if one.wrong:
                break
    if checked[-1].wrong and len(checked) > 1:
        first = checked[0].gemm
        notes.append(f"It is right at {first}: so it may take sizes alone that its tiles divide.")
    if not checked[-1].wrong and (read := reads_unwritten(run)):
        line = f"line {read.source.line}" if read.source else "it"
        notes.append(f"With beta = 0 {line} still reads C: what nobody wrote there may be NaN.")
    if not run.call.is_gemm:
        notes.append("It is no product of two matrices: what it computes was not looked at.")
    wrong = [(one.gemm, text) for one in checked for text in one.wrong]
    return Proof(run, tuple(checked), tuple(wrong), tuple(notes))


def _where_alike(run: Run, least: Gemm) -> Iterator[str]:
    """Of a kernel that is wrong at small sizes, whether it is right where all are alike."""
    side = lcm(least.m, least.n, 32)
    other = replace(run, gemm=Gemm(side, side, side))
    if least.m == least.n == least.k or not _whole(other, WORK):
        return
    if not check(other, whole=True).wrong:
        yield f"It is right at {other.gemm}, where M, N and K are alike."


def _whole(run: Run, most: int = WORK // 4) -> bool:
    """Whether all CTAs can be run."""
    return run.shape.ctas <= MOST_CTAS and run.gemm.m * run.gemm.n * run.gemm.k <= most


def small(run: Run) -> Gemm | None:
    """Sizes of two tiles by two, all of whose CTAs can be run; None where that is too much, or no
    tile is to be seen."""
    gemm = usual(run.call)
    try:
        trial = attempt(run.kernel, run.call, [(0, 0, 0)], gemm, strict=False)
    except Refused:
        return None
    offsets = trial.offsets.get((0, 0, 0), np.empty(0, np.int64))
    if not offsets.size:
        return None
    matrix = replace(run, gemm=gemm).matrices[run.call.result]
    each = np.array([matrix.at(int(o) * size(matrix.element))[-2:] for o in offsets[[0, -1]]])
    rows, cols = (abs(int(last - first)) + 1 for first, last in each.T)
    if len(run.call.sizes) == 1:
        both = 2 * lcm(rows, cols)
        found = Gemm(both, both, both)
    else:
        found = Gemm(2 * rows, 2 * cols, gemm.k)
    try:
        return found if _whole(replace(run, gemm=found), WORK) else None
    except Refused:
        return None


def _awkward(run: Run, least: Gemm | None) -> Iterator[Checked | str]:
    """The kernel at sizes that nobody would choose, or why it cannot be called there: first those
    where one row, column or product of a sum is too many."""
    gemms = [Gemm(*each) for each in AWKWARD]
    if len(run.call.sizes) == 1:
        gemms = [Gemm(n, n, n) for n in ALIKE]
    elif least:
        m, n, k = least.m, least.n, least.k
        gemms = [Gemm(m + 1, n, k), Gemm(m, n + 1, k), Gemm(m, n, k + 1), *gemms]
    for gemm in gemms:
        other = replace(run, gemm=gemm)
        try:
            yield check(other, _whole(other))
        except Refused as no:
            yield f"It cannot be called at {gemm}: {no.field} {no.value} {no.rule}."


def reads_unwritten(run: Run) -> Wrong | None:
    """Where the kernel reads a C that nobody wrote, with beta = 0, if it does."""
    if "beta" not in run.call.words or "C" not in run.matrices:
        return None
    other = replace(run, gemm=small(run) or run.gemm, beta=0.0)
    values = whole_numbers(other)
    data = {name: other.matrices[name].flat(values[name]) for name in values if name != "C"}
    machine = other.machine(other.buffers(data), lambda event: None, endless(other.gemm))
    found = [told(other, one) for one in machine.run((0, 0, 0))]
    return next((one for one in found if one.kind == "unwritten" and one.array == "C"), None)
