"""How far a product may lie from the exact one: the bound of its types.

A sum of n products in any order lies within γ(n + 1)·(|A|·|B|) of the exact sum, with γ(n) =
n·u / (1 − n·u) and u the unit roundoff (Higham, Accuracy and Stability of Numerical Algorithms,
section 3.5; for tensor cores Blanchard, Higham, Lopez, Mary, Pranesh, Mixed precision block fused
multiply-add, 2020).
"""

import re

import numpy as np

from tiling.reading.kernel import Kernel
from tiling.reading.numbers import UNIT, Numbers
from tiling.reading.recorded import Run

TF32 = 2.0**-11
"""What rounding A and B to tf32 costs each, if it is not cut off, which costs twice that."""

_HALF = re.compile(r"(?:fma|add|mul)\.(?:rn\.)?(?:ftz\.)?(f16|bf16)(?:x2)?\b")
_OF_HALVES = re.compile(r"(?:mma\..*\.f16\.f16\.f16\.f16|wmma\.mma\..*\.f16\.f16)$")
"""Products of warps whose sums are halves."""


def accumulator(kernel: Kernel, result: str) -> str:
    """The narrowest type in which sums are made; `result` is that of C's elements."""
    found = {result if result in ("f64", "s32", "u32") else "f32"}
    for one in kernel.program.function.body:
        half = _HALF.match(one.opcode)
        if half:
            found.add(half[1])
        elif _OF_HALVES.match(one.opcode):
            found.add("f16")
    return max(found, key=lambda name: UNIT.get(name, 0.0))


def gamma(n: int, unit: float) -> float:
    """γ(n); 1 where it says nothing, for all sums are within that of nothing."""
    return n * unit / (1 - n * unit) if n * unit < 0.5 else 1.0


def bound(run: Run, values: dict[str, Numbers], exact: Numbers) -> Numbers:
    """How far each element of the result may lie from the exact one."""
    result = run.matrices[run.call.result].element
    if result not in UNIT:
        return np.zeros_like(exact)
    sums = UNIT.get(accumulator(run.kernel, result), 0.0)
    size = np.abs(values["A"]) @ np.abs(values["B"])
    if "alpha" in run.call.words:
        size = abs(run.alpha) * size
    if run.call.keeps:
        size = size + (1.0 if run.call.adds else abs(run.beta)) * np.abs(values["C"])
    # The product, alpha, beta and the last addition round once each.
    found = gamma(run.gemm.k + 4, sums) * size
    if any(".tf32" in one.opcode for one in run.kernel.program.function.body):
        found = found + 4 * TF32 * size
    return found + UNIT[result] * (np.abs(exact) + found) + np.finfo(np.float64).eps * size
