"""The line of the kernel that does what is seen, with its number, as the compiled kernel was traced
to do it (`tiling.kernel_line`)."""

from manim import VGroup

from scenes.kit.look import LEAST, Box, Look
from scenes.kit.type import ADVANCE, CAP, MONO, Label
from tiling.kernel_line import lines_of
from tiling.schedule import Event
from tiling.shapes import Tiling

FILE = "gemm.cu"
BETWEEN = 3
"""Characters between two lines that stand side by side."""

ROW = 28
"""Design pixels from row to row."""


class KernelLine(VGroup):
    """One row in wide, with what follows beside it as far as there is room; two in tall."""

    def __init__(self, look: Look, box: Box, tiling: Tiling) -> None:
        self.look, self.box, self.tiling = look, box, tiling
        self.most = int(box.w / (LEAST * ADVANCE))
        super().__init__()

    def tell(self, event: Event | None) -> None:
        """The lines of an event, or nothing."""
        self.submobjects.clear()
        lines = {line.number: line.text for line in lines_of(self.tiling, event)} if event else {}
        at = row = 0
        for place, (number, text) in enumerate(lines.items()):
            if place and self.look.aspect == "tall":
                at, row = 0, row + 1
            head = f"{FILE}:{number}" if not place else f"{number}"
            room = self.most - at - len(head) - 1
            if room < len(text) // 2:
                break
            shown = text if len(text) <= room else text[: room - 1].rstrip() + "…"
            self._write(head, at, row, self.look.theme.muted)
            self._write(shown, at + len(head) + 1, row, self.look.theme.ink)
            at += len(head) + 1 + len(shown) + BETWEEN

    def _write(self, text: str, at: int, row: int, ink: str) -> None:
        x, y = self.box.x + at * LEAST * ADVANCE, self.box.y + CAP * LEAST + row * ROW
        self.add(Label(self.look, text, x, y, LEAST, ink, font=MONO))
