"""What CTAs of a kernel did: run in the machine, and kept access by access.

`Recorded` is what all that is told of a kernel's memory is made from: who touched what, by which
line of the source, in which epoch, and which value it was.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tiling.ptx.events import Access, Event, Finding, Sync
from tiling.ptx.machine import MOST_INSTRUCTIONS, Machine
from tiling.ptx.memory import SHARED, Buffer, Ints
from tiling.ptx.program import Program
from tiling.ptx.syntax import Instruction, Source
from tiling.ptx.syntax import Refused as RefusedPtx
from tiling.reading import call as calls
from tiling.reading.call import Call
from tiling.reading.kernel import Kernel
from tiling.shapes import Gemm, Refused


def endless(gemm: Gemm) -> int:
    """Instructions of a CTA after which it counts as endless."""
    return 3 * 10**4 + 1500 * gemm.k


OTHER = "try another kernel, or --arch"

Cta = tuple[int, int, int]
"""blockIdx as x, y, z."""


@dataclass(frozen=True)
class Run:
    """A kernel with a GEMM to compute.

    data    (batch, rows, cols) numbers of A, B and C; a matrix that is not there holds zeros, but
            nobody has written the result unless it is there
    """

    kernel: Kernel
    call: Call
    gemm: Gemm
    alpha: float = 1.0
    beta: float = 0.0

    @cached_property
    def matrices(self) -> dict[str, calls.Matrix]:
        return calls.matrices(self.kernel, self.call, self.gemm)

    @cached_property
    def shape(self) -> calls.Shape:
        return calls.shape(self.call, self.gemm)

    def buffers(self, data: Mapping[str, np.ndarray]) -> dict[str, Buffer]:
        """The matrices in memory, with what `Matrix.flat` makes of their numbers. The result is
        the only one that a kernel may write."""
        result = self.call.result
        return {
            name: calls.buffer(matrix, data.get(name), name == result or not self.call.is_gemm)
            for name, matrix in self.matrices.items()
        }

    def machine(
        self,
        buffers: Mapping[str, Buffer],
        hear: Callable[[Event], None] | None = None,
        most: int = MOST_INSTRUCTIONS,
        program: Program | None = None,
    ) -> Machine:
        """Ready to run CTAs; `program` in place of the kernel's own."""
        how = calls.launch(self.kernel, self.call, self.gemm, buffers, self.alpha, self.beta)
        try:
            machine = Machine(program or self.kernel.program, how, hear, most)
            for buffer in buffers.values():  # those too that a struct points to
                machine.memory.add(buffer)
            return machine
        except RefusedPtx as no:
            raise Refused("--kernel", self.kernel.name, f"cannot be run: {no}", OTHER) from None

    def ctas(self) -> Iterator[Cta]:
        """All of the grid, in the order in which they are numbered."""
        x, y, z = self.shape.grid
        return ((i, j, k) for k in range(z) for j in range(y) for i in range(x))


@dataclass(frozen=True)
class Recorded:
    """What one CTA did, in the order in which it was done.

    accesses  as the machine told of them: arrays over threads, each with its place in the body
    syncs     barriers, commits and waits
    findings  what it must not do
    buffers   the matrices after it
    """

    run: Run
    cta: Cta
    accesses: tuple[Access, ...]
    syncs: tuple[Sync, ...]
    findings: tuple[Finding, ...]
    buffers: Mapping[str, Buffer]

    @property
    def body(self) -> list[Instruction]:
        """The instructions that places mean."""
        return self.run.kernel.program.flow.body

    def source(self, place: int) -> Source | None:
        """The line that an instruction comes from: where it stands, inlined or not."""
        return self.body[place].source

    @cached_property
    def table(self) -> "Table":
        """The same, one row for each access of each thread."""
        return Table.of(self.accesses)

    def array(self, access: Access) -> tuple[str, ...]:
        """Names of the arrays that an access touches, as the source calls them."""
        if access.buffer.base != SHARED:
            return (access.buffer.name,)
        program = self.run.kernel.program
        edges = {program.name_of(access.buffer, int(o)) for o in np.unique(access.offset)}
        return tuple(dict.fromkeys(name for name, _ in sorted(edges, key=lambda e: e[1])))


@dataclass(frozen=True)
class Table:
    """Accesses as arrays of one length, a row for each thread of each access, in order.

    which    number of the access in `Recorded.accesses`
    place    of the instruction in the body
    thread   who
    epoch    barriers passed before
    offset   bytes from the beginning of its buffer
    bytes    how many, neighbours together
    """

    which: Ints
    place: Ints
    thread: Ints
    epoch: Ints
    offset: Ints
    bytes: Ints

    @classmethod
    def of(cls, accesses: tuple[Access, ...]) -> "Table":
        columns: list[list[Ints]] = [[] for _ in range(6)]
        for number, access in enumerate(accesses):
            shape = access.active.shape if access.active is not None else access.offset.shape
            place = np.broadcast_to(access.place[:, None], shape)
            if access.active is not None:
                place = place[access.active]
            width = access.width * access.value.shape[1]
            size = access.offset.size
            one = (number, place, access.thread, access.epoch, access.offset, width)
            for column, values in zip(columns, one, strict=True):
                flat = np.broadcast_to(np.asarray(values, np.int64).reshape(-1), (size,))
                column.append(flat)
        empty = [np.empty(0, np.int64)]
        return cls(*(np.concatenate(column or empty) for column in columns))


def record(
    run: Run,
    cta: Cta,
    data: Mapping[str, np.ndarray],
    most: int = MOST_INSTRUCTIONS,
) -> Recorded:
    """Run one CTA and keep all that it did. `data` as in `Run.buffers`; after `most` instructions
    it is stopped, with a finding that says so."""
    accesses: list[Access] = []
    syncs: list[Sync] = []

    def hear(event: Event) -> None:
        if isinstance(event, Sync):
            syncs.append(event)
        else:
            accesses.append(event)

    buffers = run.buffers(data)
    findings = run.machine(buffers, hear, most).run(cta)
    return Recorded(run, cta, tuple(accesses), tuple(syncs), tuple(findings), buffers)
