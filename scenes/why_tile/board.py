"""The matrices, shared memory and the loads, of one size and of another."""

from manim import Animation

from scenes.kit.board import Board
from scenes.kit.figure import Figure
from scenes.kit.look import Box, Look
from scenes.kit.motion import LANDED, Move, carried
from scenes.kit.places import below_caption
from scenes.kit.route import Route
from scenes.kit.shapes import Pose
from scenes.why_tile.loads import Loads
from scenes.why_tile.matrices import CopiedTiles, CountedMatrices
from scenes.why_tile.shots import Seen, first_seen, other_plan
from tiling.schedule import Copy, Schedule
from tiling.shapes import Gemm

NEAR = 12, 8, 6, 4, 2, 1
"""Rows, columns and k of which the first are shown near, at most."""


class Comparison(Board[Seen]):
    """What a state of either schedule looks like."""

    def __init__(self, look: Look, plan: Schedule) -> None:
        self.look, self.places = look, _places(look)
        self.whole, *self.beside = self._figures(plan)
        self.others = self._figures(other_plan(plan))
        self.near = self.whole
        sizes = iter(NEAR)
        while not self.near.size:
            most = next(sizes)
            first = Gemm(*(min(side, most) for side in (plan.gemm.m, plan.gemm.n, plan.gemm.k)))
            self.near = CountedMatrices(look, self.places["global"], plan, first)
        super().__init__(first_seen(plan))

    def _figures(self, plan: Schedule) -> tuple[CountedMatrices, CopiedTiles, Loads]:
        look, places = self.look, self.places
        return (
            CountedMatrices(look, places["global"], plan, plan.gemm),
            CopiedTiles(look, places["shared"], plan),
            Loads(look, places["loads"], plan),
        )

    def figures(self, state: Seen) -> list[Figure[Seen]]:
        if state.other:
            return [*self.others]
        return [self.near if state.near else self.whole, *self.beside]

    def moves(self, state: Seen) -> list[Animation]:
        """The way to a state. A tile that has just been copied travels to shared memory."""
        for figure in self.figures(state):
            for name, pose in figure.poses(state).items():
                slab = figure.slabs[name]
                if not (slab.pose.fill or slab.pose.stroke):  # what appears comes from nowhere
                    slab.take(Pose(pose.box, 0, 0))
        count, moves = state.shown, super().moves(state)
        event = count.plan.events[count.step - 1] if count.step else None
        if isinstance(event, Copy) and (tile := count.lit(event.operand)) and not state.uses:
            copies, name = self.beside[0], f"{event.operand}s"
            held, pose = copies.slabs[name], copies.poses(state)[name]
            here, route = (
                self.whole.place(event.operand, tile),
                Route(event.operand, "global", "shared"),
            )
            moves = [move for move in moves if id(move.mobject) != id(held)]
            moves.append(carried(self.look, here, pose.box, route, 0.5, (0.3, LANDED)))
            moves.append(Move(held, pose, (LANDED, 1)))
        return moves


def _places(look: Look) -> dict[str, Box]:
    """Global memory, and at its right, or in tall below it, shared memory and the loads."""
    area, wide = below_caption(look), look.aspect == "wide"
    gap, loads = (24.0, 470.0) if wide else (14.0, 366.0)
    shared = area.h - loads - gap if wide else 180.0
    width = 930.0 if wide else area.w
    height = area.h if wide else area.h - loads - shared - 2 * gap
    x, w = (area.x + width + gap, area.w - width - gap) if wide else (area.x, area.w)
    return {
        "global": Box(area.x, area.y, width, height),
        "shared": Box(x, area.y if wide else area.y + height + gap, w, shared),
        "loads": Box(x, area.bottom - loads, w, loads),
    }
