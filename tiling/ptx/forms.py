"""What an opcode asks for: its modifiers taken one by one, so that none is overlooked."""

from collections.abc import Iterable

import numpy as np

from tiling.ptx.syntax import Instruction, Refused

DTYPE: dict[str, type[np.generic]] = {
    **{f"u{bits}": getattr(np, f"uint{bits}") for bits in (8, 16, 32, 64)},
    **{f"b{bits}": getattr(np, f"uint{bits}") for bits in (8, 16, 32, 64)},
    **{f"s{bits}": getattr(np, f"int{bits}") for bits in (8, 16, 32, 64)},
    "f16": np.float16,
    "bf16": np.uint16,
    "f32": np.float32,
    "f64": np.float64,
    "f16x2": np.uint32,
    "bf16x2": np.uint32,
    "tf32": np.uint32,
    "pred": np.bool_,
}
"""How a PTX type stands in an array. bf16, and two halves in one register, are bit patterns."""

ROUNDINGS = ("rn", "rz", "rm", "rp")
SCOPES = ("cta", "cluster", "gpu", "sys")


def size(kind: str) -> int:
    """Bytes of a type."""
    return int(np.dtype(DTYPE[kind]).itemsize)


class Form:
    """The opcode of an instruction, split at its dots. `name` comes first; what is left is checked
    by `done`."""

    def __init__(self, instruction: Instruction) -> None:
        self.instruction = instruction
        self.name, *self.left = instruction.opcode.replace("::", ":").split(".")

    def take(self, *wanted: str, default: str = "") -> str:
        """The first modifier that is among those wanted, taken away; `default` if there is none."""
        for modifier in self.left:
            if modifier in wanted:
                self.left.remove(modifier)
                return modifier
        return default

    def flag(self, name: str) -> bool:
        return bool(self.take(name))

    def need(self, what: str, *wanted: str) -> str:
        """The same, where one of them must stand."""
        if found := self.take(*wanted):
            return found
        raise self.refused(f"{what} is missing or not known ({', '.join(wanted)})")

    def kind(self, *wanted: str) -> str:
        """The last type, one of those wanted (all if none are)."""
        for modifier in reversed(self.left):
            if modifier in DTYPE:
                if wanted and modifier not in wanted:
                    raise self.refused(f"is not known for {modifier}")
                del self.left[len(self.left) - 1 - self.left[::-1].index(modifier)]
                return modifier
        raise self.refused("has no type that is known")

    def done(self, *counts: int) -> None:
        """Refuse what nobody took, and another number of operands than `counts`."""
        if self.left:
            raise self.refused(f".{self.left[0].replace(':', '::')} is not known here")
        if counts and len(self.instruction.operands) not in counts:
            wanted = " or ".join(map(str, counts))
            raise self.refused(f"{len(self.instruction.operands)} operands, not {wanted}")

    def refused(self, why: str) -> Refused:
        return refused(self.instruction, why)


def refused(instruction: Instruction, why: str) -> Refused:
    """An instruction that is not taken, with its lines here and in the source."""
    if instruction.source:
        why += f" (line {instruction.source.line} of {instruction.source.name})"
    return Refused(why, instruction.line, str(instruction))


def kinds(bits: str, sizes: Iterable[int]) -> tuple[str, ...]:
    """`kinds("us", (16, 32))`: u16, u32, s16, s32."""
    return tuple(f"{b}{size}" for b in bits for size in sizes)
