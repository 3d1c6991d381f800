"""What the kernel did against what the model says: equal, or where they part, in words."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

from tiling.kernel.provenance import Slots, observed
from tiling.kernel.records import ANY, Did, Records, Where, expected
from tiling.schedule import Schedule, in_words

EQUAL = "equal"


def compare(slots: Slots, model: Schedule, most: int = 3) -> str:
    """EQUAL, or the first `most` differences: CTA, thread, event, expected, got.

    slots (threads, stride): the recording kernel's, of the schedule's own CTA, run on `provenance`.
    """
    want, got = expected(model), observed(slots)
    if want.size == got.size and not _differ(want, got).any():
        return EQUAL
    return "; ".join(islice(_differences(model, want, got), most))


def _differ(want: Records, got: Records) -> npt.NDArray[np.bool_]:
    """Where records differ in what both sides know: the kernel keeps no count of steps."""
    differ: npt.NDArray[np.bool_] = (want["holds"] != got["holds"]) & (want["holds"] != ANY)
    for name in ("thread", "did", "where", "word", "index"):
        differ |= want[name] != got[name]
    return differ


def _differences(model: Schedule, want: Records, got: Records) -> Iterator[str]:
    """The first difference of each thread that has one."""
    for thread in range(model.tiling.threads):
        mine, its = want[want["thread"] == thread], got[got["thread"] == thread]
        both = min(mine.size, its.size)
        differ = _differ(mine[:both], its[:both])
        at = int(differ.argmax()) if differ.any() else both
        if at == mine.size == its.size:
            continue
        place = f"CTA ({model.cta[0]}, {model.cta[1]}), thread {thread}, record {at}"
        if at < mine.size:
            place += f" ({_step(model, int(mine['step'][at]))})"
        yield f"{place}: expected {_say(model, mine, at)}, got {_say(model, its, at)}"


def _step(model: Schedule, step: int) -> str:
    return f"step {step}, {in_words(model.events[step])}"


def _say(model: Schedule, records: Records, at: int) -> str:
    """One record in words."""
    if at >= records.size:
        return "nothing more"
    did, where, word, index, holds = (
        int(records[at][name]) for name in ("did", "where", "word", "index", "holds")
    )
    match did:
        case Did.READ:
            return f"{_value(model, holds)} read from {_place(model, where, index)}"
        case Did.WRITE:
            return f"{_value(model, holds)} written to {_place(model, where, index)}"
        case Did.COPY:
            return f"a copy of {_place(model, where, index)} to shared word {word}"
        case Did.COMMIT:
            return "a commit of copies"
        case Did.WAIT:
            return f"a wait for all but {index} groups of copies"
        case Did.BARRIER:
            return f"barrier {index}"
        case Did.MULTIPLY_ADD:
            return f"{index} multiply-adds of a and b whose bits sum to {holds & 2**64 - 1:016x}"
    return f"a record of unknown kind {did}"


def _place(model: Schedule, where: int, index: int) -> str:
    match where:
        case Where.NOWHERE:
            return "zero"
        case Where.SHARED:
            return f"shared word {index}"
        case Where.ELSEWHERE:
            return "outside all matrices"
    operand = Where(where).name
    cols = model.gemm.shape(operand)[1]
    return f"{operand}[{index // cols}, {index % cols}]"


def _value(model: Schedule, bits: int) -> str:
    """Which element of A or B a value of `provenance` is, if any."""
    if bits == ANY:
        return "an accumulator"
    value = float(np.uint32(bits).view(np.float32))
    operand = "A" if value > 0 else "B"
    rows, cols = model.gemm.shape(operand)
    if value == 0 or not value.is_integer() or abs(value) > rows * cols:
        return f"{value:g}"
    return f"{operand}[{(abs(value) - 1) // cols:.0f}, {(abs(value) - 1) % cols:.0f}]"
