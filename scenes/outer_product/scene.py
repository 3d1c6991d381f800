"""One column times one row makes a whole tile of products."""

from scenes.kit.board import BoardScene
from scenes.outer_product.board import ThreadBoard
from scenes.outer_product.shots import OneThread, shots
from tiling.for_scenes.one_thread import first_k_tile


class OuterProduct(BoardScene[OneThread]):
    """One thread in one k-tile: dot products, then outer products, then larger thread tiles."""

    def construct(self) -> None:
        plan = first_k_tile(self.choice.schedule())
        self.board = ThreadBoard(self.look, plan)
        self.add(*self.board.figures(self.board.state))
        self.tell(shots(plan))
