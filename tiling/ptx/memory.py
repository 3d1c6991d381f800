"""Memory of one CTA: named buffers in one 64-bit address space, and what may be done to them.

Every byte has a state, so that reads of what nobody wrote, and of what a copy is still bringing,
are seen. Addresses are arrays (instructions, threads) of int64.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Raw: TypeAlias = npt.NDArray[Any]
"""Bit patterns: unsigned integers of the width of an access."""

ROOM = 40
"""log2 of the bytes that each buffer has to itself, half of them before its beginning: what lies
close before that, or behind its end, is nobody else's."""

HALF = 1 << ROOM - 1

SHARED, LOCAL, PARAM = (0xF00 << ROOM, 0xF01 << ROOM, 0xF02 << ROOM)
"""Where the windows of shared memory, local memory and parameters begin among generic addresses."""

NEVER, WRITTEN, COMING = 0, 1, 2
"""State of a byte: nobody wrote it; it holds a value; an asynchronous copy is bringing it."""

UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
POISON = 0xFF
"""Each byte of memory that nobody has written: NaN as a float."""

POISONED = 2**24
"""Bytes of a buffer up to which it is poisoned."""


class Buffer:
    """Bytes with a name.

    base     generic address of the first byte
    size     bytes that may be accessed, in local memory by each thread
    data     (size rounded up to 16,) uint8, in local memory one after the other for each thread
    state    the same shape, or None where all was written before the kernel began
    writable whether a kernel may store to it
    each     bytes from a thread's own part of local memory to the next one's, or 0
    """

    def __init__(
        self,
        name: str,
        base: int,
        data: npt.NDArray[Any] | int,
        written: bool = True,
        writable: bool = True,
        threads: int = 0,
    ) -> None:
        """`data`: an array, or a number of bytes; `threads`: how many have their own such part."""
        self.name, self.base, self.writable, self.each = name, base, writable, 0
        if isinstance(data, int):
            self.size, whole = data, -(-data // 16) * 16
            if threads:
                self.each, whole = whole, whole * threads
            self.data: npt.NDArray[np.uint8] = np.zeros(whole, np.uint8)
            if whole <= POISONED:  # of more, zeros that nobody touches take no memory
                self.data.fill(POISON)
        else:
            self.size = data.nbytes
            flat = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
            if data.nbytes % 16:
                flat = np.append(flat, np.full(-data.nbytes % 16, POISON, np.uint8))
            self.data = flat
        self.state = None if written else np.zeros(self.data.size, np.uint8)
        self._views: dict[tuple[str, int, int], Raw] = {}

    def clear(self) -> None:
        """As before anybody wrote to it."""
        self.data.fill(POISON)
        if self.state is not None:
            self.state.fill(NEVER)

    def rows(self, width: int, count: int) -> Raw:
        """The data as (accesses, count) unsigned integers of `width` bytes, or (accesses,)."""
        return self._view("data", width, count)

    def states(self, width: int) -> tuple[Raw, int]:
        """The states as unsigned integers of up to 8 bytes, and the one where all is written."""
        return self._view("state", width, 1), int.from_bytes(bytes([WRITTEN] * width), "little")

    def _view(self, name: str, width: int, count: int) -> Raw:
        key = name, width, count
        if key not in self._views:
            view: Raw = getattr(self, name).view(UNSIGNED[width])
            self._views[key] = view.reshape(-1, count) if count > 1 else view
        return self._views[key]


@dataclass(frozen=True)
class Where:
    """Accesses that lie in one buffer: arrays of one shape, or flat where some threads do nothing.

    offset    bytes from the buffer's beginning (of a thread's own part, in local memory)
    active    None where all of (instructions, threads) access; else which do, and offset is flat
    """

    buffer: Buffer
    offset: Ints
    active: Bools | None


Wrong: TypeAlias = Callable[[str, Buffer | None, Ints, Bools | None], None]
"""Told of what may not be: kind, buffer, addresses (instructions, threads), which of them."""


@dataclass
class Memory:
    """The buffers that a CTA can reach. `wrong` is told of accesses that may not be made."""

    threads: int
    shared: Buffer
    local: Buffer
    param: Buffer
    buffers: dict[int, Buffer] = field(default_factory=dict)
    wrong: Wrong = lambda kind, buffer, address, which: None
    copies: bool = False
    """Whether any copy has been begun."""

    def __post_init__(self) -> None:
        for buffer in self.shared, self.local, self.param:
            self.buffers[buffer.base >> ROOM] = buffer

    def add(self, buffer: Buffer) -> None:
        self.buffers[buffer.base >> ROOM] = buffer

    def find(
        self, space: str, address: Ints, active: Bools | None, width: int, used: int = 0
    ) -> list[Where]:
        """The accesses that may be made, buffer by buffer; `wrong` hears of all others.

        address   (instructions, threads), within the window of its space, or generic
        width     bytes of one access: it must be at a multiple of its width
        used      of them, those that must lie within the buffer: all, unless fewer are given
        """
        if space in ("shared", "local", "param"):
            buffer = getattr(self, space)
            return self._within(buffer, address, active, width, used)
        if active is None:
            buffer = self.buffers.get(int(address.flat[0]) + HALF >> ROOM)
            if buffer is not None and self._in(space, buffer):
                offset = address - buffer.base
                # As unsigned numbers, negative offsets are the largest.
                if int(offset.view(np.uint64).max()) < buffer.size:
                    return self._within(buffer, offset, None, width, used)
        return self._apart(space, address, active, width, used)

    def _in(self, space: str, buffer: Buffer) -> bool:
        """Whether a buffer may be reached by an address of global memory, or a generic one."""
        return space == "generic" or buffer not in (self.shared, self.local)

    def _apart(
        self, space: str, address: Ints, active: Bools | None, width: int, used: int
    ) -> list[Where]:
        """Where the threads access different buffers, or only some of them access anything."""
        some = np.ones(address.shape, bool) if active is None else active
        room = address + HALF >> ROOM
        found, nobody_s = [], np.zeros(address.shape, bool)
        for number in np.unique(room[some]):
            here = some & (room == number)
            buffer = self.buffers.get(int(number))
            if buffer is None or not self._in(space, buffer):
                nobody_s |= here
            else:
                found += self._within(buffer, address - buffer.base, here, width, used)
        if nobody_s.any():
            kind = "is in no buffer" if space == "generic" else "is in no buffer of global memory"
            self.wrong(kind, None, address, nobody_s)
        return found

    def _within(
        self, buffer: Buffer, offset: Ints, active: Bools | None, width: int, used: int
    ) -> list[Where]:
        last = buffer.size - (used or width)
        flat = offset if active is None else offset[active]
        if flat.size == 0:
            return []
        outside = last < 0 or int(flat.view(np.uint64).max()) > last
        if outside or int(np.bitwise_or.reduce(flat, axis=None)) & width - 1:
            good = np.ones(offset.shape, bool) if active is None else active
            within = (offset >= 0) & (offset <= last)
            aligned = offset & width - 1 == 0
            if not within[good].all():
                self.wrong("lies outside", buffer, offset, good & ~within)
            if not aligned[good & within].all():
                self.wrong(f"is not aligned to {width} bytes", buffer, offset, good & ~aligned)
            active = good & within & aligned
            flat = offset[active]
            if flat.size == 0:
                return []
        if buffer.each:
            own = np.broadcast_to(np.arange(self.threads) * buffer.each, offset.shape)
            flat = flat + (own if active is None else own[active])
        return [Where(buffer, flat, active)]

    def load(
        self,
        space: str,
        address: Ints,
        active: Bools | None,
        width: int,
        count: int = 1,
        used: tuple[bool, ...] = (),
    ) -> tuple[Raw, list[Where]]:
        """Values (instructions, count, threads) of `count` neighbours of `width` bytes each.

        Where a thread does nothing, or may not, the value is zero. A compiler may fill the gaps of
        a wide load: what it then never uses need not be written, nor lie within the buffer. `used`
        says which of the neighbours are, all unless it is given.
        """
        wanted = [part for part in range(count) if not used or used[part]]
        end = (wanted[-1] + 1) * width if wanted else width
        found = self.find(space, address, active, width * count, end)
        if len(found) == 1 and found[0].active is None:
            return self._read(found[0], width, count, wanted), found
        n, threads = address.shape
        values = np.zeros((n, threads, count), UNSIGNED[width])
        for where in found:
            read = self._read(where, width, count, wanted)
            if where.active is None:
                return read, found
            values[where.active] = read
        return values.transpose(0, 2, 1), found

    def _read(self, where: Where, width: int, count: int, wanted: list[int]) -> Raw:
        buffer, total = where.buffer, width * count
        if buffer.state is not None:
            self._check(where, width, count, wanted)
        values = buffer.rows(width, count).take(where.offset // total, axis=0)
        if where.active is not None:
            return values if count > 1 else values[:, None]
        return values.transpose(0, 2, 1) if count > 1 else values[:, None]

    def _check(self, where: Where, width: int, count: int, wanted: list[int]) -> None:
        """Tell of bytes that are wanted and hold no value."""
        total = width * count
        piece = min(total, 8)
        states, all_written = where.buffer.states(piece)
        good = states.take(where.offset // piece) == all_written
        for more in range(1, total // piece):
            good &= states.take(where.offset // piece + more) == all_written
        if good.all():
            return
        state = where.buffer.state
        assert state is not None
        bytes_ = np.concatenate([np.arange(part * width, (part + 1) * width) for part in wanted])
        each = state[where.offset[..., None] + bytes_]
        good = (each == WRITTEN).all(-1)
        if where.buffer.each:
            # A compiler lays out local memory, and loads a word for a byte of it: one will do.
            good = (each == WRITTEN).reshape(*good.shape, -1, width).any(-1).all(-1)
        coming = (each == COMING).any(-1)
        for kind, holds_none, bad in (
            ("is still on its way", each == COMING, ~good & coming),
            ("was never written", each == NEVER, ~good & ~coming),
        ):
            if bad.any():
                first = bytes_[holds_none.argmax(-1)]
                self.wrong(kind, where.buffer, *self._whole(where, bad, first))

    def _whole(self, where: Where, bad: Bools, byte: Ints | int = 0) -> tuple[Ints, Bools]:
        """The bytes of accesses that may be flat, as (instructions, threads) again, and which are
        bad. A thread's own local part begins at 0."""
        offset = where.offset + byte
        if where.buffer.each:
            offset = offset % where.buffer.each
        if where.active is None:
            return offset, bad
        full, which = np.zeros(where.active.shape, np.int64), np.zeros(where.active.shape, bool)
        full[where.active], which[where.active] = offset, bad
        return full, which

    def store(
        self,
        space: str,
        address: Ints,
        active: Bools | None,
        values: Raw,
        width: int,
        state: int = WRITTEN,
    ) -> list[Where]:
        """Write values (instructions, count, threads); `state` is what their bytes then are."""
        count = values.shape[1]
        found = self.writable(self.find(space, address, active, width * count))
        for where in found:
            if self.copies and where.buffer is self.shared:
                self._not_coming(where, width * count)
            in_order = values.transpose(0, 2, 1)
            if where.active is not None:
                in_order = np.broadcast_to(in_order, (*where.active.shape, count))[where.active]
            place(where, in_order, width, state)
        self.copies |= state == COMING
        return found

    def _not_coming(self, where: Where, total: int) -> None:
        """Tell of bytes that are written while a copy is bringing others: either may come last."""
        state = where.buffer.state
        if state is None:
            return
        piece = min(total, 8)
        states, _ = where.buffer.states(piece)
        coming = int.from_bytes(bytes([COMING] * piece), "little")
        bad = states.take(where.offset // piece) & coming != 0
        for more in range(1, total // piece):
            bad |= states.take(where.offset // piece + more) & coming != 0
        if bad.any():
            byte = (state[where.offset[..., None] + np.arange(total)] == COMING).argmax(-1)
            kind = "is written while a copy is on its way"
            self.wrong(kind, where.buffer, *self._whole(where, bad, byte))

    def writable(self, found: list[Where]) -> list[Where]:
        """Those that may be written; `wrong` hears of the others."""
        for where in found:
            if not where.buffer.writable:
                offset, which = self._whole(where, np.ones(where.offset.shape, bool))
                self.wrong("may not be written", where.buffer, offset, which)
        return [where for where in found if where.buffer.writable]


def place(where: Where, values: Raw, width: int, state: int) -> None:
    """Write (…, count) neighbours of `width` bytes, and the state of their bytes."""
    buffer, count = where.buffer, values.shape[-1]
    at = where.offset // (width * count)
    buffer.rows(width, count)[at] = values if count > 1 else values[..., 0]
    if buffer.state is not None:
        piece = min(width * count, 8)
        pattern = int.from_bytes(bytes([state] * piece), "little")
        states, _ = buffer.states(piece)
        for part in range(width * count // piece):
            states[where.offset // piece + part] = pattern
