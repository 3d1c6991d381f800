"""Requests for global memory, counted for each element while a schedule is carried out."""

from collections.abc import Sequence

from manim import Animation, VGroup, rate_functions

from scenes.kit.flight import Flight
from scenes.kit.look import Box, Look
from scenes.kit.motion import LANDED, Move, Plain, carried
from scenes.kit.places import below_caption
from scenes.kit.shapes import Pose
from scenes.why_tile.matrices import CopiedTiles, CountedMatrices, Seen
from scenes.why_tile.totals import Totals
from tiling.schedule import Copy, Schedule


class Comparison(VGroup):
    """All panels of one choice. It keeps no state: animations copy what they move, and a state
    holds a schedule."""

    def __init__(self, look: Look, schedule: Schedule, start: Seen) -> None:
        panels = _places(look)
        self.memory = CountedMatrices(look, panels["global"], schedule, start)
        self.copies = CopiedTiles(look, panels["shared"], schedule, start)
        self.totals = Totals(look, panels["requested"], schedule, start)
        self.look = look
        super().__init__(self.memory, self.copies, self.totals)

    def settle(self, state: Seen) -> None:
        for figure in (self.memory, self.copies, self.totals):
            figure.settle(state)

    def moves(self, state: Seen, swap: float = 0.5) -> list[Animation]:
        """The way to a state. If the last event is a copy, its tile travels to shared memory."""
        for figure in (self.memory, self.copies):
            for name, pose in figure.poses(state).items():
                slab = figure.slabs[name]
                if not (slab.pose.fill or slab.pose.stroke):  # what appears comes from nowhere
                    slab.take(Pose(pose.box, 0, 0))
        memory, totals = self.memory.moves(state, swap), self.totals.moves(state, swap)
        copies, count = self.copies.moves(state), state.shown
        event = count.plan.events[count.step - 1] if count.step else None
        if isinstance(event, Copy) and (tile := count.lit(event.operand)):
            name = f"{event.operand}s"
            held, there = self.copies.slabs[name], self.copies.poses(state)[name]
            here = self.memory.place(event.operand, tile)
            flight = Flight(event.operand, "global", "shared")
            copies = [move for move in copies if id(move.mobject) != id(held)]
            copies.append(carried(self.look, here, there.box, flight, 0.5, (0.3, LANDED)))
            copies.append(Move(held, there, (LANDED, 1)))
        return [*memory, *totals, *copies]


def _places(look: Look) -> dict[str, Box]:
    """Global memory, and at its right, or in tall below it, shared memory and the requests."""
    area, wide = below_caption(look), look.aspect == "wide"
    gap = 24.0 if wide else 14.0
    requested = 620.0 if wide else 446.0
    shared = area.h - requested - gap if wide else 150.0
    width = 930.0 if wide else area.w
    height = area.h if wide else area.h - requested - shared - 2 * gap
    x, w = (area.x + width + gap, area.w - width - gap) if wide else (area.x, area.w)
    top = area.y if wide else area.y + height + gap
    return {
        "global": Box(area.x, area.y, width, height),
        "shared": Box(x, top, w, shared),
        "requested": Box(x, area.bottom - requested, w, requested),
    }


class Through(Plain[Comparison]):
    """The states of a comparison one after another, each for the same time."""

    def __init__(self, comparison: Comparison, states: Sequence[Seen]) -> None:
        self.states, self.now = states, -1
        super().__init__(comparison, rate_functions.linear)

    def interpolate_mobject(self, alpha: float) -> None:
        now = min(len(self.states) - 1, int(alpha * len(self.states)))
        if now != self.now:
            self.now = now
            self.moved.settle(self.states[now])
