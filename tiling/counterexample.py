"""What goes wrong when a barrier is missing: the first read that may find the wrong element.

The hazard check says that two accesses are not ordered. This says what that can do: an order of the
threads in which one of them reads something else than the schedule means it to.
"""

from dataclasses import dataclass, replace

from tiling.hazards import Hazard, check
from tiling.layout import Operand, shared_layout
from tiling.schedule import Barrier, Copy, Event, Fragments, Schedule
from tiling.shapes import Refused


@dataclass(frozen=True)
class Element:
    """(row, col) of A or B, fetched for a k-tile. Outside the matrix it is the zero of the fill."""

    k_tile: int
    row: int
    col: int


@dataclass(frozen=True)
class WrongRead:
    """A read that may come too early or too late. Steps count the schedule's events from 0.

    read_step, reader, operand, word    which thread reads which shared word, in which step
    wanted          what it should find there
    found           what lies there instead; None where nothing was ever written
    write_step, writer    who writes the word, in which step, with no barrier between the two: what
                          is wanted, if `found` is older; what is found, if `found` is newer
    """

    read_step: int
    reader: int
    operand: Operand
    word: int
    wanted: Element
    found: Element | None
    write_step: int
    writer: int


def barriers(schedule: Schedule) -> list[int]:
    """The steps that are barriers."""
    return [step for step, event in enumerate(schedule.events) if isinstance(event, Barrier)]


def without_barrier(schedule: Schedule, number: int) -> Schedule:
    """The schedule without its barrier of this number, counted from 0. Raises Refused if it has
    none."""
    steps = barriers(schedule)
    if not 0 <= number < len(steps):
        rule = f"the schedule has {len(steps)} barriers"
        raise Refused("barrier", number, rule, f"try 0 to {len(steps) - 1}")
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
        event, other = hazard.event, hazard.other
        if other is None or isinstance(schedule.events[other[0]], type(event)):
            raise
        here = hazard.step, hazard.thread
        (read_step, reader), (write_step, writer) = (
            (here, other) if isinstance(event, Fragments) else (other, here)
        )
        where = hazard.operand, hazard.word
        found = _lies(schedule, *where, write_step + (write_step > read_step))
        wanted = _element(schedule, *where, schedule.events[read_step])
        return WrongRead(read_step, reader, *where, wanted, found, write_step, writer)
    return None


def _lies(schedule: Schedule, operand: Operand, word: int, end: int) -> Element | None:
    """What the copies before step `end` have left in a word."""
    for event in reversed(schedule.events[:end]):
        if isinstance(event, Copy) and event.operand == operand:
            tile = shared_layout(schedule.tiling, event.stage)[operand]
            if tile.base <= word < tile.base + tile.words:
                return _element(schedule, operand, word, event)
    return None


def _element(schedule: Schedule, operand: Operand, word: int, event: Event) -> Element:
    """Which element a word holds while a copy's or a read's k-tile lies there."""
    assert isinstance(event, Copy | Fragments)
    k, i = shared_layout(schedule.tiling, event.stage)[operand].element(word)
    row, col = schedule.origin(operand, event.k_tile)
    at = (row + i, col + k) if operand == "A" else (row + k, col + i)
    return Element(event.k_tile, *at)


def in_words(schedule: Schedule, number: int) -> str:
    """What may happen without barrier `number` of a schedule, as text of some lines."""
    broken = without_barrier(schedule, number)
    step = barriers(schedule)[number]
    missing = f"Without barrier {number}, {_name(schedule, step)}"
    wrong = wrong_read(broken)
    if wrong is None:
        return f"{missing}, every read still finds its element."

    def when(step_without: int) -> str:
        """A step of the schedule that has the barrier."""
        return _name(schedule, step_without + (step_without >= step))

    def what(element: Element | None) -> str:
        if element is None:
            return "nothing that was ever written"
        return _value(schedule, wrong, element)

    early = wrong.write_step > wrong.read_step
    has, writes = ("has already", wrong.found) if early else ("has not yet", wrong.wanted)
    lines = [
        f"{missing}:",
        f"thread {wrong.reader} reads word {wrong.word} of shared memory in "
        f"{when(wrong.read_step)},",
        f"and should find {what(wrong.wanted)} there.",
        f"It may find {what(wrong.found)}:",
        f"thread {wrong.writer} {has} written {what(writes)} there, in {when(wrong.write_step)}.",
    ]
    return "\n  ".join(lines)


def _value(schedule: Schedule, wrong: WrongRead, element: Element) -> str:
    rows, cols = schedule.gemm.shape(wrong.operand)
    inside = element.row < rows and element.col < cols
    value = f"{wrong.operand}[{element.row}, {element.col}]" if inside else "the fill's zero"
    return f"{value} of k-tile {element.k_tile}"


def _name(schedule: Schedule, step: int) -> str:
    """A step of a schedule in words."""
    match schedule.events[step]:
        case Copy(operand, k_tile):
            what = f"the copy of {operand}'s tile of k-tile {k_tile}"
        case Fragments(k_tile, k):
            what = f"the fragments at k {k} of k-tile {k_tile}"
        case Barrier(k_tile, before):
            what = f"before the {before} of k-tile {k_tile}"
        case event:
            what = str(event)
    return f"step {step} ({what})"
