// C = A·B with A (M, K), B (K, N), C (M, N), row-major float32: one CTA's schedule, to be read
// beside tiling/schedule.py. Same events, same names, same order.
//
// The tiling comes in as macros (tiling/kernel/build.py): BM BN BK, TM TN, WM WN, QUAD_M QUAD_N,
// A_VECTOR B_VECTOR, PAD, TWIST, STAGES, FRAGMENTS, A_WIDE B_WIDE C_WIDE, A_UNROLL B_UNROLL,
// DIRECT, SHARED_STORE, SHARED_WORDS, LARGE_SHARED and LAUNCH_BOUNDS. The sizes M, N, K are
// arguments. One CTA of THREADS threads makes one tile of C; the CTAs are numbered row by row over
// C, on a grid of one dimension, which has room for all.
//
// What stands in TRACE_ONLY(...) exists only in the build that records what each thread does.

#ifdef TRACE
#define TRACE_ONLY(...) __VA_ARGS__
#else
#define TRACE_ONLY(...)
#endif

// Sizes and indices are unsigned: a tile may hang over the edge of the largest matrix that the
// model accepts, and an index over that edge must not overflow before it is compared with it.
using Index = unsigned int;

constexpr Index THREADS = (BM / TM) * (BN / TN);
constexpr Index LANES = (WM / TM) * (WN / TN);  // threads that share a warp tile
constexpr Index A_STRIDE = BM + PAD;            // words from one k of As to the next
constexpr Index STAGE = BK * (A_STRIDE + BN);   // words of one stage

// Neighbours that one access moves at once.
template <Index FLOATS>
struct alignas(FLOATS * sizeof(float)) Wide {
    float at[FLOATS];
};

// The shared word of As[k][row] and of Bs[k][col]. As lies transposed, so that both fragments are
// neighbouring words. With a twist, the rows of As change places among the 32 banks from k to k.
__device__ inline constexpr Index a_word(Index k, Index row) {
    return k * A_STRIDE + (row ^ k / A_VECTOR * TWIST % 32);
}
__device__ inline constexpr Index b_word(Index k, Index col) {
    return BK * A_STRIDE + k * BN + col;
}

// The i-th row or column of a thread at this position of the CTA tile: positions go warp tile by
// warp tile, and their elements come in groups of QUAD neighbours, spread over the warp tile.
template <Index WARP, Index TILE, Index QUAD>
__device__ inline constexpr Index place(Index position, Index i) {
    constexpr Index PER_WARP = WARP / TILE, APART = WARP / (TILE / QUAD);
    return position / PER_WARP * WARP + position % PER_WARP * QUAD + i / QUAD * APART + i % QUAD;
}

#ifdef TRACE
enum Action {
    COPY_A = 1, COPY_B, BARRIER, READ_A, READ_B, OUTER_PRODUCT, STORE,
    COMMIT, WAIT, EXCHANGE, STORE_SHARED,
};
constexpr int NONE = -1;

// One thread's own slots, two for each record: the action, the word it touched and the bits that
// were there; then the index in global memory, or the k. Nothing is shared between threads, so
// tracing puts no order between them that the kernel does not.
struct Trace {
    long long *slot, *end;

    __device__ void write(Action action, long long low, long long high) {
        if (slot + 1 < end) {
            slot[0] = static_cast<long long>(action) << 56 | low;
            slot[1] = high;
            slot += 2;
        }
    }
    __device__ void record(Action action, long long word, long long index, float value = 0) {
        write(action, (word & 0xffffff) << 32 | __float_as_uint(value), index);
    }
    __device__ void barrier(long long arrived, long long left) {
        write(BARRIER, arrived & 0xffffffffffffff, left & 0xffffffffffffff);
    }
};
#endif

// An asynchronous copy from global to shared memory, or of zeros where nothing lies inside: then
// nothing is read, wherever `from` points (CUTLASS's zero-filling copies rely on that too). What a
// thread has begun it closes as a group, and later waits for all but its last groups. Where the
// hardware has none, the copy is made at once; on a CPU, host.h makes it at the wait.
#if STAGES > 1 && defined(__CUDA_ARCH__)
template <Index FLOATS>
__device__ inline void begin_copy(float *to, const float *from, bool inside) {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(
                     static_cast<unsigned>(__cvta_generic_to_shared(to))),
                 "l"(from), "n"(FLOATS * sizeof(float)), "r"(inside ? FLOATS * 4 : 0)
                 : "memory");
#else
    *reinterpret_cast<Wide<FLOATS> *>(to) =
        inside ? *reinterpret_cast<const Wide<FLOATS> *>(from) : Wide<FLOATS>{};
#endif
}
__device__ inline void commit_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <Index PENDING>
__device__ inline void wait_for_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
#endif
}
#endif

// Neighbours of one row of A or B, from (row, col) on. They are fetched by one wide request where
// all of them lie inside the matrix and the address is a multiple of the width, otherwise one by
// one, with a zero for each that lies outside. Both operands need their zeros: a zero in one alone
// meets an Inf or NaN of the other.
struct Neighbours {
    const float *__restrict__ matrix;
    Index row, col, rows, cols;

    __device__ const float *from() const {
        return matrix + static_cast<unsigned long long>(row) * cols + col;
    }
    __device__ bool inside(Index v) const { return row < rows && col + v < cols; }
    template <Index FLOATS>
    __device__ bool wide() const {
        const auto address = reinterpret_cast<unsigned long long>(from());
        return FLOATS > 1 && row < rows && col + FLOATS <= cols &&
               address % sizeof(Wide<FLOATS>) == 0;
    }
    template <Index FLOATS>
    __device__ Wide<FLOATS> load() const {
        if (wide<FLOATS>()) return *reinterpret_cast<const Wide<FLOATS> *>(from());
        Wide<FLOATS> found;
#pragma unroll
        for (Index v = 0; v < FLOATS; ++v) found.at[v] = inside(v) ? from()[v] : 0.0f;
        return found;
    }
#if STAGES > 1
    template <Index FLOATS>
    __device__ void copy(float *to) const {
        if (wide<FLOATS>()) return begin_copy<FLOATS>(to, from(), true);
#pragma unroll
        for (Index v = 0; v < FLOATS; ++v)
            begin_copy<1>(to + v, from() + v, inside(v));
    }
#endif
    TRACE_ONLY(__device__ long long index(Index v) const {
        return inside(v) ? from() + v - matrix : NONE;
    })
    TRACE_ONLY(__device__ float value(Index v) const { return inside(v) ? from()[v] : 0.0f; })
};

extern "C" __global__ void __launch_bounds__(LAUNCH_BOUNDS)
gemm(const float *__restrict__ A, const float *__restrict__ B, float *__restrict__ C, Index M,
     Index N, Index K TRACE_ONLY(, long long *slots, unsigned long long stride)) {
#if DIRECT
    // No shared memory: nothing is copied, and no thread waits for another.
#elif LARGE_SHARED
    alignas(16) extern __shared__ float shared[];  // above 48 KB its size is set at launch
#else
    alignas(16) __shared__ float shared[SHARED_WORDS];
#endif
    const Index thread = threadIdx.x;
    __builtin_assume(thread < THREADS);  // saves the compiler arithmetic on indices
    TRACE_ONLY(const auto own = slots + (blockIdx.x * 1ull * THREADS + thread) * stride;)
    TRACE_ONLY(Trace trace{own, own + stride};)

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

    const auto barrier = [&] {
        TRACE_ONLY(const long long arrived = clock64();)
        __syncthreads();
        TRACE_ONLY(trace.barrier(arrived, clock64());)
    };

#if !DIRECT
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
                const auto wide = group_of_A.load<A_VECTOR>();
#pragma unroll
                for (Index v = 0; v < A_VECTOR; ++v) {
                    const Index word = stage + a_word(k + v, row);
                    shared[word] = wide.at[v];
                    TRACE_ONLY(trace.record(COPY_A, word, group_of_A.index(v), shared[word]);)
                }
#else
                static_assert(A_VECTOR == 1, "neighbours in a row of A are not neighbours in As");
                const Index word = stage + a_word(k, row);
                group_of_A.copy<1>(&shared[word]);
                TRACE_ONLY(trace.record(COPY_A, word, group_of_A.index(0), group_of_A.value(0));)
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
                const auto wide = group_of_B.load<B_VECTOR>();
                *reinterpret_cast<Wide<B_VECTOR> *>(&shared[word]) = wide;
                TRACE_ONLY(for (Index v = 0; v < B_VECTOR; ++v)
                               trace.record(COPY_B, word + v, group_of_B.index(v),
                                            shared[word + v]);)
#else
                group_of_B.copy<B_VECTOR>(&shared[word]);
                TRACE_ONLY(for (Index v = 0; v < B_VECTOR; ++v)
                               trace.record(COPY_B, word + v, group_of_B.index(v),
                                            group_of_B.value(v));)
#endif
            }
        }
    };

    // Fragments of one k, each read as wide as all its places allow.
    const auto read = [&](Index k_tile, Index k, float (&a)[TM], float (&b)[TN]) {
        const Index stage = k_tile % STAGES * STAGE;
#pragma unroll
        for (Index i = 0; i < TM; i += A_WIDE) {
            const Index word = stage + a_word(k, thread_row(i));
            const auto wide = *reinterpret_cast<const Wide<A_WIDE> *>(&shared[word]);
#pragma unroll
            for (Index v = 0; v < A_WIDE; ++v) {
                a[i + v] = wide.at[v];
                TRACE_ONLY(trace.record(READ_A, word + v, NONE, a[i + v]);)
            }
        }
#pragma unroll
        for (Index j = 0; j < TN; j += B_WIDE) {
            const Index word = stage + b_word(k, thread_col(j));
            const auto wide = *reinterpret_cast<const Wide<B_WIDE> *>(&shared[word]);
#pragma unroll
            for (Index v = 0; v < B_WIDE; ++v) {
                b[j + v] = wide.at[v];
                TRACE_ONLY(trace.record(READ_B, word + v, NONE, b[j + v]);)
            }
        }
    };
#else
    // Fragments of one k, which each thread fetches for itself: if its first result lies outside C
    // all do, and it fetches nothing.
    const bool busy = cta_row + thread_row(0) < M && cta_col + thread_col(0) < N;
    const auto read = [&](Index k_tile, Index k, float (&a)[TM], float (&b)[TN]) {
#pragma unroll
        for (Index i = 0; i < TM; ++i) {
            const Neighbours one{A, cta_row + thread_row(i), k_tile * BK + k, busy ? M : 0, K};
            a[i] = one.load<1>().at[0];
            TRACE_ONLY(trace.record(READ_A, NONE, NONE, a[i]);)
        }
#pragma unroll
        for (Index j = 0; j < TN; ++j) {
            const Neighbours one{B, k_tile * BK + k, cta_col + thread_col(j), busy ? K : 0, N};
            b[j] = one.load<1>().at[0];
            TRACE_ONLY(trace.record(READ_B, NONE, NONE, b[j]);)
        }
    };
#endif

    const Index k_tiles = (K - 1) / BK + 1;
#if STAGES > 1
    // A group of copies; an empty one behind the last k-tile, so that every wait counts alike.
    const auto begin = [&](Index k_tile) {
        if (k_tile < k_tiles) copy(k_tile);
        commit_copies();
        TRACE_ONLY(trace.record(COMMIT, NONE, k_tile);)
    };
#pragma unroll 1
    for (Index k_tile = 0; k_tile < STAGES - 1; ++k_tile) begin(k_tile);
#endif

#pragma unroll 1  // the k loop in it is unrolled already
    for (Index k_tile = 0; k_tile < k_tiles; ++k_tile) {
#if DIRECT
#elif STAGES == 1
        // Barrier before overwrite: some thread may still be reading the tile that lies there.
        if (k_tile > 0) barrier();
        copy(k_tile);
        // Barrier before reads: what a thread reads, other threads have copied.
        barrier();
#else
        // Wait for this k-tile, while those behind it are on their way. One barrier then serves
        // both: all may read what any has copied, and overwrite what all have read, the k-tile
        // before.
        wait_for_copies<STAGES - 2>();
        TRACE_ONLY(trace.record(WAIT, NONE, STAGES - 2);)
        barrier();
        begin(k_tile + STAGES - 1);
#endif

        // One column of As times one row of Bs for each k: k is the outer loop, so that TM + TN
        // words serve TM·TN multiply-adds. With two buffers the fragments are one k ahead.
        float a[FRAGMENTS][TM], b[FRAGMENTS][TN];
        if (FRAGMENTS > 1) read(k_tile, 0, a[0], b[0]);
#pragma unroll
        for (Index k = 0; k < BK; ++k) {
            const Index next = k + FRAGMENTS - 1;
            if (next < BK) read(k_tile, next, a[next % FRAGMENTS], b[next % FRAGMENTS]);

            // OuterProduct: the _ieee_ form is the one that -ftz=true does not change.
#pragma unroll
            for (Index i = 0; i < TM; ++i)
#pragma unroll
                for (Index j = 0; j < TN; ++j)
                    accumulator[i][j] = __fmaf_ieee_rn(a[k % FRAGMENTS][i], b[k % FRAGMENTS][j],
                                                       accumulator[i][j]);
            TRACE_ONLY(trace.record(OUTER_PRODUCT, NONE, k_tile * BK + k);)
        }
    }

    // Store: what hangs over the edge of C is not stored.
    const auto store = [&](Index row, Index col,
                           float value TRACE_ONLY(, Action action, Index word)) {
        const bool inside = row < M && col < N;
        float *const to = C + static_cast<unsigned long long>(row) * N + col;
        if (inside) *to = value;
        TRACE_ONLY(trace.record(action, word, inside ? to - C : NONE, value);)
    };
#if SHARED_STORE
    // Row by row of every thread through shared memory, so that neighbouring threads store
    // neighbours in a row of C.
#pragma unroll
    for (Index i = 0; i < TM; ++i) {
        barrier();  // before overwrite
        // Exchange
#pragma unroll
        for (Index j = 0; j < TN; j += C_WIDE) {
            const Index word = row_place * BN + thread_col(j);
            Wide<C_WIDE> wide;
#pragma unroll
            for (Index v = 0; v < C_WIDE; ++v) wide.at[v] = accumulator[i][j + v];
            *reinterpret_cast<Wide<C_WIDE> *>(&shared[word]) = wide;
            TRACE_ONLY(for (Index v = 0; v < C_WIDE; ++v) {
                const Index row = cta_row + thread_row(i), col = cta_col + thread_col(j + v);
                const bool inside = row < M && col < N;
                trace.record(EXCHANGE, word + v, inside ? row * 1ll * N + col : NONE);
            })
        }
        barrier();  // before reads
#pragma unroll
        for (Index first = 0; first < BM / TM * BN; first += THREADS) {
            const Index word = first + thread;
            const Index row = place<WM, TM, QUAD_M>(word / BN, i), col = word % BN;
            store(cta_row + row, cta_col + col, shared[word] TRACE_ONLY(, STORE_SHARED, word));
        }
    }
#else
#pragma unroll
    for (Index i = 0; i < TM; ++i)
#pragma unroll
        for (Index j = 0; j < TN; ++j)
            store(cta_row + thread_row(i), cta_col + thread_col(j),
                  accumulator[i][j] TRACE_ONLY(, STORE, i * TN + j));
#endif
}
