"""What goes wrong when a barrier or a wait is missing: the first read that may find what is wrong.

The hazard check says that two accesses are not ordered. This says what that can do: an order of the
threads in which one of them reads something else than the schedule means it to.
"""

from dataclasses import dataclass, replace

import numpy as np

from tiling.expand import accumulator_map, exchange_words
from tiling.hazards import Hazard, Held, check
from tiling.layout import shared_layout
from tiling.schedule import (
    Barrier,
    Copy,
    Event,
    Exchange,
    Fragments,
    Schedule,
    Store,
    Wait,
    in_words,
)
from tiling.shapes import Refused


@dataclass(frozen=True)
class Element:
    """(row, col) of A or B, fetched for a k-tile, or of C, whose accumulator it is.

    Outside the matrix it is the zero of the fill, or an accumulator that is not stored.
    """

    operand: Held
    row: int
    col: int
    k_tile: int | None = None


@dataclass(frozen=True)
class WrongRead:
    """A read that may come too early or too late. Steps count the schedule's events from 0.

    read_step, reader, word    which thread reads which shared word, in which step
    wanted          what it should find there
    found           what lies there instead; None where nothing was ever written
    write_step, writer    who writes the word, in which step: what is wanted, if `found` is older;
                          what is found, if `found` is newer
    on_its_way      the write is a copy for which nobody has waited; else no barrier lies between
                    the two
    """

    read_step: int
    reader: int
    word: int
    wanted: Element
    found: Element | None
    write_step: int
    writer: int
    on_its_way: bool = False


def orders(schedule: Schedule) -> list[int]:
    """The steps that put others in order: barriers and waits."""
    return [s for s, event in enumerate(schedule.events) if isinstance(event, Barrier | Wait)]


def without_barrier(schedule: Schedule, number: int) -> Schedule:
    """The schedule without its barrier or wait of this number, counted from 0. Raises Refused if
    it has none."""
    steps = orders(schedule)
    if not 0 <= number < len(steps):
        waits = " and waits" if schedule.tiling.asynchronous else ""
        rule = f"the schedule has {len(steps)} barriers{waits}"
        remedy = f"try 0 to {len(steps) - 1}" if steps else "try a schedule that has one"
        raise Refused("barrier", number, rule, remedy)
    step = steps[number]
    return replace(schedule, events=schedule.events[:step] + schedule.events[step + 1 :])


def wrong_read(schedule: Schedule) -> WrongRead | None:
    """The first read of a schedule that may be wrong, or None where none may be.

    Two writes of one word that are not ordered are no read; no barrier of ours is there for them
    alone, so they are a Hazard here too.
    """
    try:
        check(schedule)
    except Hazard as hazard:
        reads = Fragments | Store
        if hazard.other is None:
            raise
        here, other = (hazard.step, hazard.thread), hazard.other
        read, write = (here, other) if isinstance(hazard.event, reads) else (other, here)
        if not isinstance(schedule.events[read[0]], reads):
            raise
        wanted = _means(schedule, hazard.word, read[0])
        assert wanted is not None
        found = _lies(schedule, hazard.word, write[0] + (write[0] > read[0]))
        on_its_way = hazard.kind.endswith("wait")
        return WrongRead(*read, hazard.word, wanted, found, *write, on_its_way)
    return None


def _lies(schedule: Schedule, word: int, end: int) -> Element | None:
    """What the events before step `end` have left in a word."""
    for step in reversed(range(end)):
        writes = isinstance(schedule.events[step], Copy | Exchange)
        if writes and (element := _means(schedule, word, step)) is not None:
            return element
    return None


def _means(schedule: Schedule, word: int, step: int) -> Element | None:
    """Which element a word holds for an event that writes or reads it, None if it does neither."""
    event: Event = schedule.events[step]
    match event:
        case Copy(operand, k_tile, stage):
            return _loaded(schedule, operand, k_tile, stage, word)
        case Fragments(k_tile, _, stage):
            found = [_loaded(schedule, operand, k_tile, stage, word) for operand in ("A", "B")]
            return found[0] or found[1]
        case Exchange(int(row)) | Store(int(row)):
            rows, cols = accumulator_map(schedule.tiling)
            at = np.argwhere(exchange_words(schedule.tiling) == word)
            if at.size:
                thread, j = at[0]
                first_row, first_col = schedule.origin("C")
                i, j = int(rows[thread, row]), int(cols[thread, j])
                return Element("C", first_row + i, first_col + j)
    return None


def _loaded(
    schedule: Schedule, operand: Held, k_tile: int, stage: int, word: int
) -> Element | None:
    """The element of A or B in a word of a stage, if the word is one of its tile."""
    assert operand != "C"
    tile = shared_layout(schedule.tiling, stage)[operand]
    k, i = tile.element(word)
    if not 0 <= k < tile.k or i >= tile.extent:
        return None
    row, col = schedule.origin(operand, k_tile)
    at = (row + i, col + k) if operand == "A" else (row + k, col + i)
    return Element(operand, *at, k_tile)


def told(schedule: Schedule, number: int) -> str:
    """What may happen without barrier or wait `number` of a schedule, as text of some lines."""
    broken = without_barrier(schedule, number)
    step = orders(schedule)[number]
    missing = f"Without step {step} ({in_words(schedule.events[step])})"
    wrong = wrong_read(broken)
    if wrong is None:
        return f"{missing}, every read still finds its element."

    def when(step_without: int) -> str:
        """A step of the schedule that has it."""
        at = step_without + (step_without >= step)
        return f"step {at} ({in_words(schedule.events[at])})"

    wanted, found = _value(schedule, wrong.wanted), _value(schedule, wrong.found)
    if wrong.on_its_way:
        why = f"the copy of {wanted} by thread {wrong.writer} may be on its way, begun"
    elif wrong.write_step > wrong.read_step:
        why = f"thread {wrong.writer} has already written {found} there,"
    else:
        why = f"thread {wrong.writer} has not yet written {wanted} there,"
    lines = [
        f"{missing}:",
        f"thread {wrong.reader} reads word {wrong.word} of shared memory in "
        f"{when(wrong.read_step)},",
        f"and should find {wanted} there.",
        f"It may find {found}:",
        f"{why} in {when(wrong.write_step)}.",
    ]
    return "\n  ".join(lines)


def _value(schedule: Schedule, element: Element | None) -> str:
    if element is None:
        return "nothing that was ever written"
    rows, cols = schedule.gemm.shape(element.operand)
    inside = element.row < rows and element.col < cols
    if element.operand == "C":
        return f"C[{element.row}, {element.col}]" if inside else "what lies outside C"
    value = f"{element.operand}[{element.row}, {element.col}]" if inside else "the fill's zero"
    return f"{value} of k-tile {element.k_tile}"
