"""The threads load together, and neighbours load neighbours."""

from scenes.global_to_shared.board import Board
from scenes.global_to_shared.shots import Loads
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import FRAME


class GlobalToShared(TilingScene):
    """The loads of a CTA's first k-tile, and what another order of its lanes would cost."""

    def construct(self) -> None:
        loads = Loads(self.choice.schedule())
        self.board = Board(self.look, loads)
        for shot in loads.shots():
            if shot.said:
                self.say(*shot.said)
            if self.board.shown:
                self.play_for(shot.seconds, *self.board.to(shot))
            else:
                self.add(*self.board.first(shot))
                self.hold(shot.seconds)
            if shot.bars:
                self.poster_at = self.now
        self.wait(FRAME)
