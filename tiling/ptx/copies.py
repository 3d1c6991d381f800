"""Asynchronous copies (`cp.async`): begun, closed in groups, and landed as late as is allowed.

PTX ISA, "Data Movement and Conversion Instructions: Asynchronous copy": `cp.async.wait_group N`
waits until at most N of the thread's last groups are pending, `wait_all` also for those of none.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tiling.ptx.memory import WRITTEN, Bools, Buffer, Ints, Where, place

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Copy:
    """Copies that some threads have begun, arrays (copies,).

    group   the number of the thread's group they will be in, counted from 0
    value   (copies, width) bytes that they bring
    """

    buffer: Buffer
    offset: Ints
    thread: Ints
    instruction: Ints
    group: Ints
    value: Bytes


class Copies:
    """What is on its way in a CTA. `landed` hears of copies that a wait has made visible."""

    def __init__(self, threads: int, landed: Callable[[Copy], None]) -> None:
        self.committed = np.zeros(threads, np.int64)
        self.landed = landed
        self.coming: list[Copy] = []

    def begin(self, where: Where, thread: Ints, instruction: Ints, value: Bytes) -> None:
        """Arrays as in `Copy`; the destination is poisoned by whoever calls."""
        flat = where.offset.reshape(-1), thread.reshape(-1), instruction.reshape(-1)
        copy = Copy(where.buffer, *flat, self.committed[flat[1]], value.reshape(flat[0].size, -1))
        self.coming.append(copy)

    def commit(self, mask: Bools | None) -> None:
        self.committed[slice(None) if mask is None else mask] += 1

    def wait(self, pending: int | None, mask: Bools | None) -> None:
        """Land all groups of these threads but the last `pending`; with None all copies."""
        waiting = np.ones(self.committed.size, bool) if mask is None else mask
        left = []
        for copy in self.coming:
            here = waiting[copy.thread]
            if pending is not None:
                here &= copy.group < self.committed[copy.thread] - pending
            if here.all():
                self._land(copy)
            elif here.any():
                self._land(_some(copy, here))
                left.append(_some(copy, ~here))
            else:
                left.append(copy)
        self.coming = left

    def _land(self, copy: Copy) -> None:
        width = copy.value.shape[1]
        unit = 8 if width % 8 == 0 else 4
        values = np.ascontiguousarray(copy.value).view(f"u{unit}")
        place(Where(copy.buffer, copy.offset, None), values, unit, WRITTEN)
        self.landed(copy)

    def of(self, buffer: Buffer, offset: int) -> tuple[int, int] | None:
        """(thread, instruction) of a copy that is bringing this byte, or None."""
        for copy in self.coming:
            if copy.buffer is buffer:
                at = np.flatnonzero(
                    (copy.offset <= offset) & (offset < copy.offset + copy.value.shape[1])
                )
                if at.size:
                    return int(copy.thread[at[0]]), int(copy.instruction[at[0]])
        return None


def _some(copy: Copy, which: Bools) -> Copy:
    names = ("offset", "thread", "instruction", "group", "value")
    return replace(copy, **{name: getattr(copy, name)[which] for name in names})
