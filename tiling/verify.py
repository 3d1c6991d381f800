"""The rungs of proof: what was checked for exactly this tiling, and what was not."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from time import perf_counter
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from tiling import hazards
from tiling.execute import CTAS_AT_ONCE, execute
from tiling.expand import expand_store
from tiling.fma import Floats
from tiling.presets import Choice
from tiling.schedule import Schedule, Store, grid
from tiling.schedule import schedule as make
from tiling.shapes import Gemm
from tiling.traffic import kinds_of_cta

WHOLE_FMA, WHOLE_CTAS = 2**28, 2**12
"""Multiply-adds and CTAs up to which a GEMM is executed whole: a second or two."""

SAMPLE_FMA = 2**29
"""Multiply-adds that a sample may take: some seconds."""

MOST = 2**25
"""Elements of a matrix up to which it is made in full: 128 MB."""

Advance: TypeAlias = Callable[[float], None]
"""Called with the share that is done, 0 to 1."""


class Failed(Exception):
    """A check of a rung that did not hold; the text says what was expected and what was found."""


class NotRun(Exception):
    """A rung that cannot run here; the text says why."""


@dataclass(frozen=True)
class Rung:
    """One rung's report. `found` holds what it saw, by name, for --json."""

    name: str
    status: Literal["passed", "failed", "not run"]
    says: str
    seconds: float = 0.0
    found: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


Climb: TypeAlias = Callable[[Choice, Advance], tuple[str, dict[str, Any]]]
"""A rung's work: returns what it says and what it found, or raises Failed or NotRun."""


def model(choice: Choice, advance: Advance) -> tuple[str, dict[str, Any]]:
    """The schedule executes to A·B, and no thread touches shared memory out of turn."""
    schedule = choice.schedule()
    try:
        hazards.check(schedule)
    except hazards.Hazard as hazard:
        raise Failed(str(hazard)) from None
    _check_stores(schedule)
    plan = that_fits(schedule)
    rows, cols = plan.grid
    whole = grid_fma(plan) <= WHOLE_FMA and rows * cols <= WHOLE_CTAS
    ctas = list(np.ndindex(rows, cols)) if whole else sample(plan)
    _check_products(plan, ctas, advance)
    what = f"all {len(ctas)} CTAs" if whole else f"{len(ctas)} of {rows * cols} CTAs"
    if plan.gemm != schedule.gemm:
        what = f"cut down to {plan.gemm}, {what}"
    says = (
        f"{what} executed over K = {schedule.gemm.k}: integers exact, floats within γ_K; "
        f"no hazard in {len(schedule.events)} events"
    )
    return says, {"ctas": [list(map(int, cta)) for cta in ctas], "grid": [rows, cols]}


def that_fits(whole: Schedule) -> Schedule:
    """The schedule, or where its matrices are too large one of fewer CTAs, the same over K.

    The tiling, K and the remainders over every edge stay as they are.
    """
    gemm, tiling, (row, col) = whole.gemm, whole.tiling, whole.cta
    side = max(MOST // gemm.k, 1)
    if max(gemm.m * gemm.k, gemm.k * gemm.n, gemm.m * gemm.n) <= MOST:
        return whole

    def few(size: int, tile: int) -> int:
        most = min(side, int(MOST**0.5)) // tile
        return min(size // tile, max(2, most)) * tile + size % tile

    small = Gemm(few(gemm.m, tiling.bm), few(gemm.n, tiling.bn), gemm.k)
    rows, cols = grid(small, tiling)
    return make(small, tiling, (min(row, rows - 1), min(col, cols - 1)))


def grid_fma(schedule: Schedule) -> int:
    """Multiply-adds of all CTAs, zero fill included."""
    rows, cols = schedule.grid
    tiling = schedule.tiling
    return rows * tiling.bm * cols * tiling.bn * schedule.k_tiles * tiling.bk


def sample(schedule: Schedule) -> list[tuple[int, int]]:
    """CTAs that stand for all: the chosen one, one of each kind, the middle, two at random, corners
    and edges. Fewer where each takes long, but always the chosen one and each kind.
    """
    rows, cols = schedule.grid
    middle, last = (rows // 2, cols // 2), (rows - 1, cols - 1)
    kinds = [schedule.cta, *(kind for kind, _ in kinds_of_cta(schedule))]
    random = np.random.default_rng(0)
    chosen = [*kinds, middle]
    chosen += [(int(random.integers(rows)), int(random.integers(cols))) for _ in range(2)]
    chosen += [
        last,
        (0, last[1]),
        (last[0], 0),
        (0, middle[1]),
        (middle[0], 0),
        (last[0], middle[1]),
        (middle[0], last[1]),
    ]
    many = SAMPLE_FMA * rows * cols // grid_fma(schedule)
    return list(dict.fromkeys(chosen))[: max(len(set(kinds)), many)]


def _check_stores(schedule: Schedule) -> None:
    """The stores of all CTAs cover C, each element once."""
    covered = 0
    events = [event for event in schedule.events if isinstance(event, Store)]
    if not events:
        raise Failed("the schedule stores nothing")
    for cta, many in kinds_of_cta(schedule):
        stores = [expand_store(schedule.at(cta), event) for event in events]
        row = np.concatenate([store.row[store.predicate] for store in stores])
        col = np.concatenate([store.col[store.predicate] for store in stores])
        inside = (row // schedule.tiling.bm == cta[0]) & (col // schedule.tiling.bn == cta[1])
        if not inside.all() or len(np.unique(row * schedule.gemm.n + col)) != row.size:
            raise Failed(f"the CTA at {cta} stores outside its tile, or stores an element twice")
        covered += many * row.size
    if covered != schedule.gemm.m * schedule.gemm.n:
        raise Failed(f"{covered} of {schedule.gemm.m * schedule.gemm.n} elements of C are stored")


def _check_products(schedule: Schedule, ctas: list[tuple[int, int]], advance: Advance) -> None:
    checks = (integers(schedule.gemm), _equal), (floats(schedule.gemm), _near)
    # A group at a time, so that someone can be told how far it is: some, for they go together.
    together = CTAS_AT_ONCE // (schedule.tiling.bm * schedule.tiling.bn)
    size = max(1, len(ctas) // 20, min(together, len(ctas) // 3))
    for i in range(0, len(ctas), size):
        group = ctas[i : i + size]
        for (a, b), same in checks:
            c = execute(schedule, a, b, group, whole=same is _equal)
            for cta in group:
                row, col = schedule.at(cta).origin("C")
                rows = slice(row, row + schedule.tiling.bm)
                cols = slice(col, col + schedule.tiling.bn)
                if bad := same(c[rows, cols], a[rows], b[:, cols]):
                    raise Failed(f"the CTA at {cta}: {bad}")
        advance((i + len(group)) / len(ctas))


def floats(gemm: Gemm, seed: int = 0) -> tuple[Floats, Floats]:
    """Normally distributed A (M, K) and B (K, N)."""
    return (_kept if gemm.m * gemm.k + gemm.k * gemm.n > LARGE else _random)(gemm, seed)


def _random(gemm: Gemm, seed: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    a, b = (random.standard_normal(gemm.shape(of), np.float32) for of in ("A", "B"))
    return a, b


LARGE = 2**22
"""Elements of matrices that are kept for the next rung, since they take long to make."""


@lru_cache(maxsize=1)
def _kept(gemm: Gemm, seed: int) -> tuple[Floats, Floats]:
    a, b = _random(gemm, seed)
    a.flags.writeable = b.flags.writeable = False
    return a, b


def integers(gemm: Gemm, seed: int = 0) -> tuple[Floats, Floats]:
    """Whole A (M, K) and B (K, N), |x| <= s with K·s² <= 2^24 where K allows.

    Every partial sum of their product is then exact in float32, in any order.
    """
    random = np.random.default_rng(seed)
    s = max(1, min(9, int((2**24 / gemm.k) ** 0.5)))
    a, b = (random.integers(-s, s + 1, gemm.shape(op), np.int8) for op in ("A", "B"))
    return a.astype(np.float32), b.astype(np.float32)


Array: TypeAlias = npt.NDArray[Any]


def _equal(c: Array, a: Array, b: Array) -> str:
    return _differs(c, a.astype(np.float64) @ b.astype(np.float64), 0.0)


def _near(c: Array, a: Array, b: Array) -> str:
    """|C - A·B| <= γ_K·|A|·|B|, element by element (Higham, Accuracy and Stability, 3.5)."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    ku = min(a.shape[1] * 2.0**-24, 0.5)
    return _differs(c, a @ b, ku / (1 - ku) * (np.abs(a) @ np.abs(b)))


def _differs(c: Array, want: Array, bound: Array | float) -> str:
    good = np.abs(c - want) <= bound  # False for NaN
    if good.all():
        return ""
    i, j = np.argwhere(~good)[0]
    return f"C[{i}, {j}] of its tile is {c[i, j]}, not {want[i, j]}"


def _kernel(name: str) -> Climb:
    """A rung that runs the kernel. What those need is imported when one of them is climbed."""

    def climb(choice: Choice, advance: Advance) -> tuple[str, dict[str, Any]]:
        from tiling.kernel import rungs

        rung: Climb = getattr(rungs, name)
        return rung(choice, advance)

    return climb


RUNGS: dict[str, Climb] = {
    "model": model,
    **{name: _kernel(name) for name in ("host", "race", "ptx", "compiler", "gpu")},
}


def verify(name: str, choice: Choice, advance: Advance = lambda share: None) -> Rung:
    """Climb one rung of RUNGS for one tiling."""
    start = perf_counter()
    try:
        says, found = RUNGS[name](choice, advance)
        return Rung(name, "passed", says, round(perf_counter() - start, 3), found)
    except Failed as failed:
        return Rung(name, "failed", str(failed), round(perf_counter() - start, 3))
    except NotRun as why:
        return Rung(name, "not run", str(why))
    except MemoryError:
        return Rung(name, "not run", "too little memory here")
