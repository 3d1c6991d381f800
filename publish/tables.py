"""The numbers of a tiling, and what was verified of it, as tables for people."""

import csv
import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tiling.banks import shared
from tiling.occupancy import CHIPS, Occupancy, occupancy, registers
from tiling.presets import Choice
from tiling.schedule import Schedule
from tiling.sectors import loaded, stored
from tiling.sweep import Prediction
from tiling.traffic import Traffic
from tiling.verify import Rung


def traffic_rows(found: Traffic) -> list[tuple[str, list[str]]]:
    """Each number's name, and its value for one CTA and for all of them."""
    both = [found.cta, found.total]
    return [
        ("A requested, elements", [f"{c.requested_a:,}" for c in both]),
        ("B requested, elements", [f"{c.requested_b:,}" for c in both]),
        ("A and B requested, bytes", [f"{c.requested_bytes:,}" for c in both]),
        ("C stored, elements", [f"{c.stored:,}" for c in both]),
        ("shared words written", [f"{c.shared_writes:,}" for c in both]),
        ("shared words read", [f"{c.shared_reads:,}" for c in both]),
        ("FMA executed", [f"{c.fma:,}" for c in both]),
        ("FLOP of the product", [f"{c.flop:,}" for c in both]),
        ("FLOP per byte requested", [f"{c.intensity:.4g}" for c in both]),
        ("requests per result", [f"{c.requests_per_result:.4g}" for c in both]),
        ("shared reads per result", [f"{c.shared_reads_per_result:.4g}" for c in both]),
    ]


def show_traffic(choice: Choice, found: Traffic) -> None:
    """What each CTA and all of them request, read, compute and hold."""
    title = f"{choice.name}: {choice.gemm} in {choice.tiling}"
    table = Table(
        "", f"CTA {choice.cta}", f"all {found.ctas} CTAs", title=title, title_justify="left"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for label, values in traffic_rows(found):
        table.add_row(label, *values)
    console = Console()
    console.print(table)
    console.print(
        f"{found.threads} threads a CTA, {found.accumulators} accumulators each; "
        f"{found.shared_bytes:,} bytes of shared memory; "
        f"{found.k_tiles} k-tiles, {found.barriers} barriers.\n"
        f"Requested are elements that threads ask global memory for; caches stand behind it. "
        f"A thread for each result would request {found.naive_requested:,}, "
        f"{found.naive_requested / found.total.requested:.4g} times as many.",
        highlight=False,
    )


def request_rows(schedule: Schedule) -> dict[str, dict[str, int]]:
    """What a CTA's warps ask of the memories: how many requests, and what they cost."""
    found = shared(schedule)
    rows = {
        "A loaded": _in_sectors(*loaded(schedule, "A")),
        "B loaded": _in_sectors(*loaded(schedule, "B")),
    }
    for does, costs in ("written", found.writes), ("read", found.reads):
        for operand, cost in costs.items():
            if cost.requests:
                rows[f"{operand}s {does}"] = {
                    "requests": cost.requests,
                    "wavefronts": cost.wavefronts,
                    "conflicts": cost.conflicts,
                    "broadcast": cost.broadcast,
                }
    rows["C stored"] = _in_sectors(*stored(schedule))
    return rows


def _in_sectors(requests: int, sectors: int) -> dict[str, int]:
    return {"requests": requests, "sectors": sectors}


def show_requests(schedule: Schedule) -> None:
    """What the memories see of one CTA: the requests of its warps, and what each costs."""
    columns = "requests", "sectors", "wavefronts", "conflicts", "broadcast"
    title = f"Warp requests of CTA {schedule.cta}"
    table = Table("", *columns, title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for what, found in request_rows(schedule).items():
        table.add_row(what, *(f"{found[name]:,}" if name in found else "" for name in columns))
    console = Console()
    console.print(table)
    if schedule.tiling.direct:
        return
    console.print(
        "Fragments are read, and Bs is written, as wide as the layout allows. A request of 4 words "
        "a lane is counted as a wavefront for each quarter of a warp at least. Broadcast are words "
        "that a lane gets from another lane's read.",
        highlight=False,
    )


def occupancy_of(schedule: Schedule) -> dict[str, Occupancy]:
    """What fits on each chip, by architecture, if a thread needs no more than the schedule does."""
    tiling = schedule.tiling
    needed = registers(tiling).needed
    return {
        arch: occupancy(chip, tiling.threads, needed, tiling.shared_bytes)
        for arch, chip in CHIPS.items()
    }


def show_occupancy(schedule: Schedule) -> None:
    """How many of the CTAs fit on a multiprocessor at best, and what keeps more from it."""
    table = Table("", "chip", "CTAs", "warps", "occupancy", "limited by", title_justify="left")
    table.title = "At best on one multiprocessor"
    for column in table.columns[2:5]:
        column.justify = "right"
    for arch, found in occupancy_of(schedule).items():
        counts = str(found.ctas), str(found.warps), f"{found.share:.0%}"
        table.add_row(arch, found.chip.name, *counts, found.limited_by)
    console = Console()
    console.print(table)
    held = registers(schedule.tiling)
    console.print(
        f"With the registers of the schedule alone, {held.needed} a thread: {held.accumulators} "
        f"accumulators and {held.fragments} of fragments. The compiler needs more (verify --rung "
        f"compiler says how many){_copied(held.in_flight)}.",
        highlight=False,
    )


def _copied(in_flight: int) -> str:
    return f"; {in_flight} elements a thread pass through them for each k-tile" if in_flight else ""


BEST = 20
"""Lines of a ranking that a person reads; a file has them all."""


def show_ranking(order: Sequence[Prediction], arch: str) -> None:
    """The best tilings of a family on a chip."""
    name = CHIPS[arch].name
    title = (
        f"The best {min(BEST, len(order))} of {len(order)} tilings on {arch} ({name}), predicted"
    )
    heads = "CTA tile", "thread", "vec", "As", "regs", "FLOP/B", "pace", "occupancy"
    table = Table(*heads, title=title, title_justify="left")
    for column in table.columns[4:]:
        column.justify = "right"
    for one in order[:BEST]:
        row = one.as_dict()
        tiling = one.tiling
        layout = "swizzle" if tiling.swizzle else f"pad {tiling.pad}" if tiling.pad else ""
        thread = f"{row['thread']} split" if tiling.split else str(row["thread"])
        counts = str(row["registers"]), str(row["intensity"])
        shares = f"{one.pace:.0%}", f"{one.fits.share:.0%}"
        table.add_row(str(row["cta"]), thread, str(tiling.vector), layout, *counts, *shares)
    console = Console()
    console.print(table)
    console.print(
        "pace: the share of the chip's multiply-adds that shared memory can feed. Nothing here was "
        "measured.",
        highlight=False,
    )


def ranking_as_csv(order: Sequence[Prediction]) -> str:
    """All tilings, the best first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(order[0].as_dict()), lineterminator="\n")
    writer.writeheader()
    writer.writerows(one.as_dict() for one in order)
    return text.getvalue()


def show_rungs(choice: Choice, rungs: Sequence[Rung]) -> None:
    """Each rung of proof, whether it was climbed, and what it says."""
    title = f"{choice.name}: {choice.gemm} in {choice.tiling}"
    table = Table("rung", "status", "seconds", "", title=title, title_justify="left")
    for rung in rungs:
        seconds = f"{rung.seconds:.2f}" if rung.status != "not run" else ""
        table.add_row(rung.name, rung.status, seconds, rung.says)
    Console().print(table)
