"""The model's trace as what memory sees: what recording.h must have written down for each thread.

A copy that is not asynchronous is requests to global memory and writes to shared memory; what lies
outside a matrix is neither requested nor stored. Everything is told by addresses and values, so
that nothing depends on the kernel's own word for what it does.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tiling.schedule import Fragments, Schedule
from tiling.trace import NONE, Action, Trace, trace


class Did(IntEnum):
    """What was done; recording.h has the same."""

    READ = 0x10
    WRITE = 0x20
    COPY = 0x30  # begun, not made
    COMMIT = 0x40
    WAIT = 0x50
    BARRIER = 0x60
    MULTIPLY_ADD = 0x70


class Where(IntEnum):
    """Where it was done, by its address; recording.h has the same."""

    NOWHERE = 0  # a copy of zeros comes from there
    A = 1
    B = 2
    C = 3
    SHARED = 4
    ELSEWHERE = 5


RECORD = np.dtype(
    [
        ("thread", np.int32),
        ("step", np.int32),
        ("did", np.int32),
        ("where", np.int32),
        ("word", np.int32),
        ("index", np.int64),
        ("holds", np.int64),
    ]
)
"""What one thread did.

step    the event's place in the schedule, which the kernel does not know
word    of shared memory, to which an asynchronous copy goes; else NONE
index   the element's, or the shared word; groups that may be pending at a wait; barriers passed
        before this one; multiply-adds in a row
holds   the value's bits; of multiply-adds the sum of a's bits and, 32 bits higher, of b's, modulo
        2^64; or ANY
"""

ANY = np.iinfo(np.int64).min
"""`holds` of an accumulator on its way to C: C itself is compared elsewhere."""

Records = npt.NDArray[np.void]


def value_bits(operand: str, index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The bits of an element of A or B as `provenance` numbers them, or of a zero for NONE."""
    sign = 1 if operand == "A" else -1
    value = np.where(index == NONE, 0, sign * (index + 1)).astype(np.float32)
    return value.view(np.uint32).astype(np.int64)


def expected(schedule: Schedule) -> Records:
    """RECORD (records,) of the schedule's CTA, thread by thread, each in program order."""
    tiling, model = schedule.tiling, trace(schedule)
    action, order = model["action"], np.arange(model.size)
    parts, keys = [], []

    def add(
        which: npt.NDArray[np.bool_],
        did: Did,
        where: Where = Where.NOWHERE,
        index: npt.NDArray[np.int64] | int = NONE,
        holds: npt.NDArray[np.int64] | int = 0,
        word: npt.NDArray[np.int64] | int = NONE,
        at: npt.NDArray[np.int64] = order,
        phase: int = 0,
    ) -> None:
        """One record for each of the model's in `which`; arrays have one element for each of the
        model's. It stands with the model's record `at`, by `phase` if several stand there."""
        records = np.empty(int(which.sum()), RECORD)
        records["thread"], records["step"] = model["thread"][which], model["step"][which]
        records["did"], records["where"] = did, where
        for name, values in (("index", index), ("holds", holds), ("word", word)):
            records[name] = values[which] if isinstance(values, np.ndarray) else values
        parts.append(records)
        keys.append((at[which], np.full(records.size, phase), order[which]))

    inside, index, word = model["index"] != NONE, model["index"], model["word"].astype(np.int64)
    for place, copied, read in (
        (Where.A, Action.COPY_A, Action.READ_A),
        (Where.B, Action.COPY_B, Action.READ_B),
    ):
        bits, copies, reads = value_bits(place.name, index), action == copied, action == read
        if tiling.asynchronous:
            add(copies & inside, Did.COPY, place, index, word=word)
            add(copies & ~inside, Did.COPY, word=word)
        else:
            # A group's elements are all requested before the first is written.
            group = order - _rank(model) % tiling.request(place.name)
            add(copies & inside, Did.READ, place, index, bits, at=group)
            add(copies, Did.WRITE, Where.SHARED, word, bits, at=group, phase=1)
        if tiling.direct:
            add(reads & inside, Did.READ, place, index, bits)
        else:
            add(reads, Did.READ, Where.SHARED, word, bits)
    products = tiling.tm * tiling.tn
    fed = _fed(schedule, model)
    add(action == Action.OUTER_PRODUCT, Did.MULTIPLY_ADD, index=products, holds=fed)
    add((action == Action.STORE) & inside, Did.WRITE, Where.C, index, ANY)
    add(action == Action.EXCHANGE, Did.WRITE, Where.SHARED, word, ANY)
    add(action == Action.STORE_SHARED, Did.READ, Where.SHARED, word, ANY)
    add((action == Action.STORE_SHARED) & inside, Did.WRITE, Where.C, index, ANY, phase=1)
    add(action == Action.COMMIT, Did.COMMIT)
    add(action == Action.WAIT, Did.WAIT, index=index)
    add(action == Action.BARRIER, Did.BARRIER, index=index)

    records = np.concatenate(parts)
    at, phase, own = (np.concatenate(key) for key in zip(*keys, strict=True))
    return _in_a_row(records[np.lexsort((own, phase, at))])


def _rank(model: Trace) -> npt.NDArray[np.int64]:
    """How many records of the same thread, step and action stand before each."""
    order = np.arange(model.size)
    new = np.ones(model.size, bool)
    for name in ("thread", "step", "action"):
        new[1:] &= model[name][1:] == model[name][:-1]
    new[1:] = ~new[1:]
    return order - np.maximum.accumulate(np.where(new, order, 0))


def _fed(schedule: Schedule, model: Trace) -> npt.NDArray[np.int64]:
    """For each of the model's outer products what its multiply-adds are fed (see RECORD)."""
    tiling = schedule.tiling
    k_of = np.zeros(len(schedule.events), np.int64)
    for step, event in enumerate(schedule.events):
        if isinstance(event, Fragments):
            k_of[step] = event.k_tile * tiling.bk + event.k
    fed = np.zeros((schedule.k_tiles * tiling.bk, tiling.threads), np.uint64)
    for operand, action, times in (
        ("A", Action.READ_A, tiling.tn),
        ("B", Action.READ_B, tiling.tm << 32),
    ):
        reads = model[model["action"] == action]
        bits = value_bits(operand, reads["index"]).astype(np.uint64) * np.uint64(times)
        np.add.at(fed, (k_of[reads["step"]], reads["thread"]), bits)
    found = np.zeros(model.size, np.uint64)
    products = model["action"] == Action.OUTER_PRODUCT
    found[products] = fed[model["index"][products], model["thread"][products]]
    return found.view(np.int64)


def _in_a_row(records: Records) -> Records:
    """Multiply-adds of a thread between which it does nothing else make one record."""
    more = (records["did"][1:] == Did.MULTIPLY_ADD) & (records["did"][:-1] == Did.MULTIPLY_ADD)
    more &= records["thread"][1:] == records["thread"][:-1]
    first = np.flatnonzero(np.concatenate([[True], ~more]))
    merged = records[first]
    products = merged["did"] == Did.MULTIPLY_ADD
    for name in ("index", "holds"):
        total = np.add.reduceat(records[name].view(np.uint64), first).view(np.int64)
        merged[name][products] = total[products]
    return merged
