"""Barriers of a CTA: `bar.sync`, `bar.arrive`, `bar.red`, with numbers and counts.

PTX ISA, "Parallel Synchronization and Communication Instructions: bar, barrier". They count warps:
a barrier with a count of n opens when n / 32 warps have come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tiling.ptx.memory import Bools, Ints
from tiling.ptx.races import WARP
from tiling.ptx.registers import Mask

if TYPE_CHECKING:
    from tiling.ptx.machine import Machine

BARRIERS = 16
"""Barriers of a CTA (PTX ISA: a = 0 … 15)."""

WAITING, DONE, STAYS = 2**29, 2**30, -1
"""In place of a block: the thread waits at a barrier; it has ended; it stays where it is."""

Opens = Callable[[Bools, Bools], None]
"""Called with the predicates of all who came, and the threads that a barrier lets go."""


@dataclass
class _Open:
    """A barrier that some threads have come to.

    came, waits   (threads,) who has come; who of them waits
    then          (threads,) the block that each goes to when it opens
    seen          (warps,) what those who came had seen of others
    said, opens   predicates of those who came by bar.red; what to call with them, for which threads
    """

    came: Bools
    waits: Bools
    then: Ints
    count: int | None
    place: int
    seen: Ints | None = None
    said: list[Bools] = field(default_factory=list)
    opens: list[tuple[Opens, Bools]] = field(default_factory=list)


class Barriers:
    """The barriers of the CTA that a machine runs."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.open: dict[int, _Open] = {}

    def come(
        self,
        place: int,
        number: int,
        count: int | None,
        mask: Mask,
        then: int,
        waits: bool = True,
        red: tuple[Bools, Opens] | None = None,
    ) -> int | Ints:
        """Threads come to a barrier and go on to block `then`; where every thread is next.

        red   (threads,) the predicates of a bar.red, and what to call when it opens
        """
        machine = self.machine
        everyone = machine.warps * WARP
        if mask is None and number not in self.open and waits and count in (None, everyone):
            if red is not None:
                red[1](red[0], np.ones(machine.threads, bool))
            machine.synced("barrier", place, None)
            machine.pass_barrier()
            return then
        here = np.ones(machine.threads, bool) if mask is None else mask
        self._together(place, here)
        to = np.full(machine.threads, STAYS)
        # If more warps come than a barrier counts, the first open it; the next one is the rest's.
        while here.any():
            some = self._as_many(number, count, here)
            self._arrive(place, number, count, some, then, waits, red, to)
            here = here & ~some
        return to

    def _as_many(self, number: int, count: int | None, here: Bools) -> Bools:
        """Of those who come the warps that a barrier still counts."""
        if count is None:
            return here
        came = self.open[number].came if number in self.open else np.zeros_like(here)
        room = max(1, count // WARP - len(_warps(came)))
        warps = _warps(here)[:room]
        return here & np.isin(self.machine.thread // WARP, warps)

    def _arrive(
        self,
        place: int,
        number: int,
        count: int | None,
        here: Bools,
        then: int,
        waits: bool,
        red: tuple[Bools, Opens] | None,
        to: Ints,
    ) -> None:
        """Those who come wait, or open the barrier; `to` is told where they go on."""
        machine = self.machine
        barrier = self.open.get(number)
        if barrier is None:
            nobody = np.zeros(machine.threads, bool)
            barrier = _Open(
                nobody, nobody.copy(), np.zeros(machine.threads, np.int64), count, place
            )
            self.open[number] = barrier
        if barrier.count != count:
            machine.found(
                f"comes to barrier {number} with another count", np.flatnonzero(here), place
            )
        if (again := barrier.came & here).any():
            kind = f"comes to barrier {number} again before it opens"
            machine.found(kind, np.flatnonzero(again), place)
        barrier.came |= here
        barrier.then[here] = then
        if waits:
            barrier.waits |= here
        if red is not None:
            barrier.said.append(red[0][here])
            barrier.opens.append((red[1], here))
        if machine.races is not None:
            seen = machine.races.leave(_warps(here))
            barrier.seen = seen if barrier.seen is None else np.maximum(barrier.seen, seen)
        to[here] = WAITING if waits else then
        if self._complete(barrier):
            self._let_go(number, barrier, to)

    def _together(self, place: int, here: Bools) -> None:
        """All threads of a warp that have not ended must come together."""
        for warp in _warps(here):
            lanes = slice(warp * WARP, (warp + 1) * WARP)
            missing = ~here[lanes] & ~self.machine.ended[lanes]
            if missing.any():
                absent = np.flatnonzero(missing) + warp * WARP
                came = int(np.flatnonzero(here[lanes])[0]) + warp * WARP
                kind = "does not reach a barrier that its warp has reached"
                self.machine.found(kind, absent, place, before=f"thread {came} is there")

    def _complete(self, barrier: _Open) -> bool:
        if barrier.count is not None:
            return len(_warps(barrier.came)) * WARP >= barrier.count
        return bool(barrier.came.all())

    def _let_go(self, number: int, barrier: _Open, to: Ints) -> None:
        """The barrier opens; `to` is told where those who waited go on."""
        del self.open[number]
        machine = self.machine
        to[barrier.waits] = barrier.then[barrier.waits]
        for opens, here in barrier.opens:
            opens(np.concatenate(barrier.said), here)
        machine.synced("barrier", barrier.place, None if barrier.came.all() else barrier.came)
        if (barrier.came & barrier.waits | machine.ended).all():
            machine.pass_barrier()
        elif machine.races is not None and barrier.seen is not None:
            machine.races.join(_warps(barrier.waits), barrier.seen)

    def stuck(self, where: Ints) -> Ints:
        """Nobody can go on: open what only ended threads are missing from, or end all."""
        machine = self.machine
        to = where.copy()
        for number, barrier in list(self.open.items()):
            missing = ~barrier.came
            if not missing.any() or barrier.count is not None:
                continue
            if (missing & ~machine.ended).any():
                continue
            ended = np.flatnonzero(missing)
            machine.found(
                "ended without reaching a barrier that others wait at", ended, barrier.place
            )
            self._let_go(number, barrier, to)
        if (to == where).all():
            for number, barrier in self.open.items():
                came = np.flatnonzero(barrier.waits)
                machine.found(f"waits at barrier {number} for ever", came, barrier.place)
            to[:] = DONE
        return to


def _warps(threads: Bools) -> Ints:
    """Warps that some of these threads are of."""
    return np.unique(np.flatnonzero(threads) // WARP)
