"""Kernels and schedules with one mistake each, to see which rungs of proof notice."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.kernel_cases import TILINGS
from tiling.kernel.build import source
from tiling.schedule import Barrier, Copy, Event, Fragments, OuterProduct, Schedule, Store, schedule
from tiling.shapes import Gemm

PROBLEMS = {
    "toy": schedule(Gemm(13, 11, 10), TILINGS["toy"]),
    "warps": schedule(Gemm(37, 70, 18), TILINGS["warps"]),
    "split": schedule(Gemm(70, 150, 11), TILINGS["swizzled warps"]),
}
"""Ragged in every direction. `warps` has vectors, padding and a warp tile, and rows of A and B
that are aligned for a wide request only now and then. `split` has warps, quads and a swizzle."""


@dataclass(frozen=True)
class KernelMutant:
    """gemm.cu with pieces of its text replaced: (old, new), or (old, new, which of several).

    One that is `surplus` does all that the schedule says, and more: only its instructions show it.
    """

    name: str
    patches: tuple[tuple[str, str] | tuple[str, str, int], ...]
    problem: str = "toy"
    surplus: bool = False

    def kernel(self) -> str:
        text = source()
        for old, new, *which in self.patches:
            parts = text.split(old)
            at = which[0] if which else 1
            if len(parts) <= at or (not which and len(parts) != 2):
                raise ValueError(f"{self.name}: {old!r} stands {len(parts) - 1} times in gemm.cu")
            text = old.join(parts[:at]) + new + old.join(parts[at:])
        return text


@dataclass(frozen=True)
class ScheduleMutant:
    """The schedule with its events changed."""

    name: str
    change: Callable[[list[Event]], list[Event]]
    problem: str = "toy"
    surplus = False

    def schedule(self) -> Schedule:
        plan = PROBLEMS[self.problem]
        return replace(plan, events=tuple(self.change(list(plan.events))))


Mutant = KernelMutant | ScheduleMutant


def _kernel(name: str, old: str, new: str, problem: str = "toy", which: int = 0) -> KernelMutant:
    return KernelMutant(name, ((old, new, which) if which else (old, new),), problem)


A_INSIDE = "if (cta_row + row < M && k_tile * BK + k + v < K) "
B_INSIDE = "if (k_tile * BK + k < K && cta_col + col + v < N) "
FMA = "__fmaf_ieee_rn(a[i], b[j], accumulator[i][j])"

KERNEL_MUTANTS = (
    # barriers
    _kernel("no barrier before overwrite", "if (k_tile > 0) {", "if (false) {"),
    _kernel("barrier before overwrite recorded, not made", "__syncthreads();", "", which=1),
    _kernel("barrier before reads recorded, not made", "__syncthreads();", "", which=2),
    _kernel("barrier before overwrite of the second k-tile only", "k_tile > 0", "k_tile == 1"),
    _kernel("no barrier before overwrite of the second k-tile", "k_tile > 0", "k_tile > 1"),
    _kernel("a barrier too many, before the first k-tile", "if (k_tile > 0) {", "if (true) {"),
    _kernel(
        "a barrier that the last thread skips", "k_tile > 0", "k_tile > 0 && thread < THREADS - 1"
    ),
    KernelMutant(
        "barrier before reads stands before Copy B",
        (("        // Copy B\n", "        __syncthreads();\n"), ("__syncthreads();", "", 3)),
    ),
    # what neither values nor traces show
    KernelMutant(
        "each word of As written twice",
        (
            (
                "shared[word] = vector.at[v];",
                "shared[word] = vector.at[v]; "
                "*const_cast<volatile float *>(&shared[word]) = vector.at[v];",
            ),
        ),
        surplus=True,
    ),
    # indices of the copies
    _kernel(
        "Copy A: row and k exchanged in A",
        "cta_row + row, k_tile * BK + k, M",
        "k_tile * BK + k, cta_row + row, M",
    ),
    _kernel("Copy A: every CTA copies the first rows", "cta_row + row, k_tile", "row, k_tile"),
    _kernel("Copy A: the first k-tile every time", "k_tile * BK + k, M, K", "k, M, K"),
    _kernel("Copy A: one column further", "k_tile * BK + k, M, K", "k_tile * BK + k + 1, M, K"),
    _kernel(
        "Copy A: As not transposed",
        "word = a_word(k + v, row)",
        "word = row * BK + k + v",
    ),
    _kernel(
        "Copy A: neighbours of a group to one word", "a_word(k + v, row)", "a_word(k, row)", "warps"
    ),
    _kernel(
        "Copy A: group's k from the wrong division",
        "k = group * VECTOR % BK",
        "k = group % BK",
        "warps",
    ),
    _kernel("Copy B: the first columns for every CTA", "cta_col + col, K, N", "col, K, N"),
    _kernel("Copy B: the first k-tile every time", "k_tile * BK + k, cta_col", "k, cta_col"),
    _kernel(
        "Copy B: a group to the words of the one before",
        "reinterpret_cast<Vector &>(shared[word])",
        "reinterpret_cast<Vector &>(shared[word < BK * A_STRIDE + VECTOR ? word : word - VECTOR])",
        "warps",
    ),
    _kernel(
        "Copy B: k and column exchanged in Bs",
        "word = b_word(k, col)",
        "word = BK * A_STRIDE + col * BK + k",
    ),
    # bounds of the copies
    _kernel(
        "Copy A: one group too few", "group < BM * BK / VECTOR)", "group < BM * BK / VECTOR - 1)"
    ),
    _kernel("Copy A: groups behind the tile too", "if (group < BM * BK / VECTOR)", "if (true)"),
    _kernel(
        "Copy B: one group too few", "group < BK * BN / VECTOR)", "group < BK * BN / VECTOR - 1)"
    ),
    _kernel(
        "Copy B: every second round left out",
        "first < BK * BN / VECTOR; first += THREADS",
        "first < BK * BN / VECTOR; first += 2 * THREADS",
    ),
    # predicates and zero fill of the loads
    _kernel(
        "load: row not checked", "inside = row < rows && col + v < cols", "inside = col + v < cols"
    ),
    _kernel(
        "load: column not checked", "inside = row < rows && col + v < cols", "inside = row < rows"
    ),
    _kernel("load: one row too many", "inside = row < rows &&", "inside = row <= rows &&"),
    _kernel("load: one column too many", "col + v < cols;", "col + v <= cols;"),
    _kernel("load: ones for zeros", ": 0.0f;", ": 1.0f;"),
    _kernel("load: wide over the end of a row", "col + VECTOR <= cols", "col < cols", "warps"),
    _kernel(
        "load: wide though a row is outside", "row < rows && col + VECTOR", "col + VECTOR", "warps"
    ),
    _kernel("load: wide though not aligned", "cols && aligned)", "cols)", "warps"),
    _kernel(
        "no zero fill of A: what lay there stays",
        "shared[word] = vector.at[v];",
        A_INSIDE + "shared[word] = vector.at[v];",
    ),
    _kernel(
        "no zero fill of B: what lay there stays",
        "reinterpret_cast<Vector &>(shared[word]) = vector;",
        "for (Index v = 0; v < VECTOR; ++v)" + B_INSIDE + "shared[word + v] = vector.at[v];",
    ),
    # the layout of shared memory
    _kernel("As without its padding", "A_STRIDE = BM + PAD", "A_STRIDE = BM", "warps"),
    _kernel("Bs begins inside the padding of As", "BK * A_STRIDE + k", "BK * BM + k", "warps"),
    # who computes what
    _kernel(
        "rows and columns of the grid exchanged",
        "blockIdx.x / ctas_per_row * BM, cta_col = blockIdx.x % ctas_per_row * BN",
        "blockIdx.x % ctas_per_row * BM, cta_col = blockIdx.x / ctas_per_row * BN",
    ),
    _kernel("CTAs of a row counted over M", "ctas_per_row = (N - 1)", "ctas_per_row = (M - 1)"),
    _kernel(
        "lane and warp exchanged",
        "warp = thread / LANES, lane = thread % LANES",
        "warp = thread % LANES, lane = thread / LANES",
        "warps",
    ),
    _kernel(
        "warps down the columns",
        "warp / (BN / WN) * (WM / TM)",
        "warp % (BN / WN) * (WM / TM)",
        "warps",
    ),
    _kernel("every lane in the first row of lanes", "+ lane / (WN / TN);", ";", "warps"),
    _kernel("split: groups as near as without", "WARP / (TILE / QUAD)", "QUAD", "split"),
    _kernel(
        "split: a thread's quads exchanged", "i / QUAD * APART", "(i / QUAD ^ 1) * APART", "split"
    ),
    _kernel(
        "split: positions a whole tile apart", "% PER_WARP * QUAD", "% PER_WARP * TILE", "split"
    ),
    _kernel("no swizzle", "row ^ k / VECTOR * TWIST % 32", "row", "split"),
    _kernel("swizzle by another k", "row ^ k / VECTOR * TWIST", "row ^ k * TWIST", "split"),
    KernelMutant(
        "swizzle forgotten where a fragment is read",
        (("word = a_word(k, thread_row(i))", "word = k * A_STRIDE + thread_row(i)"),),
        "split",
    ),
    # the k loops
    _kernel("the tail of K forgotten", "k_tile < (K - 1) / BK + 1", "k_tile < K / BK"),
    _kernel(
        "a k-tile too many, all zero fill", "k_tile < (K - 1) / BK + 1", "k_tile < (K - 1) / BK + 2"
    ),
    _kernel("the last k of a k-tile left out", "k < BK; ++k", "k < BK - 1; ++k"),
    _kernel("the first k of a k-tile left out", "for (Index k = 0;", "for (Index k = 1;"),
    KernelMutant(
        "k descending",
        (
            ("a_word(k, thread_row", "a_word(BK - 1 - k, thread_row"),
            ("b_word(k, thread_col", "b_word(BK - 1 - k, thread_col"),
        ),
    ),
    # fragments and outer product
    _kernel("a from the thread's columns", "a_word(k, thread_row(i))", "a_word(k, thread_col(i))"),
    _kernel(
        "a always the first of its words",
        "a_word(k, thread_row(i))",
        "a_word(k, thread_row(0))",
        "split",
    ),
    _kernel("a's words one after the other from the first", "a[i + v] =", "a[v] =", "split"),
    _kernel("b at k 0 for every k", "b_word(k, thread_col(j))", "b_word(0, thread_col(j))"),
    _kernel("b[i] in place of b[j]", FMA, FMA.replace("b[j]", "b[i]")),
    _kernel("wrong accumulator added to", FMA, FMA.replace("[i][j]", "[i][0]")),
    _kernel("multiply and add rounded apart", FMA, "a[i] * b[j] + accumulator[i][j]"),
    KernelMutant(
        "accumulators start again with each k-tile",
        (
            (
                "        // Barrier before overwrite",
                "        for (auto &row : accumulator) for (float &c : row) c = 0;\n"
                "        // Barrier before overwrite",
            ),
        ),
    ),
    # the store
    _kernel("store: row not checked", "row < M && col < N;", "col < N;"),
    _kernel("store: column not checked", "row < M && col < N;", "row < M;"),
    _kernel("store: the last column left out", "col < N;", "col < N - 1;"),
    _kernel("store: C's rows as long as A's", "(row) * N + col", "(row) * K + col"),
    _kernel("store: accumulators transposed", "*to = accumulator[i][j]", "*to = accumulator[j][i]"),
    _kernel(
        "store: every CTA on the first rows",
        "row = cta_row + thread_row(i)",
        "row = thread_row(i)",
    ),
)


def _without(event: Event) -> Callable[[list[Event]], list[Event]]:
    return lambda events: [other for other in events if other != event]


def _swapped(first: Event, second: Event) -> Callable[[list[Event]], list[Event]]:
    other = {first: second, second: first}
    return lambda events: [other.get(event, event) for event in events]


def _become(old: Event, new: Event) -> Callable[[list[Event]], list[Event]]:
    return lambda events: [new if event == old else event for event in events]


SCHEDULE_MUTANTS = (
    ScheduleMutant("schedule: no barrier before reads", _without(Barrier(1, "reads"))),
    ScheduleMutant("schedule: no barrier before overwrite", _without(Barrier(1, "overwrite"))),
    ScheduleMutant(
        "schedule: Copy A before the barrier that frees its tile",
        _swapped(Barrier(1, "overwrite"), Copy("A", 1)),
    ),
    ScheduleMutant(
        "schedule: Copy B after the barrier before reads",
        _swapped(Copy("B", 0), Barrier(0, "reads")),
    ),
    ScheduleMutant("schedule: the last k-tile of A not copied", _without(Copy("A", 2))),
    ScheduleMutant(
        "schedule: a k-tile of B copied twice, the next never", _become(Copy("B", 1), Copy("B", 0))
    ),
    ScheduleMutant(
        "schedule: one k read twice, the next never", _become(Fragments(1, 2), Fragments(1, 1))
    ),
    ScheduleMutant("schedule: one outer product left out", _without(OuterProduct(1, 2))),
    ScheduleMutant(
        "schedule: outer product before its fragments",
        _swapped(Fragments(0, 1), OuterProduct(0, 1)),
    ),
    ScheduleMutant("schedule: two k exchanged", lambda events: _exchanged(events, (0, 1), (0, 2))),
    ScheduleMutant("schedule: nothing stored", _without(Store())),
)


def _exchanged(events: list[Event], *ks: tuple[int, int]) -> list[Event]:
    for kind in Fragments, OuterProduct:
        events = _swapped(kind(*ks[0]), kind(*ks[1]))(events)
    return events


MUTANTS: tuple[Mutant, ...] = (*KERNEL_MUTANTS, *SCHEDULE_MUTANTS)
