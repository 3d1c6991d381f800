"""The picture: three memories, one matrix product in each, and the schedule below.

`settle` shows a state of the schedule, `enact` gives the animations of the way to a later one. The
picture is a function of the state, so the scene keeps no books of its own.
"""

import re
from itertools import pairwise

from manim import Animation, VGroup

from scenes.kit.kernel_line import KernelLine
from scenes.kit.look import MADE, Box, Look
from scenes.kit.motion import LANDED, Move, Pulse, Swap, carried
from scenes.kit.route import Route
from scenes.kit.shapes import STROKE, Path, Pose, Slab
from scenes.overview.counters import Counters
from scenes.overview.memories import GlobalMemory, SharedMemory, ThreadRegisters
from scenes.overview.places import overview_places
from scenes.overview.timeline import Timeline
from tiling.layout import AB
from tiling.presets import Choice
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Event,
    Exchange,
    Fragments,
    OuterProduct,
    Store,
    Wait,
)
from tiling.state import State, state_at

READ = re.compile("[AB]s (k|fragment|read).*")
"""Slabs of what is read of shared memory at one k."""


class ThreeMemories(VGroup):
    """One CTA of a choice, as it is in `state`."""

    def __init__(self, choice: Choice, look: Look) -> None:
        self.look, self.schedule = look, choice.schedule()
        places = overview_places(look)
        self.memory = GlobalMemory(look, places, self.schedule)
        self.shared = SharedMemory(look, places, self.schedule)
        self.registers = ThreadRegisters(look, places, self.schedule)
        self.memories = (self.memory, self.shared, self.registers)
        self.timeline = Timeline(look, places.strip, self.schedule)
        self.line = KernelLine(look, places.line, self.schedule.tiling)
        self.counters = Counters(look, places.counters, self.schedule)
        below = self.timeline, self.line, self.counters
        super().__init__(*self.memories, _arrows(look, places.panels), *below)
        self.settle(state_at(self.schedule, 0))

    @property
    def slabs(self) -> dict[str, Slab]:
        return {name: slab for memory in self.memories for name, slab in memory.slabs.items()}

    def picture(self, state: State) -> dict[str, Pose]:
        """How each slab lies in a state."""
        return {
            name: pose for memory in self.memories for name, pose in memory.poses(state).items()
        }

    def settle(self, state: State) -> None:
        """Show a state, at once."""
        for memory in self.memories:
            memory.settle(state)
        self.timeline.settle(state.step)
        self.counters.settle(state)
        self.state = state

    def enact(self, step: int) -> list[Animation]:
        """The way to the state after `step` events: told in full if it is the next event alone."""
        state = state_at(self.schedule, step, self.state)
        told: list[Animation] = []
        if step == self.state.step + 1:
            told = self._tell(self.schedule.events[step - 1], state)
        slabs = self.slabs
        already = {id(animation.mobject) for animation in told}
        for name, pose in self.picture(state).items():
            if pose != slabs[name].pose and id(slabs[name]) not in already:
                told.append(Move(slabs[name], pose))
        return [*told, *self.timeline.moves(step)]

    def back(self) -> list[Animation]:
        """The way back to the first state."""
        first = state_at(self.schedule, 0)
        # Numbers go first: what they stand on fades.
        moves = [move for memory in self.memories for move in memory.moves(first, swap=0)]
        return [*moves, *self.timeline.moves(0)]

    def _tell(self, event: Event, after: State) -> list[Animation]:
        picture, slabs = self.picture(after), self.slabs
        match event:
            case Copy(operand, k_tile, stage):
                lit = f"{operand} tile", f"{operand} outline"
                here = self.memory.inside(operand, k_tile)
                there = self.shared.resident(operand, k_tile, stage)
                filled = f"{operand}s stage {stage}", f"{operand}s zeros {stage}"
                strength = 0.5 * picture[filled[0]].fill
                route = Route(operand, "global", "shared")
                return [
                    *(Move(slabs[s], picture[s], (0, 0.3)) for s in lit),
                    carried(self.look, here, there, route, strength, (0.25, LANDED)),
                    *(Move(slabs[s], picture[s], (LANDED, 1)) for s in filled),
                ]
            case Barrier():
                return [
                    Pulse(self.shared.panel.border, self.look.theme.ink, 6),
                    *self.shared.arrive(),
                ]
            case Fragments(k_tile, k, stage):
                if self.schedule.tiling.direct:
                    names = [f"{operand} {part}" for operand in AB for part in ("tile", "outline")]
                    read = {operand: self.memory.fragment(operand, k_tile, k) for operand in AB}
                else:
                    names = [name for name in slabs if READ.fullmatch(name)]
                    read = {operand: self.shared.fragment(operand, k, stage) for operand in AB}
                return [
                    *(Move(slabs[name], picture[name], (0, 0.35)) for name in names),
                    *self.registers.reads(read, after),
                ]
            case OuterProduct():
                return self.registers.multiplies(after)
            case Exchange():
                numbers = self.shared.cells_at(after)
                zeros = [name for name in numbers if name != "Cs"]  # they go with the tiles
                here, there = self.shared.corner.box("C"), self.shared.exchange
                route = Route("C", "registers", "shared")
                return [
                    carried(self.look, here, there, route, MADE, (0.1, LANDED)),
                    Move(slabs["Cs"], picture["Cs"], (LANDED, 1)),
                    *(Swap(self.shared.cells[name], numbers[name], 0) for name in zeros),
                    Swap(self.shared.cells["Cs"], numbers["Cs"], LANDED),
                ]
            case Store(row):
                registers, there = self.shared.stored(), self.memory.inside("C")
                here = registers if row is None else self.shared.exchange
                route = Route("C", "registers" if row is None else "shared", "global")
                return [
                    carried(self.look, here, there, route, MADE, (0.1, LANDED)),
                    Move(slabs["C tile"], picture["C tile"], (LANDED, 1)),
                ]
            case Commit() | Wait():  # what has arrived fills its stage
                return []


def _arrows(look: Look, panels: dict[str, Box]) -> VGroup:
    """From memory to memory, the way data climbs."""
    arrows = VGroup()
    names = list(panels)
    for here, there in pairwise(names):
        one, other = panels[here], panels[there]
        if look.aspect == "tall":
            continue
        x0, x1, y = one.right + 10, other.x - 10, one.center[1]
        arrows.add(
            Path(
                look,
                [[(x0, y), (x1, y)], [(x1 - 14, y - 12), (x1, y), (x1 - 14, y + 12)]],
                stroke_color=look.theme.muted,
                stroke_width=3 * STROKE,
            )
        )
    return arrows
