"""One CTA of a kernel, instruction by instruction, for all its threads at once.

Those threads run first, as one, that stand at the first block in the order of `order`; so threads
that went apart come together again where their ways meet.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiling.ptx import steps
from tiling.ptx.barriers import DONE, STAYS, WAITING, Barriers
from tiling.ptx.copies import Copies, Copy
from tiling.ptx.events import Access, Event, Finding, Sync, place_of
from tiling.ptx.flow import Flow
from tiling.ptx.memory import LOCAL, PARAM, SHARED, Bools, Buffer, Ints, Memory, Raw, Where
from tiling.ptx.program import Program
from tiling.ptx.races import WARP, Kind, Race, Races
from tiling.ptx.registers import Mask, Registers
from tiling.ptx.syntax import MOST_BYTES, Instruction, Refused

MOST_INSTRUCTIONS = 10**9
"""Instructions of a CTA after which it counts as endless."""

MOST_FINDINGS = 20

RACES: dict[str, Kind] = {"load": "load", "copy": "load", "atomic": "atomic"}
RACES |= {"store": "store", "begin": "store"}
"""What each kind of access is where two threads meet."""


class TooLong(Exception):
    """A CTA made more instructions than it may."""


@dataclass
class Launch:
    """A kernel with its arguments.

    grid, block  CTAs and threads in x, y, z
    arguments    for each parameter a Buffer (its address is passed) or the bytes of a value
    dynamic      bytes of dynamic shared memory
    """

    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    arguments: Sequence[Buffer | bytes]
    dynamic: int = 0


class Machine:
    """A program made ready for so many threads; `run` runs one CTA after another."""

    def __init__(
        self,
        program: Program,
        launch: Launch,
        hear: Callable[[Event], None] | None = None,
        most: int = MOST_INSTRUCTIONS,
    ) -> None:
        self.program, self.launch, self.hear, self.most = program, launch, hear, most
        x, y, z = launch.block
        self.threads = x * y * z
        self.warps = -(-self.threads // WARP)
        self.thread = np.arange(self.threads)
        self._rows: dict[int, Ints] = {}
        self.flow: Flow = program.flow
        self.registers = Registers(self.flow, self.threads)
        self.memory = self._memory()
        self.findings: list[Finding] = []
        self._seen: set[tuple[str, int]] = set()
        self.cta = (0, 0, 0)
        self.epoch = self.visit = self.instructions = 0
        self.counts = np.zeros(len(self.flow.blocks), np.int64)
        self.runs = np.zeros(len(self.flow.blocks), np.int64)
        self.first_lanes = np.arange(0, self.threads, WARP)
        self.races = Races(self.threads, self._race) if hear is not None else None
        self.copies = Copies(self.threads, self._landed)
        self.barriers = Barriers(self)
        self.ended = np.zeros(self.threads, bool)
        self.place = np.zeros(1, np.int64)
        with np.errstate(all="ignore"):
            self.blocks = [steps.block(self, block) for block in self.flow.blocks]

    def _memory(self) -> Memory:
        """Fresh memory, with the program's variables and the parameters in it."""
        program, launch = self.program, self.launch
        shared = Buffer("shared", SHARED, program.shared + launch.dynamic, written=False)
        if program.local * self.threads > MOST_BYTES:
            why = f"{program.local} bytes of local memory for each of {self.threads} threads"
            raise Refused(why)
        local = Buffer("local", LOCAL, program.local, written=False, threads=self.threads)
        param = Buffer("parameters", PARAM, program.pack(launch.arguments), writable=False)
        memory = Memory(self.threads, shared, local, param, wrong=self.wrong)
        for buffer in program.buffers():
            memory.add(buffer)
        for argument in launch.arguments:
            if isinstance(argument, Buffer):
                memory.add(argument)
        return memory

    def run(self, cta: tuple[int, int, int] = (0, 0, 0)) -> list[Finding]:
        """Run one CTA to its end; what it did that it must not do, as far as this CTA showed."""
        self.cta, self.epoch, self.findings = cta, 0, []
        self._seen.clear()
        self.memory.shared.clear()
        self.memory.local.clear()
        self.registers.clear()
        launch = self.launch
        self.program.specials(self.registers, launch.grid, launch.block, cta, launch.dynamic)
        self.copies = Copies(self.threads, self._landed)
        self.barriers = Barriers(self)
        self.ended.fill(False)
        self.instructions = 0
        with np.errstate(all="ignore"):
            try:
                self._run()
            except TooLong:
                self.found(f"more than {self.most} instructions", self.thread, None)
        self.pass_barrier()
        return self.findings

    def _run(self) -> None:
        """Block by block. `where` is the block of each thread, or None: all are at `at`."""
        blocks, flow_blocks, at = self.blocks, self.flow.blocks, self.flow.at[0]
        where: Ints | None = None
        mask: Mask = None
        while True:
            if where is not None:
                at = int(where.min())
                if at >= WAITING:
                    if at == DONE:
                        return
                    where = self.barriers.stuck(where)
                    continue
                mask = where == at
                assert mask is not None
                if mask.all():
                    where = mask = None
            if where is None and at == DONE:
                return
            self.visit += 1
            self.instructions += flow_blocks[at].size
            if self.instructions > self.most:
                raise TooLong
            if mask is None:
                self.counts[at] += self.threads
                self.runs[at] += self.warps
            else:
                self.counts[at] += int(mask.sum())
                self.runs[at] += int(np.logical_or.reduceat(mask, self.first_lanes).sum())
            doing, finish = blocks[at]
            for step in doing:
                step(mask)
            to = finish(mask)
            if where is None and isinstance(to, int):
                at = to
                continue
            if where is None:
                where = np.full(self.threads, at)
                mask = np.ones(self.threads, bool)
            if isinstance(to, int):
                where[mask] = to
            else:
                where = np.where(to == STAYS, where, to)

    # What happens, told to those who asked

    def accessed(
        self,
        kind: str,
        found: list[Where],
        place: Ints,
        width: int,
        value: Raw,
        used: tuple[bool, ...] = (),
    ) -> None:
        """Accesses were made: by whom, where, and what."""
        if self.hear is None:
            return
        race = RACES[kind]
        for where in found:
            thread = self._everyone(place.size)
            if where.active is not None:
                thread = thread[where.active]
            if self.races is not None:
                self.races.heard(race, where, thread, place, width * value.shape[1])
            at = self.epoch, self.visit
            self.hear(
                Access(
                    kind,
                    where.buffer,
                    place,
                    where.offset,
                    where.active,
                    thread,
                    width,
                    *at,
                    value,
                    used,
                )
            )

    def _everyone(self, n: int) -> Ints:
        """(n, threads) who, one array for each n."""
        if n not in self._rows:
            self._rows[n] = np.broadcast_to(self.thread, (n, self.threads))
        return self._rows[n]

    def synced(self, kind: str, place: int, mask: Mask, pending: int | None = None) -> None:
        if self.hear is not None:
            self.hear(Sync(kind, place, self.epoch, self.visit, mask, pending))

    def pass_barrier(self) -> None:
        """All threads have met: a new epoch."""
        if self.races is not None:
            self.races.barrier()
        self.epoch += 1

    def _landed(self, copy: Copy) -> None:
        """A copy has arrived: its thread has written, and nobody else has seen it yet."""
        if self.races is None or self.hear is None:
            return
        width = copy.value.shape[1]
        self.races.add("store", copy.buffer, copy.offset, copy.thread, copy.instruction, width)
        value = np.ascontiguousarray(copy.value).view(np.uint32).T[None]
        active = np.ones(copy.offset.shape, bool)
        at = self.epoch, self.visit
        self.hear(
            Access(
                "land",
                copy.buffer,
                copy.instruction,
                copy.offset,
                active,
                copy.thread,
                4,
                *at,
                value,
            )
        )

    # What must not happen

    def wrong(self, kind: str, buffer: Buffer | None, address: Ints, which: Bools | None) -> None:
        """An access that may not be made: `address` (n, threads), of the instructions at hand."""
        some = np.ones(address.shape, bool) if which is None else which
        for number in np.flatnonzero(some.any(1)):
            threads = np.flatnonzero(some[number])
            place = int(self.place[number]) if number < self.place.size else int(self.place[0])
            offset = int(address[number, threads[0]])
            before, also = "", None
            if buffer is not None and kind.endswith("on its way"):
                who = self.copies.of(buffer, offset)
                if who is not None:
                    also = who[1]
                    begun = place_of(self.flow.body[also])
                    before = f"thread {who[0]} began its copy in {begun} and has not waited for it"
            elif buffer is not None and kind == "lies outside":
                before = f"{buffer.name} has {buffer.size} bytes"
            name, at = self.program.name_of(buffer, offset) if buffer else ("an address", offset)
            self.found(kind, threads, place, name, at, before, also)

    def _race(self, race: Race) -> None:
        (one, first, kind), (other, second, then) = race.first, race.second
        before = f"thread {one} {kind}s it in {place_of(self.flow.body[first])}, no barrier between"
        name, at = self.program.name_of(race.buffer, race.offset)
        what = f"is raced for: thread {other} {then}s it"
        self.found(what, np.array([other, one]), second, name, at, before, first)

    def found(
        self,
        kind: str,
        threads: Any,
        place: int | None,
        array: str = "",
        offset: int = -1,
        before: str = "",
        also: int | None = None,
    ) -> None:
        """Note a finding; of one kind and instruction only the first."""
        key = kind.split(":")[0], -1 if place is None else place
        if key in self._seen or len(self.findings) >= MOST_FINDINGS:
            return
        self._seen.add(key)
        body = self.flow.body
        self.findings.append(
            Finding(
                kind,
                self.cta,
                tuple(map(int, threads)),
                None if place is None else body[place],
                array,
                offset,
                before,
                None if also is None else body[also],
            )
        )

    def issued(self) -> Iterator[tuple[int, int]]:
        """(place of an instruction, how often a warp came to it) over all CTAs run."""
        for block, count in zip(self.flow.blocks, self.runs, strict=True):
            for place in range(block.first, block.first + block.size):
                yield place, int(count)

    def executed(self) -> Iterator[tuple[Instruction, int]]:
        """(instruction, how many threads came to it, guards not asked) over all CTAs run."""
        for block, count in zip(self.flow.blocks, self.counts, strict=True):
            for place in range(block.first, block.first + block.size):
                yield self.flow.body[place], int(count)
