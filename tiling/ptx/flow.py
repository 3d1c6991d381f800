"""A function as blocks of batches: independent instructions of one form, to be run as one.

Within a block the order of instructions that do not depend on each other is free, so those of one
form that are ready together make a batch. Accesses to memory keep their order where it can matter.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tiling.ptx.forms import refused
from tiling.ptx.order import order
from tiling.ptx.syntax import LEAVES, SIZES, Function, Instruction, number, vector

ENDS = {"bra", "brx", "ret", "exit", "trap", "bar", "barrier"}
"""What ends a block. Calls are gone by then."""

WITHOUT_RESULT = {
    *("st", "red", "bra", "brx", "bar", "barrier", "membar", "fence", "cp", "exit", "ret", "trap"),
    *("prefetch", "prefetchu", "stmatrix", "nanosleep"),
}
"""Opcodes whose first operand is not a result."""

CLASS = {1: "h", 2: "h", 4: "r", 8: "q"}
"""Registers by their bytes: 16, 32 and 64 bits; predicates are "p"."""

SPACES = ("shared", "global", "local", "param", "const")


@dataclass(frozen=True)
class Batch:
    """Instructions (places in the body, ascending) that are run as one."""

    places: tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """Batches, then the instruction that ends it (its place, or None where it falls through).
    Of no size: the end of a loop, which goes on at `first`."""

    first: int
    size: int
    batches: tuple[Batch, ...]
    end: int | None


@dataclass
class Flow:
    """A function ready to be run.

    blocks   in the order in which they are run
    rows     (class, row) of each register in the register file
    counts   rows of each class
    at       the block that begins at a place of the body
    ends     the end of the loop whose head begins at a place, where several blocks lead back to it
    used     registers that some instruction reads
    """

    function: Function
    body: list[Instruction]
    labels: dict[str, int]
    blocks: list[Block] = field(default_factory=list)
    rows: dict[str, tuple[str, int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys("phrq", 0))
    at: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def after(self, block: Block, place: int) -> int:
        """The block where a thread goes on that goes from a block to a place."""
        to = self.at[place]
        back = to <= self.at[block.first]
        return self.ends[place] if back and place in self.ends else to

    def row(self, register: str) -> tuple[str, int]:
        """Where a register stands; it is given a row at its first mention."""
        if register not in self.rows:
            kind = self.function.type_of(register) or SPECIAL.get(register, "")
            if not kind:
                raise KeyError(register)
            if kind not in SIZES or SIZES[kind] > 8:
                raise KeyError(f"{register} of .{kind}")
            letter = "p" if kind == "pred" else CLASS[SIZES[kind]]
            self.rows[register] = letter, self.counts[letter]
            self.counts[letter] += 1
        return self.rows[register]

    def wanted(self, load: Instruction) -> tuple[bool, ...]:
        """Which parts of a wide load are ever read. Compilers fill gaps between loads: what is then
        loaded is not used, and need not even exist."""
        if not load.opcode.startswith("ld.") or not load.operands[:1] or load.operands[0][0] != "{":
            return ()
        used = tuple(part in self.used for part in vector(load.operands[0]))
        return used if any(used) else ()


SPECIAL = {
    **{f"%{name}.{axis}": "u32" for name in ("tid", "ntid", "ctaid", "nctaid") for axis in "xyz"},
    **dict.fromkeys(
        ("%laneid", "%warpid", "%nwarpid", "%smid", "%nsmid", "%dynamic_smem_size"), "u32"
    ),
    **dict.fromkeys(("%total_smem_size", "%clock", "%clock_hi"), "u32"),
    **{f"%lanemask_{which}": "u32" for which in ("eq", "le", "lt", "ge", "gt")},
    **dict.fromkeys(("%gridid", "%clock64", "%globaltimer"), "u64"),
    "%cc": "pred",
}
"""Registers that the machine sets (PTX ISA, "Special Registers"), and the carry."""


def flow(function: Function, body: list[Instruction], labels: dict[str, int]) -> Flow:
    """The blocks of a body without calls. Raises Refused."""
    made = Flow(function, body, labels)
    made.used = {name for one in body for name in sources(one)}
    starts = {0, *labels.values()}
    starts |= {place + 1 for place, one in enumerate(body) if _ends(one)}
    edges = [*sorted(start for start in starts if start < len(body)), len(body)]
    for first, after in pairwise(edges):
        end = after - 1 if _ends(body[after - 1]) else None
        inner = range(first, after if end is None else end)
        batches = tuple(_batches(made, inner))
        made.blocks.append(Block(first, after - first, batches, end))
    numbers = {block.first: number_ for number_, block in enumerate(made.blocks)}
    leads_to = [[numbers[place] for place in _after(made, block)] for block in made.blocks]
    in_text, made.blocks = made.blocks, []
    for which in order(leads_to):
        if which < 0:
            made.ends[in_text[~which].first] = len(made.blocks)
            made.blocks.append(Block(in_text[~which].first, 0, (), None))
        else:
            made.at[in_text[which].first] = len(made.blocks)
            made.blocks.append(in_text[which])
    for one in body:
        for name in sources(one):
            if name not in made.rows and (function.type_of(name) or name in SPECIAL):
                _place(made, one, name)
    return made


def _ends(instruction: Instruction) -> bool:
    name, _, rest = instruction.opcode.partition(".")
    return name in ENDS and not rest.startswith("warp")


def _after(flow_: Flow, block: Block) -> Iterator[int]:
    """Where a thread may go on after a block. A label that is not there is refused later."""
    one = flow_.body[block.first + block.size - 1]
    name, _, _ = one.opcode.partition(".")
    labels: tuple[str, ...] = ()
    if name == "bra":
        labels = one.operands[:1]
    elif name == "brx":
        labels = flow_.function.targets.get(one.operands[-1], ()) if one.operands else ()
    yield from (flow_.labels[label] for label in labels if label in flow_.labels)
    if one.guard or name not in LEAVES:
        yield block.first + block.size


def words(operand: str) -> Iterator[str]:
    """Names in an operand: registers, variables, numbers."""
    for part in vector(operand.strip("[]()")):
        for name in part.split("|"):
            name = name.lstrip("!-")
            base = name.split("+")[0] if "+" in name else name
            if base and base != "_" and not base[0].isdecimal():
                yield base


def results(instruction: Instruction) -> tuple[str, ...]:
    """Registers that an instruction sets."""
    name, _, modifiers = instruction.opcode.partition(".")
    if (name in WITHOUT_RESULT and ".red" not in instruction.opcode) or not instruction.operands:
        return ()
    if name == "wmma" and modifiers.startswith("store"):
        return ()
    found = tuple(words(instruction.operands[0]))
    return (*found, "%cc") if ".cc" in instruction.opcode else found


def sources(instruction: Instruction) -> Iterator[str]:
    """Registers and variables that an instruction reads."""
    if instruction.guard:
        yield instruction.guard.lstrip("!")
    first = 1 if results(instruction) or instruction.operands[:1] == ("_",) else 0
    for operand in instruction.operands[first:]:
        yield from words(operand)
    if instruction.opcode.split(".")[0] in ("addc", "subc", "madc"):
        yield "%cc"


def memory(instruction: Instruction) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(kinds of memory that are read, that are written) as far as the order of accesses goes."""
    name, *modifiers = instruction.opcode.replace("::", ".").split(".")
    space = next((m for m in modifiers if m in SPACES), None)
    spaces = (space,) if space else SPACES
    match name:
        case "ld" | "ldu" | "ldmatrix" if not {"volatile", "acquire", "relaxed"} & set(modifiers):
            return ((), ()) if space == "const" else (spaces, ())
        case "ld" | "st" | "stmatrix":
            return (), spaces
        case "wmma" if "mma" not in modifiers:
            return ((), spaces) if "store" in modifiers else (spaces, ())
        case "cp":
            return ("global",), ("shared", "copies")
        case "atom" | "red" | "membar" | "fence":
            return (), (*SPACES, "copies")
        case "bar":  # bar.warp.sync
            return (), (*SPACES, "copies")
        case "mov" if any("clock" in operand for operand in instruction.operands):
            return (), ("clock",)
        case _:
            return (), ()


def _shape(flow_: Flow, operand: str) -> str:
    """What an operand is, as far as instructions of one batch must agree."""
    if operand.startswith("["):
        return "[" + "".join(_shape(flow_, name) for name in words(operand)) + "]"
    if operand.startswith("{"):
        return "{" + ",".join(_shape(flow_, part) for part in vector(operand)) + "}"
    if "|" in operand:
        return "|".join(_shape(flow_, part) for part in operand.split("|"))
    name = operand.lstrip("!-")
    if name == "_" or name in flow_.rows:
        return "_" if name == "_" else flow_.rows[name][0]
    kind = flow_.function.type_of(name) or SPECIAL.get(name)
    if kind is None and number(operand) is not None:
        return "number"
    if kind is None:
        # Parameters of a call are the function's own variables, those of the kernel are not.
        return "variable" if name.partition("+")[0] in flow_.function.variables else "name"
    return "p" if kind == "pred" else CLASS.get(SIZES[kind], "?")


def _batches(flow_: Flow, places: range) -> Iterator[Batch]:
    """List scheduling: of the forms that are ready one that is complete, or else the largest."""
    body, after, waits, chained = _order(flow_, places)
    signature = {}
    left: dict[tuple[object, ...], int] = defaultdict(int)
    for place in places:
        one = body[place]
        shapes = tuple(_shape(flow_, operand) for operand in one.operands)
        # Copies and their waits have numbers that belong to the opcode: bytes, groups.
        numbers = [o for o in one.operands if one.opcode[:3] == "cp." and number(o) is not None]
        signature[place] = one.opcode, shapes, *numbers, bool(one.guard), flow_.wanted(one)
        left[signature[place]] += 1
    ready: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for place in places:
        if not waits[place]:
            ready[signature[place]].append(place)
    done: set[int] = set()
    while ready:
        order = sorted(ready, key=lambda f: (len(ready[f]) != left[f], -len(ready[f])))
        # A form may be stores alone that wait for an earlier one: then the next form.
        for best in order:
            group, kept = _in_order(sorted(ready[best]), chained, done)
            if group:
                break
        del ready[best]
        if kept:
            ready[best] = kept
        done.update(group)
        left[best] -= len(group)
        for place in group:  # results of a batch lie side by side
            for name in results(body[place]):
                _place(flow_, body[place], name)
        yield Batch(tuple(group))
        for place in group:
            for later in after[place]:
                waits[later] -= 1
                if not waits[later]:
                    ready[signature[later]].append(later)


def _in_order(
    group: list[int], chained: dict[int, int], done: set[int]
) -> tuple[list[int], list[int]]:
    """(those that may run now, those that wait): stores run in the order of the text."""
    now: list[int] = []
    wait: list[int] = []
    taken = set()
    for place in group:
        before = chained.get(place)
        if before is None or before in done or before in taken:
            now.append(place)
            taken.add(place)
        else:
            wait.append(place)
    return now, wait


def _order(
    flow_: Flow, places: range
) -> tuple[list[Instruction], dict[int, list[int]], dict[int, int], dict[int, int]]:
    """(body, what waits for each place, how many each waits for, the store before each store)."""
    body = flow_.body
    after: dict[int, list[int]] = {place: [] for place in places}
    waits: dict[int, int] = dict.fromkeys(places, 0)
    chained: dict[int, int] = {}
    wrote: dict[str, int] = {}
    read: dict[str, list[int]] = defaultdict(list)

    def edge(before: int, place: int) -> None:
        if before != place:
            after[before].append(place)
            waits[place] += 1

    for place in places:
        one = body[place]
        uses, sets = list(sources(one)), list(results(one))
        in_memory, to_memory = memory(one)
        uses += [f"[{space}]" for space in in_memory]
        sets += [f"[{space}]" for space in to_memory]
        for name in uses:
            if name in wrote:
                edge(wrote[name], place)
            read[name].append(place)
        for name in sets:
            before = wrote.get(name)
            readers = [r for r in read.pop(name, ()) if r != place]
            for reader in readers:
                edge(reader, place)
            if before is not None:
                if not readers and to_memory and _alike(body[before], one):
                    chained[place] = before
                else:
                    edge(before, place)
            wrote[name] = place
    return body, after, waits, chained


def _alike(before: Instruction, after: Instruction) -> bool:
    """Whether two stores make one batch, in which they keep their order."""
    return before.opcode == after.opcode and before.opcode.split(".")[0] in ("st", "cp")


def _place(flow_: Flow, instruction: Instruction, name: str) -> None:
    """Give a register its row. Raises Refused where it is not declared."""
    try:
        flow_.row(name)
    except KeyError as unknown:
        raise refused(instruction, f"no register {unknown.args[0]}") from None
