"""A part of the picture: what it shows is a function of a state, and it knows the way to another.

`slabs` are what moves, by name; `poses(state)` says how they lie. `cells` are the numbers, by name;
`cells_at(state)` says which they are.
"""

from typing import Generic, TypeVar

from manim import Animation, VGroup

from scenes.kit.look import Box, Look
from scenes.kit.motion import Jump, Move, Swap
from scenes.kit.shapes import Colour, Pose, Slab
from scenes.kit.type import Texts

S = TypeVar("S")


class Figure(VGroup, Generic[S]):
    """Something drawn once, of which slabs move and numbers change."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.slabs: dict[str, Slab] = {}
        self.cells: dict[str, Texts] = {}
        super().__init__()

    def slab(
        self,
        name: str,
        box: Box,
        fill: Colour | None = None,
        stroke: Colour | None = None,
        width: float = 2,
    ) -> None:
        """A slab that `poses` moves, drawn over what was added before."""
        self.slabs[name] = Slab(self.look, box, fill, stroke, width)
        self.add(self.slabs[name])

    def add_cells(self, cells: dict[str, Texts]) -> None:
        """The numbers, drawn over what was added before."""
        self.cells = cells
        self.add(*cells.values())

    def poses(self, state: S) -> dict[str, Pose]:
        return {}

    def cells_at(self, state: S) -> dict[str, Texts]:
        return {}

    def settle(self, state: S) -> None:
        """Show a state, at once."""
        for name, pose in self.poses(state).items():
            self.slabs[name].take(pose)
        for name, cells in self.cells_at(state).items():
            self.cells[name].take(cells)

    def moves(self, state: S, swap: float = 0.5) -> list[Animation]:
        """The way to a state: slabs move, and at a share of the run time the numbers change."""
        moves: list[Animation] = []
        for name, pose in self.poses(state).items():
            slab = self.slabs[name]
            if pose != slab.pose:
                moves.append(Jump(slab, pose) if slab.stroke_width else Move(slab, pose))
        for name, cells in self.cells_at(state).items():
            moves.append(Swap(self.cells[name], cells, swap))
        return moves
