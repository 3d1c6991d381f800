// C = A·B with A (M, K), B (K, N), C (M, N), row-major float32: one CTA's schedule, to be read
// beside tiling/schedule.py. Same events, same names, same order.
//
// The tiling comes in as macros (tiling/kernel/build.py): BM BN BK, TM TN, WM WN, QUAD_M QUAD_N,
// VECTOR, PAD, TWIST, A_WIDE B_WIDE and LARGE_SHARED. The sizes M, N, K are arguments. One CTA of
// THREADS threads makes one tile of C; the CTAs are numbered row by row over C, on a grid of one
// dimension, which has room for all.
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

// Neighbours that one access moves at once.
template <Index FLOATS>
struct alignas(FLOATS * sizeof(float)) Wide {
    float at[FLOATS];
};
using Vector = Wide<VECTOR>;  // what one request to global memory brings at best

// The shared word of As[k][row] and of Bs[k][col]. As lies transposed, so that both fragments are
// neighbouring words. With a twist, the rows of As change places among the 32 banks from k to k.
__device__ inline constexpr Index a_word(Index k, Index row) {
    return k * A_STRIDE + (row ^ k / VECTOR * TWIST % 32);
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
enum Action { COPY_A = 1, COPY_B, BARRIER, READ_A, READ_B, OUTER_PRODUCT, STORE };
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

// VECTOR neighbours of one row: by one wide request where all of them lie inside the matrix and
// the address is a multiple of the width, otherwise one by one, with a zero for each that lies
// outside. Both operands need their zeros: a zero in one alone meets an Inf or NaN of the other.
__device__ inline Vector load(const float *__restrict__ matrix, Index row, Index col, Index rows,
                              Index cols TRACE_ONLY(, long long (&index)[VECTOR])) {
    Vector vector;
    const float *from = matrix + static_cast<unsigned long long>(row) * cols + col;
    const bool aligned = reinterpret_cast<unsigned long long>(from) % sizeof(Vector) == 0;
    if (VECTOR > 1 && row < rows && col + VECTOR <= cols && aligned) {
        vector = *reinterpret_cast<const Vector *>(from);
        TRACE_ONLY(for (Index v = 0; v < VECTOR; ++v) index[v] = from + v - matrix;)
    } else {
#pragma unroll
        for (Index v = 0; v < VECTOR; ++v) {
            const bool inside = row < rows && col + v < cols;
            vector.at[v] = inside ? from[v] : 0.0f;
            TRACE_ONLY(index[v] = inside ? from + v - matrix : NONE;)
        }
    }
    return vector;
}

extern "C" __global__ void __launch_bounds__(THREADS)
gemm(const float *__restrict__ A, const float *__restrict__ B, float *__restrict__ C, Index M,
     Index N, Index K TRACE_ONLY(, long long *slots, unsigned long long stride)) {
#if LARGE_SHARED
    alignas(16) extern __shared__ float shared[];  // above 48 KB its size is set at launch
#else
    alignas(16) __shared__ float shared[BK * (A_STRIDE + BN)];
#endif
    const Index thread = threadIdx.x;
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

    for (Index k_tile = 0; k_tile < (K - 1) / BK + 1; ++k_tile) {
        // Barrier before overwrite: some thread may still be reading the tile that lies there.
        if (k_tile > 0) {
            TRACE_ONLY(const long long arrived = clock64();)
            __syncthreads();
            TRACE_ONLY(trace.barrier(arrived, clock64());)
        }

        // Copy A: neighbouring threads fetch neighbouring groups of a row, whatever they compute.
#pragma unroll
        for (Index first = 0; first < BM * BK / VECTOR; first += THREADS) {
            const Index group = first + thread;
            if (group < BM * BK / VECTOR) {
                const Index row = group * VECTOR / BK, k = group * VECTOR % BK;
                TRACE_ONLY(long long index[VECTOR];)
                const Vector vector =
                    load(A, cta_row + row, k_tile * BK + k, M, K TRACE_ONLY(, index));
#pragma unroll
                for (Index v = 0; v < VECTOR; ++v) {
                    const Index word = a_word(k + v, row);
                    shared[word] = vector.at[v];
                    TRACE_ONLY(trace.record(COPY_A, word, index[v], shared[word]);)
                }
            }
        }

        // Copy B
#pragma unroll
        for (Index first = 0; first < BK * BN / VECTOR; first += THREADS) {
            const Index group = first + thread;
            if (group < BK * BN / VECTOR) {
                const Index k = group * VECTOR / BN, col = group * VECTOR % BN;
                TRACE_ONLY(long long index[VECTOR];)
                const Vector vector =
                    load(B, k_tile * BK + k, cta_col + col, K, N TRACE_ONLY(, index));
                const Index word = b_word(k, col);
                reinterpret_cast<Vector &>(shared[word]) = vector;
                TRACE_ONLY(for (Index v = 0; v < VECTOR; ++v)
                               trace.record(COPY_B, word + v, index[v], shared[word + v]);)
            }
        }

        // Barrier before reads: what a thread reads, other threads have copied.
        TRACE_ONLY(const long long arrived = clock64();)
        __syncthreads();
        TRACE_ONLY(trace.barrier(arrived, clock64());)

        // One column of As times one row of Bs for each k: k is the outer loop, so that TM + TN
        // words serve TM·TN multiply-adds.
#pragma unroll
        for (Index k = 0; k < BK; ++k) {
            // Fragments
            float a[TM], b[TN];
#pragma unroll
            for (Index i = 0; i < TM; i += A_WIDE) {
                const Index word = a_word(k, thread_row(i));
                const auto wide = reinterpret_cast<const Wide<A_WIDE> &>(shared[word]);
#pragma unroll
                for (Index v = 0; v < A_WIDE; ++v) {
                    a[i + v] = wide.at[v];
                    TRACE_ONLY(trace.record(READ_A, word + v, NONE, a[i + v]);)
                }
            }
#pragma unroll
            for (Index j = 0; j < TN; j += B_WIDE) {
                const Index word = b_word(k, thread_col(j));
                const auto wide = reinterpret_cast<const Wide<B_WIDE> &>(shared[word]);
#pragma unroll
                for (Index v = 0; v < B_WIDE; ++v) {
                    b[j + v] = wide.at[v];
                    TRACE_ONLY(trace.record(READ_B, word + v, NONE, b[j + v]);)
                }
            }

            // OuterProduct: the _ieee_ form is the one that -ftz=true does not change.
#pragma unroll
            for (Index i = 0; i < TM; ++i)
#pragma unroll
                for (Index j = 0; j < TN; ++j)
                    accumulator[i][j] = __fmaf_ieee_rn(a[i], b[j], accumulator[i][j]);
            TRACE_ONLY(trace.record(OUTER_PRODUCT, NONE, k_tile * BK + k);)
        }
    }

    // Store: what hangs over the edge of C is not stored.
#pragma unroll
    for (Index i = 0; i < TM; ++i) {
#pragma unroll
        for (Index j = 0; j < TN; ++j) {
            const Index row = cta_row + thread_row(i), col = cta_col + thread_col(j);
            const bool inside = row < M && col < N;
            float *const to = C + static_cast<unsigned long long>(row) * N + col;
            if (inside) *to = accumulator[i][j];
            TRACE_ONLY(trace.record(STORE, &accumulator[i][j] - &accumulator[0][0],
                                    inside ? to - C : NONE);)
        }
    }
}
