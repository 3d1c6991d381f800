"""How wide each request of a kernel is: in the model, and in the machine code.

The model says how many words a thread moves at once. PTX may say otherwise, and ptxas may change
that again; so one CTA is run from the PTX, and each of its accesses is counted in the width in
which the machine code of the same line makes it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tiling.faults import Broken
from tiling.kernel.compiler import WITHOUT_LDGSTS
from tiling.kernel.line_info import machine_code, ptx
from tiling.layout import Operand, exchange_width, fragment_width
from tiling.ptx.asked import asked
from tiling.ptx.events import Access, Event
from tiling.ptx.machine import Launch, Machine
from tiling.ptx.memory import Buffer
from tiling.ptx.program import Program, load
from tiling.ptx.sass import requests
from tiling.ptx.widths import Group, Made, compare, told
from tiling.shapes import Tiling

A, B = 1.0, 2.0
"""All elements of A and of B in the CTA that is run, so that a value tells whose it is. Results are
2K, and K is two or more."""

PLACES = {"A": 1 << 40, "B": 2 << 40, "C": 3 << 40}
"""Where the matrices begin in global memory."""


def by_line(tiling: Tiling, arch: str, kernel: str | None = None) -> tuple[Program, list[Group]]:
    """The kernel ready to be run, and how its machine code makes each of its accesses."""
    return _by_line(ptx(tiling, arch, kernel), machine_code(tiling, arch, kernel))


@lru_cache(maxsize=8)
def _by_line(text: str, code: str) -> tuple[Program, list[Group]]:
    program = _program(text)
    return program, compare(asked(program.flow), requests(code))


def _program(text: str) -> Program:
    """Ready to be run: once for all architectures for which the text is the same."""
    body = re.sub(r"\.target .*", "", text)
    if body not in _programs:
        while len(_programs) >= 8:
            del _programs[next(iter(_programs))]
        _programs[body] = load(text)
    return _programs[body]


_programs: dict[str, Program] = {}

Requests: TypeAlias = dict[str, Counter[int]]
"""For each kind of access, as "reads of A in shared memory", requests of one CTA by their bits."""


@dataclass(frozen=True)
class Widths:
    """Requests of one whole CTA, as the machine code makes them.

    requests  by kind of access and width
    merged    the same, but where the machine code leaves it open, neighbours are one request
    unclear   where it leaves it open, in words
    """

    requests: Requests
    merged: Requests
    unclear: tuple[str, ...]


def widths(tiling: Tiling, arch: str, kernel: str | None = None, skew: int = 0) -> Widths:
    """Run one CTA that no edge cuts, with A and B `skew` floats off their alignment. Raises Broken
    where the kernel does what it must not."""
    program, groups = by_line(tiling, arch, kernel)
    heard = _Heard()
    machine = Machine(program, _launch(tiling, skew), heard)
    for buffer in _matrices(tiling, skew):
        machine.memory.add(buffer)
    if findings := machine.run():
        raise Broken(str(findings[0]))
    return Widths(
        heard.as_requests(made for group in groups for made in group.made),
        heard.as_requests(made for group in groups for made in group.merged),
        tuple(str(group) for group in groups if not group.certain),
    )


def _sizes(tiling: Tiling) -> tuple[int, int, int]:
    """M, N, K: one CTA, and one k-tile more than there are stages."""
    return tiling.bm, tiling.bn, (tiling.stages + 1) * tiling.bk


def _matrices(tiling: Tiling, skew: int) -> list[Buffer]:
    m, n, k = _sizes(tiling)
    a, b = (np.full(size + skew, value, np.float32) for size, value in ((m * k, A), (k * n, B)))
    c = Buffer("C", PLACES["C"], np.zeros(m * n, np.float32))
    return [Buffer("A", PLACES["A"], a), Buffer("B", PLACES["B"], b), c]


def _launch(tiling: Tiling, skew: int) -> Launch:
    starts = [PLACES["A"] + 4 * skew, PLACES["B"] + 4 * skew, PLACES["C"]]
    arguments = [start.to_bytes(8, "little") for start in starts]
    arguments += [size.to_bytes(4, "little") for size in _sizes(tiling)]
    dynamic = tiling.shared_bytes if tiling.large_shared else 0
    return Launch((1, 1, 1), (tiling.threads, 1, 1), arguments, dynamic)


class _Heard:
    """Counts, for each instruction and kind of access, how many threads made it."""

    def __init__(self) -> None:
        self.counts: dict[int, Counter[str]] = defaultdict(Counter)
        self.bits: dict[int, int] = {}

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Access) or event.kind in ("begin", "land"):
            return  # a copy's read stands for it
        words = np.ascontiguousarray(event.value.transpose(0, 2, 1)).view(np.float32)
        for row, place in enumerate(event.place):
            values = words[row] if event.active is None else words[row][event.active[row]]
            kind = _kind(event.kind, event.buffer.name, values)
            self.bits[int(place)] = 8 * event.width * event.value.shape[1]
            self.counts[int(place)][kind] += len(values)

    def as_requests(self, made: Iterable[Made]) -> Requests:
        found: Requests = defaultdict(Counter)
        for request in made:
            asked = sum(self.bits.get(place, 0) for place in request.places)
            for kind, threads in self.counts[request.places[0]].items():
                found[kind][request.bits] += threads * asked // request.bits
        return dict(found)


def _kind(kind: str, buffer: str, values: npt.NDArray[np.float32]) -> str:
    """What an access is for. In shared memory most of the values tell: a wide read may bring a word
    that nobody asked for."""
    does = "stores" if kind == "store" else "reads"
    if buffer != "shared":
        return f"{does} of {buffer}"
    of_a, of_b = (2 * (values == number).sum() > values.size for number in (A, B))
    return f"{does} of {'A' if of_a else 'B' if of_b else 'results'} in shared memory"


def predicted(tiling: Tiling, arch: str, skew: int = 0) -> Requests:
    """What the model says of the same CTA."""
    rounds = tiling.stages + 1
    results = tiling.bm * tiling.bn
    found: Requests = {"stores of C": Counter({32: results})}
    sides: tuple[tuple[Operand, int, int], ...]
    sides = ("A", tiling.tm, tiling.bm), ("B", tiling.tn, tiling.bn)
    for operand, own, extent in sides:
        if tiling.direct:
            read = tiling.threads * own * tiling.bk
            found[f"reads of {operand}"] = Counter({32: read * rounds})
            continue
        request = 1 if skew else tiling.request(operand)
        words = extent * tiling.bk * rounds
        found[f"reads of {operand}"] = Counter({32 * request: words // request})
        if not tiling.asynchronous or arch in WITHOUT_LDGSTS:
            # Neighbours in a row of A are not neighbours in As. Those of B come together in
            # registers, even where they were fetched one by one, but for copies without LDGSTS.
            request = tiling.request("B") if operand == "B" else 1
            request = 1 if skew and tiling.asynchronous else request
            found[f"stores of {operand} in shared memory"] = Counter(
                {32 * request: words // request}
            )
        reads = Counter[int]()
        for k in range(tiling.bk):
            width = fragment_width(tiling, operand, k)
            reads[32 * width] += tiling.threads * own // width * rounds
        found[f"reads of {operand} in shared memory"] = reads
    if tiling.shared_store:
        width = exchange_width(tiling)
        found["stores of results in shared memory"] = Counter({32 * width: results // width})
        found["reads of results in shared memory"] = Counter({32: results})
    return found


def differences(tiling: Tiling, arch: str, kernel: str | None = None) -> list[str]:
    """Where the machine code's widths are not the model's, or not known, in words."""
    found = []
    for skew in (0, 1) if tiling.vector > 1 else (0,):
        have, want = widths(tiling, arch, kernel, skew), predicted(tiling, arch, skew)
        found += [text for text in have.unclear if text not in found]
        for kind in sorted(want | have.requests | have.merged):
            both = [of.get(kind, Counter()) for of in (have.requests, have.merged)]
            if (model := want.get(kind, Counter())) not in both:
                how = " off its alignment" if skew else ""
                found.append(f"{kind}{how}: {told(both[0])} bits, not {told(model)}")
    return found
