"""PTX text to functions of instructions, each with its line here and in the source it came from.

The grammar is that of the PTX ISA, "Syntax" and "Directives": statements end with a semicolon, but
for a few directives that end with their line, and blocks stand in braces.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple


class Refused(ValueError):
    """PTX that this machine does not take. The text is one line: where, what, and why."""

    def __init__(self, why: str, line: int = 0, text: str = "") -> None:
        shown = " ".join(text.split())
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        where = f"PTX line {line}: " if line else "PTX: "
        told = f"{where}{shown}: {why}" if shown else f"{where}{why}"
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in told))


class Source(NamedTuple):
    """A place in the source: its file and line, and the place that it was inlined at, or None."""

    file: str
    line: int
    inlined_at: "Source | None" = None

    @property
    def name(self) -> str:
        """The file without its folder."""
        return self.file.replace("\\", "/").rpartition("/")[2]

    @property
    def outermost(self) -> "Source":
        """The line of the kernel itself, into which all others were inlined."""
        return self.inlined_at.outermost if self.inlined_at else self


class Instruction(NamedTuple):
    """One instruction as it stands in the text.

    guard     the predicate that must hold, as "%p1" or "!%p1", or ""
    operands  as text, without blanks: registers, numbers, addresses in [], vectors in {}
    line      in the PTX
    source    in the file that was compiled, or None
    """

    opcode: str
    operands: tuple[str, ...]
    guard: str
    line: int
    source: Source | None

    def __str__(self) -> str:
        guard = f"@{self.guard} " if self.guard else ""
        return f"{guard}{self.opcode} {', '.join(self.operands)}".strip()


class Variable(NamedTuple):
    """A declared array: bytes, alignment, and what it holds at the start (None: nothing)."""

    name: str
    space: str
    size: int
    align: int
    initial: bytes | None
    line: int


@dataclass
class Function:
    """An entry or a device function.

    registers   type of each register by name; `%r<5>` declares %r0 to %r4, kept as prefix and count
    labels      place of each label in `body`
    body        the instructions
    """

    name: str
    entry: bool
    line: int
    params: list[Variable] = field(default_factory=list)
    results: list[Variable] = field(default_factory=list)
    registers: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, tuple[str, int]] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    body: list[Instruction] = field(default_factory=list)
    max_threads: tuple[int, ...] = ()

    def type_of(self, register: str) -> str | None:
        """The declared type of a register, or None."""
        if register in self.registers:
            return self.registers[register]
        cut = len(register.rstrip("0123456789"))
        prefix, number = register[:cut], register[cut:]
        if prefix in self.ranges and 0 < len(number) < 9 and number == str(int(number)):
            kind, count = self.ranges[prefix]
            if int(number) < count:
                return kind
        return None


@dataclass
class Module:
    """What one PTX text declares."""

    version: str = ""
    target: str = ""
    functions: dict[str, Function] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)

    def entry(self, name: str | None = None) -> Function:
        """The kernel of this name, or the only one, that has a body. Raises Refused."""
        entries = {f.name: f for f in self.functions.values() if f.entry and f.body}
        if name is None and len(entries) == 1:
            return next(iter(entries.values()))
        if name in entries:
            return entries[name]
        known = ", ".join(list(entries)[:8]) or "none"
        raise Refused(f"no kernel {name!r}; it has: {known}" if name else f"kernels: {known}")


SIZES = {"pred": 1, "b128": 16, **{f"{k}{n}": n // 8 for k in "bus" for n in (8, 16, 32, 64)}}
SIZES |= {"f16": 2, "bf16": 2, "f32": 4, "f64": 8, "f16x2": 4, "bf16x2": 4}
"""Bytes of each type of a register or variable."""

MOST_BYTES = 2**28
"""Bytes of one variable, or of all threads' local memory, beyond which a text is not run."""

LEAVES = ("bra", "brx", "ret", "exit", "trap")
"""Opcodes after which a thread does not go on to the next instruction."""

MOST_DIGITS, MOST_OFFSET = 80, 2**62
"""Bounds of a number's characters, and of what an address may add to its register."""

NAME = r"[A-Za-z_$%][\w$]*"
_COMMENT = re.compile(r'"[^"\n]*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
"""A comment, or a text in quotes, which may hold two slashes and is none."""
_TOKEN = re.compile(
    rf"""\s*(?:
      \.loc[ \t](?P<loc>[^\n;]*)
    | (?P<label>{NAME})[ \t]*:(?!:)
    | (?P<instruction>[@A-Za-z][^;]*?);
    | (?P<open>\{{) | (?P<close>\}})
    | (?P<section>\.section[^{{]*\{{[^}}]*\}})
    | (?P<line>\.(?:version|target|address_size|file)[ \t][^\n;]*);?
    | (?P<function>(?:\.(?:visible|weak|extern|common)[ \t\n]+)*\.(?:entry|func)\b[^;{{]*)
      (?P<ends>[;{{])
    | (?P<declaration>\.[a-z][^;]*?);
    )""",
    re.VERBOSE,
)
_OPERAND = re.compile(r"(\s*(?:\[[^\]]*\]|\{[^}]*\}|\([^)]*\)|[^,()[\]{}]+)\s*)(,|$)")
_NUMBER = re.compile(
    r"0[fF]([0-9a-fA-F]{8})|0[dD]([0-9a-fA-F]{16})"
    r"|(-?0[xX][0-9a-fA-F]+)U?|(-?0[bB][01]+)U?|(-?0[0-7]*)U?|(-?[1-9][0-9]*)U?"
)
_BASES = 16, 16, 16, 2, 8, 10
_LOC = re.compile(
    r"(\d+)\s+(\d+)\s+(\d+)(?:,\s*function_name\s+[^,]+,\s*inlined_at\s+(\d+)\s+(\d+)\s+(\d+))?"
)
_VARIABLE = re.compile(
    rf"""^(?P<link>(?:\.(?:visible|weak|extern|common)\s+)*)\.(?P<space>shared|local|global|const|param)
    (?P<attributes>(?:\s*(?:::cta|\.align\s+\d+|\.attribute\([^)]*\)|\.managed|\.unified|\.ptr|\.volatile))*)
    (?:\s*\.v(?P<vector>[248]))?\s*\.(?P<type>\w+)
    (?P<ptr>(?:\s*\.(?:ptr|global|shared|const|local)|\s*\.align\s+\d+)*)
    \s+(?P<name>{NAME})(?P<shape>(?:\s*\[\s*\w*\s*\])*)(?:\s*=\s*(?P<initial>.+))?$""",
    re.VERBOSE | re.DOTALL,
)
_FUNCTION = re.compile(
    rf"""\.(?P<kind>entry|func)\s*(?:\((?P<results>[^)]*)\)\s*)?(?P<name>{NAME})\s*
    (?:\((?P<params>[^)]*)\))?(?P<rest>.*)$""",
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVES = re.compile(
    r"\.(?:maxntid|reqntid|minnctapersm|maxnctapersm|maxnreg)\s+\d+(?:\s*,\s*\d+)*"
    r"|\.noreturn\b|\.pragma\s+\"[^\"]*\"|\.abi_preserve(?:_control)?\s+\d+"
)
_FILE = re.compile(r'\.file\s+(\d+)\s+"([^"]*)"')


def parse(text: str) -> Module:
    """The module of a PTX text. Raises Refused, which names the line."""
    text = _COMMENT.sub(
        lambda found: found[0] if found[0][0] == '"' else "\n" * found[0].count("\n") or " ", text
    )
    # The one name that PTX gives to a number ("Predefined Constants").
    return _Reader(re.sub(r"\bWARP_SZ\b", "32", text)).read()


class _Reader:
    """Goes through the statements once."""

    def __init__(self, text: str) -> None:
        self.text, self.module = text, Module()
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self.files: dict[int, str] = {
            int(number): name for number, name in _FILE.findall(text) if len(number) < 9
        }
        self.function: Function | None = None
        self.source: Source | None = None
        self.places: dict[str, tuple[int, ...]] = {}
        self.seen: dict[tuple[int, ...], Source] = {}
        self.scopes: list[dict[str, str]] = []

    def line(self, at: int) -> int:
        return bisect_right(self.starts, at)

    def read(self) -> Module:
        at, text, end = 0, self.text, len(self.text.rstrip())
        match = _TOKEN.match
        while at < end:
            found = match(text, at)
            if found is None:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise Refused("is not PTX", self.line(at), text[at : at + 80].split("\n")[0])
            self._take(found)
            at = found.end()
        if self.function is not None:
            raise Refused(f"{self.function.name} is not closed", self.line(end))
        if not self.module.version:
            raise Refused("has no .version, so it is not PTX", 1)
        return self.module

    def _take(self, found: re.Match[str]) -> None:
        kind = found.lastgroup
        if kind == "instruction":
            self._instruction(found["instruction"], found.start("instruction"))
        elif kind == "loc":
            self._loc(found["loc"], found.start("loc"))
        elif kind == "label":
            function = self._inside(found, "label")
            name = self._scoped(found["label"])
            if name in function.labels:
                raise Refused("a label stands twice", self.line(found.start("label")), name)
            function.labels[name] = len(function.body)
        elif kind == "open":
            self._inside(found, "open")
            self.scopes.append({})
        elif kind == "close":
            function = self._inside(found, "close")
            if self.scopes:
                self.scopes.pop()
            else:
                self._finish(function, self.line(found.start("close")))
        elif kind == "ends":
            self._function(found)
        elif kind == "declaration":
            self._declaration(found["declaration"], self.line(found.start("declaration")))
        elif kind == "line":
            self._line(found["line"], self.line(found.start("line")))

    def _finish(self, function: Function, line: int) -> None:
        """A body returns at its end, even where that is not written."""
        body = function.body
        leaves = body and not body[-1].guard and body[-1].opcode.partition(".")[0] in LEAVES
        if not leaves or len(body) in function.labels.values():
            body.append(Instruction("ret", (), "", line, self.source))
        self.function = None

    def _inside(self, found: re.Match[str], group: str) -> Function:
        if self.function is None:
            line = self.line(found.start(group))
            raise Refused("stands outside of a function", line, found[group])
        return self.function

    def _line(self, text: str, line: int) -> None:
        word, _, rest = text.partition(" ") if " " in text else text.partition("\t")
        if word == ".version":
            self.module.version = rest.strip()
        elif word == ".target":
            self.module.target = rest.partition(",")[0].strip()
        elif word == ".address_size" and rest.strip() != "64":
            raise Refused("only 64-bit addresses are known", line, text)

    def _loc(self, text: str, at: int) -> None:
        """Take `file line column`, and where that was inlined: a place that was named before."""
        if (numbers := self.places.get(text)) is None:
            found = _LOC.fullmatch(text.strip())
            if not found or any(len(group or "") > 9 for group in found.groups()):
                raise Refused("is not a place in a source", self.line(at), ".loc " + text)
            numbers = self.places[text] = tuple(int(group or 0) for group in found.groups())
        here, around = numbers[:3], numbers[3:]
        if not here[1]:  # line 0: code that belongs to no line is counted to the one before
            return
        outer = self.seen.get(around) if around[1] else None
        if outer is None and around[1]:
            outer = Source(self.files.get(around[0], ""), around[1])
        self.source = self.seen[here] = Source(self.files.get(here[0], ""), here[1], outer)

    def _function(self, found: re.Match[str]) -> None:
        line = self.line(found.start("function"))
        if self.function is not None:
            raise Refused("stands inside a function", line, found["function"])
        head = _FUNCTION.search(found["function"])
        if head is None:
            raise Refused("is not a function", line, found["function"])
        function = Function(head["name"], head["kind"] == "entry", line)
        for of, text in (function.params, head["params"]), (function.results, head["results"]):
            for one in (text or "").split(","):
                if one.strip():
                    of.append(self._parameter(one.strip(), line))
        if odd := re.sub(_DIRECTIVES, "", head["rest"]).strip():
            raise Refused("is not known of a function", line, odd)
        if bound := re.search(r"\.(?:maxntid|reqntid)\s+([\d,\s]+)", head["rest"]):
            sizes = [s for s in bound[1].replace(",", " ").split() if len(s) < 6]
            function.max_threads = tuple(map(int, sizes))
        declared = found["ends"] == ";"
        if function.name not in self.module.functions or not declared:
            self.module.functions[function.name] = function
        self.function = None if declared else function
        self.scopes, self.source, self.seen = [], None, {}

    def _parameter(self, text: str, line: int) -> Variable:
        if text.startswith(".reg"):
            raise Refused("parameters in registers are not known", line, text)
        return self._variable(text, line)

    def _declaration(self, text: str, line: int) -> None:
        if text.startswith(".reg"):
            self._registers(text, line)
        elif text.startswith((".pragma", ".alias")):
            return
        elif text.startswith(".branchtargets") and self.function and self.function.labels:
            label = next(reversed(self.function.labels))
            names = text.removeprefix(".branchtargets").replace(",", " ").split()
            self.function.targets[label] = tuple(self._scoped(name) for name in names)
        else:
            variable = self._variable(text, line)
            if self.function is None:
                self.module.variables[variable.name] = variable
            else:
                name = self._declare(variable.name)
                self.function.variables[name] = variable._replace(name=name)

    def _declare(self, name: str) -> str:
        """A name of its own for what is declared in an inner block."""
        assert self.function is not None
        if not self.scopes:
            return name
        own = f"{name}.{len(self.function.body)}.{len(self.scopes)}"
        self.scopes[-1][name] = own
        return own

    def _scoped(self, name: str) -> str:
        return next((s[name] for s in reversed(self.scopes) if name in s), name)

    def _registers(self, text: str, line: int) -> None:
        found = re.match(r"\.reg\s*(?:\.v[24]\s*)?\.(\w+)\s+(.+)$", text, re.DOTALL)
        if self.function is None or not found or found[1] not in SIZES or ".v" in text:
            raise Refused("is not a declaration of registers", line, text)
        for name in found[2].split(","):
            name = name.strip()
            if many := re.fullmatch(rf"({NAME})<(\d{{1,7}})>", name):
                self.function.ranges[many[1]] = found[1], int(many[2])
            elif re.fullmatch(NAME, name):
                self.function.registers[self._declare(name)] = found[1]
            else:
                raise Refused("is not the name of a register", line, name)

    def _variable(self, text: str, line: int) -> Variable:
        found = _VARIABLE.match(text)
        if found is None or found["type"] not in SIZES or found["type"] == "pred":
            raise Refused("is not a declaration that is known", line, text)
        each = SIZES[found["type"]]
        size = each * int(found["vector"] or 1)
        for count in re.findall(r"\[\s*(\w*)\s*\]", found["shape"]):
            size *= int(count) if count.isdecimal() and len(count) < 12 else 0
        if size > MOST_BYTES:
            raise Refused(f"has {size} bytes, more than {MOST_BYTES}", line, text)
        aligned = re.findall(r"\.align\s+(\d{1,4})", found["attributes"] or "")
        align = int(aligned[-1]) if aligned else each
        initial = None
        if found["initial"] is not None:
            initial = _initial(found["initial"], found["type"], size, line)
        elif found["space"] in ("global", "const"):
            initial = bytes(size)
        if align < 1 or align & (align - 1):
            raise Refused("an alignment is a power of two", line, text)
        return Variable(found["name"], found["space"], size, align, initial, line)

    def _instruction(self, text: str, at: int) -> None:
        line = self.line(at)
        if self.function is None:
            raise Refused("stands outside of a function", line, text)
        guard, whole = "", text
        if text[0] == "@":
            guard, *rest = text[1:].split(None, 1)[:2] or [""]
            text = rest[0] if rest else ""
        opcode, *rest = text.split(None, 1) or [""]
        if not opcode:
            raise Refused("is not an instruction", line, whole)
        operands = [] if not rest else _operands(rest[0])
        if operands is None:
            raise Refused("is not an instruction with operands", line, whole)
        if self.scopes:
            guard = self._renamed(guard)
            operands = [self._renamed(operand) for operand in operands]
        instruction = Instruction(opcode, tuple(operands), guard, line, self.source)
        self.function.body.append(instruction)

    def _renamed(self, text: str) -> str:
        return re.sub(NAME, lambda name: self._scoped(name[0]), text)


def _operands(text: str) -> list[str] | None:
    """What stands between the commas, without blanks; None where these split a word, or where
    brackets do not close."""
    if "[" in text or "{" in text or "(" in text:
        found = _OPERAND.findall(text)
        if sum(len(one) + len(comma) for one, comma in found) != len(text) or found[-1][1]:
            return None
        parts = [one for one, _ in found]
    else:
        parts = text.split(",")
    operands = []
    for part in parts:
        words = part.split()
        if len(words) > 1 and re.search(r"[\w$%]\s+[\w$%]", part):
            return None
        operands.append("".join(words))
    return operands


def _initial(text: str, kind: str, size: int, line: int) -> bytes:
    """The bytes of an initializer: numbers, in braces for an array."""
    each, found = SIZES[kind], bytearray()
    for one in re.findall(r"[^\s,{}]+", text):
        value = number(one)
        if value is None:
            raise Refused("only numbers are known as initial values", line, text)
        if isinstance(value, float):
            raise Refused("a float is written as its bits, 0f or 0d", line, text)
        found += (value & (1 << 8 * each) - 1).to_bytes(each, "little")
    return bytes(found[:size]).ljust(size, b"\0")


def number(text: str) -> int | None:
    """The value of an integer, or the bits of a float (0f3F800000, 0d…); None if it is neither."""
    if len(text) > MOST_DIGITS or (found := _NUMBER.fullmatch(text)) is None:
        return None
    assert found.lastindex is not None
    return int(found[found.lastindex], _BASES[found.lastindex - 1])


def address(operand: str) -> tuple[str, int] | None:
    """(register or name, offset) of `[%rd1+4]`; the name is "" for a number alone."""
    inner = operand[1:-1]
    found = re.fullmatch(rf"({NAME}(?:\.\d+\.\d+)*)?(?:\+?(-?\w+))?", inner)
    if not operand.startswith("[") or found is None:
        return None
    offset = number(found[2]) if found[2] else 0
    if offset is None or not -MOST_OFFSET < offset < MOST_OFFSET:
        return None
    return found[1] or "", offset


def vector(operand: str) -> tuple[str, ...]:
    """The parts of `{%f1,%f2}`, or the operand alone."""
    return tuple(operand[1:-1].split(",")) if operand.startswith("{") else (operand,)
