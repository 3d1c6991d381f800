"""What a tiling costs: counts for one CTA and for the whole GEMM, from the schedule's events."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from tiling.schedule import Schedule
from tiling.shapes import WORD, Gemm
from tiling.state import state_at


@dataclass(frozen=True)
class Counts:
    """Sums over some CTAs. Elements and words are of 4 bytes.

    requested_a, requested_b    elements requested from global memory; caches stand behind them
    stored                      elements of C stored to global memory
    shared_writes, shared_reads words
    fma                         executed, those on the zero fill of ragged tiles included
    useful_fma                  those of the product itself: results · K
    """

    requested_a: int
    requested_b: int
    stored: int
    shared_writes: int
    shared_reads: int
    fma: int
    useful_fma: int

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(x + y for x, y in zip(self._values(), other._values(), strict=True)))

    def __mul__(self, times: int) -> "Counts":
        return Counts(*(times * x for x in self._values()))

    def _values(self) -> list[int]:
        return list(vars(self).values())

    def as_dict(self) -> dict[str, float]:
        """All of these by name, also those that follow from others."""
        return {
            **vars(self),
            "requested_bytes_a": self.requested_a * WORD,
            "requested_bytes_b": self.requested_b * WORD,
            "requested_bytes": self.requested_bytes,
            "flop": self.flop,
            "intensity": self.intensity,
            "requests_per_result": self.requests_per_result,
            "shared_reads_per_result": self.shared_reads_per_result,
        }

    @property
    def requested(self) -> int:
        """Elements of A and B requested from global memory."""
        return self.requested_a + self.requested_b

    @property
    def requested_bytes(self) -> int:
        return self.requested * WORD

    @property
    def flop(self) -> int:
        """Floating-point operations of the product: a multiply and an add for each useful FMA."""
        return 2 * self.useful_fma

    @property
    def intensity(self) -> float:
        """FLOP for each byte of A and B requested from global memory.

        For whole tiles 2·BM·BN·BK / (4·BK·(BM + BN)) = BM·BN / (2·(BM + BN)), whatever BK.
        """
        return self.flop / self.requested_bytes

    @property
    def requests_per_result(self) -> float:
        """Elements of A and B requested for each element of C."""
        return self.requested / self.stored

    @property
    def shared_reads_per_result(self) -> float:
        return self.shared_reads / self.stored


@dataclass(frozen=True)
class Traffic:
    """A tiling's costs. `cta` is the schedule's own CTA, `total` all CTAs of the grid."""

    ctas: int
    k_tiles: int
    threads: int
    accumulators: int
    shared_bytes: int
    barriers: int
    cta: Counts
    total: Counts
    naive_requested: int

    @property
    def times_naive(self) -> float:
        """How many times as many elements are requested without tiles."""
        return self.naive_requested / self.total.requested

    def as_dict(self) -> dict[str, Any]:
        """All of it as data."""
        return {**vars(self), "cta": self.cta.as_dict(), "total": self.total.as_dict()}


def traffic(schedule: Schedule) -> Traffic:
    """Counts of the schedule, read from its events once for each kind of CTA in the grid."""
    gemm, tiling = schedule.gemm, schedule.tiling
    kinds = [counts_of(schedule.at(cta)) * many for cta, many in kinds_of_cta(schedule)]
    return Traffic(
        ctas=prod(schedule.grid),
        k_tiles=schedule.k_tiles,
        threads=tiling.threads,
        accumulators=tiling.tm * tiling.tn,
        shared_bytes=tiling.shared_bytes,
        barriers=state_at(schedule, len(schedule.events)).epoch,
        cta=counts_of(schedule),
        total=sum(kinds[1:], kinds[0]),
        naive_requested=naive_requested(gemm),
    )


def counts_of(schedule: Schedule) -> Counts:
    """Counts of the schedule's own CTA: those of the state after its last event."""
    end = state_at(schedule, len(schedule.events))
    rows, cols = schedule.inside("C")
    return Counts(
        end.requested_a,
        end.requested_b,
        end.stored,
        end.shared_writes,
        end.shared_reads,
        end.fma,
        rows * cols * schedule.gemm.k,
    )


def bytes_of(elements: int) -> int:
    return elements * WORD


def naive_requested(gemm: Gemm) -> int:
    """Elements requested when a thread makes each result alone: a row of A and a column of B."""
    return gemm.m * gemm.n * 2 * gemm.k


def kinds_of_cta(schedule: Schedule) -> Iterator[tuple[tuple[int, int], int]]:
    """(one CTA, how many are like it): inner ones, those over an edge of C, the corner."""
    rows, cols = schedule.grid
    for row, row_count in kinds_along(rows, ragged=schedule.gemm.m % schedule.tiling.bm != 0):
        for col, col_count in kinds_along(cols, ragged=schedule.gemm.n % schedule.tiling.bn != 0):
            yield (row, col), row_count * col_count


def kinds_along(count: int, ragged: bool) -> list[tuple[int, int]]:
    """(an index, how many are like it) along one side of the grid."""
    whole = [(0, count - ragged)] if count > ragged else []
    return whole + ([(count - 1, 1)] if ragged else [])
