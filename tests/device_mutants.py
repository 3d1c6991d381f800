"""Mistakes that only a compiler for GPUs sees, or only sizes that no CPU runs whole.

g++ is given the same text as before, so the rungs of the host cannot notice. Each is one of a kind:
code for devices alone, arithmetic at full size, waits and commits, zero fill, the order of CTAs,
counts of barriers, the swizzle of one stage, rounding, what the compiler is told to assume.
"""

from tests.mutant_list import KernelMutant


def _device(
    name: str, old: str, new: str, problem: str = "toy", which: int = 0, **more: bool
) -> KernelMutant:
    """A piece of text that is another one in device code."""
    text = f"\n#ifdef __CUDA_ARCH__\n{new}\n#else\n{old}\n#endif\n"
    patch = (old, text, which) if which else (old, text)
    return KernelMutant(name, (patch,), problem, device=True, **more)


def _only(name: str, old: str, new: str, problem: str = "pipeline") -> KernelMutant:
    """A change in lines that are device code anyway."""
    return KernelMutant(name, ((old, new),), problem, device=True)


WAIT = 'asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");'
COMMIT = 'asm volatile("cp.async.commit_group;" ::: "memory");'
BYTES = '"r"(inside ? FLOATS * 4 : 0)'
FROM = '"l"(from)'
TO = "static_cast<unsigned>(__cvta_generic_to_shared(to))"
THREAD = "const Index thread = threadIdx.x;"
ASSUME = "__builtin_assume(thread < THREADS);"
BEGIN = "begin(k_tile + STAGES - 1);"
WAIT_AND_BARRIER = "wait_for_copies<STAGES - 2>();\n        __syncthreads();"
OVERWRITE = "if (k_tile > 0) __syncthreads();"
READS = "what a thread reads, other threads have copied.\n        __syncthreads();"
FMA = "__fmaf_ieee_rn(a[k % FRAGMENTS][i], b[k % FRAGMENTS][j],"
FIRST_CTA = "const Index cta_row = blockIdx.x / ctas_per_row * BM,"
K_TILES = "const Index k_tiles = (K - 1) / BK + 1;"
STAGE = "stage = k_tile % STAGES * STAGE;"
INDEX = "static_cast<unsigned long long>(row) * N + col;"
SWIZZLE = "return k * A_STRIDE + (row ^ k / A_VECTOR * TWIST % 32);"

DEVICE_MUTANTS = (
    # waits and commits
    _only("device: no wait for copies", WAIT, ""),
    _only("device: a wait for a group too few", '"n"(PENDING) :', '"n"(PENDING + 1) :'),
    _only("device: waits for all groups, so that nothing overlaps", '"n"(PENDING) :', '"n"(0) :'),
    _only(
        "device: wait_all in place of wait_group",
        WAIT,
        'asm volatile("cp.async.wait_all;" ::: "memory");',
    ),
    _only("device: copies not committed", COMMIT, ""),
    _only("device: each group committed twice", COMMIT, COMMIT + COMMIT),
    _only("device: thread 0 does not wait", WAIT, f"if (threadIdx.x) {WAIT}"),
    _only("device: one warp waits for a group too few", WAIT, f"if (threadIdx.x < 32) {WAIT}"),
    _device(
        "device: the barrier stands before the wait",
        "wait_for_copies<STAGES - 2>();\n        __syncthreads();",
        "__syncthreads(); wait_for_copies<STAGES - 2>();",
        "pipeline",
    ),
    _device(
        "device: the next copies begin before the wait",
        WAIT_AND_BARRIER + "\n        " + BEGIN,
        "begin(k_tile + STAGES - 1); wait_for_copies<STAGES - 2>(); __syncthreads();",
        "pipeline",
    ),
    _device(
        "device: the last k-tile not copied",
        "if (k_tile < k_tiles) copy(k_tile);",
        "if (k_tile + 1 < k_tiles) copy(k_tile);",
        "pipeline",
    ),
    _device(
        "device: nothing committed behind the last k-tile",
        "if (k_tile < k_tiles) copy(k_tile);\n        commit_copies();",
        "if (k_tile < k_tiles) { copy(k_tile); commit_copies(); }",
        "pipeline",
    ),
    _device(
        "device: committed before the copies",
        "if (k_tile < k_tiles) copy(k_tile);\n        commit_copies();",
        "commit_copies(); if (k_tile < k_tiles) copy(k_tile);",
        "pipeline",
    ),
    _device(
        "device: a stage less in the prologue",
        "k_tile < STAGES - 1; ++k_tile) begin",
        "k_tile < STAGES - 2; ++k_tile) begin",
        "pipeline",
    ),
    # zero fill, sources and destinations of asynchronous copies
    _only("device: no zero fill, so reads outside", BYTES, '"r"(FLOATS * 4)'),
    _only("device: always zero fill", BYTES, '"r"(0)'),
    _only("device: zero fill turned round", BYTES, '"r"(inside ? 0 : FLOATS * 4)'),
    _only("device: 4 of the bytes copied", BYTES, '"r"(inside ? 4 : 0)'),
    _only("device: all but 4 of the bytes copied", BYTES, '"r"(inside ? FLOATS * 4 - 4 : 0)'),
    _only("device: source 4 bytes on", FROM, '"l"(from + 1)'),
    _only("device: destination 4 bytes on", TO, f"{TO} + 4"),
    _only(
        "device: zeros for the first thread", BYTES, '"r"(inside && threadIdx.x ? FLOATS * 4 : 0)'
    ),
    # who is who
    _device(
        "device: threads numbered backwards",
        THREAD,
        "const Index thread = THREADS - 1 - threadIdx.x;",
    ),
    _device(
        "device: threads of a warp numbered backwards",
        THREAD,
        "const Index thread = threadIdx.x ^ 31;",
        "warps",
    ),
    _device(
        "device: CTAs numbered backwards",
        FIRST_CTA,
        "const Index cta_row = (gridDim.x - 1 - blockIdx.x) / ctas_per_row * BM,",
    ),
    _device(
        "device: CTAs numbered down the columns",
        "blockIdx.x / ctas_per_row * BM, cta_col = blockIdx.x % ctas_per_row * BN",
        "blockIdx.x % ((M - 1) / BM + 1) * BM, cta_col = blockIdx.x / ((M - 1) / BM + 1) * BN",
    ),
    _device(
        "device: pairs of CTAs exchanged",
        FIRST_CTA,
        "const Index cta_row = (blockIdx.x ^ 2) / ctas_per_row * BM,",
    ),
    # barriers
    _device(
        "device: barrier before overwrite of a warp alone",
        OVERWRITE,
        "if (k_tile > 0) __syncwarp();",
        "warps",
    ),
    _device("device: barrier before reads of a warp alone", READS, "\n__syncwarp();", "warps"),
    _device(
        "device: a barrier of half the CTA",
        READS,
        '\nasm volatile("bar.sync 1, %0;" ::"n"(THREADS / 2) : "memory");',
        "warps",
    ),
    _device(
        "device: half the threads do not wait at a barrier",
        READS,
        '\nif (thread < THREADS / 2) asm volatile("bar.sync 1, %0;" ::"n"(THREADS) : "memory");'
        ' else asm volatile("bar.arrive 1, %0;" ::"n"(THREADS) : "memory");',
        "warps",
    ),
    _device(
        "device: the barrier left out at one k-tile",
        OVERWRITE,
        "if (k_tile > 0 && k_tile != 2) __syncthreads();",
    ),
    _device(
        "device: the barrier left out at k-tile 200",
        OVERWRITE,
        "if (k_tile > 0 && k_tile != 200) __syncthreads();",
        "long",
    ),
    _device(
        "device: a barrier too many at the end",
        "const auto store = [&]",
        "__syncthreads();\n    const auto store = [&]",
    ),
    _device("device: a barrier that one lane skips", READS, "\nif (thread != 5) __syncthreads();"),
    # what the compiler is told
    _device(
        "device: assumed fewer threads than there are",
        ASSUME,
        "__builtin_assume(thread < 32);",
        "warps",
    ),
    _device(
        "device: assumed that all rows lie inside",
        "bool inside(Index v) const { return",
        "bool inside(Index v) const { __builtin_assume(row < rows); return",
    ),
    _device(
        "device: assumed that all columns lie inside",
        "bool inside(Index v) const { return",
        "bool inside(Index v) const { __builtin_assume(col + v < cols); return",
    ),
    _device(
        "device: assumed two k-tiles",
        K_TILES,
        "const Index k_tiles = (K - 1) / BK + 1; __builtin_assume(k_tiles == 2);",
    ),
    # arithmetic at full size
    _device(
        "device: k-tiles counted in 8 bits",
        K_TILES,
        "const Index k_tiles = static_cast<unsigned char>((K - 1) / BK + 1);",
        "long",
    ),
    _device(
        "device: the k of a k-tile in 8 bits of k-tiles",
        "const Neighbours group_of_A{A, cta_row + row, k_tile * BK + k, M, K};",
        "const Neighbours group_of_A{A, cta_row + row, (k_tile & 255) * BK + k, M, K};",
        "long",
    ),
    _device(
        "device: CTAs counted in 8 bits",
        FIRST_CTA,
        "const Index cta_row = static_cast<unsigned char>(blockIdx.x / ctas_per_row) * BM,",
        "grid",
    ),
    _device(
        "device: rows counted in 10 bits",
        FIRST_CTA,
        "const Index cta_row = (blockIdx.x / ctas_per_row * BM) & 1023,",
        "grid",
    ),
    _device(
        "device: an index of C as a float",
        INDEX,
        "static_cast<unsigned long long>(__fadd_rn(__fmul_rn(row, N), col));",
        "large",
    ),
    _device("device: an index of C in 24 bits", INDEX, "((row * N + col) & 0xffffff);", "large"),
    # the layout of one stage
    _device("device: no swizzle", SWIZZLE, "return k * A_STRIDE + row;", "split"),
    _device(
        "device: another swizzle, both ways",
        SWIZZLE,
        "return k * A_STRIDE + (row ^ k / A_VECTOR * TWIST % 16);",
        "split",
    ),
    _device(
        "device: stages in another order",
        STAGE,
        "stage = (STAGES - 1 - k_tile % STAGES) * STAGE;",
        "pipeline",
        which=1,
    ),
    _device(
        "device: reads the stage before",
        STAGE,
        "stage = (k_tile + STAGES - 1) % STAGES * STAGE;",
        "pipeline",
        which=2,
    ),
    _device(
        "device: As and Bs in reverse order",
        "return BK * A_STRIDE + k * BN + col;",
        "return BK * A_STRIDE + (BK - 1 - k) * BN + col;",
    ),
    # rounding
    _device(
        "device: rounds towards zero",
        FMA,
        "__fmaf_ieee_rz(a[k % FRAGMENTS][i], b[k % FRAGMENTS][j],",
    ),
    _device("device: rounds up", FMA, "__fmaf_ieee_ru(a[k % FRAGMENTS][i], b[k % FRAGMENTS][j],"),
    _device(
        "device: multiplies and adds apart",
        FMA,
        "__fadd_rn(__fmul_rn(a[k % FRAGMENTS][i], b[k % FRAGMENTS][j]),",
    ),
    _device(
        "device: adds in double precision",
        FMA,
        "(float)fma((double)a[k % FRAGMENTS][i], (double)b[k % FRAGMENTS][j], (double)",
    ),
    _device(
        "device: signs of B lost",
        FMA,
        "__fmaf_ieee_rn(a[k % FRAGMENTS][i], -fabsf(b[k % FRAGMENTS][j]),",
    ),
    # more than the schedule says
    _device(
        "device: C stored twice",
        "if (inside) *to = value;",
        "if (inside) { *to = value; *const_cast<volatile Element *>(to) = value; }",
        surplus=True,
    ),
    _device(
        "device: an element more is read",
        K_TILES,
        K_TILES + " if (thread == 0) (void)*const_cast<const volatile Element *>(A);",
        surplus=True,
    ),
    _device(
        "device: a word of shared memory is written that nobody reads",
        K_TILES,
        K_TILES + " if (thread == 0) *const_cast<volatile Element *>(shared) = 0;",
        surplus=True,
    ),
    _device(
        "device: the store's guard lets a column more through",
        "row < M && col < N;\n        Element",
        "row < M && col <= N;\n        Element",
    ),
    _device(
        "device: zero fill is one",
        "found.at[v] = inside(v) ? from()[v] : 0.0f;",
        "found.at[v] = inside(v) ? from()[v] : 1.0f;",
    ),
    _device(
        "device: accumulators start with what is there",
        "float accumulator[TM][TN] = {};",
        "float accumulator[TM][TN]; accumulator[0][0] = 0;",
    ),
)
"""Of code that g++ does not see, or of sizes that it is not given."""
