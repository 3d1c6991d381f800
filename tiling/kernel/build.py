"""What every build of gemm.cu has in common: the source, and the tiling as macros."""

import re
from functools import lru_cache
from importlib.resources import files

from tiling.layout import arrangement, exchange_width, least_width, twist
from tiling.schedule import Copy, Exchange, Fragments, Schedule, Store
from tiling.shapes import Tiling, ceil_div

ENTRY = "gemm"
"""The kernel's name in the source."""

START = "start_recording"
"""What is called before it, once, in the build that records."""

UNROLLED_GROUPS = 8
"""Requests of a thread for one tile up to which the loop over them is unrolled."""

FEW_THREADS = 128
"""Threads of a CTA below which NVRTC was found to spill, to fit more CTAs on a chip, unless it is
told that one is enough."""

SLOTS_PER_RECORD = 2

SPARE_RECORDS = 8
"""Room for the count of a thread's records, and behind those that it must make: in it, records too
many would show."""


INCLUDE = re.compile(r'^#include "(.*)"\n', re.MULTILINE)


@lru_cache
def file_text(name: str) -> str:
    """The text of one of the files beside this one."""
    return files("tiling.kernel").joinpath(name).read_text("utf-8")


@lru_cache
def source(name: str = "gemm.cu") -> str:
    """The same with what it includes in its place, and each line under its own file and number."""
    whole = file_text(name)

    def included(match: re.Match[str]) -> str:
        after = whole.count("\n", 0, match.end()) + 1
        return f'{source(match[1])}#line {after} "{name}"\n'

    return f'#line 1 "{name}"\n' + INCLUDE.sub(included, whole)


def line(kernel: str, number: int, name: str = "gemm.cu") -> str:
    """A file's line, by its number there, in a text that `source` made. Empty if there is none."""
    file, here = "", 0
    for one in kernel.splitlines():
        if mark := re.fullmatch(r'#line (\d+) "(.*)"', one):
            file, here = mark[2], int(mark[1])
        elif (file, here) == (name, number):
            return one.strip()
        else:
            here += 1
    return ""


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
    # What records must find the kernel's shared memory, so there its size is set at launch.
    large = f"-DLARGE_SHARED={int(tiling.large_shared or trace)}"
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
    """Slots for each thread: its records in the build that records, and some to spare."""
    tiling, records = schedule.tiling, 0
    for event in schedule.events:
        match event:
            case Copy(operand):
                elements = tiling.request(operand) * groups(tiling, operand)
                records += elements if tiling.asynchronous else 2 * elements
            case Fragments():
                records += tiling.tm + tiling.tn
            case Exchange():
                records += tiling.tn
            case Store(None):
                records += tiling.tm * tiling.tn
            case Store():
                records += 2 * tiling.tn
            case _:
                records += 1
    return SLOTS_PER_RECORD * (records + SPARE_RECORDS)
