"""Everything each thread does, as one structured array: what the kernel's own trace must equal."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tiling.expand import Accesses, expand_copy, expand_exchange, expand_fragments, expand_store
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Exchange,
    Fragments,
    OuterProduct,
    Schedule,
    Store,
    Wait,
)

NONE = -1
"""`index` of an element outside its matrix; `word` of an action that touches none."""


class Action(IntEnum):
    """What a thread does, one record each."""

    COPY_A = 1  # read A[index], or make a zero; write it to the shared word
    COPY_B = 2
    BARRIER = 3  # index: barriers passed before this one
    READ_A = 4  # read the shared word, in which lies A[index], or a zero
    READ_B = 5
    OUTER_PRODUCT = 6  # index: the k, counted over all k-tiles
    STORE = 7  # write the accumulator numbered `word` to C[index], or do nothing
    COMMIT = 8  # index: the k-tile whose copies it closes
    WAIT = 9  # index: groups of copies that may still be on their way
    EXCHANGE = 10  # write an accumulator to the shared word; index: of C, or outside it
    STORE_SHARED = 11  # write what lies in the shared word to C[index], or do nothing


OPERAND = {
    Action.COPY_A: "A",
    Action.READ_A: "A",
    Action.COPY_B: "B",
    Action.READ_B: "B",
    Action.STORE: "C",
    Action.EXCHANGE: "C",
    Action.STORE_SHARED: "C",
}

RECORD = np.dtype(
    [
        ("thread", np.int32),
        ("step", np.int32),
        ("action", np.int32),
        ("word", np.int32),
        ("index", np.int64),
    ]
)
"""`index` counts a matrix's elements row by row; `step` is the event's place in the schedule."""

Trace = npt.NDArray[np.void]


def trace(schedule: Schedule) -> Trace:
    """All records of the schedule's CTA (records,), thread by thread, each in program order."""
    parts, epoch = [], 0
    everyone = np.arange(schedule.tiling.threads)
    for step, event in enumerate(schedule.events):
        match event:
            case Copy(operand):
                action = Action.COPY_A if operand == "A" else Action.COPY_B
                parts.append(_accesses(schedule, step, action, expand_copy(schedule, event)))
            case Barrier():
                parts.append(_records(step, Action.BARRIER, everyone, NONE, epoch))
                epoch += 1
            case Commit(k_tile):
                parts.append(_records(step, Action.COMMIT, everyone, NONE, k_tile))
            case Wait(_, pending):
                parts.append(_records(step, Action.WAIT, everyone, NONE, pending))
            case Fragments():
                reads = expand_fragments(schedule, event)
                parts.append(_accesses(schedule, step, Action.READ_A, reads["A"]))
                parts.append(_accesses(schedule, step, Action.READ_B, reads["B"]))
            case OuterProduct(k_tile, k):
                k += k_tile * schedule.tiling.bk
                parts.append(_records(step, Action.OUTER_PRODUCT, everyone, NONE, k))
            case Exchange():
                written = expand_exchange(schedule, event)
                parts.append(_accesses(schedule, step, Action.EXCHANGE, written))
            case Store(row):
                action = Action.STORE if row is None else Action.STORE_SHARED
                parts.append(_accesses(schedule, step, action, expand_store(schedule, event)))
    records = np.concatenate(parts)
    return records[np.argsort(records["thread"], kind="stable")]


def _accesses(schedule: Schedule, step: int, action: Action, accesses: Accesses) -> Trace:
    cols = schedule.gemm.shape(OPERAND[action])[1]
    index = np.where(accesses.predicate, accesses.row * cols + accesses.col, NONE)
    return _records(step, action, accesses.thread, accesses.word, index)


def _records(
    step: int,
    action: Action,
    thread: npt.NDArray[np.int64],
    word: npt.NDArray[np.int64] | int,
    index: npt.NDArray[np.int64] | int,
) -> Trace:
    records = np.empty(thread.size, RECORD)
    records["step"], records["action"] = step, action
    records["thread"] = thread.ravel()
    records["word"] = np.ravel(word)
    records["index"] = np.ravel(index)
    return records
