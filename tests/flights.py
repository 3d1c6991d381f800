"""Whether what flies flies as the schedule says: which operand, from which memory, to which."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from manim import ManimColor, VMobject

from scenes.kit.look import Box, Palette
from scenes.kit.motion import Carry, Travel
from scenes.kit.panel import Panel
from scenes.kit.route import Route
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.type import Texts
from scenes.overview.board import ThreeMemories
from tests.geometry import ends_of, family
from tiling.layout import AB
from tiling.schedule import Copy, Event, Exchange, Fragments, Schedule, Store
from tiling.shapes import Tiling


def astray(film: TilingScene) -> Iterator[str]:
    """What is wrong with the flights of the play that begins."""
    flights = [
        move
        for move in film.animations or ()
        if isinstance(move, Carry | Travel) and not isinstance(move.mobject, Texts)
    ]  # but for numbers: these ride on tiles
    if not flights:
        return
    schedule, where = film.choice.schedule(), "the schedule"
    allowed = flights_in(schedule)
    if isinstance(board := getattr(film, "board", None), ThreeMemories):
        where = schedule.events[board.state.step]
        allowed = flights_of(schedule.tiling, where)
    panels = [part for part in family(film) if isinstance(part, Panel)]
    for move in flights:
        route = move.route
        if route not in allowed:
            yield f"{route} is not in {where}"
        starts, lands = np.split(ends_of(film, move), 2)
        for boxes, memory in (starts, route.here), (lands, route.there):
            if found := {memory_at(panels, box) for box in boxes} - {memory}:
                yield f"{route} begins or ends in {found}"
        if (of := operand_of(film.look.theme, move.mobject)) != route.operand:
            yield f"{route} has the colour of {of}"


@lru_cache(maxsize=8)
def flights_in(schedule: Schedule) -> set[Route]:
    """What any of a schedule's events brings from one memory to another."""
    return {route for event in schedule.events for route in flights_of(schedule.tiling, event)}


def flights_of(tiling: Tiling, event: Event) -> set[Route]:
    """What an event brings from one memory to another."""
    match event:
        case Copy(operand):
            return {Route(operand, "global", "shared")}
        case Fragments():
            here = "global" if tiling.direct else "shared"
            return {Route(operand, here, "registers") for operand in AB}
        case Exchange():
            return {Route("C", "registers", "shared")}
        case Store(row):
            return {Route("C", "registers" if row is None else "shared", "global")}
    return set()


def memory_at(panels: list[Panel], box: np.ndarray) -> str:
    """Of the panels in which a box (left, top, right, bottom) lies, the innermost's memory."""
    x, y = (box[:2] + box[2:]) / 2
    around = [panel for panel in panels if holds(panel.box, x, y)]
    return min(around, key=lambda panel: panel.box.w * panel.box.h).memory


def holds(box: Box, x: float, y: float) -> bool:
    return box.x <= x <= box.right and box.y <= y <= box.bottom


def operand_of(theme: Palette, shape: VMobject) -> str:
    """Whose colour a shape has: the operand towards which it lies from the ground."""
    ground = np.array(ManimColor(theme.background).to_rgb())
    way = shape.fill_rgbas[0, :3] - ground

    def aside(operand: str) -> float:
        toward = np.array(ManimColor(theme.operand[operand]).to_rgb()) - ground
        return float(way @ toward / np.linalg.norm(way) / np.linalg.norm(toward))

    return max(theme.operand, key=aside)
