"""What the three memories have in common: a panel, and matrices in the corner arrangement."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from scenes.kit.figure import Figure, S
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.matrix import Corner, Name
from scenes.kit.panel import LINE, PAD, Panel
from scenes.kit.places import LETTER_ROOM, Places
from scenes.kit.type import CAP, MONO, Label, Lettering, width_of
from tiling.layout import Operand

LETTER = 36
"""Design pixels of the operands' names."""

GAP = 18
"""Design pixels between A or B and C."""

THREE_LINES = 106
"""Design pixels of a panel in tall above which nothing is drawn but a heading of three lines, and
letters beside it."""


class ProductPanel(Figure[S]):
    """A panel with matrices in the corner arrangement."""

    def __init__(
        self, look: Look, places: Places, name: str, heading: list[str], corner: Corner
    ) -> None:
        super().__init__(look)
        if look.aspect == "tall":
            box, top = corner.within, under_heading(places.panels[name], heading, corner)
            lower = max(0, top - box.y)
            corner = replace(corner, within=Box(box.x, box.y + lower, box.w, box.h - lower))
        self.corner = corner
        self.panel = Panel(look, places.panels[name], heading[0], heading[1])
        self.add(self.panel)

    def cell(self, name: Name) -> Box:
        """The first element of a matrix."""
        return self.corner.part(name, 0, 0, 1, 1)

    def fragment_box(self, operand: Operand, row: int, col: int, k: int, size: int) -> Box:
        """`size` elements of A or B at one k, from a row on or from a column on."""
        if operand == "A":
            return self.corner.part("A", row, k, size, 1)
        return self.corner.part("B", k, col, 1, size)

    def letters(self, names: dict[Name, str], axes: Sequence[str], size: float) -> None:
        """Operands' names, and M, N, K along their sides."""
        self.add(*letters(self.look, self.corner, names, axes, size))
        if self.corner.stretched:
            self.panel.head(stretched(self.corner))


def under_heading(panel: Box, heading: list[str], corner: Corner) -> float:
    """Where in tall matrices may begin: under the heading if it has three lines, or if B, or where
    it is flat its name, would stand over them."""
    lines = [width_of(heading[0], LABEL, weight="SEMIBOLD"), width_of(heading[1], LABEL, MONO)]
    if corner.stretched:
        lines.append(width_of(stretched(corner), LABEL))
    last = panel.y + PAD + CAP * LABEL + (len(lines) - 1) * LINE
    if corner.box("B").x < panel.x + PAD + max(lines) + 8:
        return last + (CAP * LETTER + 22 if flat(corner, LETTER) else 18)
    return panel.y + THREE_LINES if corner.stretched else panel.y


def stretched(corner: Corner) -> str:
    """Which sides are drawn longer than they are."""
    return ", ".join(corner.stretched).lower() + " stretched"


def flat(corner: Corner, size: float) -> bool:
    """Whether B is so low that its name, beside it, would meet A's: then it stands above it."""
    a, b = corner.box("A"), corner.box("B")
    return b.y + b.h / 2 > a.y - 1.6 * size


def letters(
    look: Look, corner: Corner, names: dict[Name, str], axes: Sequence[str], size: float
) -> Iterator[Label]:
    """Operands' names, and `axes` for M, N, K along their sides ("" for none)."""
    theme, box = look.theme, corner.box
    a, b, c = box("A"), box("B"), box("C")
    ink = theme.ink_of
    bold: Lettering = {"weight": "SEMIBOLD"}
    # A's name stands above A and B's to the left of B.
    low = flat(corner, size)
    at_b = (b.x, b.y - 14, "left") if low else (b.x - 14, b.center[1] + CAP * size / 2, "right")
    yield Label(look, names["A"], a.center[0], a.y - 14, size, ink["A"], "center", **bold)
    yield Label(look, names["B"], at_b[0], at_b[1], size, ink["B"], at_b[2], **bold)
    m, n, k = axes
    # Under narrow matrices there is no room for both K and C's name.
    apart = (width_of(k, LABEL, MONO) + width_of(names.get("C", ""), size, **bold)) / 2 + 12
    under_a = "" if "C" in names and c.center[0] - a.center[0] < apart else k
    small, below = CAP * LABEL / 2, 14 + CAP * LABEL
    for axis, x, y, anchor in (
        (m, a.x - 12, a.center[1] + small, "right"),
        (under_a, a.center[0], a.bottom + below, "center"),
        (n, b.center[0], b.y - 14, "center"),
        (k, b.right + 12, b.center[1] + small, "left"),
    ):
        fits = anchor != "left" or width_of(axis, LABEL, MONO) <= LETTER_ROOM - 10
        if axis and fits and not (low and axis == n and b.w < 4 * size):
            yield Label(look, axis, x, y, LABEL, theme.muted, anchor, MONO)
    if "C" in names:
        y = c.bottom + 14 + CAP * size
        yield Label(look, names["C"], c.center[0], y, size, ink["C"], "center", **bold)
