"""The threads load together, and neighbours load neighbours."""

from scenes.global_to_shared.board import LoadBoard
from scenes.global_to_shared.shots import FirstLoads, Picture
from scenes.kit.board import BoardScene


class GlobalToShared(BoardScene[Picture]):
    """The loads of a CTA's first k-tile, and what another order of its lanes would cost.

    The strip and the panels explain its words where they first stand.
    """

    explained = ("warp", "lane", "request", "sector", "bank", "wavefront", "barrier", "swizzle")

    def construct(self) -> None:
        loads = FirstLoads(self.choice.schedule())
        self.board = board = LoadBoard(self.look, loads)
        self.add(*board.on_screen(board.state))
        self.tell(loads.shots())
