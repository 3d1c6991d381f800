"""Kernels and schedules with one mistake each, to see which rungs of proof notice."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.kernel_cases import TILINGS
from tiling.kernel.build import source
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Event,
    Exchange,
    Fragments,
    OuterProduct,
    Schedule,
    Store,
    Wait,
    schedule,
)
from tiling.shapes import Gemm

PROBLEMS = {
    "toy": schedule(Gemm(13, 11, 10), TILINGS["toy"]),
    "warps": schedule(Gemm(37, 70, 18), TILINGS["warps"]),
    "split": schedule(Gemm(70, 150, 11), TILINGS["swizzled warps"]),
    "pipeline": schedule(Gemm(37, 70, 50), TILINGS["pipeline"]),
    "direct": schedule(Gemm(13, 11, 10), TILINGS["direct"]),
    "long": schedule(Gemm(6, 6, 1100), TILINGS["toy"]),
    "grid": schedule(Gemm(1801, 7, 5), TILINGS["toy"]),
    "large": schedule(Gemm(4099, 4099, 5), TILINGS["toy"]),
}
"""Ragged in every direction. `warps` has vectors, padding and a warp tile, and rows of A and B
that are aligned for a wide request only now and then. `split` has warps, quads and a
swizzle, `pipeline` stages, two buffers of fragments, and stores through shared memory;
`direct` has none. `long`, `grid` and `large` are so in K, in CTAs and in elements of C."""


ENTRY = 'extern "C" __global__ void __launch_bounds__'
APART = "__device__ inline float apart(float a, float b, float c) { return a * b + c; }\n\n"
"""What one mutant calls. The others do not, so it is not in their machine code."""


@dataclass(frozen=True)
class KernelMutant:
    """gemm.cu with pieces of its text replaced: (old, new), or (old, new, which of several).

    One that is `surplus` does all that the schedule says, and more: only its instructions show it.
    One of a `device` is as before for g++.
    """

    name: str
    patches: tuple[tuple[str, str] | tuple[str, str, int], ...]
    problem: str = "toy"
    surplus: bool = False
    device: bool = False

    def kernel(self) -> str:
        text = source().replace(ENTRY, APART + ENTRY, 1)
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
FMA = "a[k % FRAGMENTS][i], b[k % FRAGMENTS][j],"
RECORDED = "\n#ifdef TRACE\nSlots().add(BARRIER, NOWHERE, clock64(), clock64());\n#endif\n"
OVERWRITE = "if (k_tile > 0) __syncthreads();"
READS = "what a thread reads, other threads have copied.\n        __syncthreads();"
BOTH = "        __syncthreads();\n        begin(k_tile + STAGES - 1);"
STAGE = "stage = k_tile % STAGES * STAGE;"
INSIDE = "const bool inside = row < M && col < N;\n        Element"
WORD_OF_A = "shared[stage + a_word(k + v, row)]"

KERNEL_MUTANTS = (
    # barriers
    _kernel("no barrier before overwrite", OVERWRITE, ""),
    _kernel(
        "barrier before overwrite recorded, not made",
        OVERWRITE,
        f"if (k_tile > 0) {{{RECORDED}}}",
    ),
    _kernel("barrier before reads recorded, not made", READS, "\n" + RECORDED),
    _kernel("barrier before overwrite of the second k-tile only", "k_tile > 0", "k_tile == 1"),
    _kernel("no barrier before overwrite of the second k-tile", "k_tile > 0", "k_tile > 1"),
    _kernel("a barrier too many, before the first k-tile", OVERWRITE, "__syncthreads();"),
    _kernel(
        "a barrier that the last thread skips", "k_tile > 0", "k_tile > 0 && thread < THREADS - 1"
    ),
    KernelMutant(
        "barrier before reads stands before Copy B",
        (
            (READS, "\n"),
            (
                "#pragma unroll B_UNROLL\n",
                "        __syncthreads();\n",
            ),
        ),
    ),
    # what neither values nor traces show
    KernelMutant(
        "each word of As written twice",
        (
            (
                f"{WORD_OF_A} = wide.at[v];",
                f"{{ {WORD_OF_A} = wide.at[v]; "
                f"*reinterpret_cast<volatile float *>(&{WORD_OF_A}) = wide.at[v]; }}",
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
    _kernel(
        "Copy A: the first k-tile every time",
        "group_of_A{A, cta_row + row, k_tile * BK + k,",
        "group_of_A{A, cta_row + row, k,",
    ),
    _kernel(
        "Copy A: one column further", "row, k_tile * BK + k, M, K", "row, k_tile * BK + k + 1, M, K"
    ),
    _kernel("Copy A: As not transposed", "a_word(k + v, row)", "row * BK + k + v"),
    _kernel(
        "Copy A: neighbours of a group to one word", "a_word(k + v, row)", "a_word(k, row)", "warps"
    ),
    _kernel(
        "Copy A: group's k from the wrong division",
        "k = group * A_VECTOR % BK",
        "k = group % BK",
        "warps",
    ),
    _kernel("Copy B: the first columns for every CTA", "cta_col + col, K, N", "col, K, N"),
    _kernel(
        "Copy B: the first k-tile every time", "group_of_B{B, k_tile * BK + k,", "group_of_B{B, k,"
    ),
    _kernel(
        "Copy B: a group to the words of the one before",
        "*reinterpret_cast<Wide<B_VECTOR> *>(&shared[word])",
        "*reinterpret_cast<Wide<B_VECTOR> *>"
        "(&shared[word < BK * A_STRIDE + B_VECTOR ? word : word - B_VECTOR])",
        "warps",
    ),
    _kernel(
        "Copy B: k and column exchanged in Bs",
        "stage + b_word(k, col)",
        "stage + BK * A_STRIDE + col * BK + k",
    ),
    # bounds of the copies
    _kernel(
        "Copy A: one group too few",
        "if (group < BM * BK / A_VECTOR)",
        "if (group < BM * BK / A_VECTOR - 1)",
    ),
    _kernel("Copy A: groups behind the tile too", "if (group < BM * BK / A_VECTOR)", "if (true)"),
    _kernel(
        "Copy B: one group too few",
        "if (group < BK * BN / B_VECTOR)",
        "if (group < BK * BN / B_VECTOR - 1)",
    ),
    _kernel(
        "Copy B: every second round left out",
        "first < BK * BN / B_VECTOR; first += THREADS",
        "first < BK * BN / B_VECTOR; first += 2 * THREADS",
    ),
    # predicates and zero fill of the loads
    _kernel("load: row not checked", "row < rows && col + v < cols", "col + v < cols"),
    _kernel("load: column not checked", "row < rows && col + v < cols", "row < rows"),
    _kernel(
        "load: one row too many", "row < rows && col + v < cols", "row <= rows && col + v < cols"
    ),
    _kernel("load: one column too many", "col + v < cols;", "col + v <= cols;"),
    _kernel(
        "load: ones for zeros",
        "inside(v) ? from()[v] : 0.0f",
        "inside(v) ? from()[v] : 1.0f",
    ),
    _kernel("load: wide over the end of a row", "col + FLOATS <= cols", "col < cols", "warps"),
    _kernel(
        "load: wide though a row is outside",
        "FLOATS > 1 && row < rows && col",
        "FLOATS > 1 && col",
        "warps",
    ),
    _kernel(
        "load: wide though not aligned",
        " &&\n               address % sizeof(Wide<FLOATS>) == 0",
        "",
        "warps",
    ),
    _kernel(
        "no zero fill of A: what lay there stays",
        f"{WORD_OF_A} = wide.at[v];",
        A_INSIDE + f"{WORD_OF_A} = wide.at[v];",
    ),
    _kernel(
        "no zero fill of B: what lay there stays",
        "*reinterpret_cast<Wide<B_VECTOR> *>(&shared[word]) = wide;",
        "for (Index v = 0; v < B_VECTOR; ++v)" + B_INSIDE + "shared[word + v] = wide.at[v];",
    ),
    # the layout of shared memory
    _kernel("As without its padding", "A_STRIDE = BM + PAD", "A_STRIDE = BM", "warps"),
    _kernel("Bs begins inside the padding of As", "BK * A_STRIDE + k", "BK * BM + k", "warps"),
    _kernel("no swizzle", "row ^ k / A_VECTOR * TWIST % 32", "row", "split"),
    _kernel("swizzle by another k", "row ^ k / A_VECTOR * TWIST", "row ^ k * TWIST", "split"),
    _kernel(
        "swizzle forgotten where a fragment is read",
        "a_word(k, thread_row(i))",
        "k * A_STRIDE + thread_row(i)",
        "split",
    ),
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
    # the k loops
    _kernel("the tail of K forgotten", "k_tiles = (K - 1) / BK + 1", "k_tiles = K / BK"),
    _kernel(
        "a k-tile too many, all zero fill",
        "k_tiles = (K - 1) / BK + 1",
        "k_tiles = (K - 1) / BK + 2",
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
    _kernel(
        "a's words one after the other from the first",
        "load<A_WIDE>(&a[i]",
        "load<A_WIDE>(&a[0]",
        "split",
    ),
    _kernel(
        "a wide read's first word for all", "to[v] = wide.at[v]", "to[v] = wide.at[0]", "split"
    ),
    _kernel("b at k 0 for every k", "b_word(k, thread_col(j))", "b_word(0, thread_col(j))"),
    _kernel("b[i] in place of b[j]", FMA, FMA.replace("[j]", "[i]")),
    _kernel(
        "wrong accumulator added to",
        "                                                       accumulator[i][j]);",
        "accumulator[i][0]);",
    ),
    _kernel("multiply and add rounded apart", "= __fmaf_ieee_rn(", "= apart("),
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
    _kernel(
        "fragments: the next k's read into the buffer in use",
        "a[(k + 1) % FRAGMENTS], b[(k + 1) % FRAGMENTS])",
        "a[k % FRAGMENTS], b[k % FRAGMENTS])",
        "pipeline",
    ),
    _kernel(
        "fragments: the outer product of the next k",
        FMA,
        FMA.replace("k %", "(k + 1) %"),
        "pipeline",
    ),
    _kernel("fragments: the last k left out", "if (k + 1 < BK)", "if (k + 2 < BK)", "pipeline"),
    # no shared memory
    _kernel(
        "direct: a's row by its place",
        "cta_row + thread_row(i), k_tile * BK + k, busy ? M : 0, K}",
        "cta_row + i, k_tile * BK + k, busy ? M : 0, K}",
        "direct",
    ),
    _kernel(
        "direct: the first k-tile every time",
        "cta_row + thread_row(i), k_tile * BK + k, busy ? M : 0, K}",
        "cta_row + thread_row(i), k, busy ? M : 0, K}",
        "direct",
    ),
    _kernel(
        "direct: the next column of B",
        "cta_col + thread_col(j), busy ? K : 0, N}",
        "cta_col + thread_col(j) + 1, busy ? K : 0, N}",
        "direct",
    ),
    _kernel(
        "direct: k not checked against K",
        "{B, k_tile * BK + k, cta_col + thread_col(j), busy ? K : 0, N}",
        "{B, k_tile * BK + k, cta_col + thread_col(j), busy ? ~0u : 0, N}",
        "direct",
    ),
    _kernel(
        "direct: threads outside C read all the same",
        "const bool busy = cta_row + thread_row(0) < M && cta_col + thread_col(0) < N;",
        "const bool busy = true;",
        "direct",
    ),
    _kernel(
        "direct: a thread with some results outside C reads nothing",
        "cta_col + thread_col(0) < N;",
        "cta_col + thread_col(TN - 1) < N;",
        "direct",
    ),
    _kernel(
        "direct: ones for A's zeros behind K, where B's are zeros too",
        "busy ? M : 0, K}\n                       .fetch<1>().at[0]",
        "busy ? M : 0, K}\n                       .fetch<1>().at[0] + (k_tile * BK + k >= K)",
        "direct",
    ),
    # stages
    _kernel("stages: no wait", "wait_for_copies<STAGES - 2>();", "", "pipeline"),
    _kernel(
        "stages: waits for a group too few", "copies<STAGES - 2>", "copies<STAGES - 1>", "pipeline"
    ),
    _kernel("stages: no barrier", BOTH, BOTH.replace("__syncthreads();", RECORDED), "pipeline"),
    KernelMutant(
        "stages: the barrier stands before the wait",
        (
            (
                "        wait_for_copies<STAGES - 2>();\n",
                "        __syncthreads();\n        wait_for_copies<STAGES - 2>();\n",
            ),
            (BOTH, BOTH.replace("__syncthreads();", "")),
        ),
        "pipeline",
    ),
    KernelMutant(
        "stages: the next copies begin before the barrier",
        ((BOTH, "        begin(k_tile + STAGES - 1);\n        __syncthreads();"),),
        "pipeline",
    ),
    _kernel(
        "stages: copies not committed", "        commit_copies();\n    };", "    };", "pipeline"
    ),
    _kernel(
        "stages: nothing committed behind the last k-tile",
        "if (k_tile < k_tiles) copy(k_tile);\n        commit_copies();",
        "if (k_tile < k_tiles) copy(k_tile), commit_copies();",
        "pipeline",
    ),
    _kernel(
        "stages: the last k-tile not copied",
        "if (k_tile < k_tiles) copy",
        "if (k_tile < k_tiles - 1) copy",
        "pipeline",
    ),
    _kernel(
        "stages: k-tiles behind the last copied, all zero fill",
        "if (k_tile < k_tiles) copy",
        "copy",
        "pipeline",
    ),
    _kernel(
        "stages: the prologue a k-tile short",
        "k_tile < STAGES - 1; ++k_tile",
        "k_tile < STAGES - 2; ++k_tile",
        "pipeline",
    ),
    KernelMutant(
        "stages: one used less",
        ((STAGE, STAGE.replace("STAGES", "(STAGES - 1)"), 1),) * 2,
        "pipeline",
    ),
    KernelMutant(
        "stages: read where the next k-tile goes",
        ((STAGE, STAGE.replace("k_tile", "(k_tile + 1)"), 2),),
        "pipeline",
    ),
    _kernel(
        "stages: no zeros for what hangs over",
        "from() + v, inside(v));",
        "from() + v, true);",
        "pipeline",
    ),
    # the store
    _kernel("store: row not checked", INSIDE, INSIDE.replace("row < M && ", "")),
    _kernel("store: column not checked", INSIDE, INSIDE.replace(" && col < N", "")),
    _kernel("store: the last column left out", INSIDE, INSIDE.replace("col < N", "col < N - 1")),
    _kernel("store: C's rows as long as A's", "(row) * N + col", "(row) * K + col"),
    _kernel(
        "store: accumulators transposed",
        "thread_col(j), accumulator[i][j])",
        "thread_col(j), accumulator[j][i])",
    ),
    _kernel(
        "store: every CTA on the first rows",
        "store(cta_row + thread_row(i), cta_col",
        "store(thread_row(i), cta_col",
    ),
    _kernel(
        "store through shared: no barrier before overwrite",
        "__syncthreads();  // before overwrite",
        RECORDED,
        "pipeline",
    ),
    _kernel(
        "store through shared: no barrier before reads",
        "__syncthreads();  // before reads",
        RECORDED,
        "pipeline",
    ),
    _kernel(
        "store through shared: rows of the first round only",
        "place<WM, TM, QUAD_M>(word / BN, i)",
        "place<WM, TM, QUAD_M>(word / BN, 0)",
        "pipeline",
    ),
    _kernel(
        "store through shared: a round of other accumulators",
        "wide.at[v] = accumulator[i][j + v]",
        "wide.at[v] = accumulator[TM - 1 - i][j + v]",
        "pipeline",
    ),
    _kernel(
        "store through shared: threads' rows exchanged",
        "word = row_place * BN",
        "word = (BM / TM - 1 - row_place) * BN",
        "pipeline",
    ),
    _kernel(
        "store through shared: the first words only",
        "word = first + thread;\n            const Index row",
        "word = thread;\n            const Index row",
        "pipeline",
    ),
    # recording, which must do what it writes down, and write down what is done
    _kernel(
        "recording: a barrier written down, not made",
        "arrived = clock64();\n    __syncthreads();",
        "arrived = clock64();",
    ),
    _kernel("recording: a value written down, not written", "        value = written;\n", ""),
    _kernel("recording: a read not written down", "return seen(READ);", "return value;"),
    _kernel("recording: a write not written down", "        seen(WRITE);\n", ""),
    _kernel(
        "recording: a copy written down, not begun",
        "    begin_copy<FLOATS>(reinterpret_cast<float *>(to)",
        "    if (false) begin_copy<FLOATS>(reinterpret_cast<float *>(to)",
        "pipeline",
    ),
    _kernel(
        "recording: a commit written down, not made",
        "    commit_copies();\n    Slots",
        "    Slots",
        "pipeline",
    ),
    _kernel(
        "recording: a wait written down, not made",
        "    wait_for_copies<PENDING>();\n    Slots",
        "    Slots",
        "pipeline",
    ),
    _kernel(
        "recording: fragments read past it",
        "const auto wide = *reinterpret_cast<const Wide<FLOATS> *>(from);",
        "struct { float at[FLOATS]; } wide;\n"
        "    for (Index v = 0; v < FLOATS; ++v)\n"
        "        wide.at[v] = reinterpret_cast<const float *>(from)[v];",
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
    ScheduleMutant("schedule: no wait for a k-tile", _without(Wait(3, 1)), "pipeline"),
    ScheduleMutant("schedule: copies not committed", _without(Commit(2)), "pipeline"),
    ScheduleMutant("schedule: no barrier behind a wait", _without(Barrier(3, "both")), "pipeline"),
    ScheduleMutant(
        "schedule: a wait for a group too few", _become(Wait(3, 1), Wait(3, 2)), "pipeline"
    ),
    ScheduleMutant(
        "schedule: a k-tile copied to the stage that is read",
        _become(Copy("A", 5, 2), Copy("A", 5, 0)),
        "pipeline",
    ),
    ScheduleMutant("schedule: a row not exchanged", _without(Exchange(2)), "pipeline"),
    ScheduleMutant("schedule: a row not stored", _without(Store(1)), "pipeline"),
)


def _exchanged(events: list[Event], *ks: tuple[int, int]) -> list[Event]:
    for kind in Fragments, OuterProduct:
        events = _swapped(kind(*ks[0]), kind(*ks[1]))(events)
    return events
