"""A kernel made ready to be run, for any launch of it: its body, and where its variables lie."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from tiling.ptx.calls import inlined
from tiling.ptx.flow import Flow, flow
from tiling.ptx.memory import LOCAL, PARAM, ROOM, SHARED, Buffer
from tiling.ptx.races import WARP
from tiling.ptx.registers import Registers
from tiling.ptx.syntax import MOST_BYTES, Function, Module, Refused, Variable, parse

GLOBALS = 0xE00
"""The buffers of a module's own variables are numbered from here on."""

MOST_SHARED = 228 * 1024
"""Bytes of shared memory of a multiprocessor, the most of any (compute capability 9.0 and 10.0)."""

MOST_LOCAL = 512 * 1024
"""Bytes of local memory of a thread (CUDA C++ Programming Guide, compute capabilities)."""


class Program:
    """One kernel of a module. `shared`, `local` are bytes: of the CTA, and of each thread."""

    def __init__(self, module: Module, name: str | None = None) -> None:
        kernel = module.entry(name)
        self.module, self.name = module, kernel.name
        self.params, self.max_threads = kernel.params, kernel.max_threads
        self.function: Function = inlined(module, kernel)
        self.places: dict[str, tuple[str, int]] = {}
        self.shared = self._lay("shared", MOST_SHARED)
        self.local = self._lay("local", MOST_LOCAL)
        self.offsets = list(self._offsets(kernel.params))
        for param, offset in zip(kernel.params, self.offsets, strict=True):
            self.places[param.name] = "param", offset
        self._lay_globals()

    @cached_property
    def flow(self) -> Flow:
        """The blocks of its body."""
        return flow(self.function, self.function.body, self.function.labels)

    @property
    def body(self) -> list[object]:
        return list(self.flow.body)

    def _variables(self, *spaces: str) -> list[Variable]:
        everywhere = [*self.module.variables.values(), *self.function.variables.values()]
        return [variable for variable in everywhere if variable.space in spaces]

    def _lay(self, space: str, most: int) -> int:
        """Give the variables of a space their offsets; how many bytes they take.

        What is declared without a size is dynamic shared memory, and begins behind all others.
        """
        at = 0
        # A called function's parameters are its thread's own.
        spaces = ("local", "param") if space == "local" else (space,)
        variables = self._variables(*spaces)
        for variable in sorted(variables, key=lambda v: v.size == 0):
            at += -at % variable.align
            self.places[variable.name] = space, at
            at += variable.size
            if at > most:
                why = f"{at} bytes of {space} memory, more than {most}"
                raise Refused(why, variable.line, variable.name)
        return at

    @staticmethod
    def _offsets(params: list[Variable]) -> Iterator[int]:
        at = 0
        for param in params:
            at += -at % param.align
            yield at
            at += param.size

    def _lay_globals(self) -> None:
        variables = self._variables("global", "const")
        if sum(variable.size for variable in variables) > MOST_BYTES:
            raise Refused(f"more than {MOST_BYTES} bytes of variables")
        for number, variable in enumerate(variables):
            self.places[variable.name] = variable.space, GLOBALS + number << ROOM

    def buffers(self) -> Iterator[Buffer]:
        """A buffer for each variable of the module in global or constant memory, as it starts."""
        for variable in self._variables("global", "const"):
            data = np.frombuffer(variable.initial or bytes(variable.size), np.uint8).copy()
            writable = variable.space == "global"
            yield Buffer(variable.name, self.places[variable.name][1], data, writable=writable)

    def address(self, name: str) -> int | None:
        """What a variable's name stands for in `mov`: its place in its own space."""
        found = self.places.get(name)
        return None if found is None else found[1]

    def pack(self, arguments: Sequence[Buffer | bytes]) -> np.ndarray:
        """The bytes of the parameters. Raises Refused where they do not fit."""
        if len(arguments) != len(self.params):
            raise Refused(f"{self.name} has {len(self.params)} parameters, not {len(arguments)}")
        end = max((o + p.size for o, p in zip(self.offsets, self.params, strict=True)), default=0)
        data = np.zeros(end, np.uint8)
        for param, offset, given in zip(self.params, self.offsets, arguments, strict=True):
            value = given.base.to_bytes(8, "little") if isinstance(given, Buffer) else given
            if len(value) != param.size:
                raise Refused(f"{param.name} has {param.size} bytes, not {len(value)}")
            data[offset : offset + param.size] = np.frombuffer(value, np.uint8)
        return data

    def specials(
        self,
        registers: Registers,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        cta: tuple[int, int, int],
        dynamic: int,
    ) -> None:
        """Set the registers that say who a thread is (PTX ISA, "Special Registers")."""
        thread = np.arange(registers.threads)
        lane = thread % WARP
        values: dict[str, object] = {
            "%tid.x": thread % block[0],
            "%tid.y": thread // block[0] % block[1],
            "%tid.z": thread // (block[0] * block[1]),
            "%laneid": lane,
            "%warpid": thread // WARP,
            "%nwarpid": -(-registers.threads // WARP),
            "%smid": 0,
            "%nsmid": 1,
            "%gridid": 0,
            "%dynamic_smem_size": dynamic,
            "%total_smem_size": self.shared + dynamic,
            "%lanemask_eq": 1 << lane,
            "%lanemask_lt": (1 << lane) - 1,
            "%lanemask_le": (2 << lane) - 1,
            "%lanemask_gt": 0xFFFFFFFF & ~((2 << lane) - 1),
            "%lanemask_ge": 0xFFFFFFFF & ~((1 << lane) - 1),
        }
        for axis, many, of, at in zip("xyz", block, grid, cta, strict=True):
            values |= {f"%ntid.{axis}": many, f"%nctaid.{axis}": of, f"%ctaid.{axis}": at}
        for name, value in values.items():
            if name in self.flow.rows:
                letter, row = self.flow.rows[name]
                registers.files[letter][row] = value

    def name_of(self, buffer: Buffer, offset: int) -> tuple[str, int]:
        """The array that a byte of a buffer belongs to, as the source calls it, and where in it."""
        space = {SHARED: "shared", LOCAL: "local", PARAM: "param"}.get(buffer.base)
        inside = [
            (at, name) for name, (of, at) in self.places.items() if of == space and at <= offset
        ]
        if not inside:
            return buffer.name, offset
        at, name = max(inside)
        return plain(name), offset - at


def plain(name: str) -> str:
    """A name without C++'s mangling where that is easy: `_ZZ4gemmE6shared` is `shared`."""
    left, found = name.partition(".")[0], name
    if not left.startswith("_Z"):
        return left
    if left.startswith("_ZZ"):  # a function's own: what stands at the end
        for start in re.finditer(r"E(?=(\d+))", left):
            inner, many = left[start.end() + len(start[1]) :], int(start[1])
            if 0 < many <= len(inner) and re.fullmatch(r"(?:_\d+)?", inner[many:]):
                return inner[:many]
    rest = left
    while rest:
        digits = ""
        while rest and not rest[0].isdigit():
            rest = rest[1:]
        while rest and rest[0].isdigit():
            digits, rest = digits + rest[0], rest[1:]
        if digits and int(digits) <= len(rest):
            found, rest = rest[: int(digits)], rest[int(digits) :]
    return found


def load(text: str, name: str | None = None) -> Program:
    """The kernel of this name in a PTX text, or the only one. Raises Refused."""
    return Program(parse(text), name)
