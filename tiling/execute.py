"""Carrying a schedule out in NumPy, word for word and bit for bit what the kernel must do."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tiling.expand import (
    accumulator_map,
    copy_map,
    exchange_words,
    expand_store,
    fragment_words,
)
from tiling.fma import Floats, fma
from tiling.hazards import Watch
from tiling.layout import Ints, Operand
from tiling.schedule import (
    Commit,
    Copy,
    Event,
    Exchange,
    Fragments,
    OuterProduct,
    Schedule,
    Store,
    Wait,
)
from tiling.shapes import Refused

CTAS_AT_ONCE = 32 * 1024
"""Accumulators that are carried along together: more CTAs than this run one group after another."""


@dataclass
class Executor:
    """Some CTAs of one schedule, in step. G CTAs of T threads each.

    shared  (G, words)       shared memory, poisoned with NaN
    groups  copies on their way, as (words, values) and by groups, the open one last
    a, b    (G, T, TM), (G, T, TN)  fragments, for each of their buffers
    acc     (TM, TN, G, T)   accumulators: NumPy is fast along the last axis, and threads are many
    """

    schedule: Schedule
    A: Floats
    B: Floats
    C: Floats
    ctas: Ints
    add_product: Callable[[Floats, Floats, Floats], Floats] = fma

    def __post_init__(self) -> None:
        tiling, count = self.schedule.tiling, len(self.ctas)
        threads, tm, tn = tiling.threads, tiling.tm, tiling.tn
        self.shared = np.full((count, tiling.shared_words), np.nan, np.float32)
        self.groups: list[list[tuple[Ints, Floats]]] = [[]]
        self.a = [np.full((count, threads, tm), np.nan, np.float32)] * tiling.fragments
        self.b = [np.full((count, threads, tn), np.nan, np.float32)] * tiling.fragments
        self.acc = np.zeros((tm, tn, count, threads), np.float32)

    def carry_out(self, event: Event) -> None:
        match event:
            case Copy():
                self._copy(event)
            case Commit():
                self.groups.append([])
            case Wait(_, pending):
                while len(self.groups) - 1 > pending:
                    for words, values in self.groups.pop(0):
                        self.shared[:, words] = values
            case Fragments(_, k, stage, buffer):
                if self.schedule.tiling.direct:
                    self._read_directly(event)
                    return
                read = fragment_words(self.schedule.tiling, k, stage)
                self.a[buffer] = self.shared[:, read["A"]]
                self.b[buffer] = self.shared[:, read["B"]]
            case OuterProduct(_, _, buffer):
                a, b = (of[buffer].transpose(2, 0, 1).copy() for of in (self.a, self.b))
                self.acc = self.add_product(a[:, None], b[None], self.acc)
            case Exchange(row):
                words = exchange_words(self.schedule.tiling)
                self.shared[:, words] = self.acc[row].transpose(1, 2, 0)
            case Store():
                self._store(event)

    def _copy(self, event: Copy) -> None:
        _, row, col, word = copy_map(self.schedule.tiling, event.operand, event.stage)
        values = self._fetched(event.operand, event.k_tile, row, col)
        if self.schedule.tiling.asynchronous:
            self.groups[-1].append((word, values))
            values = np.full_like(values, np.nan)  # what lies there now, nobody knows
        self.shared[:, word] = values

    def _read_directly(self, event: Fragments) -> None:
        rows, cols = accumulator_map(self.schedule.tiling)
        k = np.full((1, 1), event.k)
        self.a[event.buffer] = self._fetched("A", event.k_tile, rows, k)
        self.b[event.buffer] = self._fetched("B", event.k_tile, k, cols)

    def _fetched(self, operand: Operand, k_tile: int, row: Ints, col: Ints) -> Floats:
        """Elements (row, col) of every CTA's tile (G, …), zero outside the matrix."""
        source = self.A if operand == "A" else self.B
        origins = [self.schedule.at(cta).origin(operand, k_tile) for cta in self._ctas()]
        first = np.array(origins).T.reshape(2, -1, *[1] * row.ndim)
        rows, cols = np.broadcast_arrays(row + first[0], col + first[1])
        predicate = (rows < source.shape[0]) & (cols < source.shape[1])
        found = source[np.where(predicate, rows, 0), np.where(predicate, cols, 0)]
        return np.where(predicate, found, np.float32(0))

    def _store(self, event: Store) -> None:
        through_shared = event.row is not None
        accumulators = self.acc.transpose(2, 3, 0, 1)
        for cta, shared, acc in zip(self._ctas(), self.shared, accumulators, strict=True):
            store = expand_store(self.schedule.at(cta), event)
            values = shared[store.word] if through_shared else acc
            where = store.row[store.predicate], store.col[store.predicate]
            self.C[where] = values[store.predicate]

    def _ctas(self) -> list[tuple[int, int]]:
        return [(int(row), int(col)) for row, col in self.ctas]


def _exact(a: Floats, b: Floats, c: Floats) -> Floats:
    """a·b + c, where no step is rounded."""
    total: Floats = a * b
    total += c
    return total


@lru_cache(maxsize=8)
def watched(schedule: Schedule) -> None:
    """Raises Hazard at the first illegal access to shared memory. Every CTA touches the same words
    in the same order, so one watch does for all, and for each time that they are carried out."""
    watch = Watch(schedule)
    for event in schedule.events:
        watch.observe(event)


def execute(
    schedule: Schedule,
    a: Floats,
    b: Floats,
    ctas: Iterable[tuple[int, int]] | None = None,
    whole: bool = False,
) -> Floats:
    """C (M, N) float32 from A (M, K) and B (K, N), by the schedule's events and nothing else.

    Every output is `fma` over k ascending from 0, so its bits do not depend on the tiling: but for
    the sign of a sum that has underflowed to -0, which one zero-filled k more makes +0. `ctas` are
    the (row, col) of the CTAs to run, all of the grid unless given; what no CTA stored is NaN.
    `whole` says that A and B are whole numbers whose sums stay below 2^24: then multiplying and
    adding is exact, gives the same bits, and is several times as fast as `fma`.
    Raises Hazard at the first illegal access to shared memory, Refused for wrong shapes or types.
    """
    for name, array in ("A", a), ("B", b):
        want = schedule.gemm.shape(name)
        if array.shape != want or array.dtype != np.float32:
            rule = f"the schedule multiplies float32 {want}"
            raise Refused(name, f"{array.dtype} {array.shape}", rule, f"try float32 {want}")
    every = np.array(list(np.ndindex(schedule.grid)) if ctas is None else list(ctas))
    c = np.full((schedule.gemm.m, schedule.gemm.n), np.nan, np.float32)
    group = max(1, CTAS_AT_ONCE // (schedule.tiling.bm * schedule.tiling.bn))
    machines = [
        Executor(schedule, a, b, c, every[i : i + group], _exact if whole else fma)
        for i in range(0, len(every), group)
    ]
    watched(schedule)
    for machine in machines:
        for event in schedule.events:
            machine.carry_out(event)
    return c
