"""How far a load is, and what draws it."""

from dataclasses import dataclass

from scenes.global_to_shared.crops import Crop
from scenes.kit.figure import Figure
from scenes.kit.look import LABEL, LEAST, Box, Look
from scenes.kit.shapes import STROKE, Patch, Path, outline
from scenes.kit.type import Tags, Texts, fitting_size
from tiling.for_scenes.loads import Load


@dataclass(frozen=True)
class LoadStep:
    """How far a load is, in elements, which come in the order in which they are fetched.

    Those up to `asked` have been asked for, those of them from `since` on just now; the sectors of
    these light up if `lit`. Those up to `landed` lie in shared memory, or in registers. If it is
    `numbered`, the lanes of all of them are written in their cells.
    """

    asked: int = 0
    since: int = 0
    lit: bool = False
    landed: int = 0
    numbered: bool = True


class Plot(Figure[LoadStep]):
    """A picture of a load. `patches_at(step)` says where its patches lie."""

    def __init__(self, look: Look, load: Load) -> None:
        super().__init__(look)
        self.load = load
        self.patches: dict[str, Patch] = {}

    def patches_at(self, step: LoadStep) -> dict[str, Patch]:
        return {}

    def settle(self, state: LoadStep) -> None:
        super().settle(state)
        for name, patch in self.patches_at(state).items():
            self.patches[name].take(patch)

    def filled(self, boxes: list[Box], strength: float) -> Patch:
        color = self.look.theme.tint(self.load.operand, strength)
        lines = [outline(box) for box in boxes]
        return Patch(self.look, lines, fill_color=color, fill_opacity=1, stroke_width=0)

    def ink_on(self, strength: float) -> str:
        return self.look.theme.ink_on(self.look.theme.tint(self.load.operand, strength))

    def grid(self, crop: Crop) -> Path:
        color = self.look.theme.tint(self.load.operand, 0.4)
        return Path(self.look, crop.lines(), stroke_color=color, stroke_width=STROKE)

    def numbers(self, boxes: list[Box], texts: list[str], color: str) -> Texts:
        """Lanes in these boxes, nothing where they would be too small to read."""
        digits = max(2, *map(len, ["", *texts]))
        size = min((fitting_size(box, digits, LABEL + 6) for box in boxes), default=LABEL)
        if size < LEAST:
            boxes, texts = [], []
        return Tags(self.look, boxes, texts, size, color)
