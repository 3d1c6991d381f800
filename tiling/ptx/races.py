"""Races: two threads, one word, no barrier between, and at least one of them writes.

What the threads of a CTA do between two barriers of the whole CTA is gathered and looked at once,
since between them the order does not matter. Where warps have met in between (`bar.warp.sync`, or
a barrier of some warps), each access knows what its warp had seen, and only accesses that neither
has seen of the other are a race (vector clocks: Mattern, Virtual Time and Global States, 1989).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from tiling.ptx.memory import Buffer, Ints, Where

Kind: TypeAlias = Literal["load", "store", "atomic"]
WARP = 32
GRAIN = 4
"""Bytes within which two accesses are held to meet: a word, unless an access is narrower."""

MANY = 2**20
"""Accesses of an epoch above which they are folded together, to keep memory small."""

KEPT = 16
"""Epochs without a race that are remembered: a main loop repeats them."""


@dataclass(frozen=True)
class Touch:
    """Accesses of some instructions to one buffer.

    offset       (accesses,) or (instructions, threads): bytes from the buffer's beginning
    width        bytes of each
    thread       who, in the same shape
    instruction  which, in the same shape, or one that broadcasts to it
    clock        (warps, warps) what each warp had seen of each other since the epoch, None: nothing
    """

    kind: Kind
    offset: Ints
    width: int
    thread: Ints
    instruction: Ints
    clock: Ints | None

    @property
    def form(self) -> tuple[object, ...]:
        """What two touches must have in common to be the same, beside their arrays."""
        return self.kind, self.width, self.offset.shape

    def same(self, other: "Touch") -> bool:
        """Whether these are the same accesses, by the same threads."""
        alike = self.thread is other.thread or np.array_equal(self.thread, other.thread)
        return alike and np.array_equal(self.offset, other.offset)


@dataclass(frozen=True)
class Fine:
    """The same, word by word or in narrower units: arrays (units,) of unit, thread, instruction."""

    kind: Kind
    unit: Ints
    thread: Ints
    instruction: Ints
    clock: Ints | None


@dataclass(frozen=True)
class Race:
    """Two accesses that nothing keeps apart. Each: (thread, instruction, kind)."""

    buffer: Buffer
    offset: int
    first: tuple[int, int, Kind]
    second: tuple[int, int, Kind]


class Races:
    """Hears every access of a CTA, and at each barrier tells the races since the last."""

    def __init__(self, threads: int, tell: Callable[[Race], None]) -> None:
        self.threads, self.tell = threads, tell
        self.warps = -(-threads // WARP)
        self.clock: Ints | None = None
        self.met: dict[tuple[int, int], int] = {}
        self.touches: dict[Buffer, list[Touch]] = {}
        self.stored: set[Buffer] = set()
        self.pending, self.most = 0, MANY
        self.quiet: OrderedDict[tuple[object, ...], list[list[Touch]]] = OrderedDict()

    def heard(self, kind: Kind, where: Where, thread: Ints, instructions: Ints, width: int) -> None:
        """Accesses of `width` bytes; `thread` as `where.offset`, `instructions` (n,)."""
        buffer = where.buffer
        if buffer.each or (kind == "load" and not buffer.writable):
            return
        instruction = instructions[:, None]
        if where.active is not None:
            instruction = np.broadcast_to(instruction, where.active.shape)[where.active]
        self.add(kind, buffer, where.offset, thread, instruction, width)

    def add(
        self, kind: Kind, buffer: Buffer, offset: Ints, thread: Ints, instruction: Ints, width: int
    ) -> None:
        """The same, access by access."""
        if kind != "load":
            self.stored.add(buffer)
        touch = Touch(kind, offset, width, thread, instruction, self.clock)
        self.touches.setdefault(buffer, []).append(touch)
        self.pending += offset.size
        if self.pending > self.most:
            self._fold()

    def leave(self, warps: Ints, lanes: int | None = None) -> Ints:
        """These warps tell what they have seen: (warps,) to be joined by whoever waits for them.
        Where only some lanes have met, these are given, lane 0 the lowest bit."""
        if self.clock is None:
            self.clock = np.eye(self.warps, dtype=np.int64)
        seen: Ints = self.clock[warps].max(0)
        self.clock = self.clock.copy()
        for warp in map(int, warps):
            everyone = (1 << min(WARP, self.threads - WARP * warp)) - 1
            if lanes is not None and lanes & everyone != everyone:
                self.met[warp, int(self.clock[warp, warp])] = lanes
        self.clock[warps, warps] += 1
        return seen

    def join(self, warps: Ints, seen: Ints) -> None:
        """These warps now know what others have told."""
        assert self.clock is not None
        self.clock = self.clock.copy()
        self.clock[warps] = np.maximum(self.clock[warps], seen)

    def barrier(self) -> None:
        """All threads have waited for each other."""
        for buffer, touches in self.touches.items():
            if buffer in self.stored and not self._known(buffer, touches):
                self._look(buffer, touches)
        self.touches, self.clock, self.met = {}, None, {}
        self.pending, self.most = 0, MANY
        self.stored.clear()

    def _known(self, buffer: Buffer, touches: list[Touch]) -> bool:
        """Whether the same accesses have been looked at, and no race was found."""
        if any(t.clock is not None for t in touches):
            return False
        key = (buffer, *(t.form for t in touches))
        for known in self.quiet.get(key, ()):
            if all(one.same(other) for one, other in zip(known, touches, strict=True)):
                self.quiet.move_to_end(key)
                return True
        return False

    def _look(self, buffer: Buffer, touches: list[Touch]) -> None:
        grain = _grain(touches)
        fine = [_fine(t, grain) for t in touches]
        meet = _meeting(fine)
        if meet.size == 0:
            key = (buffer, *(t.form for t in touches))
            self.quiet.setdefault(key, []).append(touches)
            del self.quiet[key][:-KEPT]
            if len(self.quiet) > KEPT:
                self.quiet.popitem(last=False)
            return
        told = 0
        for unit, sides in _sides(meet, fine):
            if pair := _pair(sides, self.met):
                self.tell(Race(buffer, unit * grain, *pair))
                told += 1
            if told == KEPT:
                break

    def _fold(self) -> None:
        """Keep what may still race with what comes, and less of it."""
        for buffer, touches in self.touches.items():
            if self.clock is not None:
                if buffer in self.stored:
                    self._look(buffer, touches)
                self.touches[buffer] = [t for t in touches if not self._behind_all(t)]
            elif sum(t.offset.size for t in touches) >= MANY // 4:
                self.touches[buffer] = _folded(touches)
        self.pending = sum(t.offset.size for of in self.touches.values() for t in of)
        self.most = max(MANY, 2 * self.pending)

    def _behind_all(self, touch: Touch) -> bool:
        """Whether all warps have met those that made these accesses since then."""
        assert self.clock is not None
        warps = np.unique(touch.thread // WARP)
        if any(warp in warps for warp, _ in self.met):
            return False
        own = np.ones(warps.size, np.int64)
        if touch.clock is not None:
            own = touch.clock[warps, warps]
        known = self.clock - np.eye(self.warps, dtype=np.int64)
        return bool((known[:, warps].min(0) >= own).all())


def _folded(touches: list[Touch]) -> list[Touch]:
    """Of all accesses to a word those of its first and its last thread: they meet all that the
    others meet."""
    grain = _grain(touches)
    kinds: tuple[Kind, ...] = ("load", "store", "atomic")
    same = [[_fine(t, grain) for t in touches if t.kind == kind] for kind in kinds]
    return [_ends(some, grain) for some in same if some]


def _grain(touches: list[Touch]) -> int:
    return min(GRAIN, *(t.width for t in touches))


def _fine(touch: Touch, grain: int) -> Fine:
    times = touch.width // grain
    unit = (touch.offset.reshape(-1, 1) // grain + np.arange(times)).reshape(-1)
    instruction = np.broadcast_to(touch.instruction, touch.offset.shape)
    thread, instruction = (np.repeat(a.reshape(-1), times) for a in (touch.thread, instruction))
    return Fine(touch.kind, unit, thread, instruction, touch.clock)


def _ends(touches: list[Fine], grain: int) -> Touch:
    """Of each unit the accesses of the lowest and of the highest thread."""
    unit, thread, instruction = (
        np.concatenate([getattr(t, name) for t in touches])
        for name in ("unit", "thread", "instruction")
    )
    order = np.lexsort((thread, unit))
    unit, thread, instruction = unit[order], thread[order], instruction[order]
    edge = np.ones(unit.size + 1, bool)
    edge[1:-1] = unit[1:] != unit[:-1]
    keep = edge[:-1] | edge[1:]
    at = unit[keep] * grain
    return Touch(touches[0].kind, at, grain, thread[keep], instruction[keep], None)


def _meeting(touches: list[Fine]) -> Ints:
    """Units that two threads touch, at least one of them writing."""
    least = min(int(t.unit.min()) for t in touches)
    span = max(int(t.unit.max()) for t in touches) - least + 1
    if span > 4 * sum(t.unit.size for t in touches):  # far apart: number the units that occur
        units = np.unique(np.concatenate([t.unit for t in touches]))
        small = [
            Fine(t.kind, np.searchsorted(units, t.unit), t.thread, t.instruction, None)
            for t in touches
        ]
        return units[_meeting(small)]

    def ends(of: list[Fine]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        low, high = np.full(span, 2**30, np.int32), np.full(span, -1, np.int32)
        for touch in of:
            np.minimum.at(low, touch.unit - least, touch.thread.astype(np.int32))
            np.maximum.at(high, touch.unit - least, touch.thread.astype(np.int32))
        return low, high

    low, high = ends([t for t in touches if t.kind == "store"])
    every = ends([t for t in touches if t.kind != "atomic"])
    atomic = ends([t for t in touches if t.kind == "atomic"])
    # A store and another thread's access; an atomic access and another thread's plain one.
    bad = (high >= 0) & (
        (every[0] < every[1]) | (np.minimum(low, atomic[0]) < np.maximum(high, atomic[1]))
    )
    plain = (atomic[1] >= 0) & (every[1] >= 0)
    bad |= plain & (np.minimum(every[0], atomic[0]) < np.maximum(every[1], atomic[1]))
    return np.flatnonzero(bad).astype(np.int64) + least


Side: TypeAlias = tuple[int, int, Kind]


def _sides(meet: Ints, touches: list[Fine]) -> Iterator[tuple[int, list[tuple[Side, Ints | None]]]]:
    """Of each unit, ascending, all that was done to it: by whom, and what its warp had seen."""
    which = [np.flatnonzero(np.isin(touch.unit, meet)) for touch in touches]
    unit = np.concatenate([t.unit[at] for t, at in zip(touches, which, strict=True)])
    touch = np.repeat(np.arange(len(touches)), [at.size for at in which])
    at = np.concatenate(which)
    order = np.argsort(unit, kind="stable")
    edges = np.searchsorted(unit[order], [*meet, meet[-1] + 1])
    for number, first, after in zip(meet, edges, edges[1:], strict=False):
        found: list[tuple[Side, Ints | None]] = []
        for one in order[first:after]:
            of, place = touches[touch[one]], at[one]
            side = int(of.thread[place]), int(of.instruction[place]), of.kind
            found.append((side, of.clock))
        yield int(number), found


def _pair(
    sides: list[tuple[Side, Ints | None]], met: dict[tuple[int, int], int]
) -> tuple[Side, Side] | None:
    """Two accesses of a unit that race, or None where what warps have seen keeps all apart."""
    for number, (second, now) in enumerate(sides):
        for first, then in sides[:number]:
            kinds = {first[2], second[2]}
            if first[0] == second[0] or kinds == {"load"} or kinds == {"atomic"}:
                continue
            if not _seen(first[0], then, second[0], now, met):
                return first, second
    return None


def _seen(
    first: int, then: Ints | None, second: int, now: Ints | None, met: dict[tuple[int, int], int]
) -> bool:
    """Whether the second thread had met the first after the first's access, or has heard of it."""
    if now is None:
        return False
    of, by = first // WARP, second // WARP
    own = int(then[of, of]) if then is not None else 1
    if of != by:
        return int(now[by, of]) >= own
    both = 1 << first % WARP | 1 << second % WARP
    meetings = range(own, int(now[by, by]))
    return any(met.get((of, number), both) & both == both for number in meetings)
