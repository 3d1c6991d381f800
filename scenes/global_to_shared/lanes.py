"""The lanes of a warp, and what is counted of their requests."""

from itertools import pairwise

import numpy as np

from scenes.global_to_shared.crops import Crop
from scenes.global_to_shared.plot import LoadStep, Plot
from scenes.global_to_shared.windows import NOW, ZERO
from scenes.kit.amounts import plural
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.shapes import STROKE, Patch, Path, Style, dashed, outline
from scenes.kit.type import ADVANCE, CAP, Tags, Texts
from tiling.for_scenes.loads import Load
from tiling.layout import Ints
from tiling.shapes import WARP

TELL = LABEL + 4
"""Size of what is told about a request, where there is room."""


class LaneStrip(Plot):
    """A warp: which of its lanes take part in what is asked for now. In tall in two rows."""

    def __init__(self, look: Look, load: Load, box: Box) -> None:
        super().__init__(look, load)
        rows = 1 if look.aspect == "wide" else 2
        self.crop = Crop(box, 0, 0, rows, WARP // rows)
        self.threads, muted = load.schedule.tiling.threads, look.theme.muted
        exist = [self.cell(lane) for lane in range(load.lanes_in(0))]
        absent = [self.cell(lane) for lane in range(len(exist), WARP)]
        self.patches = self.patches_at(LoadStep())
        self.add(*self.patches.values())
        line: Style = {"stroke_color": muted, "stroke_width": 2 * STROKE}
        self.add(Path(look, [outline(one) for one in exist], **line))
        sides = [list(pair) for box in absent for pair in pairwise(outline(box))]
        faint: Style = {"stroke_color": look.theme.line, "stroke_width": 1.5 * STROKE}
        self.add(Path(look, dashed(sides, 6), **faint))
        self.add_cells(self.cells_at(LoadStep()))

    def cell(self, lane: int) -> Box:
        return self.crop.part(*divmod(lane, self.crop.cols)).inset(3)

    def patches_at(self, step: LoadStep) -> dict[str, Patch]:
        load, now = self.load, self.load.span(step.since, step.asked)
        asking = sorted(set(load.lane[now & load.inside].tolist()))
        zeros = sorted(set(load.lane[now & ~load.inside].tolist()) - set(asking))
        return {
            "asking": self.filled([self.cell(lane) for lane in asking], NOW),
            "zeros": self.filled([self.cell(lane) for lane in zeros], ZERO),
        }

    def cells_at(self, step: LoadStep) -> dict[str, Texts]:
        load, now = self.load, self.load.span(step.since, step.asked)
        # Threads of the last of the warps that ask; before any does, those of the first.
        warp = int(load.warp[step.asked - 1]) if step.asked else 0
        asking = np.unique(load.lane[now & load.inside])
        rest = np.setdiff1d(np.arange(load.lanes_in(warp)), asking)
        theme = self.look.theme
        quiet = theme.muted if step.asked else theme.ink
        wide, told = self.look.aspect == "wide", self.told(step)
        tell = TELL if wide else LABEL
        several = len(np.unique(load.warp[now])) > 1
        whose = "several warps" if several else f"warp {warp}"
        left, right, width = self.crop.box.x + 3, self.crop.box.right - 3, ADVANCE * tell
        y, h = self.crop.box.y - 18 - CAP * tell, CAP * tell
        # In tall what is counted has a line of its own, under the lanes.
        below = self.crop.box.bottom + 12
        first = told if wide else told[: 1 + self.load.schedule.tiling.direct]
        lines = [("  ".join(first), y), ("  ".join(told[len(first) :]), below)]
        lines = [(text, at) for text, at in lines if text]
        heads = [Box(left, y, len(whose) * width, h)]
        heads += [Box(right - len(text) * width, at, len(text) * width, h) for text, at in lines]
        texts = [whose, *(text for text, _ in lines)]
        return {
            "asking": self._numbers(asking, self.ink_on(NOW)),
            "rest": self._numbers(rest, quiet),
            "told": Tags(self.look, heads, texts, tell, theme.ink),
        }

    def _numbers(self, lanes: Ints, color: str) -> Texts:
        boxes = [self.cell(lane) for lane in lanes.tolist()]
        return self.numbers(boxes, [str(lane) for lane in lanes], color)

    def told(self, step: LoadStep) -> list[str]:
        """What is being asked for: which turn, by how many lanes, in how many sectors."""
        of = self.load.turns
        if step.asked == step.since:
            return []
        first, last = np.searchsorted(of.edges, [step.since, step.asked])
        turn, of_all = of.turn[last - 1], of.turn[self.load.told - 1] + 1
        parts = [f"turn {turn % of_all + 1} of {of_all}"]
        if self.load.schedule.tiling.direct:
            parts.insert(0, f"k {turn // of_all}")
        requests = int(of.requests[first:last].sum())
        if of.edges[last] == step.asked:
            if last - first == 1:
                parts += self._taking_part(first)
            if requests > 1:
                parts.append(plural(requests, "request"))
        if step.lit:
            parts.append(plural(int(of.sectors[first:last].sum()), "sector"))
        return parts

    def _taking_part(self, turn: int) -> list[str]:
        asking, zeros, idle = self.load.taking_part(turn)
        found = [plural(asking, "lane")]
        found += [f"{zeros} for zeros"] * (zeros > 0)
        return found + [f"{idle} idle"] * (idle > 0)
