"""What flies through the picture, without Manim."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Memory: TypeAlias = Literal["global", "shared", "registers"]


@dataclass(frozen=True)
class Route:
    """Values of an operand (A, B or C) on their way from one memory to another."""

    operand: str
    here: Memory
    there: Memory
