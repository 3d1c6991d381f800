"""One CTA makes one tile of C by marching along K."""

from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import FRAME, to_read
from scenes.overview.board import ThreeMemories
from scenes.overview.shots import closing, opening, shots
from tiling.state import state_at


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
        self.play_for(seconds, *self.board.enact(step))
        self.board.settle(state_at(self.board.schedule, step, self.board.state))

    def _rewind(self, seconds: float) -> None:
        """Go back to where the schedule begins, so that the clip can loop."""
        self.play_for(seconds, *self.board.back())
        self.board.settle(state_at(self.board.schedule, 0))
        self.wait(FRAME)  # the last frames are the first one, numbers and all
