"""The numbers of a kernel by line of its source: what each line asks of memory, what that costs,
and its share of the main loop's instructions."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

from tiling.ptx.memory import Buffer
from tiling.ptx.sass import Code, Unknown, code
from tiling.ptx.syntax import Instruction, Source
from tiling.ptx.widths import Group
from tiling.reading.cost import Cost
from tiling.reading.cures import Cure, cures
from tiling.reading.kernel import Kernel
from tiling.reading.recorded import Cta, Run, endless
from tiling.reading.slice import Times, sliced
from tiling.reading.tally import Tally, unrolled
from tiling.shapes import Refused

MULTIPLIES = re.compile(r"FFMA2?|DFMA|HFMA2|HMMA|IMMA|DMMA|QGMMA|HGMMA|IDP|IMAD|FMUL|FADD")
"""Instructions of the machine that multiply and add; of integers IMAD makes addresses as well."""

_SHAPE = re.compile(r"m(\d+)n(\d+)k(\d+)")

BYTES_MOVED = {"global": 32, "shared": 128, "local": 32}
"""By a sector and by a wavefront."""


@dataclass(frozen=True)
class Part:
    """What a line does to one array: kind is load, store, copy or atomic.

    bits   of a lane in one request, all that occur
    """

    space: str
    kind: str
    array: str
    bits: tuple[int, ...]
    cost: Cost
    places: tuple[int, ...]

    @property
    def moved(self) -> int:
        """Bytes that memory had to move."""
        return self.cost.moved * BYTES_MOVED[self.space]

    @property
    def excess(self) -> float:
        """Sectors or wavefronts for each that is needed."""
        return self.cost.moved / self.cost.least if self.cost.least else 1.0

    @property
    def idle(self) -> float:
        """The share of lanes that took no part in the requests."""
        return 1 - self.cost.lanes / (32 * self.cost.requests) if self.cost.requests else 0.0


@dataclass(frozen=True)
class Line:
    """A line of the source.

    runs    how often a warp comes to it, of all warps together
    fma     multiply-adds of all threads
    in_loop instructions of the machine code's main loop
    """

    source: Source
    text: str
    parts: tuple[Part, ...]
    runs: int
    fma: int
    in_loop: int

    @property
    def moved(self) -> int:
        return sum(part.moved for part in self.parts)


@dataclass(frozen=True)
class Loop:
    """The main loop of the machine code: the innermost one in which most is multiplied.

    instructions  by opcode
    """

    instructions: Mapping[str, int]
    multiply: str

    @property
    def size(self) -> int:
        return sum(self.instructions.values())

    @property
    def share(self) -> float:
        """Of its instructions those that multiply and add."""
        return self.instructions[self.multiply] / self.size


@dataclass(frozen=True)
class Numbers:
    """The lines of a kernel, counted in these CTAs, the dearest first.

    warps     of a CTA
    barriers  that a CTA passes
    data      whether values of the matrices, which are zeros here, decide where accesses go
    unclear   where the machine code leaves open how wide requests are, in words
    cures     of bank conflicts, as far as they were counted
    """

    run: Run
    ctas: tuple[Cta, ...]
    lines: tuple[Line, ...]
    loop: Loop | None
    barriers: int
    data: bool
    unclear: tuple[str, ...]
    cures: tuple[Cure, ...]

    @cached_property
    def fma(self) -> int:
        return sum(line.fma for line in self.lines)


def corners(run: Run) -> list[Cta]:
    """The CTA in the middle of the grid, and the last one, which may hang over an edge."""
    x, y, z = run.shape.grid
    return list(dict.fromkeys([((x - 1) // 2, (y - 1) // 2, (z - 1) // 2), (x - 1, y - 1, z - 1)]))


def count(run: Run, ctas: tuple[Cta, ...]) -> Numbers:
    """Run these CTAs without their arithmetic and count. Raises Refused."""
    kernel = run.kernel
    rest = sliced(kernel.program)
    tally = Tally(kernel, rest.places, run.shape.threads)
    machine = run.machine(_empty(run), tally.hear, endless(run.gemm), rest.program)
    machine.races = None
    barriers = 0
    for cta in ctas:
        found = machine.run(cta)
        if any(one.kind.startswith("more than") for one in found):
            rule = f"CTA {cta} does not come to an end within {machine.most} instructions"
            raise Refused("--kernel", kernel.name, rule, "look for an endless loop")
        tally.finish()
        barriers += machine.epoch - 1
    times = dict(rest.times(machine))
    lines = sorted(
        _lines(run, tally, times), key=lambda line: (-line.moved, -line.runs, line.source)
    )
    unclear = tuple(str(one) for one in kernel.groups if not one.certain and not _explained(one))
    return Numbers(
        run,
        ctas,
        tuple(lines),
        main_loop(kernel),
        barriers,
        rest.data,
        unclear,
        tuple(cures(kernel, tally, run.shape.shared)),
    )


def _empty(run: Run) -> dict[str, Buffer]:
    """The matrices, of zeros, which take no memory until they are touched."""
    return {name: Buffer(name, one.base, one.size) for name, one in run.buffers({}).items()}


def _explained(group: Group) -> bool:
    """Whether requests are counted as the machine code makes them though it has others here: of
    whole matrices, whose fragments each know where they lie, and of rounds of a loop together."""
    return group.kind == "matrix" or group.verdict == "added" or unrolled(group) > 0


def _lines(run: Run, tally: Tally, times: Mapping[int, Times]) -> Iterator[Line]:
    kernel = run.kernel
    body = kernel.program.flow.body
    parts: dict[Source, dict[tuple[str, str, str], Part]] = defaultdict(dict)
    for place, space, array, bits, cost in tally.totals():
        source, kind = own_line(kernel, body[place]), _kind(body[place], space)
        key = space, kind, array
        before = parts[source].get(key, Part(space, kind, array, (), Cost(), ()))
        parts[source][key] = Part(
            space,
            kind,
            array,
            tuple(sorted({*before.bits, *bits})),
            before.cost + cost,
            (*before.places, place),
        )
    runs: Counter[Source] = Counter()
    fma: Counter[Source] = Counter()
    for place, one in enumerate(body):
        source, here = own_line(kernel, one), times[place]
        runs[source] = max(runs[source], here.warps)
        fma[source] += multiplied(one, here)
    in_loop = Counter(own_line(kernel, one) for one in _main(kernel) if one.source)
    for source in runs:
        if parts[source] or fma[source] or in_loop[source]:
            found = sorted(parts[source].values(), key=lambda part: -part.moved)
            text = kernel.built.text(source)
            yield Line(source, text, tuple(found), runs[source], fma[source], in_loop[source])


def own_line(kernel: Kernel, one: Instruction | Code) -> Source:
    """The line of the kernel that an instruction comes from: of all into which it was inlined the
    innermost that stands in the kernel itself. Without lines, that of the PTX."""
    source = one.source
    if source is None:
        line = one.line if isinstance(one, Instruction) else 0
        return Source(f"{kernel.built.file.stem}.ptx", line)
    while source.inlined_at is not None and not kernel.holds(source):
        source = source.inlined_at
    return Source(source.file, source.line)


def _kind(one: Instruction, space: str) -> str:
    name = one.opcode.partition(".")[0]
    if name == "cp":
        return "copy"
    if name in ("atom", "red"):
        return "atomic"
    return "store" if name in ("st", "stmatrix") or ".store." in one.opcode else "load"


def multiplied(one: Instruction, times: Times) -> int:
    """Multiply-adds that an instruction made, of all threads."""
    name, *more = one.opcode.split(".")
    if name == "fma":
        return times.threads * (2 if "f16x2" in more or "bf16x2" in more or "f32x2" in more else 1)
    if name == "dp4a":
        return 4 * times.threads
    if name in ("mma", "wmma") and "mma" in one.opcode.split(".")[:3]:
        shape = next((found for part in more if (found := _SHAPE.fullmatch(part))), None)
        return times.warps * prod(map(int, shape.groups())) if shape else 0
    return 0


def _main(kernel: Kernel) -> list[Code]:
    """The instructions of the main loop."""
    try:
        whole = code(kernel.built.listing, kernel.symbol)
    except Unknown:
        return []
    loops = Counter(one.loop for one in whole if one.loop >= 0 and _multiplies(one))
    if not loops:
        return []
    most = max(loops, key=lambda loop: (loops[loop], loop))
    return [one for one in whole if one.loop == most]


def _multiplies(one: Code) -> bool:
    return MULTIPLIES.fullmatch(one.opcode.partition(".")[0]) is not None


def main_loop(kernel: Kernel) -> Loop | None:
    """None where there is no machine code, or no loop in it in which anything is multiplied."""
    found = Counter(one.opcode.partition(".")[0] for one in _main(kernel))
    named = [name for name in found if MULTIPLIES.fullmatch(name)]
    if not named:
        return None
    first = [name for name in named if name not in ("IMAD", "FMUL", "FADD")] or named
    return Loop(dict(found), max(first, key=lambda name: found[name]))
