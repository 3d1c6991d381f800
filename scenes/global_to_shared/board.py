"""The parts on the screen: two memories and a strip, and what is seen in them."""

from itertools import pairwise

import numpy as np
from manim import Animation, ManimColor, VGroup

from scenes.global_to_shared.shots import FirstLoads, Picture
from scenes.global_to_shared.views import BEFORE, EMPTY, NOW, ZERO, Cells, Flight, View
from scenes.kit.amounts import plural
from scenes.kit.bars import Bars
from scenes.kit.board import StateBoard
from scenes.kit.figure import Figure
from scenes.kit.look import LABEL, LEAST, Box, Look
from scenes.kit.matrix import frame, marks
from scenes.kit.motion import LANDED, Pulse, Relight, Swap, Travel, exchange
from scenes.kit.panel import LINE, PAD, Panel
from scenes.kit.places import below_caption
from scenes.kit.route import Memory, Route
from scenes.kit.shapes import STROKE, Patch, Path, Slab, dashed, outline
from scenes.kit.type import ADVANCE, CAP, MONO, WORDS, Label, Tags, Texts, fitting_size
from tiling.sectors import SECTOR, SECTOR_FLOATS

STRENGTH = {ZERO: 0.16, BEFORE: 0.5, NOW: 0.85}
"""Of the tint of what is filled."""

LARGEST, WIDEST, THINNEST = 78, 110, 3
"""Design pixels of the largest cell, of the widest in a strip, and of the thinnest outline."""

SLIM = 4
"""How many times wider than high a cell is, at most, or the other way round."""

ABOVE = PAD + CAP * LABEL + 18
"""Design pixels of a panel's first line of words."""


class Sheet(Figure[Cells]):
    """A view in a box: its cells, those that are filled, and the runs that are lit."""

    def __init__(self, look: Look, view: View, box: Box) -> None:
        super().__init__(look)
        self.view, self.box = view, box
        rows, cols = view.inside if view.inside[0] else (view.rows, view.cols)
        inside, tile = self.part((0, 0), (rows, cols)), self.part(view.tile_at, view.tile)
        self.add(Slab(look, inside, fill=self.tint(0.06)))
        if lies := tile.intersect(inside):
            self.add(Slab(look, lies, fill=self.tint(0.2)))
        self.patches = {code: self.filled(code, []) for code in STRENGTH}
        self.add(*self.patches.values())
        within = marks(inside.h, rows, 1), marks(inside.w, cols, 1)
        self.add(frame(look, inside, view.operand, *within), self._borders())
        if lies and (
            view.tile_at[0] + view.tile[0] > rows or view.tile_at[1] + view.tile[1] > cols
        ):
            sides = [list(side) for side in pairwise(outline(tile))]
            width, muted = 2 * STROKE, look.theme.muted
            self.add(Path(look, dashed(sides, 6), stroke_color=muted, stroke_width=width))
        self.lit = self._outlined(frozenset())
        self.add(self.lit)
        self.add_cells({str(code): self._texts(None, code) for code in (EMPTY, *STRENGTH)})

    def part(self, at: tuple[float, float], size: tuple[float, float] = (1, 1)) -> Box:
        return self.box.part(self.view.rows, self.view.cols, *at, *size)

    def tint(self, strength: float) -> ManimColor:
        return self.look.theme.tint(self.view.operand, strength)

    def filled(self, code: int, boxes: list[Box]) -> Patch:
        color, lines = self.tint(STRENGTH[code]), [outline(box) for box in boxes]
        return Patch(self.look, lines, fill_color=color, fill_opacity=1, stroke_width=0)

    def _borders(self) -> Path:
        """Where one run ends and the next begins."""
        at, view = list[Box](), self.view
        for run in view.runs:
            if run.begins and run.first > view.col:
                at.append(self.part((run.row - view.row, run.first - view.col)))
        lines = [[(box.x, box.y), (box.x, box.bottom)] for box in at]
        return Path(self.look, lines, stroke_color=self.tint(0.9), stroke_width=3 * STROKE)

    def _outlined(self, lit: frozenset[int]) -> Patch:
        """Runs, open where they go on in another row or beyond what is seen."""
        view, height, lines = self.view, self.part((0, 0)).h, []
        gap = min(4.0, height * 0.12)
        for run in view.runs:
            if run.of in lit:
                at = run.row - view.row, run.first - view.col
                box = self.part(at, (1, run.last - run.first + 1)).at_least(THINNEST)
                left, right = box.x + gap * run.begins, box.right - gap * run.ends
                top, bottom = box.y + gap, box.bottom - gap
                lines += [[(left, y), (right, y)] for y in (top, bottom)]
                ends = [left] * run.begins + [right] * run.ends
                lines += [[(x, top), (x, bottom)] for x in ends]
        width = (4 if height > 24 else 2) * STROKE
        return Patch(self.look, lines, stroke_color=self.look.theme.ink, stroke_width=width)

    def patches_at(self, state: Cells) -> dict[int, Patch]:
        """Filled cells, neighbours in a row as one box."""
        found = {}
        for code in STRENGTH:
            edges = np.diff(np.pad(state.fill == code, ((0, 0), (1, 1))).astype(int))
            row, at = (side.reshape(-1, 2).tolist() for side in np.nonzero(edges))
            spans = zip(row, at, strict=True)
            boxes = [self.part((r, first), (1, end - first)) for (r, _), (first, end) in spans]
            found[code] = self.filled(code, boxes)
        return found

    def number_size(self, texts: list[str]) -> float:
        """0 where they would be too small."""
        size = fitting_size(self.part((0, 0)), max([2, *map(len, texts)]), LABEL + 8)
        return size if size >= LEAST else 0

    def ink(self, code: int) -> str:
        theme = self.look.theme
        return theme.muted if code in (EMPTY, ZERO) else theme.ink_on(self.tint(STRENGTH[code]))

    def _texts(self, state: Cells | None, code: int) -> Texts:
        size = self.number_size(state.text.ravel().tolist()) if state else 0
        texts = np.where(state.fill == code, state.text, "") if state and size else None
        return Texts(self.look, self.box, texts, size or LEAST, self.ink(code))

    def cells_at(self, state: Cells) -> dict[str, Texts]:
        return {str(code): self._texts(state, code) for code in (EMPTY, *STRENGTH)}

    def settle(self, state: Cells) -> None:
        super().settle(state)
        for code, patch in self.patches_at(state).items():
            self.patches[code].take(patch)
        self.lit.take(self._outlined(state.lit))

    def moves(self, state: Cells, swap: float = 0.2) -> list[Animation]:
        """If it swaps late, something lands: its numbers go first, so that none is flown over."""
        empty = {name: self._texts(None, int(name)) for name in self.cells if name.isdigit()}
        found: list[Animation] = []
        if swap == LANDED:
            found += [Swap(self.cells[name], texts, 0) for name, texts in empty.items()]
        found += super().moves(state, swap)
        found += [Swap(self.patches[c], patch, swap) for c, patch in self.patches_at(state).items()]
        lit = self._outlined(state.lit)
        if not np.array_equal(lit.points, self.lit.points):
            found.append(Relight(self.lit, lit, (0, 0.6)))
        return found


class Strip(Sheet):
    """A row of cells, its name over it, and what is told of it beside that, or in tall below."""

    def __init__(self, look: Look, view: View, room: Box) -> None:
        self.room, high = room, 62 if look.aspect == "wide" and view.rows == 1 else 44
        if look.aspect == "tall" and view.rows == 1 and view.cols > 16:
            view = View(view.operand, view.name, "", 2, view.cols // 2)
        wide, top = min(WIDEST, room.w / view.cols), room.y + CAP * LABEL + 16
        super().__init__(look, view, Box(room.x, top, wide * view.cols, high * view.rows))
        self.add(Label(look, view.name, room.x, room.y + CAP * LABEL, LABEL, look.theme.ink))
        self.cells["told"] = self._told("")
        self.add(self.cells["told"])

    def _told(self, text: str) -> Texts:
        y = self.room.y if self.look.aspect == "wide" else self.box.bottom + 14
        width = len(text) * ADVANCE * LABEL
        place = Box(self.room.right - width, y, width, CAP * LABEL)
        return Texts(self.look, place, np.array([[text]], object), LABEL, self.look.theme.ink)

    def _folded(self, state: Cells) -> Cells:
        shape = self.view.rows, self.view.cols
        return Cells(state.fill.reshape(shape), state.text.reshape(shape))

    def patches_at(self, state: Cells) -> dict[int, Patch]:
        return super().patches_at(self._folded(state))

    def cells_at(self, state: Cells) -> dict[str, Texts]:
        return {**super().cells_at(self._folded(state)), "told": self._told(state.told)}


class LoadBoard(StateBoard[Picture]):
    """What is on the screen, part by part: a part is made when it first comes."""

    def __init__(self, look: Look, loads: FirstLoads) -> None:
        self.look, self.loads, self.wide = look, loads, look.aspect == "wide"
        room = below_caption(look)
        left = Box(room.x, room.y, 1040, 660)
        strip = Box(room.x, room.y + 694, room.w, room.h - 694)
        right = Box(left.right + 40, room.y, room.w - 1080, left.h)
        if not self.wide:
            strip, left = Box(room.x, room.y, room.w, 172), Box(room.x, room.y + 190, room.w, 424)
            right = Box(room.x, left.bottom + 18, room.w, room.bottom - left.bottom - 18)
        self.left, self.right, self.strip = left, right, strip
        self.parts: dict[str, VGroup] = {}
        self.sheets: dict[str, Sheet] = {}
        super().__init__(loads.start())

    def _names(self, state: Picture) -> list[str]:
        """The parts on the screen, panels first."""
        second = "second" if "columns" in state.cells else "target"
        return ["memory", second, *state.cells, *["bars"] * bool(state.bars)]

    def on_screen(self, state: Picture) -> list[VGroup]:
        return [self._part(name) for name in self._names(state)]

    def settle(self, state: Picture) -> None:
        self.on_screen(state)
        for name, cells in state.cells.items():
            self.sheets[name].settle(cells)
        if state.bars:
            self.bars.settle(state.bars)
        self.state = state

    def moves(self, state: Picture) -> list[Animation]:
        """Parts that go, and others in their place; those that stay show something else."""
        now, then = self._names(self.state), self._names(state)
        come = [name for name in then if name not in now]
        arriving = [self._part(name) for name in come]
        for name in set(come) & state.cells.keys():
            self.sheets[name].settle(state.cells[name])
        leaving = [self._part(name) for name in now if name not in then]
        moves = exchange(leaving, arriving)
        for name in state.cells.keys() - set(come):
            lands = state.flights and name == f"{state.flights[0].operand}s"
            moves += self.sheets[name].moves(state.cells[name], LANDED if lands else 0.2)
        if state.bars:
            moves += self.bars.moves(state.bars)
        if state.barrier:
            moves.append(Pulse(self.panel.border, self.look.theme.ink, 6))
        return [*moves, *self._flying(state.flights)]

    def _part(self, name: str) -> VGroup:
        if name not in self.parts:
            self.parts[name] = self._made(name)
        return self.parts[name]

    def _made(self, name: str) -> VGroup:
        loads, look = self.loads, self.look
        if name == "memory":
            return Panel(
                look, self.left, "GLOBAL MEMORY", str(loads.plan.gemm) if self.wide else ""
            )
        if name in ("target", "second"):
            memory = "REGISTERS" if loads.direct else "SHARED MEMORY"
            return self._below(memory if name == "target" else "GLOBAL MEMORY")
        if name == "bars":
            most = max(loads.totals)
            self.bars = Bars(look, self.strip.inset(4, 0), loads.ways, most, _sectors)
            return self.bars
        view = loads.views[name]
        if name in ("A", "B", "As", "Bs", "rows", "columns"):
            self.sheets[name] = Sheet(look, view, self._fit(name, view))
            return VGroup(self.sheets[name], *self._titles(name, view))
        self.sheets[name] = Strip(look, view, self.strip)
        return self.sheets[name]

    def _below(self, name: str) -> VGroup:
        """The second panel. In tall its name is at its foot: what travels comes from above."""
        look, box = self.look, self.right
        self.panel = Panel(look, box, name if self.wide else "", memory=name.split()[0].lower())
        y, muted = box.bottom - PAD, look.theme.muted
        foot = Label(
            look, "" if self.wide else name, box.x + PAD, y, LABEL, muted, weight="SEMIBOLD"
        )
        return VGroup(self.panel, foot)

    def _area(self, name: str) -> Box:
        """Where cells may lie: between the lines of words, which are at the foot of the panel that
        is below."""
        lands, below = name in ("As", "Bs"), name in ("As", "Bs", "columns")
        box, words = self.right if below else self.left, ABOVE + LINE * (2 if lands else 1)
        top, bottom = words, ABOVE
        if not self.wide:
            top, bottom = (24.0, ABOVE + 2 * LINE) if below else (ABOVE + 2 * LINE, 24.0)
        area = Box(box.x + PAD, box.y + top, box.w - 2 * PAD, box.h - top - bottom)
        return area.part(1, 100, 0, 0 if name == "As" else 53, 1, 47) if lands else area

    def _fit(self, name: str, view: View) -> Box:
        """Cells that are not too slim, as large as there is room; both orders alike."""
        orders, area = ("rows", "columns"), self._area(name)
        room = [self._area(one) for one in (orders if name in orders else (name,))]
        w = min(LARGEST, *(one.w / view.cols for one in room))
        h = min(LARGEST, *(one.h / view.rows for one in room))
        w, h = min(w, SLIM * h) * view.cols, min(h, SLIM * w) * view.rows
        x, y = area.center
        return Box(x - w / 2, y - h / 2, w, h)

    def _titles(self, name: str, view: View) -> list[Label]:
        """What is seen; and of global memory what the outlines are."""
        look, muted, x = self.look, self.look.theme.muted, self._area(name).x
        lands, below = name in ("As", "Bs"), name in ("As", "Bs", "columns")
        y = self.left.y + PAD + CAP * LABEL + LINE
        if below and not self.wide:
            y = self.right.bottom - PAD - LINE * (2 if lands else 1)
        font = MONO if lands else WORDS
        head = Label(look, view.name, x, y, LABEL, look.theme.ink_of[view.operand], font=font)
        at = (x, y + LINE) if lands else (head.boxes[0].right + 16, y)
        found = [head, Label(look, view.note, *at, LABEL, muted)]
        if name in ("A", "B"):
            spans = any(not (run.begins and run.ends) for run in view.runs)
            more = "some span rows" if spans else f"{SECTOR_FLOATS} elements"
            says = f"a sector: {SECTOR} bytes that move together; {more}"
            y = self.left.bottom - PAD if self.wide else y + LINE
            found.append(Label(look, says, x, y, LABEL, muted))
        return found

    def _flying(self, flights: tuple[Flight, ...]) -> list[Animation]:
        """Elements on their way, with their lanes where these can be read at both ends."""
        if not flights:
            return []
        here, there = (self.sheets[flights[0].operand + end] for end in ("", "s"))
        starts, ends = [here.part(f.here) for f in flights], [there.part(f.there) for f in flights]
        texts, part = [str(f.lane) for f in flights], (0.25, LANDED)
        memory: Memory = "registers" if self.loads.direct else "shared"
        route = Route(flights[0].operand, "global", memory)
        found = [Travel(here.filled(NOW, starts), here.filled(NOW, ends), part, route)]
        size = min(here.number_size(texts), there.number_size(texts))
        if size and len({f.here for f in flights}) == len(flights):
            one, other = (Tags(self.look, at, texts, size, here.ink(NOW)) for at in (starts, ends))
            found.append(Travel(one, other, part, route))
        return [*found]


def _sectors(count: float) -> str:
    return plural(int(count), "sector") if count else ""
