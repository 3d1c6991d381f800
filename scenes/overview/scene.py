"""One CTA makes one tile of C by marching along K."""

from scenes.kit.shot import Act
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import FRAME
from scenes.overview.board import ThreeMemories
from scenes.overview.shots import Enact, Rewind, shots
from tiling.state import state_at

LEGIBLE = 0.4
"""Seconds of an event from which on its line of the kernel is shown; else it would flicker."""


class Overview(TilingScene):
    """The whole schedule of one CTA: first k-tile slowly, the middle quickly, the store."""

    def construct(self) -> None:
        self.board = ThreeMemories(self.choice, self.look)
        self.add(self.board)
        self.tell(shots(self.board.schedule, self.board.registers.values))

    def act(self, act: Act) -> None:
        match act:
            case Enact(seconds, step):
                self._name_line(step, seconds)
                self.play_for(seconds, *self.board.enact(step))
                self.board.settle(state_at(self.board.schedule, step, self.board.state))
            case Rewind(seconds):
                self.play_for(seconds, *self.board.back())
                self.board.settle(state_at(self.board.schedule, 0))
                self.board.line.tell(None)
                self.wait(FRAME)  # the last frames are the first one, numbers and all

    def _name_line(self, step: int, seconds: float) -> None:
        """Show the kernel's line of the event that is enacted; none where there are many."""
        before = self.board.state.step
        if step - before > 2:
            self.board.line.tell(None)
        elif seconds >= LEGIBLE:
            self.board.line.tell(self.board.schedule.events[before])
