"""Who may touch which word of shared memory, when: the rules that barriers enforce.

Two accesses of one word by different threads, at least one of them a write, are ordered only by a
barrier between them. An asynchronous copy writes at some time from the event that begins it until
its thread has waited for it: the barrier must stand behind the wait, and till then the word is no
use to anyone. `Watch` follows a schedule event by event and raises `Hazard` at the first access
that breaks this, or that reads what was never written or was not meant for it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from tiling.expand import copy_map, exchange_words, exchanged_map, fragment_words
from tiling.layout import Ints, Operand, shared_layout
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
from tiling.shapes import Tiling

NEVER = -1

Held: TypeAlias = Literal["A", "B", "C"]
"""What may lie in a word: an element of As or Bs, or an accumulator on its way to C."""


class Hazard(Exception):
    """The first illegal access of a schedule.

    kind        "read" or "overwrite", "before barrier" or "before wait"; "never written" or
                "wrong k-tile"
    step, event, thread, operand, word    the access
    other       the access it collides with, as (step, thread), or None
    """

    def __init__(
        self,
        kind: str,
        step: int,
        event: Event,
        thread: int,
        operand: Held,
        word: int,
        detail: str,
        other: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(
            f"{kind}: step {step}, {event}: thread {thread}, {operand}s word {word}: {detail}"
        )
        self.kind, self.step, self.event = kind, step, event
        self.thread, self.operand, self.word, self.other = thread, operand, word, other


@dataclass(frozen=True)
class _Touch:
    """Distinct words of one event, ascending, with the lowest and highest thread on each."""

    word: Ints
    low: Ints
    high: Ints


class Watch:
    """Shared memory's books over one run of a schedule: give it each event in order."""

    def __init__(self, schedule: Schedule) -> None:
        words = schedule.tiling.shared_words
        self.tiling = schedule.tiling
        self.step = 0
        self.epoch = 0
        self.closed = 0  # groups of asynchronous copies
        self.group = np.full(words, NEVER)  # the one by which the word is on its way
        self.holds = np.full(words, NEVER)  # k-tile whose element lies in the word, or row of C
        self.written = np.full(words, NEVER)  # epoch, step and thread of the last write
        self.write_step = np.full(words, NEVER)
        self.writer = np.full(words, NEVER)
        self.read = np.full(words, NEVER)  # epoch and step of the last read, threads in that epoch
        self.read_step = np.full(words, NEVER)
        self.low = np.full(words, NEVER)
        self.high = np.full(words, NEVER)

    def observe(self, event: Event) -> None:
        """Take the next event of the schedule; raises Hazard if it is illegal now."""
        match event:
            case Copy(operand, k_tile, stage):
                touch = _copy_touch(self.tiling, operand, stage)
                self._write(event, operand, touch, k_tile)
                if self.tiling.asynchronous:
                    self.group[touch.word] = self.closed
            case Commit():
                self.closed += 1
            case Wait(_, pending):
                here = (self.group != NEVER) & (self.group < self.closed - pending)
                self.group[here], self.written[here] = NEVER, self.epoch
            case Fragments(k_tile, k, stage) if not self.tiling.direct:
                for operand in shared_layout(self.tiling):
                    touch = _fragment_touch(self.tiling, operand, k, stage)
                    self._read(event, operand, touch, k_tile)
            case Exchange(row):
                self._write(event, "C", _exchange_touch(self.tiling), row)
            case Store(row) if row is not None:
                self._read(event, "C", _store_touch(self.tiling, row), row)
            case Barrier():
                self.epoch += 1
        self.step += 1

    def _write(self, event: Event, operand: Held, touch: _Touch, holds: int) -> None:
        word, thread = touch.word, touch.low
        read_now = (self.read[word] == self.epoch) & (
            (self.low[word] != thread) | (self.high[word] != thread)
        )
        written_now = (self.written[word] == self.epoch) & (self.writer[word] != thread)
        coming = self.group[word] != NEVER
        if (bad := read_now | written_now | coming).any():
            at = int(bad.argmax())
            w, t = int(word[at]), int(thread[at])
            if coming[at]:
                other, step = int(self.writer[w]), int(self.write_step[w])
                detail = f"thread {other} has begun to copy to it in step {step}, and nobody has "
                detail += "waited for that: a Wait is missing"
                place = operand, w, detail, (step, other)
                raise Hazard("overwrite before wait", self.step, event, t, *place)
            if read_now[at]:
                other = int(self.low[w] if self.low[w] != t else self.high[w])
                step, did = int(self.read_step[w]), "reads"
            else:
                other, step, did = int(self.writer[w]), int(self.write_step[w]), "writes"
            raise Hazard(
                "overwrite before barrier",
                self.step,
                event,
                t,
                operand,
                w,
                f"thread {other} {did} it in step {step}, and no barrier lies between: "
                f"Barrier(before='overwrite') is missing",
                (step, other),
            )
        self.written[word], self.write_step[word], self.writer[word] = self.epoch, self.step, thread
        self.holds[word] = holds

    def _read(self, event: Event, operand: Held, touch: _Touch, wanted: int) -> None:
        word = touch.word
        alone = (touch.low == self.writer[word]) & (touch.high == self.writer[word])
        racing = (self.written[word] == self.epoch) & ~alone
        wrong = self.holds[word] != wanted
        coming = self.group[word] != NEVER
        if (bad := racing | wrong | coming).any():
            at = int(bad.argmax())
            w, writer = int(word[at]), int(self.writer[word[at]])
            reader = int(touch.low[at] if touch.low[at] != writer else touch.high[at])
            step, holds = int(self.write_step[w]), int(self.holds[w])
            other: tuple[int, int] | None = (step, writer)
            if holds == NEVER:
                kind, detail, other = "never written", "nothing has been copied there", None
            elif coming[at]:
                kind = "read before wait"
                detail = f"thread {writer} has begun to copy it in step {step}, and nobody has "
                detail += "waited for that: a Wait is missing"
            elif racing[at]:
                kind = "read before barrier"
                detail = f"thread {writer} writes it in step {step}, and no barrier lies between: "
                detail += "Barrier(before='reads') is missing"
            else:
                kind = "wrong k-tile"
                detail = f"it holds k-tile {holds}, copied in step {step}, not {wanted}"
            raise Hazard(kind, self.step, event, reader, operand, w, detail, other)
        again = self.read[word] == self.epoch
        self.low[word] = np.where(again, np.minimum(self.low[word], touch.low), touch.low)
        self.high[word] = np.where(again, np.maximum(self.high[word], touch.high), touch.high)
        self.read[word], self.read_step[word] = self.epoch, self.step


def check(schedule: Schedule) -> None:
    """Watch a whole schedule. Raises Hazard at its first illegal access."""
    watch = Watch(schedule)
    for event in schedule.events:
        watch.observe(event)


@lru_cache(maxsize=64)
def _copy_touch(tiling: Tiling, operand: Operand, stage: int) -> _Touch:
    thread, _, _, word = copy_map(tiling, operand, stage)
    return _touch(thread, word)


@lru_cache(maxsize=4096)
def _fragment_touch(tiling: Tiling, operand: Operand, k: int, stage: int) -> _Touch:
    word = fragment_words(tiling, k, stage)[operand]
    return _touch(np.broadcast_to(np.arange(tiling.threads)[:, None], word.shape), word)


@lru_cache(maxsize=64)
def _exchange_touch(tiling: Tiling) -> _Touch:
    word = exchange_words(tiling)
    return _touch(np.broadcast_to(np.arange(tiling.threads)[:, None], word.shape), word)


@lru_cache(maxsize=64)
def _store_touch(tiling: Tiling, row: int) -> _Touch:
    thread, _, _, word = exchanged_map(tiling, row)
    return _touch(thread, word)


def _touch(thread: Ints, word: Ints) -> _Touch:
    distinct, index = np.unique(word, return_inverse=True)
    low, high = np.full(distinct.shape, thread.max()), np.zeros_like(distinct)
    np.minimum.at(low, index.reshape(word.shape), thread)
    np.maximum.at(high, index.reshape(word.shape), thread)
    return _Touch(distinct, low, high)
