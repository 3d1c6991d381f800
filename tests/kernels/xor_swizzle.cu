// The transposed tile of A without a pad: column r of row k is kept at r ^ (4 * k), so that storing
// down a column meets eight times four banks and reading along a row still meets all of them.
#include <cuda_runtime.h>

template <int BM = 32, int BN = 32, int BK = 8>
__global__ __launch_bounds__(256) void sgemm_xor(const float *A, const float *B, float *C, int M,
                                                 int N, int K) {
    __shared__ float As[BK][BM];
    __shared__ float Bs[BK][BN];
    auto swizzled = [](int k, int r) { return r ^ (4 * k); };

    const int t = threadIdx.x;
    const int m = t % BM, n4 = t / BM * 4;  // a row of C and four of its columns
    float c[4] = {};

    for (int k0 = 0; k0 < K; k0 += BK) {
        const int ar = t / BK, ac = t % BK;
        const int br = t / BN, bc = t % BN;
        As[ac][swizzled(ac, ar)] = A[(blockIdx.y * BM + ar) * K + k0 + ac];
        Bs[br][bc] = B[(k0 + br) * N + blockIdx.x * BN + bc];
        __syncthreads();
#pragma unroll
        for (int k = 0; k < BK; ++k) {
            const float a = As[k][swizzled(k, m)];
#pragma unroll
            for (int j = 0; j < 4; ++j)
                c[j] += a * Bs[k][n4 + j];
        }
        __syncthreads();
    }
#pragma unroll
    for (int j = 0; j < 4; ++j)
        C[(blockIdx.y * BM + m) * N + blockIdx.x * BN + n4 + j] = c[j];
}

template __global__ void sgemm_xor<32, 32, 8>(const float *, const float *, float *, int, int, int);
