"""One CTA makes one tile of C by marching along K."""

from scenes.kit.shot import Act
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import FRAME
from scenes.overview.board import ThreeMemories
from scenes.overview.shots import Enact, Rewind, shots
from tiling.state import state_at


class Overview(TilingScene):
    """The whole schedule of one CTA: first k-tile slowly, the middle quickly, the store."""

    def construct(self) -> None:
        self.board = ThreeMemories(self.choice, self.look)
        self.add(self.board)
        self.tell(shots(self.board.schedule, self.board.registers.values))

    def act(self, act: Act) -> None:
        match act:
            case Enact(seconds, step):
                self.play_for(seconds, *self.board.enact(step))
                self.board.settle(state_at(self.board.schedule, step, self.board.state))
            case Rewind(seconds):
                self.play_for(seconds, *self.board.back())
                self.board.settle(state_at(self.board.schedule, 0))
                self.wait(FRAME)  # the last frames are the first one, numbers and all
