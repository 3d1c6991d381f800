"""The counts that pictures and tables show, against those of the compiled kernel's accesses.

Each of the model's functions that gives such a number is asked, and what was heard from the machine
is counted independently: so a mistake in a count is seen as a mistake in the kernel is.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tiling.banks import shared
from tiling.kernel.observed import Counts
from tiling.kernel_line import lines_of
from tiling.layout import Operand, exchange_width, fragment_width
from tiling.ptx.events import place_of
from tiling.ptx.syntax import Instruction, Source
from tiling.schedule import Copy, Fragments, Schedule
from tiling.sectors import loaded, stored, turns, turns_of_values
from tiling.state import state_at
from tiling.traffic import counts_of, traffic


def differences(schedule: Schedule, found: Counts, each_turn: bool) -> Iterator[str]:
    """Counts of the schedule's CTA that are not what the kernel did, in words.

    each_turn   also add up what each warp does in each turn, which takes long for a long K
    """
    end = state_at(schedule, len(schedule.events))
    tile = counts_of(schedule)
    spared = found.spared
    pairs = {
        "elements of A loaded": (end.requested_a, tile.requested_a, found.loads["A"]),
        "elements of B loaded": (end.requested_b, tile.requested_b, found.loads["B"]),
        "elements of C stored": (end.stored, tile.stored, found.stores),
        "words written to shared memory": (end.shared_writes, tile.shared_writes, found.writes),
        "words read from shared memory": (
            end.shared_reads,
            tile.shared_reads,
            found.reads + spared,
        ),
        "multiply-adds": (end.fma, tile.fma, found.fma),
        "barriers": (end.epoch, end.epoch, found.barriers),
    }
    for what, (state, counts, got) in pairs.items():
        if not state == counts == got:
            yield f"{what}: state_at {state}, traffic {counts}, the kernel {got}"
    yield from _sectors(schedule, found)
    yield from _wavefronts(schedule, found)
    if each_turn:
        yield from _turns(schedule, found)


def _sectors(schedule: Schedule, found: Counts) -> Iterator[str]:
    """Requests and sectors of global memory."""
    model = {"A": loaded(schedule, "A"), "B": loaded(schedule, "B"), "C": stored(schedule)}
    for operand, said in model.items():
        cost = found.sectors[operand]
        if said != (cost.requests, cost.moved):
            got = f"{cost.requests} and {cost.moved}"
            yield f"requests and sectors of {operand}: {said[0]} and {said[1]}, the kernel {got}"


def _wavefronts(schedule: Schedule, found: Counts) -> Iterator[str]:
    """Requests and wavefronts of shared memory, where they are as wide as the model says."""
    model, otherwise = shared(schedule), {key for key, _, _ in other_widths(schedule, found)}
    for what, said, got in (
        ("written", model.writes, found.written),
        ("read", model.reads, found.read),
    ):
        for operand, cost in said.items():
            here = got[operand]
            spared = (what, operand) == ("read", "C") and found.spared
            if spared or (what, operand) in otherwise:
                continue
            if (cost.requests, cost.wavefronts) != (here.requests, here.moved):
                text = f"{cost.requests} and {cost.wavefronts}, the kernel {here.requests}"
                yield f"requests and wavefronts, {operand} {what}: {text} and {here.moved}"


def other_widths(
    schedule: Schedule, found: Counts
) -> Iterator[tuple[tuple[str, str], set[int], set[int]]]:
    """(written or read and the operand, the model's widths in words, the compiler's) where requests
    of shared memory are compiled wider or narrower than the model says."""
    tiling = schedule.tiling
    model: dict[tuple[str, str], set[int]] = {}
    sides: tuple[Operand, Operand] = ("A", "B")
    for operand in sides if not tiling.direct else ():
        model["read", operand] = {fragment_width(tiling, operand, k) for k in range(tiling.bk)}
    model["written", "A"] = {1}
    model["written", "B"] = {tiling.request("B")}
    if tiling.asynchronous:
        model["written", "B"] |= {1} & found.widths.get(("written", "B"), set())
    if tiling.shared_store:
        model["written", "C"], model["read", "C"] = {exchange_width(tiling)}, {1}
    for key, said in model.items():
        # None at all: its words are moved by requests that begin in the other operand's.
        widths = found.widths.get(key, set())
        if widths - said or not widths or (key[0] == "read" and found.again):
            yield key, said, widths


def _turns(schedule: Schedule, found: Counts) -> Iterator[str]:
    """The same added up from what each warp does in each turn, which scenes draw."""
    for operand in ("A", "B"):
        sums = np.zeros(3, np.int64)
        for event in schedule.events:
            if isinstance(event, Copy) and event.operand == operand:
                each = turns(schedule, event)
            elif isinstance(event, Fragments) and schedule.tiling.direct:
                each = turns_of_values(schedule, [event], operand)
            else:
                continue
            sums += (each.requests.sum(), each.sectors.sum(), each.lanes.sum())
        cost = found.sectors[operand]
        if sums[0] != cost.requests or sums[1] != cost.moved:
            got = f"{cost.requests} and {cost.moved}"
            said = f"{sums[0]} and {sums[1]}"
            yield f"requests and sectors of {operand} turn by turn: {said}, the kernel {got}"
        # A group that is not asked for at once is asked for by one lane several times.
        if schedule.tiling.request(operand) == 1 and sums[2] != found.lanes[operand]:
            yield f"lanes that ask for {operand}: {sums[2]}, the kernel {found.lanes[operand]}"


def other_lines(schedule: Schedule, found: Counts, body: Sequence[Instruction]) -> Iterator[str]:
    """Where the kernel does something in other lines than those that pictures show with it."""
    lines = {line for event in schedule.events for line in lines_of(schedule.tiling, event)}
    for what in sorted({what for line in lines for what in line.does} | found.places.keys()):
        said = {line.number for line in lines if what in line.does}
        seen = set()
        for place in found.places.get(what, ()):
            stands_in = set(_lines(body[place].source))
            if not said & stands_in:
                yield f"{what}: in {place_of(body[place])}, not in {_either(said)}"
            seen |= said & stands_in
        # Before sm_80 nothing is asynchronous; and tails may be left out where all is whole.
        if seen and said - seen:
            yield f"{what}: never in {_either(said - seen)}"


def _lines(source: Source | None) -> Iterator[int]:
    """The lines of gemm.cu that an instruction stands in: itself, and what it was inlined into."""
    while source is not None:
        if source.name == "gemm.cu":
            yield source.line
        source = source.inlined_at


def _either(lines: set[int]) -> str:
    return "line " + " or ".join(map(str, sorted(lines)))


def whole_grid(schedule: Schedule, found: dict[tuple[int, int], Counts]) -> Iterator[str]:
    """The same for all CTAs together, where all were run."""
    total = traffic(schedule).total
    pairs = {
        "elements of A loaded": (total.requested_a, sum(c.loads["A"] for c in found.values())),
        "elements of B loaded": (total.requested_b, sum(c.loads["B"] for c in found.values())),
        "elements of C stored": (total.stored, sum(c.stores for c in found.values())),
        "words written to shared memory": (
            total.shared_writes,
            sum(c.writes for c in found.values()),
        ),
        "words read from shared memory": (
            total.shared_reads,
            sum(c.reads + c.spared for c in found.values()),
        ),
        "multiply-adds": (total.fma, sum(c.fma for c in found.values())),
    }
    for what, (said, got) in pairs.items():
        if said != got:
            yield f"{what} by all CTAs: {said}, the kernel {got}"
