"""What every build of gemm.cu has in common: the source, and the tiling as macros."""

from functools import lru_cache
from importlib.resources import files

from tiling.layout import arrangement, exchange_width, least_width, twist
from tiling.schedule import Copy, Exchange, Fragments, Schedule, Store
from tiling.shapes import Tiling, ceil_div

ENTRY = "gemm"
"""The kernel's name in the source."""

UNROLLED_GROUPS = 8
"""Requests of a thread for one tile up to which the loop over them is unrolled."""

FEW_THREADS = 128
"""Threads of a CTA below which NVRTC was found to spill, to fit more CTAs on a chip, unless it is
told that one is enough."""

SLOTS_PER_RECORD = 2

SPARE_RECORDS = 8
"""Room behind the records that a thread must make: in it, records too many would show."""


@lru_cache
def source(name: str = "gemm.cu") -> str:
    """The text of one of the files beside this one."""
    return files("tiling.kernel").joinpath(name).read_text("utf-8")


def defines(tiling: Tiling, trace: bool = False) -> tuple[str, ...]:
    """The compiler options that make gemm.cu the kernel of this tiling."""
    axes = arrangement(tiling)
    macros = {
        "BM": tiling.bm,
        "BN": tiling.bn,
        "BK": tiling.bk,
        "TM": tiling.tm,
        "TN": tiling.tn,
        "WM": axes.rows.warp,
        "WN": axes.cols.warp,
        "QUAD_M": axes.rows.quad,
        "QUAD_N": axes.cols.quad,
        "A_VECTOR": tiling.request("A"),
        "B_VECTOR": tiling.request("B"),
        "PAD": tiling.pad,
        "TWIST": twist(tiling),
        "STAGES": tiling.stages,
        "FRAGMENTS": tiling.fragments,
        "A_WIDE": least_width(tiling, "A"),
        "B_WIDE": least_width(tiling, "B"),
        "C_WIDE": exchange_width(tiling),
        "A_UNROLL": unrolled_groups(tiling, "A"),
        "B_UNROLL": unrolled_groups(tiling, "B"),
        "DIRECT": int(tiling.direct),
        "SHARED_STORE": int(tiling.shared_store),
        "SHARED_WORDS": tiling.shared_words,
    }
    options = tuple(f"-D{name}={value}" for name, value in macros.items())
    return (*options, "-DTRACE") if trace else options


def device_defines(tiling: Tiling, trace: bool = False) -> tuple[str, ...]:
    """`defines`, and what a GPU's compiler must know besides."""
    bounds = str(tiling.threads)
    if tiling.threads < FEW_THREADS:
        bounds += ",1"
    large = f"-DLARGE_SHARED={int(tiling.large_shared)}"
    return (*defines(tiling, trace), large, f"-DLAUNCH_BOUNDS={bounds}")


def groups(tiling: Tiling, operand: str) -> int:
    """Groups of neighbours that the busiest thread copies of one operand's tile."""
    rows, cols = tiling.tile_shape(operand)
    return ceil_div(rows * cols // tiling.request(operand), tiling.threads)


def unrolled_groups(tiling: Tiling, operand: str) -> int:
    """How many of them stand in the code one after the other: all, or if they are many only one.

    The compiler keeps an address for each of them in registers, which are few.
    """
    many = groups(tiling, operand)
    return many if many <= UNROLLED_GROUPS else 1


def trace_stride(schedule: Schedule) -> int:
    """Slots for each thread: its records in the traced build, and some to spare."""
    tiling, records = schedule.tiling, 0
    for event in schedule.events:
        match event:
            case Copy(operand):
                records += tiling.request(operand) * groups(tiling, operand)
            case Fragments():
                records += tiling.tm + tiling.tn
            case Exchange() | Store(int()):
                records += tiling.tn
            case Store():
                records += tiling.tm * tiling.tn
            case _:
                records += 1
    return SLOTS_PER_RECORD * (records + SPARE_RECORDS)


class Missing(Exception):
    """Something that a build or a run needs is not on this machine; the text says what."""


class Broken(Exception):
    """The kernel does not build, or does what no kernel may do; the text says what."""
