"""Whether what captions say is so: each claim is computed anew, one by one, from the schedule.

A word that claims something of all, none, or as many (CLAIM) stands in a sentence whose truth is
known here, or nobody knows whether it is so. A new sentence with such a word needs a line in
tests/claims_of_scenes.py.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scenes.kit.tiling_scene import TilingScene
from scenes.overview.board import ThreeMemories
from tiling.expand import accumulator_map
from tiling.presets import Choice
from tiling.schedule import Barrier, Event, Schedule
from tiling.shapes import Gemm, Tiling

CLAIM = re.compile(
    r"\b(never|always|nothing|nobody|none|no|only|same|again|once|twice|all|every|each|either)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Told:
    """A caption, and in the overview the step that is played with it first."""

    choice: Choice
    text: str
    step: int | None = None

    @property
    def gemm(self) -> Gemm:
        return self.choice.gemm

    @property
    def tiling(self) -> Tiling:
        return self.choice.tiling

    @property
    def plan(self) -> Schedule:
        return self.choice.schedule()

    @property
    def event(self) -> Event | None:
        return None if self.step is None else self.plan.events[self.step]

    def around(self) -> tuple[list[Event], list[Event]]:
        """The events between the barrier before and this one, and from this one to the next."""
        assert self.step is not None
        events = self.plan.events
        barriers = [i for i, event in enumerate(events) if isinstance(event, Barrier)]
        first = max((i for i in barriers if i < self.step), default=-1)
        last = min((i for i in barriers if i > self.step), default=len(events))
        return list(events[first + 1 : self.step]), list(events[self.step + 1 : last])


Claims = list[tuple[str, Callable[[Told, re.Match[str]], bool]]]


def untrue(told: Told, claims: Claims) -> Iterator[str]:
    """What a caption says that is not so, or of which nobody knows."""
    known = set[int]()
    for pattern, holds in claims:
        for match in re.finditer(pattern, told.text):
            known.update(range(*match.span()))
            if not holds(told, match):
                yield f"{told.text!r}: {match[0]!r} is not so"
    for word in CLAIM.finditer(told.text):
        if word.start() not in known:
            yield f"{told.text!r}: nobody knows whether it is {word[0]!r}"


class Hearing:
    """Notes of each caption which event is played with it first."""

    def __init__(self) -> None:
        self.steps: dict[int, int | None] = {}

    def listen(self, film: TilingScene) -> None:
        board = getattr(film, "board", None)
        step = board.state.step if isinstance(board, ThreeMemories) else None
        self.steps.setdefault(len(film.captions) - 1, step)

    def told(self, film: TilingScene) -> Iterator[Told]:
        end = len(film.choice.schedule().events)
        for i, caption in enumerate(film.captions):
            step = self.steps.get(i)
            yield Told(film.choice, caption.text, None if step == end else step)


def number(text: str) -> int:
    """What a number in a caption says: `once`, `a row`, `16,384`."""
    words = {"a": 1, "one": 1, "once": 1, "twice": 2}
    first = text.strip().split()[0].lower()
    return words[first] if first in words else int(first.replace(",", ""))


@lru_cache(maxsize=64)
def requested_by(choice: Choice) -> dict[str, np.ndarray]:
    """How often each row of A (M,) and each column of B (N,) is requested at one k by all CTAs:
    thread by thread, or tile by tile."""
    gemm, tiling = choice.gemm, choice.tiling
    grid = [-(-gemm.m // tiling.bm), -(-gemm.n // tiling.bn)]
    by_row, by_col = np.zeros(gemm.m, int), np.zeros(gemm.n, int)
    if not tiling.direct:
        return {"A": by_row + grid[1], "B": by_col + grid[0]}
    rows, cols = accumulator_map(tiling)
    # Threads of one row of threads have the same rows; how many of them have a column inside?
    for of, mine, theirs, size, other, cell, step, far in (
        (by_row, rows, cols, gemm.m, gemm.n, tiling.bm, tiling.bn, grid),
        (by_col, cols, rows, gemm.n, gemm.m, tiling.bn, tiling.bm, grid[::-1]),
    ):
        busy = sum((theirs.min(axis=1) + i * step < other).astype(int) for i in range(far[1]))
        for i in range(far[0]):
            here = mine + i * cell
            np.add.at(
                of, here[here < size], np.broadcast_to(busy[:, None], here.shape)[here < size]
            )
    return {"A": by_row, "B": by_col}
