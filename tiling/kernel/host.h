// What gemm.cu needs of CUDA, in C++: so that g++ can build the same source for a CPU.
// Light on purpose, because it is read for every tiling; host.cpp, which loads what comes of it, and
// the rest are built once.
#pragma once

struct Dim {
    unsigned x;
};
extern constinit thread_local Dim threadIdx, blockIdx;

#define __global__
#define __device__
#define __shared__
#define __noinline__
#define __launch_bounds__(...)
#define __builtin_assume(...)
#define ON_A_CPU
#define LARGE_SHARED 1  // the buffer is host.cpp's, which poisons it with NaN before each CTA

void __syncthreads();

// Asynchronous copies. A GPU refuses a wide one at an address that is not a multiple of its width.
void begin_copy_of(float *to, const float *from, unsigned floats, bool inside);
void commit_copies();
void wait_for_all_but(unsigned pending);

template <unsigned FLOATS>
void begin_copy(float *to, const float *from, bool inside) {
    constexpr unsigned long WIDTH = FLOATS * sizeof(float);
    if (reinterpret_cast<unsigned long>(to) % WIDTH) __builtin_trap();
    if (reinterpret_cast<unsigned long>(from) % WIDTH) __builtin_trap();
    begin_copy_of(to, from, FLOATS, inside);
}
template <unsigned PENDING>
void wait_for_copies() {
    wait_for_all_but(PENDING);
}

// For the build that records. What a GPU keeps in registers lies on the stack of the fiber that
// runs. The model keeps a thread's tile within its registers, so the kernel's frame is small.
constexpr long STACK = 64 * 1024;
long long clock64();
inline bool __isLocal(const void *at) {
    const long apart = static_cast<const char *>(at) -
                       static_cast<const char *>(__builtin_frame_address(0));
    return -STACK < apart && apart < STACK;
}

inline float __fmaf_ieee_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline unsigned __float_as_uint(float value) { return __builtin_bit_cast(unsigned, value); }
