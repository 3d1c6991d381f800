// Halves, two columns of C at a time: HFMA2 multiplies two and adds two.
#include <cuda_fp16.h>

constexpr int TILE_M = 32, TILE_N = 64, TILE_K = 16;

__global__ void __launch_bounds__(256)
hgemm_half2(const half *__restrict__ A, const half *__restrict__ B, half *__restrict__ C, int M,
            int N, int K) {
    __shared__ half As[TILE_M][TILE_K];
    __shared__ half2 Bs[TILE_K][TILE_N / 2];

    const int tx = threadIdx.x % 32;  // which pair of columns
    const int ty = threadIdx.x / 32;  // which four rows
    const int row0 = blockIdx.y * TILE_M, col0 = blockIdx.x * TILE_N;

    half2 acc[4] = {};
    for (int k0 = 0; k0 < K; k0 += TILE_K) {
        const int r = threadIdx.x / 8, c = threadIdx.x % 8 * 2;
        *(half2 *)&As[r][c] = *(const half2 *)&A[(row0 + r) * K + k0 + c];
        for (int kr = ty; kr < TILE_K; kr += 8)
            Bs[kr][tx] = *(const half2 *)&B[(k0 + kr) * N + col0 + 2 * tx];
        __syncthreads();

#pragma unroll
        for (int k = 0; k < TILE_K; ++k) {
            const half2 b = Bs[k][tx];
#pragma unroll
            for (int i = 0; i < 4; ++i)
                acc[i] = __hfma2(__half2half2(As[ty * 4 + i][k]), b, acc[i]);
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; ++i)
        reinterpret_cast<half2 *>(&C[(row0 + ty * 4 + i) * N + col0])[tx] = acc[i];
}
