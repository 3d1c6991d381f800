"""What the kernel did against what the model says: equal, or where they part, in words."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

from tiling.kernel.provenance import NO_ELEMENT, Slots, expected, observed
from tiling.schedule import Schedule, in_words
from tiling.trace import NONE, OPERAND, Action, trace

EQUAL = "equal"
COMPARED = ("thread", "action", "word", "index", "holds")
"""Fields of a record that both sides have. The kernel keeps no count of steps."""


def compare(slots: Slots, model: Schedule, most: int = 3) -> str:
    """EQUAL, or the first `most` differences: CTA, thread, event, expected, got.

    slots (threads, stride): the traced kernel's, of the schedule's own CTA, run on `provenance`.
    """
    want, got = expected(trace(model)), observed(slots)
    if want.size == got.size and all((want[name] == got[name]).all() for name in COMPARED):
        return EQUAL
    return "; ".join(islice(_differences(model, want, got), most))


def _differences(
    model: Schedule, want: npt.NDArray[np.void], got: npt.NDArray[np.void]
) -> Iterator[str]:
    """The first difference of each thread that has one."""
    for thread in range(model.tiling.threads):
        mine, its = want[want["thread"] == thread], got[got["thread"] == thread]
        both = min(mine.size, its.size)
        differ = np.zeros(both, bool)
        for name in COMPARED:
            differ |= mine[name][:both] != its[name][:both]
        at = int(differ.argmax()) if differ.any() else both
        if at == mine.size == its.size:
            continue
        place = f"CTA ({model.cta[0]}, {model.cta[1]}), thread {thread}, record {at}"
        if at < mine.size:
            place += f" ({_step(model, int(mine['step'][at]))})"
        yield f"{place}: expected {_say(model, mine, at)}, got {_say(model, its, at)}"


def _step(model: Schedule, step: int) -> str:
    return f"step {step}, {in_words(model.events[step])}"


def _say(model: Schedule, records: npt.NDArray[np.void], at: int) -> str:
    """One record in words."""
    if at >= records.size:
        return "nothing more"
    action, word, index, holds = (int(records[at][name]) for name in COMPARED[1:])
    match action:
        case Action.COPY_A | Action.COPY_B:
            text = f"{_element(model, action, index)} copied to shared word {word}"
            if holds != index:
                text += f", where then lies {_element(model, action, holds)}"
            return text
        case Action.READ_A | Action.READ_B:
            return f"{_element(model, action, holds)} read from shared word {word}"
        case Action.BARRIER:
            return f"barrier {index}"
        case Action.OUTER_PRODUCT:
            return f"the outer product of k = {index}"
        case Action.COMMIT:
            return f"a commit of the copies of k-tile {index}"
        case Action.WAIT:
            return f"a wait for all but {index} groups of copies"
        case Action.EXCHANGE:
            return f"{_element(model, action, index)} written to shared word {word}"
        case Action.STORE | Action.STORE_SHARED:
            what = "accumulator" if action == Action.STORE else "shared word"
            if index == NONE:
                return f"{what} {word} not stored"
            return f"{what} {word} stored to {_element(model, action, index)}"
    return f"a record of unknown action {action}"


def _element(model: Schedule, action: int, index: int) -> str:
    operand = OPERAND[Action(action)]
    if index == NONE:
        return "a zero" if operand != "C" else "an accumulator outside C"
    rows, cols = model.gemm.shape(operand)
    if index == NO_ELEMENT:
        return f"no element of {operand}"
    if not 0 <= index < rows * cols:
        return f"{operand} at {index}, outside its {rows * cols} elements"
    return f"{operand}[{index // cols}, {index % cols}]"
