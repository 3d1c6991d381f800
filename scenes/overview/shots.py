"""What the overview shows and says, beat after beat, from the schedule alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scenes.kit.amounts import amount
from scenes.kit.shot import Act, Hold, Poster, Said, Shot
from scenes.kit.timing import to_read
from scenes.overview.pace import Beat, pace
from tiling.for_scenes.numbers import ThreadValues
from tiling.for_scenes.one_thread import THREAD
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Event,
    Exchange,
    Fragments,
    Schedule,
    Store,
    Wait,
)
from tiling.shapes import WARP, Tiling, dims
from tiling.state import state_at
from tiling.traffic import traffic


@dataclass(frozen=True)
class Enact(Act):
    """Events up to `last` happen."""

    last: int


@dataclass(frozen=True)
class Rewind(Act):
    """Everything goes back to where the schedule begins, so that the clip can loop."""


def shots(schedule: Schedule, values: ThreadValues | None) -> Iterator[Shot]:
    """The whole schedule. `values` are the numbers of the followed thread, if they can be read."""
    opening, closing = _opening(schedule), _closing(schedule)
    yield opening
    for beat in pace(schedule):
        said = _said(schedule, beat, values)
        if said.text:
            yield said
        if schedule.events[beat.first] == _telling(schedule):
            yield Poster()
        yield Enact(beat.seconds, beat.last)
    yield Said(closing)
    yield Hold(to_read(closing) + 0.6)
    yield Said(opening.text)
    yield Rewind(1.0)


def _opening(schedule: Schedule) -> Said:
    """Which CTA, and what the picture shows before anything happens."""
    tiling = schedule.tiling
    toy = "A toy: one" if tiling.threads < WARP else "One"
    threads = f"{tiling.threads} thread" + "s" * (tiling.threads > 1)
    text = f"{toy} CTA of {threads} makes one {dims(tiling.bm, tiling.bn)} tile of C"
    return Said(text, "start", _setting(schedule))


def _closing(schedule: Schedule) -> str:
    """What it has come to."""
    cta = traffic(schedule).cta
    requested = state_at(schedule, len(schedule.events)).requested_bytes
    per_byte = f"{cta.intensity:.3g} FLOP per byte"
    if cta.fma == cta.useful_fma:
        return f"{amount(cta.flop)}FLOP for {amount(requested)}B requested: {per_byte}"
    # The others are on zeros, or for results that nobody stores.
    useful = f"{amount(cta.useful_fma).strip()} of {amount(cta.fma).strip()} FMA"
    return f"{per_byte}; {useful} are of the product"


def _said(schedule: Schedule, beat: Beat, values: ThreadValues | None) -> Said:
    """What these events are about, and the chapter that begins with them; nothing of most."""
    event = schedule.events[beat.first]
    match event:
        case Copy():
            return _of_copy(schedule, event, beat)
        case Commit(0):
            return Said("Commit: these copies form one group, to wait for later")
        case Wait() | Barrier(int()):
            return _of_waiting(schedule, event, beat)
        case Fragments():
            return _of_fragments(schedule, event, beat, values)
        case Barrier() | Exchange() | Store():
            following = schedule.events[beat.first + 1 : beat.first + 2]
            return _of_store(schedule, event, following, values)
    return Said("")


def _of_copy(schedule: Schedule, event: Copy, beat: Beat) -> Said:
    tiling, alone = schedule.tiling, beat.last == beat.first + 1
    last, ahead = schedule.k_tiles - 1, tiling.stages - 1
    match event:
        case Copy("A", 0):
            text = "Loading tiles from global to shared memory"
            if tiling.asynchronous:
                text = "Copies to shared memory begin; no thread waits yet"
            return Said(text, "load", _loads(schedule, 0))
        case Copy("B", 0) if _hangs(schedule):
            return Said("Nothing is requested beyond an edge: zeros fill the tile")
        case Copy("A", 1) if ahead > 1:
            text = "There are more stages: the next tiles begin to be copied too"
            return Said(text, shows=_loads(schedule, 1))
        case Copy("A", k_tile) if k_tile == ahead > 0:
            text = "While one stage is multiplied, others are on their way"
            if tiling.stages == 2:
                text = "While one stage is multiplied, the other is on its way"
            return Said(text, shows=_loads(schedule, k_tile))
        case Copy("A", 1) if not tiling.asynchronous:
            text = "The next tiles along K: load, wait, accumulate"
            return Said(text, "next k-tile", _loads(schedule, 1))
        case Copy("A", k_tile) if not tiling.asynchronous and alone and k_tile == last > 1:
            text = "The last tiles along K"
            if _ragged(schedule) and not _hangs(schedule):
                text = "The last tiles along K: zeros fill what hangs over"
            return Said(text, "last k-tile", _loads(schedule, last))
    return Said("")


def _of_waiting(schedule: Schedule, event: Wait | Barrier, beat: Beat) -> Said:
    """Waits and barriers of the main loop."""
    last, alone = schedule.k_tiles - 1, beat.last == beat.first + 1
    match event:
        case Wait(0):
            text = "Wait: each thread, until its own copies have arrived"
            return Said(text, shows="The first tiles, pale so far, take their full colour.")
        case Barrier(0, "reads"):
            text = "Barrier: wait until the tiles are complete"
            return Said(text, shows=f"One after another {_who(schedule)} come to it and wait.")
        case Barrier(1, "overwrite"):
            shows = f"One after another {_who(schedule)} come to it and wait, then all go on."
            return Said("Barrier: wait until nobody reads the old tiles", shows=shows)
        case Barrier(1, "both"):
            return Said("One barrier: these tiles are complete, nobody reads the last")
        case Wait(1):
            text = "The next tiles had a whole k-tile of time to arrive"
            return Said(text, "next k-tile", "The tiles of the next stage take their full colour.")
        case Barrier(2, "overwrite") | Wait(2) if not alone:
            return _along_k(schedule)
        case Wait(k_tile) if alone and k_tile == last > 1:
            text = "The last tiles: nothing more is to be copied"
            if _ragged(schedule) and not _hangs(schedule):
                text = "The last tiles along K: zeros fill what hangs over"
            return Said(text, "last k-tile")
    return Said("")


def _of_fragments(
    schedule: Schedule, event: Fragments, beat: Beat, values: ThreadValues | None
) -> Said:
    tiling, alone = schedule.tiling, beat.last == beat.first + 1
    match event:
        case Fragments(0, 0):
            text = "One thread's output: accumulate outer products in registers"
            if tiling.direct:
                text = "Threads read rows of A and columns of B, each for itself"
            return Said(text, "accumulate", _accumulates(schedule, values))
        case Fragments(0, 1) if tiling.fragments > 1:
            return Said("The next fragments are read while these are multiplied")
        case Fragments(1, 0) if tiling.direct:
            return Said("So it goes on along K, each thread for itself", "next k-tile")
        case Fragments(2, 0) if not alone:
            return _along_k(schedule)
    return Said("")


def _along_k(schedule: Schedule) -> Said:
    return Said(f"The same for each of the {schedule.k_tiles} k-tiles", "along K")


def _of_store(
    schedule: Schedule, event: Event, following: Sequence[Event], values: ThreadValues | None
) -> Said:
    """The store of C, at once or through shared memory. `following` holds the next event."""
    match (event, *following):
        case Store(None), *_:
            whole = schedule.inside("C") == schedule.tiling.tile_shape("C")
            text = "Every thread stores its results to C"
            if not whole:
                text = "Results that lie inside C are stored"
            return Said(text, "store", _stores(schedule, values))
        case Barrier(), Exchange(0):
            text = "Row by row, results go where the tiles lay"
            return Said(text, "store", _stores(schedule, values))
        case Store(0), *_:
            return Said("So neighbouring threads store neighbours in a row of C")
    return Said("")


def _who(schedule: Schedule) -> str:
    """Those that are seen to come to a barrier."""
    return "the warps" if schedule.tiling.threads > WARP else "the threads"


def _ragged(schedule: Schedule) -> bool:
    """Whether the last k-tile hangs over the end of K."""
    return schedule.gemm.k % schedule.tiling.bk != 0


def _telling(schedule: Schedule) -> Fragments:
    """Before this event everything can be seen at once: a still of it stands for the clip."""
    tiling, k_tile = schedule.tiling, min(1, schedule.k_tiles - 1)
    stage = 0 if tiling.direct else k_tile % tiling.stages
    k = min(1, tiling.bk - 1)
    return Fragments(k_tile, k, stage, k % tiling.fragments)


def _hangs(schedule: Schedule) -> bool:
    """Whether a tile of the first k-tile hangs over an edge, of A or of B."""
    return any(schedule.inside(op) != schedule.tiling.tile_shape(op) for op in ("A", "B"))


def _setting(schedule: Schedule) -> str:
    gemm, tiling, (row, col) = schedule.gemm, schedule.tiling, schedule.cta
    return (
        f"Three panels. Global memory holds A ({dims(gemm.m, gemm.k)}), B "
        f"({dims(gemm.k, gemm.n)}) and C ({dims(gemm.m, gemm.n)}), A to the left of C and B "
        f"above it; the CTA in row {row}, column {col} of the grid is outlined in C. "
        f"{_room(tiling)} The registers of thread {THREAD} hold "
        f"{dims(tiling.tm, tiling.tn)} accumulators. A strip shows the schedule: "
        f"{schedule.k_tiles} k-tiles, {len(schedule.events)} events."
    )


def _room(tiling: Tiling) -> str:
    a, b = dims(tiling.bm, tiling.bk), dims(tiling.bk, tiling.bn)
    if tiling.direct:
        return "Shared memory is not used: the second panel is the registers of the whole CTA."
    if tiling.stages == 1:
        return f"Shared memory has room for a tile of A ({a}) and one of B ({b})."
    return f"Shared memory has room for {tiling.stages} tiles of A ({a}) and of B ({b})."


def _loads(schedule: Schedule, k_tile: int) -> str:
    """Which elements travel, and what has been requested when they are there."""
    copy_b = schedule.events.index(Copy("B", k_tile, k_tile % schedule.tiling.stages))
    requested = state_at(schedule, copy_b + 1).requested_bytes
    (row, k), (rows, ks) = schedule.origin("A", k_tile), schedule.inside("A", k_tile)
    (_, col), (_, cols) = schedule.origin("B", k_tile), schedule.inside("B", k_tile)
    pale = ", pale as long as they are on their way" if schedule.tiling.asynchronous else ""
    return (
        f"{_span('Row', row, rows)} of A and {_span('column', col, cols)} of B, both at "
        f"{_span('k', k, ks)}, travel to shared memory{pale}. Then {amount(requested)}B have "
        "been requested."
    )


def _accumulates(schedule: Schedule, values: ThreadValues | None) -> str:
    tiling = schedule.tiling
    found = _found(values, tiling.bk)
    reads = "reads"
    if tiling.direct and _hangs(schedule):
        reads = "reads, or past an edge makes zeros for,"
    return (
        f"At each of the {tiling.bk} k of the tile, thread {THREAD} {reads} {tiling.tm} values "
        f"of a and {tiling.tn} of b, and adds each of their {tiling.tm * tiling.tn} products "
        f"to an accumulator.{found}"
    )


def _stores(schedule: Schedule, values: ThreadValues | None) -> str:
    (row, col), (rows, cols) = schedule.origin("C"), schedule.inside("C")
    found = _found(values, schedule.k_tiles * schedule.tiling.bk)
    return (
        f"The tile of C, {_span('row', row, rows)} and {_span('column', col, cols)}, travels "
        f"from the registers to global memory.{found}"
    )


def _found(values: ThreadValues | None, k_done: int) -> str:
    """What the followed thread has accumulated, where its numbers can be read."""
    if values is None:
        return ""
    rows = "; ".join(", ".join(f"{x:g}" for x in row) for row in values.acc[k_done - 1])
    return f" Then the accumulators of thread {THREAD} are, row by row: {rows}."


def _span(name: str, first: int, count: int) -> str:
    """`rows 6 to 11`, `row 12`, `k 0 to 3`."""
    if count == 1:
        return f"{name} {first}"
    return f"{name}{'s' * (name != 'k')} {first} to {first + count - 1}"
