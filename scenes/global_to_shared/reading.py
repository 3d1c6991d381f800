"""The words that one thread reads of As at one k: neighbours, since As is stored transposed."""

import numpy as np
from manim import VGroup

from scenes.global_to_shared.crops import Crop
from scenes.global_to_shared.loader import Loader
from scenes.global_to_shared.windows import BEFORE, NOW
from scenes.kit.look import LABEL, LEAST, Box, Look
from scenes.kit.panel import PAD
from scenes.kit.shapes import STROKE, Patch, Path, Slab, Style, outline
from scenes.kit.type import CAP, MONO, Label, Tags, fitting_size, width_of
from tiling.for_scenes.loads import first_reads
from tiling.layout import Ints
from tiling.shapes import WARP


class Reading(VGroup):
    """The words that a thread reads at k = 0: in As as it is, and if A had kept its shape."""

    def __init__(self, look: Look, a: Loader, box: Box) -> None:
        super().__init__()
        self.look, reads = look, first_reads(a.load)
        row, as_it_is = reads.row, reads.words
        self.words, self.loaded = [as_it_is, reads.kept], reads.by.tolist()
        names = ["As[k][row], as it is", "As[row][k], not transposed"]
        told = [_listed(words) for words in self.words]
        widths = [
            width_of(name, LABEL, MONO) + width_of(words, LABEL) + PAD
            for name, words in zip(names, told, strict=True)
        ]
        if max(widths) > box.w:  # then the names alone
            names = [name.partition(",")[0] for name in names]
        lead = (box.h + 10) / 2
        for i, (words, name, said) in enumerate(zip(self.words, names, told, strict=True)):
            self._strip(words, name, said, Box(box.x, box.y + i * lead, box.w, lead - 30))
        first = a.load.schedule.origin("A")
        column, zeros = np.full_like(row, first[1]), np.zeros_like(row)
        for crop, rows, cols, words in (
            (a.window.crop, first[0] + row, column, self.words[1]),
            (a.tile.crop, zeros, row, as_it_is),
        ):
            lines = [outline(one.inset(2)) for one in crop.cover(rows, cols)]
            self.add(Path(look, lines, stroke_color=look.theme.ink, stroke_width=5 * STROKE))
            self._number(crop, rows, cols, words)

    def _number(self, crop: Crop, rows: Ints, cols: Ints, words: Ints) -> None:
        """Which words they are, in the cells of those that are seen, where they can be read."""
        held = np.flatnonzero(crop.holds(rows, cols)).tolist()
        size = fitting_size(crop.cell, max(2, len(str(words[-1]))), LABEL)
        if size >= LEAST:
            boxes = [crop.part(int(rows[i]), int(cols[i])) for i in held]
            ink = self.look.theme.ink_on(self.look.theme.tint("A", BEFORE))
            self.add(Tags(self.look, boxes, [str(words[i]) for i in held], size, ink))

    def _strip(self, words: np.ndarray, name: str, said: str, box: Box) -> None:
        look, theme = self.look, self.look.theme
        top = box.y + CAP * LABEL
        self.add(Label(look, name, box.x, top, LABEL, theme.ink_of["A"], font=MONO))
        self.add(Label(look, said, box.right, top, LABEL, theme.muted, "right"))
        crop = Crop(Box(box.x, top + 14, box.w, min(56, box.h - CAP * LABEL - 14)), 0, 0, 1, WARP)
        seen = words[words < WARP]
        boxes = crop.cover(np.zeros_like(seen), seen)
        color = theme.tint("A", NOW)
        lines = [outline(one) for one in boxes]
        self.add(Patch(look, lines, fill_color=color, fill_opacity=1, stroke_width=0))
        grey: Style = {"stroke_color": theme.tint("A", 0.5), "stroke_width": STROKE}
        self.add(
            Path(look, crop.lines(), **grey), Slab(look, crop.box, stroke=theme.tint("A", 0.9))
        )
        size = fitting_size(crop.cell, 2, LABEL)
        if size >= LEAST:
            each = [crop.part(0, word) for word in seen.tolist()]
            texts = [str(word) for word in seen.tolist()]
            self.add(Tags(look, each, texts, size, theme.ink_on(color)))


def _listed(words: Ints) -> str:
    """Which words are read, and whether they all are in the strip."""
    listed = ", ".join(map(str, words))
    if len(words) > 4:
        listed = f"{', '.join(map(str, words[:3]))}, … {words[-1]}"
    return f"reads words {listed}" + (f"; 0–{WARP - 1} shown" if words[-1] >= WARP else "")
