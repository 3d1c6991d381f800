// One thread per element again, but a flat block: consecutive threads sit in one row of C.
#pragma once
#include <cuda_runtime.h>

#define CEIL_DIV(x, y) (((x) + (y) - 1) / (y))

template <const int BLOCK>
__global__ void sgemm_coalesced(int M, int N, int K, const float *A, const float *B, float *C) {
    const int row = blockIdx.y * BLOCK + threadIdx.x / BLOCK;
    const int col = blockIdx.x * BLOCK + threadIdx.x % BLOCK;
    if (row >= M || col >= N) return;

    float sum = 0.0f;
    for (int k = 0; k < K; ++k) {
        const float a = A[row * K + k];
        const float b = B[k * N + col];
        sum += a * b;
    }
    C[row * N + col] = sum;
}

void launch_coalesced(int M, int N, int K, const float *A, const float *B, float *C) {
    dim3 grid(CEIL_DIV(N, 32), CEIL_DIV(M, 32));
    dim3 block(32 * 32);
    sgemm_coalesced<32><<<grid, block>>>(M, N, K, A, B, C);
}
