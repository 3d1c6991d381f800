"""Carrying a schedule out in NumPy, word for word and bit for bit what the kernel must do."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tiling.expand import (
    copy_map,
    exchange_words,
    expand_store,
    fragment_words,
)
from tiling.fma import Floats, fma
from tiling.hazards import Watch
from tiling.layout import Ints
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

AT_ONCE = 32 * 1024
"""Accumulators that are carried along together: more CTAs than this run one group after another."""


@dataclass
class Machine:
    """Some CTAs of one schedule, in step. G CTAs of T threads each.

    shared  (G, words)       shared memory, poisoned with NaN
    groups  copies on their way, as (words, values) and by groups, the open one last
    a, b    (G, T, TM), (G, T, TN)  fragments, for each of their buffers
    acc     (G, T, TM, TN)   accumulators
    """

    schedule: Schedule
    A: Floats
    B: Floats
    C: Floats
    ctas: Ints

    def __post_init__(self) -> None:
        tiling, count = self.schedule.tiling, len(self.ctas)
        threads, tm, tn = tiling.threads, tiling.tm, tiling.tn
        self.shared = np.full((count, tiling.shared_words), np.nan, np.float32)
        self.groups: list[list[tuple[Ints, Floats]]] = [[]]
        self.a = [np.full((count, threads, tm), np.nan, np.float32)] * tiling.fragments
        self.b = [np.full((count, threads, tn), np.nan, np.float32)] * tiling.fragments
        self.acc = np.zeros((count, threads, tm, tn), np.float32)

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
                read = fragment_words(self.schedule.tiling, k, stage)
                self.a[buffer] = self.shared[:, read["A"]]
                self.b[buffer] = self.shared[:, read["B"]]
            case OuterProduct(_, _, buffer):
                a, b = self.a[buffer], self.b[buffer]
                self.acc = fma(a[..., :, None], b[..., None, :], self.acc)
            case Exchange(row):
                self.shared[:, exchange_words(self.schedule.tiling)] = self.acc[:, :, row]
            case Store():
                self._store(event)

    def _copy(self, event: Copy) -> None:
        source = self.A if event.operand == "A" else self.B
        _, row, col, word = copy_map(self.schedule.tiling, event.operand, event.stage)
        origins = [self.schedule.at(c).origin(event.operand, event.k_tile) for c in self._ctas()]
        rows = row + np.array([[r] for r, _ in origins])
        cols = col + np.array([[c] for _, c in origins])
        predicate = (rows < source.shape[0]) & (cols < source.shape[1])
        zero = np.float32(0)  # what the kernel writes where the predicate is off
        values = np.where(
            predicate, source[np.where(predicate, rows, 0), np.where(predicate, cols, 0)], zero
        )
        if self.schedule.tiling.asynchronous:
            self.groups[-1].append((word, values))
            values = np.full_like(values, np.nan)  # what lies there now, nobody knows
        self.shared[:, word] = values

    def _store(self, event: Store) -> None:
        through_shared = event.row is not None
        for cta, shared, acc in zip(self._ctas(), self.shared, self.acc, strict=True):
            store = expand_store(self.schedule.at(cta), event)
            values = shared[store.word] if through_shared else acc
            where = store.row[store.predicate], store.col[store.predicate]
            self.C[where] = values[store.predicate]

    def _ctas(self) -> list[tuple[int, int]]:
        return [(int(row), int(col)) for row, col in self.ctas]


def execute(
    schedule: Schedule, a: Floats, b: Floats, ctas: Iterable[tuple[int, int]] | None = None
) -> Floats:
    """C (M, N) float32 from A (M, K) and B (K, N), by the schedule's events and nothing else.

    Every output is `fma` over k ascending from 0, so its bits do not depend on the tiling: but for
    the sign of a sum that has underflowed to -0, which one zero-filled k more makes +0. `ctas` are
    the (row, col) of the CTAs to run, all of the grid unless given; what no CTA stored is NaN.
    Raises Hazard at the first illegal access to shared memory, Refused for wrong shapes or types.
    """
    for name, array in ("A", a), ("B", b):
        want = schedule.gemm.shape(name)
        if array.shape != want or array.dtype != np.float32:
            rule = f"the schedule multiplies float32 {want}"
            raise Refused(name, f"{array.dtype} {array.shape}", rule, f"try float32 {want}")
    every = np.array(list(np.ndindex(schedule.grid)) if ctas is None else list(ctas))
    c = np.full((schedule.gemm.m, schedule.gemm.n), np.nan, np.float32)
    group = max(1, AT_ONCE // (schedule.tiling.bm * schedule.tiling.bn))
    machines = [
        Machine(schedule, a, b, c, every[i : i + group]) for i in range(0, len(every), group)
    ]
    watch = Watch(schedule)  # every CTA touches the same words in the same order: one watch for all
    for event in schedule.events:
        watch.observe(event)
    for machine in machines:
        for event in schedule.events:
            machine.carry_out(event)
    return c
