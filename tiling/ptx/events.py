"""What a machine tells of a CTA while it runs: accesses and barriers, and what must not happen."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from tiling.ptx.memory import Bools, Buffer, Ints, Raw
from tiling.ptx.registers import Mask
from tiling.ptx.syntax import Instruction


class Access(NamedTuple):
    """What some instructions did to one space of memory, as arrays.

    kind      load, store, atomic; of an asynchronous copy "copy" where it reads, "begin" where it
              is to write, "land" where it has written
    place     (n,) places of the instructions in the program's body
    offset    (n, threads), or (accesses,) if `active` is given: bytes from the buffer's beginning
    active    (n, threads) which threads took part, or None: all
    thread    who, of the same shape as `offset`
    width     bytes of one access, `count` neighbours together
    epoch     barriers of the whole CTA passed before
    visit     grows with each block that is run: (visit, place) is the order of a thread's accesses
    value     (n, count, threads) bit patterns that were read or written
    used      which of `count` neighbours something is done with; (): all
    """

    kind: str
    buffer: Buffer
    place: Ints
    offset: Ints
    active: Bools | None
    thread: Ints
    width: int
    epoch: int
    visit: int
    value: Raw
    used: tuple[bool, ...] = ()


class Sync(NamedTuple):
    """A barrier, or a commit or wait of copies.

    pending   groups that may still be on their way after a wait; None: not a wait, or all copies
    active    (threads,) or None: all
    """

    kind: str
    place: int
    epoch: int
    visit: int
    active: Mask
    pending: int | None = None


Event: TypeAlias = Access | Sync


@dataclass(frozen=True)
class Finding:
    """Something that a kernel must not do.

    threads   who, some of them
    array     name of the array or of its buffer, or ""
    offset    bytes into it, or -1
    before    what happened there before, in words, or ""
    """

    kind: str
    cta: tuple[int, int, int]
    threads: tuple[int, ...]
    instruction: Instruction | None
    array: str = ""
    offset: int = -1
    before: str = ""
    also: Instruction | None = None

    def __str__(self) -> str:
        who = ", ".join(map(str, self.threads[:4])) + (" ..." if len(self.threads) > 4 else "")
        parts = [f"CTA {self.cta}, thread{'s' * (len(self.threads) > 1)} {who}"]
        if self.instruction is not None:
            parts.append(place_of(self.instruction))
        text = ", ".join(parts) + ": "
        if self.array:
            text += f"{self.array} at byte {self.offset} "
        text += self.kind
        return text + (f"; {self.before}" if self.before else "")


def place_of(instruction: Instruction) -> str:
    """`line 12 of gemm.cu`, or the line of the PTX where the source is not known."""
    if instruction.source is None:
        return f"PTX line {instruction.line} ({instruction.opcode})"
    return f"line {instruction.source.line} of {instruction.source.name} ({instruction.opcode})"
