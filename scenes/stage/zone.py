"""A memory: a panel with its name and what its sizes are."""

from manim import RoundedRectangle, VGroup

from scenes.stage.look import LABEL, PIXEL, Box, Look
from scenes.stage.shapes import STROKE
from scenes.stage.type import CAP, MONO, WORDS, Label


class Zone(VGroup):
    """The panel of one memory. `panel` is its border; what lies in it is up to the stage."""

    def __init__(self, look: Look, box: Box, name: str, sizes: str) -> None:
        theme = look.theme
        self.box = box
        self.panel = RoundedRectangle(
            width=box.w * PIXEL,
            height=box.h * PIXEL,
            corner_radius=14 * PIXEL,
            stroke_color=theme.line,
            stroke_width=2 * STROKE,
        ).move_to(look.point(*box.center))
        tall = look.aspect == "tall"
        x, y = box.x + 28, box.y + 28 + CAP * LABEL
        self.name = Label(look, name, x, y, LABEL, theme.muted, weight="SEMIBOLD")
        if tall:
            self.sizes = Label(look, sizes, x, y + 40, LABEL, theme.muted, font=MONO)
        else:
            self.sizes = Label(look, sizes, box.right - 28, y, LABEL, theme.muted, "right", MONO)
        super().__init__(self.panel, self.name, self.sizes)
        self.look = look

    def note(self, text: str, font: str = WORDS) -> None:
        """A line about the zone, at its foot (wide) or under its heading (tall)."""
        x, tall = self.box.x + 28, self.look.aspect == "tall"
        y = self.sizes.box.bottom + 52 if tall else self.box.bottom - 24
        lines = text.split("+=") if tall and "+=" in text else [text]
        if len(lines) == 2:
            lines = [lines[0] + "+=", " " + lines[1]]
        for i, line in enumerate(lines):
            self.add(Label(self.look, line, x, y + 36 * i, LABEL, self.look.theme.muted, font=font))
