"""Which lines of the kernel do an event: what stands under a picture of it, with its number.

They are looked up in gemm.cu by what stands in them. That the compiled kernel makes each of its
accesses, barriers and multiply-adds in just these lines, the rung `ptx` finds out.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Event,
    Exchange,
    Fragments,
    OuterProduct,
    Store,
    Wait,
)
from tiling.shapes import Tiling

LOADS = {"A": "group_of_A.fetch<A_VECTOR>()", "B": "group_of_B.fetch<B_VECTOR>()"}
WRITES = {
    "A": "shared[stage + a_word(k + v, row)] = wide.at[v];",
    "B": "*reinterpret_cast<Wide<B_VECTOR> *>(&shared[word]) = wide;",
}
COPIES = {"A": "group_of_A.copy<1>(", "B": "group_of_B.copy<B_VECTOR>("}
READS = "load<A_WIDE>(&a[i],", "load<B_WIDE>(&b[j],"
FETCHES = "a[i] = Neighbours{A,", "b[j] = Neighbours{B,"
BARRIERS = {
    "overwrite": "if (k_tile > 0) __syncthreads();",
    "reads": "have copied.\n        __syncthreads();",
    "both": "<STAGES - 2>();\n        __syncthreads();",
}
STORE = "if (inside) *to = value;"
IN_STORE = {
    "overwrite": "__syncthreads();  // before overwrite",
    "reads": "__syncthreads();  // before reads",
}


@dataclass(frozen=True)
class SourceLine:
    """A line of gemm.cu: its number, from 1 on, and its text without what it is indented by.

    does   what a compiled kernel is seen to do in it: load or store in an array of A, B, C in
           global memory or As, Bs, Cs in shared memory, commit, wait, barrier, fma
    """

    number: int
    text: str
    does: tuple[str, ...]


def lines_of(tiling: Tiling, event: Event) -> tuple[SourceLine, ...]:
    """The lines that do an event, in the order in which a thread comes to them."""
    return tuple(_line(part, *does) for part, *does in _parts(tiling, event))


def _parts(tiling: Tiling, event: Event) -> tuple[tuple[str, ...], ...]:
    """Of each line a part that stands nowhere else, and what it does."""
    match event:
        case Copy(operand) if tiling.asynchronous:
            return ((COPIES[operand], f"load {operand}", f"store {operand}s"),)
        case Copy(operand):
            loads = LOADS[operand], f"load {operand}"
            return loads, (WRITES[operand], f"store {operand}s")
        case Commit():
            return (("commit_copies();", "commit"),)
        case Wait():
            return (("wait_for_copies<STAGES - 2>();", "wait"),)
        case Barrier(None, before):
            return ((IN_STORE[before], "barrier"),)
        case Barrier() if tiling.asynchronous:
            return ((BARRIERS["both"], "barrier"),)
        case Barrier(_, before):
            return ((BARRIERS[before], "barrier"),)
        case Fragments() if tiling.direct:
            return (FETCHES[0], "load A"), (FETCHES[1], "load B")
        case Fragments():
            return (READS[0], "load As"), (READS[1], "load Bs")
        case OuterProduct():
            return (("accumulator[i][j] = __fmaf_ieee_rn(", "fma"),)
        case Exchange():
            return (("*reinterpret_cast<Wide<C_WIDE> *>(&shared[word]) = wide;", "store Cs"),)
        case Store(None):
            return ((STORE, "store C"),)
        case Store():
            return ("store(cta_row + row, cta_col + col, shared[word]);", "load Cs"), (
                STORE,
                "store C",
            )


@lru_cache
def _line(part: str, *does: str) -> SourceLine:
    """The line of gemm.cu in which the only place with this text ends."""
    text = files("tiling.kernel").joinpath("gemm.cu").read_text("utf-8")
    before, _ = text.split(part)  # it stands there once
    number = f"{before}{part}".count("\n")
    return SourceLine(number + 1, text.splitlines()[number].strip(), does)
