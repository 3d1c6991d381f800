"""Figures that show a state together, and a scene that plays states."""

from collections.abc import Sequence
from typing import Generic

from manim import Animation, rate_functions

from scenes.kit.figure import Figure, S
from scenes.kit.motion import Plain, exchange
from scenes.kit.paced import Show
from scenes.kit.shot import Act
from scenes.kit.tiling_scene import TilingScene


class Through(Plain[Figure[S]]):
    """States of a figure one after another, each for the same time."""

    def __init__(self, figure: Figure[S], states: Sequence[S]) -> None:
        self.states, self.shown = states, -1
        super().__init__(figure, rate_functions.linear)

    def interpolate_mobject(self, alpha: float) -> None:
        now = min(len(self.states) - 1, int(alpha * len(self.states)))
        if now != self.shown:
            self.shown = now
            self.moved.settle(self.states[now])


class StateBoard(Generic[S]):
    """Figures that show a state. Those that another state needs come in place of others."""

    def __init__(self, start: S) -> None:
        self.state = start
        self.settle(start)

    def figures(self, state: S) -> Sequence[Figure[S]]:
        """Those that are on the screen in this state."""
        raise NotImplementedError

    def settle(self, state: S) -> None:
        """Show a state, at once."""
        for figure in self.figures(state):
            figure.settle(state)
        self.state = state

    def moves(self, state: S) -> list[Animation]:
        """The way to a state."""
        now, then = self.figures(self.state), self.figures(state)
        come = [figure for figure in then if figure not in now]
        for figure in come:
            figure.settle(state)
        stay = (figure for figure in then if figure in now)
        told = [move for figure in stay for move in figure.moves(state)]
        return [*exchange([figure for figure in now if figure not in then], come), *told]


class BoardScene(TilingScene, Generic[S]):
    """A scene whose acts are states of a board."""

    board: StateBoard[S]

    def act(self, act: Act) -> None:
        assert isinstance(act, Show)
        last = act.states[-1]
        if len(act.states) == 1:
            self.play_for(act.seconds, *self.board.moves(last))
        else:
            figures = self.board.figures(last)
            self.play_for(act.seconds, *(Through(figure, act.states) for figure in figures))
        self.board.settle(last)
