"""What holds after so many events of a schedule: a pure function of the step."""

from dataclasses import dataclass, field
from functools import lru_cache

from tiling.expand import expand_store, readers
from tiling.layout import Operand
from tiling.schedule import (
    Barrier,
    Copy,
    Exchange,
    Fragments,
    OuterProduct,
    Schedule,
    Store,
    Wait,
)
from tiling.shapes import WORD, Tiling


@dataclass(frozen=True)
class State:
    """One CTA after `step` events. Counts are of elements (of WORD bytes) unless they say bytes.

    epoch          barriers passed
    resident       the k-tile that lies in each stage, by operand
    coming         the k-tile that is on its way to a stage, by operand
    fragments      (k_tile, k) of the fragments in registers, by buffer
    k_done         k accumulated so far, the zero-filled ones of a ragged K included
    requested_a/b  elements of A and B requested from global memory
    shared_writes, shared_reads    words, by all threads
    fma            multiply-adds, those on zero fill included
    stored         elements of C stored
    exchanged      which row of each thread lies in shared memory, on its way to C, or None
    """

    step: int = 0
    epoch: int = 0
    resident: dict[tuple[int, Operand], int] = field(default_factory=dict)
    fragments: dict[int, tuple[int, int]] = field(default_factory=dict)
    k_done: int = 0
    requested_a: int = 0
    requested_b: int = 0
    shared_writes: int = 0
    shared_reads: int = 0
    fma: int = 0
    stored: int = 0
    coming: dict[tuple[int, Operand], int] = field(default_factory=dict)
    exchanged: int | None = None

    @property
    def fragment(self) -> tuple[int, int] | None:
        """(k_tile, k) of the fragments that were read last, or None."""
        return max(self.fragments.values(), default=None)

    def copied(self, operand: Operand) -> int | None:
        """The k-tile of A or B whose copy was begun last, or None."""
        tiles = {**self.resident, **self.coming}
        return max((k_tile for (_, of), k_tile in tiles.items() if of == operand), default=None)

    @property
    def requested_bytes(self) -> int:
        """Bytes of A and B requested from global memory. Caches stand between that and DRAM."""
        return (self.requested_a + self.requested_b) * WORD


START = State()


def state_at(schedule: Schedule, step: int, since: State = START) -> State:
    """The state after the first `step` events (0 to len(schedule.events)).

    `since`, a state of the same schedule at this step or before, spares going through the events
    that led to it.
    """
    if not since.step <= step <= len(schedule.events):
        span = f"{since.step} to {len(schedule.events)}"
        raise IndexError(f"step {step} of a schedule, not {span}")
    tiling = schedule.tiling
    results, reads = tiling.bm * tiling.bn, fragment_reads(tiling)
    epoch, k_done, fmas, stored = since.epoch, since.k_done, since.fma, since.stored
    writes, shared_reads = since.shared_writes, since.shared_reads
    requested = {"A": since.requested_a, "B": since.requested_b}
    resident, coming = dict(since.resident), dict(since.coming)
    fragments, exchanged = dict(since.fragments), since.exchanged
    inside, each = schedule.inside("C"), readers(schedule) if tiling.direct else None
    for event in schedule.events[since.step : step]:
        match event:
            case Copy(operand, k_tile, stage):
                rows, cols = schedule.inside(operand, k_tile)
                tile_rows, tile_cols = tiling.tile_shape(operand)
                requested[operand] += rows * cols
                writes += tile_rows * tile_cols
                if tiling.asynchronous:
                    coming[stage, operand] = k_tile
                    resident.pop((stage, operand), None)
                else:
                    resident[stage, operand] = k_tile
            case Wait(k_tile):
                here = [place for place, on_its_way in coming.items() if on_its_way <= k_tile]
                resident |= {place: coming.pop(place) for place in here}
            case Barrier():
                epoch += 1
            case Fragments(k_tile, k, _, buffer):
                shared_reads += reads
                if each and k_tile * tiling.bk + k < schedule.gemm.k:
                    requested["A"] += inside[0] * each["A"]
                    requested["B"] += inside[1] * each["B"]
                fragments[buffer] = (k_tile, k)
            case OuterProduct():
                fmas += results
                k_done += 1
            case Exchange(exchanged):
                resident, coming = {}, {}  # its rows lie where the tiles lay
                writes += tiling.bm // tiling.tm * tiling.bn
            case Store(None):
                stored += inside[0] * inside[1]
            case Store():
                shared_reads += tiling.bm // tiling.tm * tiling.bn
                stored += int(expand_store(schedule, event).predicate.sum())
    a, b = requested["A"], requested["B"]
    counts = k_done, a, b, writes, shared_reads, fmas, stored
    return State(step, epoch, resident, fragments, *counts, coming, exchanged)


@lru_cache(maxsize=64)
def fragment_reads(tiling: Tiling) -> int:
    """Words of shared memory that all threads together read at one k."""
    return 0 if tiling.direct else tiling.threads * (tiling.tm + tiling.tn)
