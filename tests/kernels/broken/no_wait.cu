// Broken: the copies of a tile are started and committed, and never waited for.
#include <cuda_pipeline.h>

#define TILE 32

__global__ void gemm_cp_async(const float *A, const float *B, float *C, int M, int N, int K) {
    __shared__ __align__(16) float As[TILE][TILE];
    __shared__ __align__(16) float Bs[TILE][TILE];
    const int tid = threadIdx.x;
    const int r = tid / 8, c = tid % 8 * 4;  // also: one row and four columns of C
    const int row0 = blockIdx.y * TILE, col0 = blockIdx.x * TILE;

    float4 acc = make_float4(0, 0, 0, 0);
    for (int k0 = 0; k0 < K; k0 += TILE) {
        __pipeline_memcpy_async(&As[r][c], &A[(row0 + r) * K + k0 + c], 16);
        __pipeline_memcpy_async(&Bs[r][c], &B[(k0 + r) * N + col0 + c], 16);
        __pipeline_commit();
        __syncthreads();
        for (int k = 0; k < TILE; ++k) {
            const float a = As[r][k];
            const float4 b = *(const float4 *)&Bs[k][c];
            acc.x += a * b.x, acc.y += a * b.y, acc.z += a * b.z, acc.w += a * b.w;
        }
        __syncthreads();
    }
    *(float4 *)&C[(row0 + r) * N + col0 + c] = acc;
}
