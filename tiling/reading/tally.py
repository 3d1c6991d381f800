"""What each instruction's requests cost, summed while a CTA runs.

A request is one instruction of a warp, as wide as the machine code makes it. A wide load or store
of PTX may be made in parts, neighbours may be made as one, and so may the same access in rounds of
a loop that ptxas has unrolled, where its addresses follow each other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from tiling.ptx.events import Access, Event
from tiling.ptx.memory import LOCAL, SHARED, Bools, Ints
from tiling.ptx.races import WARP
from tiling.ptx.requests import SECTOR, WORD, by_warp
from tiling.ptx.widths import Group
from tiling.reading.cost import Cost, in_global, in_shared
from tiling.reading.kernel import Kernel

KEPT = 64
"""Address patterns of an instruction that are known again: a main loop repeats them."""

ROW = 16
"""Bytes of a row of eight elements of 16 bits, as `ldmatrix` reads them."""


class Widths:
    """How many bytes of a lane the machine code moves in each request, by place of the first.

    over_rounds  places of which it makes one request in several rounds of a loop, and its bytes
    matrices     places of `wmma`, and whether whole rows of eight elements are read together
    """

    def __init__(self, groups: tuple[Group, ...]) -> None:
        self.made: dict[int, int] = {}
        self.over_rounds: dict[int, int] = {}
        self.matrices: dict[int, bool] = {}
        for group in groups:
            if group.kind == "matrix":
                self.matrices |= dict.fromkeys(group.places, bool(group.found))
                continue
            for one in group.made:
                self.made |= dict.fromkeys(one.places, 0)
                self.made[one.places[0]] = one.bits // 8
            if wide := unrolled(group):
                self.over_rounds |= dict.fromkeys(group.places, wide // 8)

    def of(self, place: int, width: int) -> int:
        return self.made.get(place, width)


def unrolled(group: Group) -> int:
    """The width, in bits, of most requests of the machine code, where it is several of PTX's and
    the compiler has unrolled a loop; else 0."""
    if group.verdict != "differs" or len(group.asked) != 1 or group.kind not in ("load", "store"):
        return 0
    (bits,) = group.asked
    wide = max(group.found, key=lambda one: one * group.found[one])
    return wide if wide > bits and group.space == "shared" else 0


class _Rows(NamedTuple):
    """Accesses of several instructions: (instructions, warps, lanes) offsets, who takes part, and
    the bytes of a lane."""

    places: tuple[int, ...]
    offset: Ints
    takes: Bools
    bytes: int


@dataclass
class _Known:
    """Accesses that were counted, what they cost by place, and how often they were made since.

    turn  of rounds that make one request, or 0; wide: its bytes
    """

    near: Ints
    active: Bools | None
    rows: _Rows
    turn: int
    wide: int
    costs: dict[int, Cost]
    times: int = 1
    ever: int = 0


Move: TypeAlias = Callable[[Ints], Ints]
"""Where in shared memory something lies instead: offsets in bytes."""


class Tally:
    """Hears one CTA after another; `totals` when they have ended.

    places  of the sliced program's instructions in the whole one
    """

    def __init__(self, kernel: Kernel, places: tuple[int, ...], threads: int) -> None:
        self.kernel, self.threads = kernel, threads
        self.places = np.array(places, np.int64)
        self.widths = Widths(kernel.groups)
        self.costs: dict[tuple[int, str], Cost] = {}
        self.arrays: dict[tuple[int, str], str] = {}
        self.bits: dict[tuple[int, str], set[int]] = {}
        self.known: dict[tuple[int, int, str, int], list[_Known]] = {}
        self.forgotten = set[str]()
        self.over: dict[tuple[int, int], tuple[int, Bools]] = {}
        self.rounds: dict[tuple[int, int], list[_Rows]] = {}

    def hear(self, event: Event) -> None:
        if not isinstance(event, Access) or event.kind == "land" or not event.offset.size:
            return
        space = {SHARED: "shared", LOCAL: "local"}.get(event.buffer.base, "global")
        wide = self._over(event)[0] if space == "shared" and self.widths.over_rounds else 0
        turn = self._turn(event, wide) if wide else 0
        # Sectors are alike wherever the same pattern begins alike in 128 bytes.
        start = int(event.offset.flat[0]) if space == "global" else 0
        near = event.offset - (start - start % 128)
        some = self.known.setdefault((int(event.place[0]), event.place.size, space, turn), [])
        for one in some:
            if _same(one.near, near) and _same(one.active, event.active):
                one.times += 1
                return
        if len(some) == KEPT:
            self._add(some.pop(0), space)
            self.forgotten.add(space)
        rows = self._rows(event)
        for place in set(rows.places):
            self._name(event, place, space, rows)
        costs = self._costs(rows, space, wide, turn)
        some.append(_Known(near, event.active, rows, turn, wide, costs))

    def _add(self, known: _Known, space: str) -> None:
        for place, cost in known.costs.items():
            key = place, space
            self.costs[key] = self.costs.get(key, Cost()) + cost * known.times
        known.ever += known.times
        known.times = 0

    def _over(self, event: Access) -> tuple[int, Bools]:
        """The bytes of requests that rounds of a loop make together, and which instructions do."""
        key = int(event.place[0]), event.place.size
        if key not in self.over:
            wide = [self.widths.over_rounds.get(int(self.places[p]), 0) for p in event.place]
            self.over[key] = max(wide), np.array(wide) > 0
        return self.over[key]

    def _rows(self, event: Access) -> _Rows:
        n = event.place.size
        offset, takes = by_warp(event.offset, event.active, n, self.threads)
        asked = event.width * event.value.shape[1]
        places = tuple(map(int, self.places[event.place]))
        return _Rows(places, offset.reshape(n, -1, WARP), takes.reshape(n, -1, WARP), asked)

    def _turn(self, event: Access, wide: int) -> int:
        """Which round of a loop this is, of those that make a wide request together: from 1 on. 0
        where it begins off the alignment of one."""
        key = int(event.place[0]), event.place.size
        some = self.rounds.setdefault(key, [])
        over = self._over(event)[1]
        if event.active is not None:
            self._flush(some)
            return 0
        rows = _Rows(
            tuple(map(int, self.places[event.place[over]])),
            event.offset[over],
            np.ones((1, 1), bool),
            event.width * event.value.shape[1],
        )
        if some and not np.array_equal(some[-1].offset + rows.bytes, rows.offset):
            self._flush(some)
        if not some and (rows.offset % wide).any():
            return 0
        some.append(rows)
        turn = len(some)
        if turn * rows.bytes >= wide:
            some.clear()
        return turn

    def _flush(self, some: list[_Rows]) -> None:
        """Rounds that nothing came after count as they are."""
        for rows in some:
            for row, place in enumerate(rows.places):
                one = by_warp(rows.offset[row : row + 1], None, 1, self.threads)
                cost = self._one(place, "shared", *one, rows.bytes)
                key = place, "shared"
                self.costs[key] = self.costs.get(key, Cost()) + cost
        some.clear()

    def finish(self) -> None:
        """A CTA has ended."""
        for some in self.rounds.values():
            self._flush(some)
        for (_, _, space, _), patterns in self.known.items():
            for one in patterns:
                self._add(one, space)

    def moved(self, array: str, move: Move) -> dict[int, Cost] | None:
        """What the requests for a shared array would cost, by place, if each of its words lay where
        `move` says; None where not all of them are known any more."""
        found: dict[int, Cost] = {}
        if "shared" in self.forgotten:
            return None
        for (_, _, space, _), patterns in self.known.items():
            for one in patterns if space == "shared" else ():
                here = [p for p in one.costs if self.arrays.get((p, space)) == array]
                if here:
                    costs = self._costs(one.rows, space, one.wide, one.turn, move)
                    for place in here:
                        found[place] = found.get(place, Cost()) + costs[place] * one.ever
        return found

    def _costs(
        self, rows: _Rows, space: str, wide: int, turn: int, move: Move = lambda offset: offset
    ) -> dict[int, Cost]:
        """By place."""
        found: dict[int, Cost] = {}
        for place in dict.fromkeys(rows.places):
            here = [row for row, of in enumerate(rows.places) if of == place]
            offset, takes = rows.offset[here], rows.takes[here]
            made, back = self.widths.of(place, rows.bytes), 0
            if turn and place in self.widths.over_rounds:
                last = turn * rows.bytes >= wide
                made, back = (wide, wide - rows.bytes) if last else (0, 0)
            if not made:
                continue
            if rows.bytes < ROW and place in self.widths.matrices:
                if self.widths.matrices[place] and space == "shared":
                    found[place] = self._rows_of_eight(place, offset, takes, move)
                    continue
                if rows.bytes == 2 and space == "global":
                    offset, takes, made = *_turned(offset, takes), WORD
            for part in range(max(1, rows.bytes // made)):
                at = move((offset + part * made - back).reshape(-1, WARP))
                cost = self._one(place, space, at, takes.reshape(-1, WARP), made)
                found[place] = found.get(place, Cost()) + cost
        return found

    def _rows_of_eight(self, place: int, offset: Ints, takes: Bools, move: Move) -> Cost:
        """A fragment of `wmma`, (accesses, warps, lanes), as `ldmatrix` reads it: each lane names a
        row."""
        found = Cost()
        for warp in range(offset.shape[1]):
            rows = _fragment_rows(offset[:, warp][takes[:, warp]])
            lanes = np.resize(rows, (-(-rows.size // WARP), WARP))
            named = (np.arange(lanes.size) < rows.size).reshape(lanes.shape)
            found += self._one(place, "shared", move(lanes), named, ROW)
        return found

    def _one(self, place: int, space: str, offset: Ints, takes: Bools, width: int) -> Cost:
        self.bits.setdefault((place, space), set()).add(8 * width)
        if space == "shared":
            return in_shared(offset, takes, width)
        return in_global(offset, takes, min(width, SECTOR))

    def _name(self, event: Access, place: int, space: str, rows: _Rows) -> None:
        """The array that an instruction touches: that of its lowest address."""
        key = place, space
        here = [row for row, of in enumerate(rows.places) if of == place]
        takes = rows.takes[here]
        if key not in self.arrays and takes.any():
            first = int(rows.offset[here][takes].min())
            self.arrays[key] = self.kernel.program.name_of(event.buffer, first)[0]

    def totals(self) -> Iterator[tuple[int, str, str, set[int], Cost]]:
        """(place, space, array, bits of a lane, cost) of all instructions that touched memory."""
        for (place, space), cost in sorted(self.costs.items()):
            key = place, space
            yield place, space, self.arrays.get(key, ""), self.bits.get(key, set()), cost


def _fragment_rows(offset: Ints) -> Ints:
    """The rows of eight 16-bit elements of a fragment: down its left half, then its right one."""
    rows = np.unique(offset // ROW) * ROW
    return rows if rows.size % 16 else rows.reshape(-1, 2).T.reshape(-1)


def _turned(offset: Ints, takes: Bools) -> tuple[Ints, Bools]:
    """A fragment that PTX reads element by element, (elements, warps, lanes): the machine code
    reads eight of its rows together, a word a lane, and turns them."""
    found = []
    for warp in range(offset.shape[1]):
        rows = _fragment_rows(offset[:, warp][takes[:, warp]])
        found.append((rows[:, None] + WORD * np.arange(ROW // WORD)).reshape(-1, WARP))
    words = np.stack(found, 1)
    return words, np.ones(words.shape, bool)


def _same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))
