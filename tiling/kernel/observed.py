"""What the compiled kernel did, heard from the machine for PTX, against what the model says.

Accesses are compared as sorted numbers, epoch by epoch, while the machine runs: so a long K costs
time and not memory. What the counts of the model claim is counted here from the addresses alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tiling.kernel.expected import SHIFT, Epoch, Values, in_order, key
from tiling.layout import Ints
from tiling.ptx.events import Access, Event, Sync, place_of
from tiling.ptx.requests import SECTOR, Cost, by_warp, sectors, wavefronts
from tiling.ptx.syntax import Instruction
from tiling.ptx.widths import Made
from tiling.schedule import Schedule

Array: TypeAlias = npt.NDArray[Any]
WORD = 4
MOST_TIMES = 2
"""How often a thread may read a word that it needs once: a compiler reads it again where registers
are short, or to fill the gap of a wide read."""

KEPT = 16
"""Lists of reads that were found right and are known again: a main loop repeats them."""


class Differs(Exception):
    """The kernel did something else than the model says; the text says what, where, and who."""


def _none(*operands: str) -> dict[str, Cost]:
    return dict.fromkeys(operands, Cost())


@dataclass
class Counts:
    """What a CTA did, in elements or words of 4 bytes, and what its requests cost.

    loads, stores   elements of A and B, and of C, in global memory
    writes, reads   words of shared memory; `spared` reads that the compiler left out, `again`
                    those that it made once more, which `reads` does not count
    sectors         requests and sectors of A, B and C
    lanes           lanes of all requests of A and B
    written, read   requests and wavefronts in As, in Bs, and for C on its way through shared memory
    widths          words of a lane in one request, by "written" or "read" and operand
    places          of each thing done, such as "reads As", the places of its instructions in the
                    kernel's body
    """

    loads: dict[str, int] = field(default_factory=lambda: {"A": 0, "B": 0})
    stores: int = 0
    writes: int = 0
    reads: int = 0
    spared: int = 0
    again: int = 0
    fma: int = 0
    barriers: int = 0
    lanes: dict[str, int] = field(default_factory=lambda: {"A": 0, "B": 0, "C": 0})
    sectors: dict[str, Cost] = field(default_factory=lambda: _none("A", "B", "C"))
    written: dict[str, Cost] = field(default_factory=lambda: _none("A", "B", "C"))
    read: dict[str, Cost] = field(default_factory=lambda: _none("A", "B", "C"))

    widths: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    places: dict[str, set[int]] = field(default_factory=dict)

    @property
    def accesses(self) -> int:
        """Words of global and shared memory that threads loaded, wrote, read and stored."""
        return sum(self.loads.values()) + self.stores + self.writes + self.reads


class Observer:
    """Hears one CTA. `finish` when it has ended."""

    def __init__(
        self,
        schedule: Schedule,
        expected: Iterator[Epoch],
        body: list[Instruction],
        named: str,
        made: tuple[Made, ...] = (),
    ) -> None:
        # Of requests made together the first counts, as wide as all of them.
        self.made: dict[int, int] = {}
        for one in made:
            self.made |= dict.fromkeys(one.places, 0)
            self.made[one.places[0]] = one.bits // 8
        self.schedule, self.expected, self.body, self.named = schedule, expected, body, named
        self.threads = schedule.tiling.threads
        self.counts = Counts()
        self.epoch = 0
        self.heard: list[Access] = []
        self.syncs: list[Sync] = []
        self.wrote: list[tuple[list[Access], dict[str, Cost]]] = []
        self.asked: dict[tuple[int, int], list[tuple[Ints, Array | None, Cost, int]]] = {}
        self.placed: dict[tuple[int, str], Ints] = {}
        self.right: dict[int, list[tuple[list[Ints], Ints, dict[str, Cost]]]] = {}

    def hear(self, event: Event) -> None:
        while event.epoch > self.epoch:
            self._compare()
            self.epoch += 1
        if isinstance(event, Sync):
            self.counts.places.setdefault(event.kind, set()).add(event.place)
            if event.kind == "barrier":
                if event.active is not None:
                    raise Differs(f"{self._at()}: a barrier that only some threads wait at")
                self.counts.barriers += 1
            else:
                self.syncs.append(event)
        else:
            self.heard.append(event)

    def finish(self, epochs: int) -> None:
        """The CTA has ended after so many epochs; the model must have no more."""
        while self.epoch < epochs:
            self._compare()
            self.epoch += 1
        if next(self.expected, None) is not None:
            raise Differs(f"{self.named}: ends after {epochs - 1} barriers, too early")

    def _at(self) -> str:
        return f"{self.named}, after {self.epoch} barriers"

    def _compare(self) -> None:
        want = next(self.expected, None)
        if want is None:
            raise Differs(f"{self._at()}: the model has nothing more to do")
        for operand in ("A", "B"):
            found = [a for a in self.heard if a.buffer.name == operand]
            self._requests(operand, found)
            self.counts.loads[operand] += self._same(
                f"loads of {operand}", found, want.loads[operand]
            )
        shared = [a for a in self.heard if a.buffer.name == "shared"]
        self._reads([a for a in shared if a.kind == "load"], want)
        written = [a for a in shared if a.kind in ("store", "begin")]
        _add(self.counts.written, self._written(written, want))
        self._writes(
            "writes to", [a for a in written if a.kind == "store"], want.writes, want.brings
        )
        self._same("copies begun to", [a for a in written if a.kind == "begin"], want.begins)
        self.counts.writes += want.begins.size
        self._writes(
            "copies landed in", [a for a in shared if a.kind == "land"], want.lands, want.landing
        )
        stores = [a for a in self.heard if a.buffer.name == "C"]
        self._requests("C", stores)
        self.counts.stores += self._same("stores to C", stores, want.stores)
        self._waits(want)
        for access in self.heard:
            self._place(access, want)
        self.heard, self.syncs = [], []

    def _place(self, access: Access, want: Epoch) -> None:
        """Which instructions did it. An access is one of A, of B or of C, whatever it touches."""
        key = id(access.place), access.kind
        if access.kind == "land" or self.placed.get(key) is access.place:
            return
        self.placed[key] = access.place
        kind = {"copy": "load", "begin": "store"}.get(access.kind, access.kind)
        full, takes = by_warp(access.offset, access.active, access.place.size, self.threads)
        first = full.max(1, where=takes, initial=-1).reshape(access.place.size, -1).max(1)
        for place, offset in zip(access.place, first, strict=True):
            name = access.buffer.name
            if name == "shared" and (want.exchanges or want.exchanged):
                name = "Cs"
            elif name == "shared":
                name = "As" if self._in_a(offset) else "Bs"
            if offset >= 0:
                self.counts.places.setdefault(f"{kind} {name}", set()).add(int(place))

    def _in_a(self, offset: Ints) -> Array:
        """Whether a byte of shared memory is one of As."""
        tiling = self.schedule.tiling
        in_a: Array = offset // WORD % tiling.stage_words < tiling.bk * (tiling.bm + tiling.pad)
        return in_a

    def _waits(self, want: Epoch) -> None:
        if any(sync.active is not None for sync in self.syncs):
            raise Differs(f"{self._at()}: some threads alone commit, or wait for, copies")
        waits = tuple(sync.pending for sync in self.syncs if sync.kind == "wait")
        commits = sum(sync.kind == "commit" for sync in self.syncs)
        if waits != want.waits:
            raise Differs(f"{self._at()}: waits for all but {waits} groups, not {want.waits}")
        if commits != want.commits:
            raise Differs(f"{self._at()}: {commits} groups of copies closed, not {want.commits}")

    def _same(self, what: str, found: list[Access], want: Ints) -> int:
        """The accesses are those of the model; how many. Raises Differs."""
        keys = in_order([_keys([access]) for access in found])
        self._equal(what, keys, want, found)
        return keys.size

    def _equal(self, what: str, keys: Ints, want: Ints, found: list[Access]) -> None:
        keys = in_order([keys])
        if np.array_equal(keys, want):
            return
        more, less = _rest(keys, want), _rest(want, keys)
        parts = [f"{more.size} {what} that the model has not" * bool(more.size)]
        parts.append(f"{less.size} of its {what} missing" * bool(less.size))
        said = " and ".join(filter(None, parts))
        first = int((more if more.size else less)[0])
        thread, place = first >> SHIFT, first & (1 << SHIFT) - 1
        line = self._line(found, first) if more.size else ""
        raise Differs(f"{self._at()}: {said}; first thread {thread}, at {place}{line}")

    def _line(self, found: list[Access], wanted: int) -> str:
        """Which instruction made an access, in words."""
        for access in found:
            keys = _keys([access])
            if (keys == wanted).any():
                at = int(np.flatnonzero(keys == wanted)[0]) % access.offset.size
                rows = at // self.threads if access.active is None else 0
                return ", " + place_of(self.body[int(access.place[rows])])
        return ""

    def _reads(self, found: list[Access], want: Epoch) -> None:
        """Reads of shared memory. What comes to nothing may be left out."""
        offsets = [a.offset for a in found]
        if not want.needless.size and all(a.active is None for a in found):
            for known, reads, costs in self.right.get(id(want.reads), ()):
                same = reads is want.reads and len(known) == len(offsets)
                if same and all(map(np.array_equal, known, offsets)):
                    self.counts.reads += want.reads.size
                    _add(self.counts.read, costs)
                    return
        keys, times = np.unique(_keys(found), return_counts=True)
        if times.size and times.max() > MOST_TIMES:
            raise Differs(f"{self._at()}: reads a word of shared memory {times.max()} times")
        self.counts.again += int((times - 1).sum())
        if want.needless.size:
            extra = np.isin(keys, want.needless)
            self._equal("reads of shared memory", keys[~extra], want.reads, found)
            self.counts.spared += want.needless.size - int(extra.sum())
        else:
            self._equal("reads of shared memory", keys, want.reads, found)
        costs = self._wavefronts("read", found, want)
        if len(self.right) < KEPT and not want.needless.size and keys.size == times.sum():
            self.right.setdefault(id(want.reads), []).append((offsets, want.reads, costs))
        _add(self.counts.read, costs)
        self.counts.reads += keys.size

    def _writes(self, what: str, found: list[Access], want: Ints, bits: Values | None) -> None:
        """Words written, and with which bits where the model knows them."""
        keys = _keys(found)
        self._equal(f"{what} shared memory", keys, want, found)
        if what.startswith("writes"):
            self.counts.writes += keys.size
        if bits is None or not keys.size:
            return
        order = np.argsort(keys, kind="stable")
        wrong = _values(found)[order] != bits
        if wrong.any():
            first = int(keys[order][wrong][0])
            thread, word = first >> SHIFT, first & (1 << SHIFT) - 1
            line = self._line(found, first)
            raise Differs(
                f"{self._at()}: thread {thread} brings another value to word {word}{line}"
            )

    def _requests(self, operand: str, found: list[Access]) -> None:
        for access in found:
            cost, lanes = self._sectors(access)
            self.counts.sectors[operand] += cost
            self.counts.lanes[operand] += lanes

    def _sectors(self, access: Access) -> tuple[Cost, int]:
        """Requests and sectors of accesses to global memory, and the lanes of all requests."""
        # A k-tile on, the same lanes touch as many sectors, if the first lies alike in its own.
        start = int(access.offset.flat[0]) if access.offset.size else 0
        near = access.offset - start
        known = self.asked.setdefault((int(access.place[0]), start % SECTOR), [])
        for offset, active, cost, lanes in known:
            if _same(offset, near) and _same(active, access.active):
                return cost, lanes
        cost, lanes = Cost(), 0
        for offset, takes, width in self._as_made(access):
            cost += sectors(offset, takes, width)
            lanes += int(takes.sum())
        known.append((near, access.active, cost, lanes))
        del known[:-KEPT]
        return cost, lanes

    def _written(self, found: list[Access], want: Epoch) -> dict[str, Cost]:
        """What writes cost; those of the k-tile that lay in the same stage are known."""
        whole = all(access.active is None for access in found)
        for known, costs in self.wrote if whole else ():
            if len(known) == len(found) and all(
                one.place is other.place and _same(one.offset, other.offset)
                for one, other in zip(known, found, strict=True)
            ):
                return costs
        costs = self._wavefronts("written", found, want)
        if whole and not want.exchanges:
            self.wrote = [*self.wrote[1 - KEPT :], (found, costs)]
        return costs

    def _as_made(self, access: Access) -> Iterator[tuple[Ints, Array, int]]:
        """Requests (requests, lanes) as the machine code makes them: offsets, who takes part, and
        the bytes of a lane."""
        offset, takes = by_warp(access.offset, access.active, access.place.size, self.threads)
        width = access.width * access.value.shape[1]
        made = np.array([self.made.get(int(place), width) for place in access.place])
        made = np.repeat(made, len(offset) // len(made))
        for bytes_ in np.unique(made[made > 0]):
            here = made == bytes_
            for part in range(max(1, width // bytes_)):
                yield offset[here] + part * bytes_, takes[here], int(bytes_)

    def _wavefronts(self, what: str, found: list[Access], want: Epoch) -> dict[str, Cost]:
        """What requests of shared memory cost, by the operand whose words they touch."""
        costs = _none("A", "B", "C")
        for offset, takes, width in (one for a in found for one in self._as_made(a)):
            if want.exchanges or want.exchanged:
                parts = {"C": takes}
            else:
                in_a = self._in_a(offset)
                parts = {"A": takes & in_a, "B": takes & ~in_a}
            for operand, here in parts.items():
                if here.any():
                    costs[operand] += wavefronts(offset, here, width)
                    self.counts.widths.setdefault((what, operand), set()).add(width // WORD)
        return costs


def _same(one: Array | None, other: Array | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


def _add(to: dict[str, Cost], costs: dict[str, Cost]) -> None:
    for operand, cost in costs.items():
        to[operand] += cost


def _keys(found: list[Access]) -> Ints:
    """Thread and word of all accesses, each word of a wide one."""
    parts = []
    for access in found:
        words = access.width * access.value.shape[1] // WORD
        whole = key(access.thread, access.offset // WORD)
        used = access.used or (True,) * words
        parts += [(whole + more).ravel() for more in range(words) if used[more]]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _values(found: list[Access]) -> Values:
    """The bits of all accesses, in the order of `_keys`."""
    parts = []
    for access in found:
        n, _, threads = access.value.shape
        values = np.ascontiguousarray(access.value.transpose(0, 2, 1)).view(np.uint32)
        values = values.reshape(n, threads, -1)
        for word in range(values.shape[2]):
            one = values[:, :, word]
            if access.active is not None and access.active.shape == one.shape:
                one = one[access.active]
            parts.append(one.ravel())
    return np.concatenate(parts)


def _rest(one: Ints, other: Ints) -> Ints:
    """What the first sorted list has more of."""
    have, many = np.unique(one, return_counts=True)
    theirs, their_many = np.unique(other, return_counts=True)
    at = np.searchsorted(theirs, have)
    found = np.zeros(have.size, np.int64)
    inside = at < theirs.size
    same = np.zeros(have.size, bool)
    same[inside] = theirs[at[inside]] == have[inside]
    found[same] = their_many[at[same]]
    return have[many > found]
