"""The schedule as a strip: loads, barriers, one cell for each k, the store; and a playhead."""

from bisect import bisect_right
from dataclasses import dataclass

from manim import Animation, ApplyMethod, Triangle, VGroup, rate_functions

from scenes.kit.look import LABEL, PIXEL, Box, Look
from scenes.kit.motion import Move
from scenes.kit.shapes import Colour, Pose, Slab
from scenes.kit.type import CAP, Label, width_of
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Event,
    Exchange,
    Fragments,
    OuterProduct,
    Schedule,
    Store,
    Wait,
    k_tile_edges,
)

WIDTHS = {
    Copy: 2.4,
    Commit: 0.3,
    Wait: 0.4,
    Barrier: 0.4,
    Fragments: 0.5,
    OuterProduct: 0.5,
    Exchange: 0.8,
    Store: 2.4,
}
"""Width of each event in k-cells."""

NARROWEST = 8
"""Design pixels of the narrowest k-cell. Where they would be narrower, the k-tiles between the
first and the last are drawn as one bar, whose width says nothing of their time."""


@dataclass(frozen=True)
class Span:
    """Steps first to last (exclusive) drawn from left to right."""

    first: int
    last: int
    left: float
    right: float


class Timeline(VGroup):
    """Where in the schedule we are: `x(step)` is a step's place, `veil` covers what is to come."""

    def __init__(self, look: Look, box: Box, schedule: Schedule) -> None:
        self.look, self.box, self.schedule = look, box, schedule
        self.spans = self._spans()
        cells, labels = VGroup(), VGroup()
        for span in self.spans:
            cell, label = self._cell(span)
            cells.add(cell)
            if label is not None:
                labels.add(label)
        self.veil = Slab(look, self._to_come(0), fill=look.theme.background)
        self.head = Triangle(fill_color=look.theme.ink, fill_opacity=1, stroke_width=0).rotate(
            3.141592653589793
        )
        self.head.stretch_to_fit_width(22 * PIXEL).stretch_to_fit_height(16 * PIXEL)
        self.settle(0)
        super().__init__(cells, self.veil, labels, self.head)

    def x(self, step: int) -> float:
        """Design pixels of the place between event step - 1 and event step."""
        span = self.spans[max(0, bisect_right([s.first for s in self.spans], step) - 1)]
        share = (step - span.first) / (span.last - span.first)
        return span.left + (span.right - span.left) * min(1, share)

    def _to_come(self, step: int) -> Box:
        x = self.x(step)
        return Box(x, self.box.y - 1, self.box.right - x + 1, self.box.h + 2)

    def settle(self, step: int) -> None:
        """Stand at a step, at once."""
        self.veil.take(Pose(self._to_come(step), 0.6))
        self.head.move_to(self.look.point(self.x(step), self.box.y - 14))

    def moves(self, step: int) -> list[Animation]:
        """The playhead on its way to a step, and the veil drawn back before it."""
        there = self.look.point(self.x(step), self.box.y - 14)
        return [
            Move(self.veil, Pose(self._to_come(step), 0.6), part=None),
            ApplyMethod(self.head.move_to, there, rate_func=rate_functions.linear),
        ]

    def _spans(self) -> list[Span]:
        events = self.schedule.events
        widths = [_width(event) for event in events]
        whole = self.box.w / sum(widths)
        if whole >= NARROWEST or self.schedule.k_tiles < 4:
            return self._lay(list(range(len(events) + 1)), widths, whole)
        # The first k-tile, one bar for those between, the last k-tile with the store.
        tiles = k_tile_edges(self.schedule)
        first, last = tiles[1], tiles[-2]
        edges = [*range(first + 1), *range(last, len(events) + 1)]
        ends = sum(widths[:first]) + sum(widths[last:])
        between = ends * 0.4
        unit = self.box.w / (ends + between)
        return self._lay(edges, [*widths[:first], between, *widths[last:]], unit)

    def _lay(self, edges: list[int], widths: list[float], unit: float) -> list[Span]:
        """Spans between successive edges; the two halves of a k are one cell."""
        spans: list[Span] = []
        left = self.box.x
        for first, last, width in zip(edges[:-1], edges[1:], widths, strict=True):
            right = left + width * unit
            if last - first == 1 and self._goes_on(first):
                before = spans.pop()
                spans.append(Span(before.first, last, before.left, right))
            else:
                spans.append(Span(first, last, left, right))
            left = right
        return spans

    def _goes_on(self, step: int) -> bool:
        """Whether an event shares the cell of the one before."""
        before, event = self.schedule.events[step - 1 : step + 1] if step else (None, None)
        return isinstance(event, OuterProduct) and isinstance(before, Fragments)

    def _cell(self, span: Span) -> tuple[Slab, Label | None]:
        theme, width = self.look.theme, span.right - span.left
        gap = min(2.0, width * 0.15)
        box = Box(span.left + gap / 2, self.box.y, width - gap, self.box.h)
        words: list[str] = []
        fill: Colour
        if span.last - span.first > 2:
            count = self.schedule.k_tiles - 2
            fill, words = theme.tint("C", 0.3), [f"{count} more k-tiles", f"{count}"]
        else:
            match self.schedule.events[span.first]:
                case Copy(operand):
                    fill, words = theme.tint(operand, 0.45), [f"load {operand}", operand]
                case Barrier():
                    fill = theme.ink
                case Wait():
                    fill = theme.muted
                case Commit():
                    fill = theme.line
                case Exchange():
                    fill = theme.tint("C", 0.15)
                case Store():
                    fill, words = theme.tint("C", 0.3), ["store C", "C"]
                case _:
                    fill = theme.tint("C", 0.85)
        label = None
        for word in words:
            if label is None and width_of(word, LABEL - 2) <= box.w - 8:
                x, y = box.center
                label = Label(
                    self.look, word, x, y + CAP * (LABEL - 2) / 2, LABEL - 2, theme.ink, "center"
                )
        return Slab(self.look, box, fill=fill), label


def _width(event: Event) -> float:
    """In k-cells; a row of the store takes as long as its exchange."""
    if isinstance(event, Store) and event.row is not None:
        return WIDTHS[Exchange]
    return WIDTHS[type(event)]
