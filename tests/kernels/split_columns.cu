// Each thread owns four 4x4 corners of the tile, 32 rows and columns apart, so that the lanes of a
// quarter warp read neighbouring vectors of Bs and no bank twice.
#include <cuda_runtime.h>

namespace gemm {

constexpr int kBlock = 64;   // rows and columns of C for one block
constexpr int kDepth = 8;
constexpr int kThreads = 64;

__device__ __forceinline__ float4 load4(const float *p) {
    return *reinterpret_cast<const float4 *>(p);
}
__device__ __forceinline__ void store4(float *p, float4 v) { *reinterpret_cast<float4 *>(p) = v; }

__global__ __launch_bounds__(kThreads) void split(const float *__restrict__ A,
                                                  const float *__restrict__ B,
                                                  float *__restrict__ C, int M, int N, int K) {
    __shared__ __align__(16) float As[kDepth][kBlock + 4];
    __shared__ __align__(16) float Bs[kDepth][kBlock];

    const int t = threadIdx.x;
    const int tx = t % 8, ty = t / 8;
    A += blockIdx.y * kBlock * K;
    B += blockIdx.x * kBlock;
    C += blockIdx.y * kBlock * N + blockIdx.x * kBlock;

    float acc[8][8] = {};
    for (int k0 = 0; k0 < K; k0 += kDepth) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int m = t / 2 + 32 * half;
            const int k = t % 2 * 4;
            const float4 v = load4(A + m * K + k0 + k);
            As[k + 0][m] = v.x;
            As[k + 1][m] = v.y;
            As[k + 2][m] = v.z;
            As[k + 3][m] = v.w;
        }
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int k = t / 16 + 4 * half, n = t % 16 * 4;
            const float4 v = load4(B + (k0 + k) * N + n);
            store4(&Bs[k][n], v);
        }
        __syncthreads();

#pragma unroll
        for (int k = 0; k < kDepth; ++k) {
            const float4 a0 = load4(&As[k][ty * 4]);
            const float4 a1 = load4(&As[k][ty * 4 + 32]);
            const float4 b0 = load4(&Bs[k][tx * 4]);
            const float4 b1 = load4(&Bs[k][tx * 4 + 32]);
            const float a[8] = {a0.x, a0.y, a0.z, a0.w, a1.x, a1.y, a1.z, a1.w};
            const float b[8] = {b0.x, b0.y, b0.z, b0.w, b1.x, b1.y, b1.z, b1.w};
#pragma unroll
            for (int i = 0; i < 8; ++i)
#pragma unroll
                for (int j = 0; j < 8; ++j) acc[i][j] = fmaf(a[i], b[j], acc[i][j]);
        }
        __syncthreads();
    }

#pragma unroll
    for (int i = 0; i < 8; ++i) {
        float *row = C + (ty * 4 + i % 4 + i / 4 * 32) * N;
        store4(row + tx * 4, make_float4(acc[i][0], acc[i][1], acc[i][2], acc[i][3]));
        store4(row + tx * 4 + 32, make_float4(acc[i][4], acc[i][5], acc[i][6], acc[i][7]));
    }
}

}  // namespace gemm
