"""What holds after so many events of a schedule: a pure function of the step."""

from dataclasses import dataclass, field
from functools import lru_cache

from tiling.expand import expand_store
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
    fragment       (k_tile, k) of the fragments in registers, or None
    k_done         k accumulated so far, the zero-filled ones of a ragged K included
    requested_a/b  elements of A and B requested from global memory
    shared_writes, shared_reads    words, by all threads
    fma            multiply-adds, those on zero fill included
    stored         elements of C stored
    """

    step: int = 0
    epoch: int = 0
    resident: dict[tuple[int, Operand], int] = field(default_factory=dict)
    fragment: tuple[int, int] | None = None
    k_done: int = 0
    requested_a: int = 0
    requested_b: int = 0
    shared_writes: int = 0
    shared_reads: int = 0
    fma: int = 0
    stored: int = 0
    coming: dict[tuple[int, Operand], int] = field(default_factory=dict)

    @property
    def requested_bytes(self) -> int:
        """Bytes of A and B requested from global memory. Caches stand between that and DRAM."""
        return (self.requested_a + self.requested_b) * WORD


def state_at(schedule: Schedule, step: int) -> State:
    """The state after the first `step` events (0 to len(schedule.events))."""
    if not 0 <= step <= len(schedule.events):
        raise IndexError(f"step {step} of a schedule with {len(schedule.events)} events")
    tiling = schedule.tiling
    results, reads = tiling.bm * tiling.bn, fragment_reads(tiling)
    epoch = k_done = writes = shared_reads = fmas = stored = 0
    requested = {"A": 0, "B": 0}
    resident: dict[tuple[int, Operand], int] = {}
    coming: dict[tuple[int, Operand], int] = {}
    fragment = None
    for event in schedule.events[:step]:
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
            case Fragments(k_tile, k):
                shared_reads += reads
                if tiling.direct and k_tile * tiling.bk + k < schedule.gemm.k:
                    rows, cols = schedule.inside("C")
                    requested["A"] += rows * (tiling.bn // tiling.tn)
                    requested["B"] += cols * (tiling.bm // tiling.tm)
                fragment = (k_tile, k)
            case OuterProduct():
                fmas += results
                k_done += 1
            case Exchange():
                writes += tiling.bm // tiling.tm * tiling.bn
            case Store(None):
                rows, cols = schedule.inside("C")
                stored += rows * cols
            case Store():
                shared_reads += tiling.bm // tiling.tm * tiling.bn
                stored += int(expand_store(schedule, event).predicate.sum())
    a, b = requested["A"], requested["B"]
    return State(
        step, epoch, resident, fragment, k_done, a, b, writes, shared_reads, fmas, stored, coming
    )


@lru_cache(maxsize=64)
def fragment_reads(tiling: Tiling) -> int:
    """Words of shared memory that all threads together read at one k."""
    return 0 if tiling.direct else tiling.threads * (tiling.tm + tiling.tn)
