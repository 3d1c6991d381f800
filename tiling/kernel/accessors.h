// What gemm.cu's words for memory mean. In the build that records, recording.h gives Elements,
// copies, barriers and multiply-adds a second meaning: the same, and written down.

// Sizes and indices are unsigned: a tile may hang over the edge of the largest matrix that the
// model accepts, and an index over that edge must not overflow before it is compared with it.
using Index = unsigned int;

#if STAGES > 1 && !defined(ON_A_CPU)  // on a CPU, host.h makes a copy at its wait
// An asynchronous copy from global to shared memory, or of zeros where nothing lies inside: then
// nothing is read, wherever `from` points (CUTLASS's zero-filling copies rely on that too). What a
// thread has begun it closes as a group, and later waits for all but its last groups. Where the
// hardware has no such copies, they are made at once.
template <Index FLOATS>
__device__ inline void begin_copy(float *to, const float *from, bool inside) {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(
                     static_cast<unsigned>(__cvta_generic_to_shared(to))),
                 "l"(from), "n"(FLOATS * sizeof(float)), "r"(inside ? FLOATS * 4 : 0)
                 : "memory");
#else
    struct alignas(FLOATS * sizeof(float)) Copied {
        float at[FLOATS];
    };
    *reinterpret_cast<Copied *>(to) = inside ? *reinterpret_cast<const Copied *>(from) : Copied{};
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

#ifdef TRACE
#include "recording.h"
#else
using Element = float;
#endif

// Neighbours that one access moves at once.
template <Index FLOATS>
struct alignas(FLOATS * sizeof(float)) Wide {
    Element at[FLOATS];
};
#if !DIRECT
template <Index FLOATS>
__device__ inline void load(float *to, const Element *from) {
    const auto wide = *reinterpret_cast<const Wide<FLOATS> *>(from);
#pragma unroll
    for (Index v = 0; v < FLOATS; ++v) to[v] = wide.at[v];
}
#endif
