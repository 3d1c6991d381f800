"""What tiling a GEMM kernel is: recovered from where its values went, not from its text.

Which rows of A and columns of B a thread reads is its thread tile; a warp's are the warp tile, a
CTA's the CTA tile. What is read between two barriers is the k-tile. Which word of shared memory an
element lies in is the layout, and how many words it lies in by turns are the stages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tiling.ptx.memory import Ints
from tiling.ptx.races import WARP
from tiling.reading.call import Call
from tiling.reading.kernel import Kernel
from tiling.reading.numbers import size
from tiling.reading.probe import usual
from tiling.reading.provenance import Moves, Origins, moves, traced
from tiling.reading.recorded import Recorded, Run
from tiling.shapes import WORD, Gemm, Refused

OTHER_SIDE = "row or column"
TENSOR = ("mma", "wmma")
"""Instructions of tensor cores, with which a warp multiplies and no thread alone."""


@dataclass(frozen=True)
class Held:
    """Reads of one operand's elements, as arrays (reads,): who, when, from which word or byte.

    k   the element's place along K; i  its row of A, or column of B
    """

    thread: Ints
    epoch: Ints
    word: Ints
    k: Ints
    i: Ints


@dataclass(frozen=True)
class Array:
    """How an operand's tile lies in shared memory: element (k, i) of a k-tile in word
    `base + k_step·k + i_step·i`, or that XOR something that depends on k or i alone.

    stages  buffers that k-tiles lie in by turns
    width   elements of a read, at most
    """

    base: int
    k_step: int
    i_step: int
    swizzle: str
    stages: int
    width: int


@dataclass(frozen=True)
class Side:
    """One side of the CTA tile: rows of A, or columns of B.

    tile, warp, thread  how many the CTA, its first warp and its first thread take
    run                 of a thread's, how many are neighbours
    """

    tile: int
    warp: int
    thread: int
    run: int


@dataclass(frozen=True)
class Tiled:
    """What was recovered of a kernel.

    bk        of a k-tile; K where nothing is shared, for then there are none
    tensor    whether tensor cores multiply
    arrays    As and Bs, or what of them is shared
    widths    elements of a load of A, of B, and of a store of C
    copies    how tiles come to shared memory: "", "through registers", "a k-tile ahead, through
              registers", "asynchronously"
    exchanged whether C goes through shared memory
    word      what shared memory is counted in: "word", or "element" where that is smaller or larger
    """

    rows: Side
    cols: Side
    bk: int
    threads: int
    tensor: bool
    arrays: dict[str, Array]
    widths: dict[str, int]
    copies: str
    exchanged: bool
    word: str

    @property
    def stages(self) -> int:
        return max((array.stages for array in self.arrays.values()), default=1)

    def said(self) -> Iterator[str]:
        """In sentences."""
        rows, cols = self.rows, self.cols
        if self.arrays:
            yield f"CTA tile {rows.tile}×{cols.tile}×{self.bk}, {self.threads} threads"
        else:
            yield f"CTA tile {rows.tile}×{cols.tile}, {self.threads} threads, no shared memory"
        if self.tensor:
            yield f"warp tile {rows.warp}×{cols.warp} by tensor cores"
        else:
            yield f"thread tile {rows.thread}×{cols.thread}{self._runs()}"
            if (rows.warp, cols.warp) != (rows.tile, cols.tile):
                yield f"warp tile {rows.warp}×{cols.warp}"
        for name, array in self.arrays.items():
            yield f"{name}s: {_lies(name, array, self.word)}"
        if self.copies:
            stages = f"{self.stages} stages" if self.stages > 1 else "one stage"
            yield f"{stages}, tiles copied {self.copies}"
        said = (f"{name} {width}" for name, width in self.widths.items())
        yield f"elements of a request to global memory: {', '.join(said)}"
        if self.exchanged:
            yield "C goes through shared memory"

    def _runs(self) -> str:
        sides = []
        for name, side in ("rows", self.rows), ("columns", self.cols):
            if side.run < side.thread:
                sides.append(f"{name} in {side.thread // side.run} groups of {side.run}")
        return f", {' and '.join(sides)}" if sides else ""


def _lies(name: str, array: Array, word: str) -> str:
    i = "row" if name == "A" else "col"
    terms = [(array.k_step, "k"), (array.i_step, i)]
    terms.sort(reverse=True)
    parts = [f"{step}·{what}" if step != 1 else what for step, what in terms if step]
    text = " + ".join(parts) or "one word"
    how = f"(k, {i})" if name == "B" else f"({i}, k)"
    by = array.swizzle.replace(OTHER_SIDE, i)
    return f"{how} in {word} {text}" + (f", {by}" if by else "")


def recover(kernel: Kernel, call: Call) -> Tiled | None:
    """What tiling a kernel's first CTA is; None where that is not to be found so, since the kernel
    is no product, converts what it loads, or takes too many elements to number."""
    traces = trace(kernel, call)
    return traces.tiled() if traces else None


FEW = Gemm(128, 128, 64), Gemm(256, 128, 32), Gemm(64, 64, 128)
"""Sizes whose elements 16 bits can number."""


def trace(kernel: Kernel, call: Call) -> "Traces | None":
    """What the first CTA moves, at the first sizes at which it does what it may and no more."""
    for gemm in (usual(call), *FEW) if call.is_gemm else ():
        try:
            found = traced(Run(kernel, call, gemm), (0, 0, 0))
        except Refused:
            continue
        if found is not None and not found[0].findings:
            return Traces(*found)
    return None


class Traces:
    """What one CTA moved, by operand."""

    def __init__(self, recorded: Recorded, origins: Origins) -> None:
        self.recorded, self.origins = recorded, origins
        self.run = recorded.run
        self.width = size(self.run.matrices["A"].element)
        self.result = self.run.matrices[self.run.call.result]
        self.threads = self.run.shape.threads

    def moved(self, kind: str, buffer: str) -> Moves:
        return moves(self.recorded, kind, buffer, self.width)

    @cached_property
    def stores(self) -> Moves:
        return moves(self.recorded, "store", self.result.name, size(self.result.element))

    @cached_property
    def shared(self) -> dict[str, Held]:
        """Reads of A and of B from shared memory, as far as they are shared."""
        reads = self.moved("load", "shared")
        found = {name: self.held(name, reads) for name in "AB"}
        return {name: held for name, held in found.items() if held.thread.size}

    def held(self, name: str, reads: Moves) -> Held:
        mine, row, col = self.origins.of(name, reads)
        k, i = (col, row) if name == "A" else (row, col)
        return Held(mine.thread, mine.epoch, mine.offset // self.width, k, i)

    def reads(self, name: str) -> Held:
        """What the threads take of an operand: from shared memory, or for themselves."""
        return self.shared.get(name) or self.held(name, self.moved("load", name))

    def tiled(self) -> Tiled | None:
        """All of it. None where an operand is never read as it is."""
        a, b = self.reads("A"), self.reads("B")
        if not a.thread.size or not b.thread.size:
            return None
        tensor = any(one.opcode.startswith(TENSOR) for one in self.run.kernel.program.flow.body)
        stored = self.stored()
        rows = _side(a, stored[0] if tensor else None)
        cols = _side(b, stored[1] if tensor else None)
        bk = self.k_tile()
        return Tiled(
            rows,
            cols,
            bk,
            self.threads,
            tensor,
            {name: self.array(name, held, bk) for name, held in self.shared.items()},
            self.widths(),
            self.copies(),
            bool(self.exchanged().size),
            "word" if self.width == WORD else "element",
        )

    def stored(self) -> tuple[Held, Held]:
        """Rows and columns of C that each thread stores."""
        element = self.stores.offset // size(self.result.element)
        inner = element % (self.result.rows * self.result.cols)
        if self.result.order == "row":
            row, col = np.divmod(inner, self.result.cols)
        else:
            col, row = np.divmod(inner, self.result.rows)
        same = self.stores.thread, self.stores.epoch, element, np.zeros_like(element)
        return Held(*same, row), Held(*same, col)

    def k_tile(self) -> int:
        """Of the places along K that are read between two barriers, how many there are mostly."""
        many = []
        for held in self.shared.values():
            pairs = np.unique(np.stack([held.epoch, held.k]), axis=1)
            many += np.unique(pairs[0], return_counts=True)[1].tolist()
        if not many:
            return self.run.gemm.k
        found: int = max(set(many), key=many.count)
        return found

    def array(self, name: str, held: Held, bk: int) -> Array:
        """The layout of the first k-tile, and how many buffers there are."""
        k, i = held.k % bk, held.i - held.i.min()
        first = held.k < bk
        corner = held.word[first & (k == 0) & (i == 0)].min()
        # Where the element with k = i = 0 lies, k-tile after k-tile.
        turns = np.unique(held.word[(k == 0) & (i == 0)])
        steps = [_step(held, first & (other == 0), one) for one, other in ((k, i), (i, k))]
        line = corner + steps[0] * k + steps[1] * i
        swizzle = _swizzle(held.word[first], line[first], k[first], i[first])
        if swizzle is None and (better := self._pitched(held, first, k, i)):
            steps, swizzle = better
        reads = self.moved("load", "shared")
        mine, _, _ = self.origins.of(name, reads)
        return Array(
            int(corner),
            int(steps[0]),
            int(steps[1]),
            "in an order of its own" if swizzle is None else swizzle,
            len(turns),
            int(mine.bytes.max()) // self.width,
        )

    def _pitched(
        self, held: Held, first: np.ndarray, k: Ints, i: Ints
    ) -> tuple[list[int], str] | None:
        """The steps of a layout whose rows are XORed, so that steps near the corner mislead: one
        side is a row of neighbours, and the other goes from row to row."""
        word, corner = held.word[first], held.word[first].min()
        for by_k, along, across in ((True, k[first], i[first]), (False, i[first], k[first])):
            other = across > 0
            row = (word - corner)[other] // across[other]
            pitch = int(np.gcd.reduce(np.unique(word[along == 0] - corner))) or 1
            for step in {pitch, int(row.min()), int(along.max()) + 1}:
                line = corner + along + step * across
                swizzle = _swizzle(word, line, k[first], i[first])
                if swizzle is not None:
                    steps = [1, step] if by_k else [step, 1]
                    return steps, swizzle
        return None

    def widths(self) -> dict[str, int]:
        """Elements of most requests to global memory."""
        found = {}
        for name in "AB":
            found[name] = _most(self.moved("load", name).bytes) // self.width
        found["C"] = _most(self.stores.bytes) // size(self.result.element)
        return found

    def copies(self) -> str:
        """How tiles come to shared memory."""
        if not self.shared:
            return ""
        if any(access.kind == "copy" for access in self.recorded.accesses):
            return "asynchronously"
        stores = self.moved("store", "shared")
        for name in self.shared:
            loaded, (mine, _, _) = self.moved("load", name), self.origins.of(name, stores)
            when = np.full(int(max(loaded.origin.max(), mine.origin.max())) + 1, -1)
            when[loaded.origin] = loaded.epoch
            if (when[mine.origin] < mine.epoch).any():
                return "a k-tile ahead, through registers"
        return "through registers"

    def exchanged(self) -> Ints:
        """Words of shared memory that hold neither A nor B, after the last that did."""
        stores = self.moved("store", "shared")
        mine = [self.origins.of(name, stores)[0].epoch for name in "AB"]
        last = max((int(one.max()) for one in mine if one.size), default=-1)
        return stores.offset[stores.epoch > last]


def _side(held: Held, stored: Held | None) -> Side:
    """Of an operand's reads; the parts of a warp and a thread from what is stored, if given."""
    whole, parts = np.unique(held.i), stored or held
    warp = np.unique(parts.i[parts.thread < WARP])
    thread = np.unique(parts.i[parts.thread == parts.thread.min()])
    gaps = np.flatnonzero(np.diff(thread) > 1)
    run = int(gaps[0]) + 1 if gaps.size else thread.size
    return Side(whole.size, warp.size, thread.size, run)


def _step(held: Held, which: np.ndarray, along: Ints) -> int:
    """Words from one element to the next along one side."""
    words = held.word[which & (along == 0)], held.word[which & (along == 1)]
    return int(words[1].min() - words[0].min()) if words[1].size else 0


def _swizzle(word: Ints, line: Ints, k: Ints, i: Ints) -> str | None:
    """ "" where words are as the line says; by what they are XORed; None if neither."""
    if (word == line).all():
        return ""
    if (line < 0).any():
        return None
    differs = word ^ line
    for name, by in ("k", k), (OTHER_SIDE, i):
        table = np.zeros(int(by.max()) + 1, np.int64)
        table[by] = differs
        if (table[by] == differs).all():
            return f"XORed by {name}"
    return None


def _most(bytes_: Ints) -> int:
    """The width of most."""
    if not bytes_.size:
        return 0
    found, many = np.unique(bytes_, return_counts=True)
    return int(found[many.argmax()])
