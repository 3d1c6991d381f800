"""Without tiles every element is loaded again and again."""

from scenes.kit.board import BoardScene
from scenes.why_tile.board import Comparison
from scenes.why_tile.shots import Seen, plan_of, shots


class WhyTile(BoardScene[Seen]):
    """Loads counted for each element: a thread for each result, then tiles, then the ratio.

    Without shared memory the only tiles are those of the threads, in registers.
    """

    def construct(self) -> None:
        plan = plan_of(self.choice)
        self.board = Comparison(self.look, plan)
        self.add(*self.board.figures(self.board.state))
        self.tell(shots(plan))
