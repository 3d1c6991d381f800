"""The card before a scene in the film: its name, for two seconds."""

from typing import ClassVar

from scenes import SCENES, title_of
from scenes.kit.look import LABEL, Box
from scenes.kit.matrix import Corner, Name, frame
from scenes.kit.shapes import Slab
from scenes.kit.tiling_scene import Mark, TilingScene
from scenes.kit.type import CAP, MONO, Label

SECONDS = 2.0
"""Too short for a whole sentence: the scene itself begins with what it asks."""

SIZES = {"wide": 128, "tall": 76}
"""Design pixels of the letters."""

MOTIFS = {"wide": 250, "tall": 200}
"""Design pixels of a side of the small matrix product."""


class TitleCard(TilingScene):
    """Stands still, so that it costs one frame."""

    scene: ClassVar[str] = next(iter(SCENES))

    def construct(self) -> None:
        name, schedule, look = title_of(self.scene), self.choice.schedule(), self.look
        size, motif = SIZES[look.aspect], MOTIFS[look.aspect]
        self.captions.append(Mark(0.0, name, SCENES[self.scene]))
        self.chapters.append(Mark(0.0, name))
        self.next_section(name)
        self.poster_at = 0.0
        (x, y), wide = look.frame.center, look.aspect == "wide"
        left = x - 700 if wide else look.margin.x + 20
        self._motif(Box(left, y - motif / 2 - (0 if wide else 170), motif, motif))
        left, base = (left + motif + 90, y + CAP * size / 2 - 24) if wide else (left, y + 70)
        self.add(Label(look, name, left, base, size, look.theme.ink, weight="SEMIBOLD"))
        sizes = f"{schedule.gemm} in {schedule.tiling}"
        self.add(
            Label(
                look,
                sizes,
                left + 4,
                base + (84 if wide else 60),
                LABEL + (8 if wide else 2),
                look.theme.muted,
                font=MONO,
            )
        )
        self.wait(SECONDS)

    def _motif(self, box: Box) -> None:
        """Rows of A, columns of B, and C where they meet."""
        corner, thirds = Corner(3, 3, 3, box, 10), [1 / 3, 2 / 3]
        names: tuple[Name, ...] = ("A", "B", "C")
        for name in names:
            self.add(Slab(self.look, corner.box(name), self.look.theme.tint(name, 0.75)))
            self.add(frame(self.look, corner.box(name), name, thirds, thirds))
