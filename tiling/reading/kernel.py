"""Which kernel of a file, and what it is: its parameters, its code, what ptxas says of it."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tiling.ptx.asked import asked
from tiling.ptx.program import Program
from tiling.ptx.sass import Unknown, requests
from tiling.ptx.syntax import Module, Source, parse
from tiling.ptx.syntax import Refused as RefusedPtx
from tiling.ptx.widths import Group, compare
from tiling.reading import names
from tiling.reading.compile import AS_USUAL, Asked, Built, build, cut
from tiling.reading.source import signature, struct_fields
from tiling.reading.uses import guessed
from tiling.shapes import Refused

ELEMENTS = {
    "float": "f32",
    "double": "f64",
    "__half": "f16",
    "half": "f16",
    "__nv_bfloat16": "bf16",
    "nv_bfloat16": "bf16",
    "int": "s32",
    "int32_t": "s32",
    "int8_t": "s8",
    "uint8_t": "u8",
    "uint32_t": "u32",
    "unsigned int": "u32",
    "signed char": "s8",
    "char": "s8",
    "unsigned char": "u8",
}
"""Element types by their names in C++. Those of PTX are used everywhere else."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kernel.

    name     in the source, or "" where it is not known
    type     in C++, as "float const*", or "" where it is not known
    size     bytes
    element  of what a pointer points to, as "f32"; "" for what is no pointer, or to nothing known
    fields   of a struct, in order
    """

    name: str
    type: str
    size: int
    element: str
    fields: tuple["Parameter", ...] = ()

    @property
    def pointer(self) -> bool:
        return self.type.endswith("*")

    @property
    def real(self) -> bool:
        """Whether it is a floating-point number by value."""
        return self.type in ("float", "double", "__half", "__nv_bfloat16")

    @property
    def integer(self) -> bool:
        plain = not self.pointer and not self.real and not self.fields
        return plain and self.size in (1, 2, 4, 8)


@dataclass(frozen=True)
class Resources:
    """What ptxas says: registers of a thread; bytes spilled and of stack of a thread, of static
    shared memory of a CTA."""

    registers: int
    spilled: int
    stack: int
    shared: int


@dataclass(frozen=True)
class Kernel:
    """One kernel of a compiled file.

    name    as people write it: `sgemm<128, 128, 8>`
    symbol  in the PTX
    """

    built: Built
    module: Module
    name: str
    symbol: str

    @cached_property
    def program(self) -> Program:
        """Ready to be run. Raises Refused where the machine does not know something in it."""
        try:
            return Program(self.module, self.symbol)
        except RefusedPtx as no:
            raise Refused("--kernel", self.name, f"cannot be run: {no}", "try another") from None

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        params = self.module.entry(self.symbol).params
        own = signature(self.built.own, names.bare(self.name), len(params))
        types = names.types(self.symbol)
        if len(types) != len(params):
            types = tuple(one.type for one in own) or guessed(self.program)
        listed = tuple(one.name for one in own) or ("",) * len(params)
        found = map(_parameter, listed, types, (one.size for one in params))
        return tuple(self._with_fields(one) for one in found)

    def _with_fields(self, one: Parameter) -> Parameter:
        """A struct with what is in it, as far as the source says."""
        inside = struct_fields(self.built.own, one.type) if not one.pointer else ()
        sizes = {"float": 4, "int": 4, "unsigned": 4, "unsigned int": 4, "double": 8}
        found = [_parameter(f.name, f.type, 0) for f in inside]
        sized = [replace(f, size=8 if f.pointer else sizes.get(f.type, 8)) for f in found]
        return replace(one, fields=tuple(sized))

    @cached_property
    def resources(self) -> Resources | None:
        """None where there is no machine code."""
        _, found, rest = self.built.log.partition(f"entry function '{self.symbol}'")
        if not found:
            return None
        rest = rest.partition("entry function '")[0]

        def number(pattern: str) -> int:
            one = re.search(pattern, rest)
            return int(one[1]) if one else 0

        return Resources(
            number(r"Used (\d+) registers"),
            number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads"),
            number(r"(\d+) bytes stack frame"),
            number(r"(\d+) bytes smem"),
        )

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """How the machine code makes each access; none where there is no machine code."""
        try:
            code = requests(self.built.listing, self.symbol)
        except Unknown:
            return ()
        return tuple(compare(asked(self.program.flow), code))

    @cached_property
    def _extent(self) -> tuple[str, int, int]:
        """The file, and the first and last line, that code of the kernel itself comes from."""
        found = [one.source.outermost for one in self.program.function.body if one.source]
        name = found[0].name if found else ""
        lines = [one.line for one in found if one.name == name]
        return name, min(lines, default=0), max(lines, default=0)

    def holds(self, source: Source) -> bool:
        """Whether a line stands in the kernel itself, or in a lambda in it."""
        name, first, last = self._extent
        return source.name == name and first <= source.line <= last

    @property
    def max_threads(self) -> int:
        """Threads of a CTA by its launch bounds, or 0."""
        found = 1
        for size in self.program.max_threads:
            found *= size
        return found if self.program.max_threads else 0


def _parameter(name: str, type_: str, size: int) -> Parameter:
    """`type_` as C++ has it, with its const in either place."""
    bare = re.sub(r"\b(?:const|volatile|__restrict__|__restrict)\b", " ", type_)
    bare = re.sub(r"\s+", " ", bare.replace("&", "")).strip()
    inner = bare.rstrip("* ")
    if inner not in ELEMENTS and re.fullmatch(r"\w+[1-4]", inner):  # float4, __half2, int4
        inner = {"uint": "unsigned int", "uchar": "unsigned char"}.get(inner[:-1], inner[:-1])
    known = re.sub(r"\s*\*", "*", bare)
    element = ELEMENTS.get(inner, "") if bare.count("*") == 1 else ""
    return Parameter(name, known, size, element)


def load(file: Path, name: str = "", how: Asked = AS_USUAL) -> Kernel:
    """The kernel of this name in the file, or its only one. Raises Refused, and Missing."""
    if name and not re.fullmatch(r"[\w:<>,\s*&()+\-.]{1,200}", name):
        raise Refused("--kernel", f":{cut(name)}", "is no name of a kernel", "try mine.cu:sgemm")
    built = build(file, how)
    found = _named(built, name)
    if not found and "<" in name:
        found = _named(build(file, replace(how, instance=name)), name)
    if len(found) == 1:
        return found[0]
    return _open(built, file, name, found)


def _named(built: Built, name: str) -> list[Kernel]:
    """Kernels of this name, or all."""
    try:
        module = parse(built.ptx)
    except RefusedPtx as no:
        raise Refused("--kernel", cut(str(built.file)), str(no), "try the .cu file") from None
    kernels = [
        Kernel(built, module, names.called(one.name), one.name)
        for one in module.functions.values()
        if one.entry and one.body
    ]
    wanted = names.normal(name)
    if not wanted:
        return kernels
    exact = [k for k in kernels if wanted in (names.normal(k.name), k.symbol)]
    inner = [k for k in kernels if names.normal(k.name.rpartition("::")[2]) == wanted]
    return exact or inner or [k for k in kernels if names.bare(k.name) == wanted]


def _open(built: Built, file: Path, name: str, found: list[Kernel]) -> Kernel:
    """Refuse a name that leaves it open which kernel is meant, with a list of those there are."""
    shown = cut(str(file))
    if found:
        listed = [f"{shown}:{kernel.name}" for kernel in found]
        rule = f"{len(found)} kernels are called so" if name else f"it has {len(found)} kernels"
        remedy = "name one: " + "; ".join(listed[:8]) + ("; ..." if len(listed) > 8 else "")
        raise Refused("--kernel", f"{shown}:{name}" if name else shown, rule, remedy)
    every = [kernel.name for kernel in _named(built, "")]
    if not every:
        templates = "a template must be named with its arguments, as"
        raise Refused("--kernel", shown, "has no kernel", f"{templates} {shown}:sgemm<128, 8>")
    remedy = "it has " + "; ".join(every[:8]) + ("; ..." if len(every) > 8 else "")
    raise Refused("--kernel", f"{shown}:{cut(name)}", "has no such kernel", remedy)
