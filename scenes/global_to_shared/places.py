"""Where things stand while a tile is loaded: two memories, the lanes of a warp, and what part of a
matrix can be drawn so large that numbers fit its cells."""

from dataclasses import dataclass

from scenes.kit.look import LABEL, Box, Look
from scenes.kit.panel import PAD
from scenes.kit.places import below_caption
from scenes.kit.type import CAP

MAP = 150
"""Design pixels beside a window for a small picture of the whole tile."""


@dataclass(frozen=True)
class LoadPlaces:
    """The boxes of the two panels and of the strip; and lines in a panel, by their baselines."""

    look: Look

    @property
    def memory(self) -> Box:
        room = below_caption(self.look)
        if self.look.aspect == "wide":
            return Box(room.x, room.y, (room.w - 56) / 2, 626)
        return Box(room.x, room.y, room.w, 400)

    @property
    def shared(self) -> Box:
        room, memory = below_caption(self.look), self.memory
        if self.look.aspect == "wide":
            return Box(room.right - memory.w, memory.y, memory.w, memory.h)
        return Box(room.x, room.bottom - memory.h, memory.w, memory.h)

    @property
    def strip(self) -> Box:
        room, memory = below_caption(self.look), self.memory
        if self.look.aspect == "wide":
            return Box(room.x, memory.bottom + 34, room.w, room.bottom - memory.bottom - 34)
        return Box(room.x, memory.bottom + 22, room.w, self.shared.y - memory.bottom - 44)

    @property
    def lanes(self) -> Box:
        """The cells of a warp's lanes, in the strip."""
        wide = self.look.aspect == "wide"
        return Box(self.strip.x, self.strip.y + 44, self.strip.w, 62 if wide else 92)

    def title(self, panel: Box) -> float:
        """Under the panel's heading."""
        return panel.y + PAD + CAP * LABEL + (54 if self.look.aspect == "wide" else 44)

    def sizes(self, text: str) -> str:
        """What stands in a panel's heading beside its name; in tall there is no room for it."""
        return text if self.look.aspect == "wide" else ""

    def foot(self, panel: Box) -> float:
        return panel.bottom - PAD

    def grid(self, panel: Box) -> Box:
        """What is left between title and foot."""
        top, bottom = self.title(panel) + 22, self.foot(panel) - CAP * LABEL - 24
        return Box(panel.x + PAD, top, panel.w - 2 * PAD, bottom - top)
