"""What one thread of a k-tile has read and made: result by result, or by outer products."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from scenes.kit.product import AB
from scenes.kit.registers import THREAD
from tiling.expand import Bools, expand_fragments
from tiling.layout import Operand
from tiling.schedule import Fragments, Schedule
from tiling.shapes import Tiling
from tiling.state import State


@dataclass(frozen=True)
class Dot:
    """Result by result: `done` whole ones, of the next one `k` products added, and in registers the
    operands of its product at k = `held`, or none."""

    done: int = 0
    k: int = 0
    held: int | None = None


Moment: TypeAlias = State | Dot


def source(tiling: Tiling) -> str:
    """The memory that threads read their fragments from."""
    return "global" if tiling.direct else "shared"


def matrices(tiling: Tiling) -> tuple[str, str]:
    """What they are fragments of."""
    return ("A", "B") if tiling.direct else ("As", "Bs")


def within(schedule: Schedule) -> dict[Operand, Bools]:
    """(TM, BK) and (TN, BK): which of its rows of A and columns of B lie inside, at each k."""
    ks = range(schedule.tiling.bk)
    reads = [expand_fragments(schedule, Fragments(0, k)) for k in ks]
    return {o: np.array([read[o].predicate[THREAD] for read in reads]).T for o in AB}


def there(schedule: Schedule) -> dict[Operand, Bools]:
    """The same of what it reads: in As and Bs zeros as well, in A and B what lies inside."""
    return {o: inside | (not schedule.tiling.direct) for o, inside in within(schedule).items()}


def result(state: Dot, tiling: Tiling) -> tuple[int, int]:
    """(row, col) in the thread tile of the result that is being made, or was made last."""
    row, col = divmod(min(state.done, tiling.tm * tiling.tn - 1), tiling.tn)
    return row, col
