"""What is seen of a load, as data: part of a matrix in memory, where it lands, and who asks."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from scenes.kit.amounts import grouped, plural
from tiling.for_scenes.loads import Load, Run, sector_runs, window
from tiling.layout import Ints, Operand
from tiling.shapes import WARP, dims

EMPTY, ZERO, BEFORE, NOW = range(4)
"""What is filled: nothing, a zero, what has been loaded, what is being loaded."""

ROWS, COLS = 8, 16
"""Most cells of a matrix that are looked at, unless a request spans more."""

WORDS = 8
"""Most cells of As or Bs that are looked at, down and across."""

SIDE = {"A": "row", "B": "col"}
"""What the words of As and of Bs are numbered by at one k."""

Place: TypeAlias = tuple[int, int]
"""A cell of a view, (row, col)."""


@dataclass(frozen=True)
class View:
    """rows×cols cells from (row, col) on, and what stands beside them.

    inside  (rows, cols) of them that exist: what is beyond hangs over an edge, or is padding
    tile    (rows, cols) from `tile_at` that are the tile of the CTA
    runs    cells of a row that belong together: sectors, or words that are read at once
    """

    operand: Operand
    name: str
    note: str
    rows: int
    cols: int
    row: int = 0
    col: int = 0
    inside: Place = (0, 0)
    tile_at: Place = (0, 0)
    tile: Place = (0, 0)
    runs: tuple[Run, ...] = ()

    def cells(self, row: Ints, col: Ints) -> list[Place | None]:
        """Where elements of the matrix are seen, if they are."""
        found = zip((row - self.row).tolist(), (col - self.col).tolist(), strict=True)
        return [at if 0 <= at[0] < self.rows and 0 <= at[1] < self.cols else None for at in found]


@dataclass(frozen=True, eq=False)
class Cells:
    """What a view shows: arrays (rows, cols), `lit` runs by their numbers, and words beside it."""

    fill: Ints
    text: npt.NDArray[np.object_]
    lit: frozenset[int] = frozenset()
    told: str = ""


@dataclass(frozen=True)
class Flight:
    """An element on its way from a cell of global memory to where it lands, with its lane."""

    operand: str
    lane: int
    here: Place
    there: Place


def blank(view: View) -> Cells:
    return Cells(np.zeros((view.rows, view.cols), int), np.full((view.rows, view.cols), "", object))


def strip(texts: list[str], fill: list[int], told: str, lit: frozenset[int] = frozenset()) -> Cells:
    """A strip of cells."""
    return Cells(np.array([fill]), np.array([texts], object), lit, told)


class ViewedLoad:
    """A load in its window, its target and the lanes of a warp. Moments are numbers of elements, in
    the order of `Load`; `others` are loads whose first requests have to fit the window too."""

    def __init__(self, load: Load, note: str = "", others: tuple[Load, ...] = ()) -> None:
        self.load, plan = load, load.schedule
        row, col, rows, cols = window([load, *others], ROWS, COLS)
        (m, n), origin = load.shape, plan.origin(load.operand)
        seen = min(row + rows, m), min(col + cols, n)
        runs = (run for r in range(row, seen[0]) for run in sector_runs(n, r, col, seen[1] - 1))
        rest = f"{spell('row', row, seen[0])} of {m}, {spell('column', col, seen[1])} of {n}"
        at, tile = (origin[0] - row, origin[1] - col), plan.tiling.tile_shape(load.operand)
        self.window = View(
            load.operand, load.operand, note or rest, rows, cols, row, col,
            (seen[0] - row, seen[1] - col), at,
            (min(tile[0], rows - at[0]), min(tile[1], cols - at[1])), tuple(runs),
        )  # fmt: skip
        self.target = self._target()

    def _target(self) -> View:
        target, operand = self.load.target, self.load.operand
        rows, cols = min(target.k, WORDS), min(target.stride, WORDS)
        name, pad = f"{operand}s[k][{SIDE[operand]}]", target.stride - target.extent
        note = f"{dims(target.k, target.extent)} words of 4 bytes" + f", pad {pad}" * bool(pad)
        if self.load.schedule.tiling.direct:
            name, note = f"{operand.lower()}[i]", f"{target.k} a thread"
        if (rows, cols) != (target.k, target.stride):
            note = f"{dims(rows, cols)} of {dims(target.k, target.stride)} words"
        data = rows, min(cols, target.extent)
        return View(operand, name, note, rows, cols, inside=data, tile=data)

    @property
    def end(self) -> int:
        return len(self.load.row)

    def asked(self, since: int, until: int, lit: bool, landed: int = 0) -> Cells:
        """In the matrix what has been asked for up to `until`, and just now from `since` on. A cell
        has the lane that did so last, or how many at once, until they have `landed`."""
        load, found = self.load, blank(self.window)
        last: dict[Place, tuple[int, list[int]]] = {}
        for e, at in enumerate(self.window.cells(load.row[:until], load.col[:until])):
            if at is None or not load.inside[e]:
                continue
            found.fill[at] = NOW if e >= since else BEFORE
            request, lanes = last.get(at, (-1, []))
            together = lanes if request == load.request[e] else []
            last[at] = int(load.request[e]), [*together, int(load.thread[e]) % WARP]
            if e >= landed:
                lanes = last[at][1]
                found.text[at] = str(lanes[0]) if len(lanes) == 1 else f"{len(lanes)}×"
        now = slice(since, until)
        sectors = load.sector[now][load.inside[now]].tolist() if lit else []
        return replace(found, lit=frozenset(sectors))

    def landed(self, until: int, since: int = 0) -> Cells:
        """In the target what has landed; from `since` on with the lane that wrote it."""
        load, found = self.load, blank(self.target)
        for e, at in enumerate(self.target.cells(load.at[:until], load.place[:until])):
            if at is not None:
                found.fill[at] = BEFORE if load.inside[e] else ZERO
                found.text[at] = str(load.thread[e] % WARP) if e >= since else ""
        return found

    def flights(self, since: int, until: int) -> tuple[Flight, ...]:
        """Of what lands between two moments, as far as it is seen at both ends."""
        load, now = self.load, slice(since, until)
        ends = zip(
            self.window.cells(load.row[now], load.col[now]),
            self.target.cells(load.at[now], load.place[now]),
            strict=True,
        )
        return tuple(
            Flight(load.operand, int(load.thread[e]) % WARP, here, there)
            for e, (here, there) in enumerate(ends, since)
            if here is not None and there is not None and load.inside[e]
        )

    def lanes(self, since: int, until: int, lit: bool = False) -> Cells:
        """The warp that asks: which of its lanes do, and which write zeros only."""
        load, threads = self.load, self.load.schedule.tiling.threads
        warp = int(load.thread[load.ends[load.request[until - 1]]]) // WARP if until else 0
        fill = [EMPTY] * WARP
        for e in range(since, until):
            lane = int(load.thread[e]) % WARP
            fill[lane] = NOW if load.inside[e] else max(ZERO, fill[lane])
        texts = [str(lane) if warp * WARP + lane < threads else "" for lane in range(WARP)]
        return strip(texts, fill, self._told(since, until, warp, lit))

    def _told(self, since: int, until: int, warp: int, lit: bool) -> str:
        load = self.load
        if since == until:
            idle = WARP - load.schedule.tiling.threads
            return f"{plural(idle, 'lane')} idle" if idle > 0 else ""
        first, last = int(load.request[since]), int(load.request[until - 1])
        of = f" of {grouped(load.requests)}"
        if first < last:
            return f"requests {grouped(first + 1)}–{grouped(last + 1)}{of}"
        told = f"request {grouped(first + 1)}{of}, warp {warp}: "
        sectors = {int(s) for s in load.sector[since:until][load.inside[since:until]]}
        if lit and sectors <= {run.of for run in self.window.runs}:
            return told + plural(len(sectors), "sector")
        if until < load.ends[last + 1]:
            return told[:-2]
        return told + plural(int(load.lanes[first]), "lane")


def spell(noun: str, first: int, end: int) -> str:
    """`rows 6–11`, or `row 6` alone."""
    return f"{noun}s {first}–{end - 1}" if end - first > 1 else f"{noun} {first}"
