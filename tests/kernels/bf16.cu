// bfloat16 in, float out; each thread makes one element and reads its own row and column.
#include <cuda_bf16.h>
#include <cuda_runtime.h>

__global__ void gemm_bf16(const __nv_bfloat16 *A, const __nv_bfloat16 *B, float *C, size_t M,
                          size_t N, size_t K) {
    const size_t col = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    const size_t row = blockIdx.y * (size_t)blockDim.y + threadIdx.y;
    if (row >= M || col >= N) return;
    float acc = 0.f;
    for (size_t k = 0; k < K; ++k) {
        const float a = __bfloat162float(A[row * K + k]);
        const float b = __bfloat162float(B[k * N + col]);
        acc += a * b;
    }
    C[row * N + col] = acc;
}
