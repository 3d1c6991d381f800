"""The numbers under the strip, each read from a state of the schedule."""

from bisect import bisect_left

from manim import VGroup

from scenes.kit.amounts import of
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.type import CAP, MONO, Label
from tiling.schedule import Schedule, k_tile_edges
from tiling.state import State, state_at


class Counters(VGroup):
    """How far the CTA is: k-tile, k, FMAs, bytes requested from global memory."""

    def __init__(self, look: Look, box: Box, schedule: Schedule) -> None:
        self.look, self.schedule = look, schedule
        self.end = state_at(schedule, len(schedule.events))
        self.edges = k_tile_edges(schedule)
        wide = look.aspect == "wide"
        size = LABEL + 2 if wide else LABEL - 2
        anchors = (
            ["left", "center", "center", "right"] if wide else ["left", "right", "right", "left"]
        )
        rows = (0, 0, 0, 0) if wide else (0, 1, 0, 1)
        longest = [len(text) for text in self.texts(self.end)]
        self.labels = []
        for i, anchor in enumerate(anchors):
            share = {"left": 0.0, "right": 1.0}.get(anchor, 0.335 if i == 1 else 0.61)
            width = longest[i] * 0.6 * size
            x = box.x + box.w * share - width * {"left": 0, "center": 0.5, "right": 1}[anchor]
            y = box.y + CAP * size + 6 + rows[i] * 40
            self.labels.append((x, y, size))
        super().__init__()
        self.settle(state_at(schedule, 0))

    def texts(self, state: State) -> list[str]:
        k_tiles, k = self.schedule.k_tiles, self.schedule.gemm.k
        now = max(1, bisect_left(self.edges[:-1], state.step))
        return [
            "k-tile " + of(now, k_tiles),
            "k " + of(min(state.k_done, k), k),
            "FMA " + of(state.fma, self.end.fma),
            "requested " + of(state.requested_bytes, self.end.requested_bytes, "B"),
        ]

    def settle(self, state: State) -> None:
        """Let the numbers be those of a state."""
        places = zip(self.texts(state), self.labels, strict=True)
        for i, (text, (x, y, size)) in enumerate(places):
            if self.submobjects[i : i + 1] and self.submobjects[i].text == text:
                continue
            label = Label(self.look, text, x, y, size, self.look.theme.muted, font=MONO)
            self.submobjects[i : i + 1] = [label]
