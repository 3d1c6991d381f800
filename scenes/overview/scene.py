"""One CTA makes one tile of C by marching along K."""

from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import FRAME, to_read
from scenes.overview.board import ThreeMemories
from scenes.overview.shots import closing, opening, shots
from tiling.state import state_at

LEGIBLE = 0.4
"""Seconds of an event from which on its line of the kernel is shown; else it would flicker."""


class Overview(TilingScene):
    """The whole schedule of one CTA: first k-tile slowly, the middle quickly, the store."""

    def construct(self) -> None:
        self.board = ThreeMemories(self.choice, self.look)
        self.add(self.board)
        schedule = self.board.schedule

        first, last = opening(schedule), closing(schedule)
        self.say(*first)
        for shot in shots(schedule, self.board.registers.values):
            if shot.said:
                self.say(*shot.said)
            if shot.poster:
                self.poster_at = self.now
            self._enact(shot.last, shot.seconds)
        self.say(last)
        self.hold(to_read(last) + 0.6)
        self.say(first.text)
        self._rewind(1.0)

    def _enact(self, step: int, seconds: float) -> None:
        """Play the schedule's events up to a step."""
        before = self.board.state.step
        if step - before > 2:  # many events, and none of them is told
            self.board.line.tell(None)
        elif seconds >= LEGIBLE:
            self.board.line.tell(self.board.schedule.events[before])
        self.play_for(seconds, *self.board.enact(step))
        self.board.settle(state_at(self.board.schedule, step, self.board.state))

    def _rewind(self, seconds: float) -> None:
        """Go back to where the schedule begins, so that the clip can loop."""
        self.play_for(seconds, *self.board.back())
        self.board.settle(state_at(self.board.schedule, 0))
        self.board.line.tell(None)
        self.wait(FRAME)  # the last frames are the first one, numbers and all
