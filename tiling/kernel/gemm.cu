// C = A·B with A (M, K), B (K, N), C (M, N), row-major float32: one CTA's schedule, to be read
// beside tiling/schedule.py. Same events, same names, same order.
//
// The tiling comes in as macros (tiling/kernel/build.py): BM BN BK, TM TN, WM WN, QUAD_M QUAD_N,
// A_VECTOR B_VECTOR, PAD, TWIST, STAGES, FRAGMENTS, A_WIDE B_WIDE C_WIDE, A_UNROLL B_UNROLL,
// DIRECT, SHARED_STORE, SHARED_WORDS, LARGE_SHARED and LAUNCH_BOUNDS. The sizes M, N, K are
// arguments. One CTA of THREADS threads makes one tile of C; the CTAs are numbered row by row over
// C, on a grid of one dimension, which has room for all. `render.py source` prints one tiling's.

#include "accessors.h"
#include "layout.h"

// Neighbours of one row of A or B, from (row, col) on, with a zero for each that lies outside. Both
// operands need their zeros: a zero in one alone meets an Inf or NaN of the other.
struct Neighbours {
    const Element *__restrict__ matrix;
    Index row, col, rows, cols;

    __device__ const Element *from() const {
        return matrix + static_cast<unsigned long long>(row) * cols + col;
    }
    __device__ bool inside(Index v) const { return row < rows && col + v < cols; }
#if B_VECTOR > 1
    // Whether one wide request may fetch them: not over an edge, nor off a multiple of its width.
    template <Index FLOATS>
    __device__ bool wide() const {
        const auto address = reinterpret_cast<unsigned long long>(from());
        return FLOATS > 1 && row < rows && col + FLOATS <= cols &&
               address % sizeof(Wide<FLOATS>) == 0;
    }
#endif
#if STAGES == 1
    template <Index FLOATS>
    __device__ Wide<FLOATS> fetch() const {
#if B_VECTOR > 1
        if (wide<FLOATS>()) return *reinterpret_cast<const Wide<FLOATS> *>(from());
#endif
        Wide<FLOATS> found;
#pragma unroll
        for (Index v = 0; v < FLOATS; ++v) found.at[v] = inside(v) ? from()[v] : 0.0f;
        return found;
    }
#else
    template <Index FLOATS>
    __device__ void copy(Element *to) const {
#if B_VECTOR > 1
        if (wide<FLOATS>()) return begin_copy<FLOATS>(to, from(), true);
#endif
#pragma unroll
        for (Index v = 0; v < FLOATS; ++v) begin_copy<1>(to + v, from() + v, inside(v));
    }
#endif
};

extern "C" __global__ void __launch_bounds__(LAUNCH_BOUNDS)
gemm(const Element *__restrict__ A, const Element *__restrict__ B, Element *__restrict__ C, Index M,
     Index N, Index K) {
#if LARGE_SHARED && !DIRECT
    alignas(16) extern __shared__ Element shared[];  // above 48 KB its size is set at launch
#elif !DIRECT
    alignas(16) __shared__ Element shared[SHARED_WORDS];
#endif
    const Index thread = threadIdx.x;
    __builtin_assume(thread < THREADS);  // saves the compiler arithmetic on indices

    // Where this CTA's tile of C begins, and the thread's place in it: warps go row by row over
    // the CTA tile, lanes row by row over the warp tile.
    const Index ctas_per_row = (N - 1) / BN + 1;
    const Index cta_row = blockIdx.x / ctas_per_row * BM, cta_col = blockIdx.x % ctas_per_row * BN;
    const Index warp = thread / LANES, lane = thread % LANES;
    const Index row_place = warp / (BN / WN) * (WM / TM) + lane / (WN / TN);
    const Index col_place = warp % (BN / WN) * (WN / TN) + lane % (WN / TN);
    const auto thread_row = [=](Index i) { return place<WM, TM, QUAD_M>(row_place, i); };
    const auto thread_col = [=](Index j) { return place<WN, TN, QUAD_N>(col_place, j); };

    float accumulator[TM][TN] = {};

#if DIRECT
    // Fragments of one k, which each thread fetches for itself: if its first result lies outside C
    // all do, and it fetches nothing.
    const bool busy = cta_row + thread_row(0) < M && cta_col + thread_col(0) < N;
    const auto read = [&](Index k_tile, Index k, float (&a)[TM], float (&b)[TN]) {
#pragma unroll
        for (Index i = 0; i < TM; ++i)
            a[i] = Neighbours{A, cta_row + thread_row(i), k_tile * BK + k, busy ? M : 0, K}
                       .fetch<1>().at[0];
#pragma unroll
        for (Index j = 0; j < TN; ++j)
            b[j] = Neighbours{B, k_tile * BK + k, cta_col + thread_col(j), busy ? K : 0, N}
                       .fetch<1>().at[0];
    };
#else
    // Copy A and B of a k-tile into its stage: neighbouring threads fetch neighbouring groups of a
    // row, whatever they compute.
    const auto copy = [&](Index k_tile) {
        const Index stage = k_tile % STAGES * STAGE;
#pragma unroll A_UNROLL
        for (Index first = 0; first < BM * BK / A_VECTOR; first += THREADS) {
            const Index group = first + thread;
            if (group < BM * BK / A_VECTOR) {
                const Index row = group * A_VECTOR / BK, k = group * A_VECTOR % BK;
                const Neighbours group_of_A{A, cta_row + row, k_tile * BK + k, M, K};
#if STAGES == 1
                const auto wide = group_of_A.fetch<A_VECTOR>();
#pragma unroll
                for (Index v = 0; v < A_VECTOR; ++v)
                    shared[stage + a_word(k + v, row)] = wide.at[v];
#else
                static_assert(A_VECTOR == 1, "neighbours in a row of A are not neighbours in As");
                group_of_A.copy<1>(&shared[stage + a_word(k, row)]);
#endif
            }
        }
#pragma unroll B_UNROLL
        for (Index first = 0; first < BK * BN / B_VECTOR; first += THREADS) {
            const Index group = first + thread;
            if (group < BK * BN / B_VECTOR) {
                const Index k = group * B_VECTOR / BN, col = group * B_VECTOR % BN;
                const Neighbours group_of_B{B, k_tile * BK + k, cta_col + col, K, N};
                const Index word = stage + b_word(k, col);
#if STAGES == 1
                const auto wide = group_of_B.fetch<B_VECTOR>();
                *reinterpret_cast<Wide<B_VECTOR> *>(&shared[word]) = wide;
#else
                group_of_B.copy<B_VECTOR>(&shared[word]);
#endif
            }
        }
    };

    // Fragments of one k, each read as wide as all its places allow.
    const auto read = [&](Index k_tile, Index k, float (&a)[TM], float (&b)[TN]) {
        const Index stage = k_tile % STAGES * STAGE;
#pragma unroll
        for (Index i = 0; i < TM; i += A_WIDE)
            load<A_WIDE>(&a[i], &shared[stage + a_word(k, thread_row(i))]);
#pragma unroll
        for (Index j = 0; j < TN; j += B_WIDE)
            load<B_WIDE>(&b[j], &shared[stage + b_word(k, thread_col(j))]);
    };
#endif

    const Index k_tiles = (K - 1) / BK + 1;
#if STAGES > 1
    // A group of copies; an empty one behind the last k-tile, so that every wait counts alike.
    const auto begin = [&](Index k_tile) {
        if (k_tile < k_tiles) copy(k_tile);
        commit_copies();
    };
#pragma unroll 1
    for (Index k_tile = 0; k_tile < STAGES - 1; ++k_tile) begin(k_tile);
#endif

#pragma unroll 1  // the k loop in it is unrolled already
    for (Index k_tile = 0; k_tile < k_tiles; ++k_tile) {
#if STAGES > 1
        // Wait for this k-tile, while those behind it are on their way. One barrier serves both: all
        // may read what any has copied, and overwrite the k-tile before, which all have read.
        wait_for_copies<STAGES - 2>();
        __syncthreads();
        begin(k_tile + STAGES - 1);
#elif !DIRECT
        // Barrier before overwrite: some thread may still be reading the tile that lies there.
        if (k_tile > 0) __syncthreads();
        copy(k_tile);
        // Barrier before reads: what a thread reads, other threads have copied.
        __syncthreads();
#endif

        // A column of A's tile times a row of B's tile for each k: k is the outer loop, so that
        // TM + TN words serve TM·TN multiply-adds.
        float a[FRAGMENTS][TM], b[FRAGMENTS][TN];
#if FRAGMENTS > 1
        read(k_tile, 0, a[0], b[0]);  // fragments are one k ahead
#endif
#pragma unroll
        for (Index k = 0; k < BK; ++k) {
#if FRAGMENTS > 1
            if (k + 1 < BK) read(k_tile, k + 1, a[(k + 1) % FRAGMENTS], b[(k + 1) % FRAGMENTS]);
#else
            read(k_tile, k, a[0], b[0]);
#endif
            // OuterProduct: the _ieee_ form is the one that -ftz=true does not change.
#pragma unroll
            for (Index i = 0; i < TM; ++i)
#pragma unroll
                for (Index j = 0; j < TN; ++j)
                    accumulator[i][j] = __fmaf_ieee_rn(a[k % FRAGMENTS][i], b[k % FRAGMENTS][j],
                                                       accumulator[i][j]);
        }
    }

    // Store: what hangs over the edge of C is not stored.
    const auto store = [&](Index row, Index col, float value) {
        const bool inside = row < M && col < N;
        Element *const to = C + static_cast<unsigned long long>(row) * N + col;
        if (inside) *to = value;
    };
#if SHARED_STORE
    // Row by row of every thread through shared memory, so that neighbouring threads store
    // neighbours in a row of C.
#pragma unroll
    for (Index i = 0; i < TM; ++i) {
        __syncthreads();  // before overwrite
#pragma unroll
        for (Index j = 0; j < TN; j += C_WIDE) {  // Exchange
            const Index word = row_place * BN + thread_col(j);
            Wide<C_WIDE> wide;
#pragma unroll
            for (Index v = 0; v < C_WIDE; ++v) wide.at[v] = accumulator[i][j + v];
            *reinterpret_cast<Wide<C_WIDE> *>(&shared[word]) = wide;
        }
        __syncthreads();  // before reads
#pragma unroll
        for (Index first = 0; first < BM / TM * BN; first += THREADS) {
            const Index word = first + thread;
            const Index row = place<WM, TM, QUAD_M>(word / BN, i), col = word % BN;
            store(cta_row + row, cta_col + col, shared[word]);
        }
    }
#else
#pragma unroll
    for (Index i = 0; i < TM; ++i)
#pragma unroll
        for (Index j = 0; j < TN; ++j)
            store(cta_row + thread_row(i), cta_col + thread_col(j), accumulator[i][j]);
#endif
}
