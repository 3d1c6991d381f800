// Eight results per thread, one below the other: each value of B is used eight times.
#pragma once
#include <cassert>
#include <cuda_runtime.h>

template <const int BM, const int BN, const int BK, const int TM>
__global__ void sgemm_1d_tile(int M, int N, int K, const float *A, const float *B, float *C) {
    const int block_row = blockIdx.y;
    const int block_col = blockIdx.x;
    const int thread_col = threadIdx.x % BN;
    const int thread_row = threadIdx.x / BN;

    __shared__ float As[BM * BK];
    __shared__ float Bs[BK * BN];

    A += block_row * BM * K;
    B += block_col * BN;
    C += block_row * BM * N + block_col * BN;

    assert(BM * BK == blockDim.x);
    assert(BN * BK == blockDim.x);
    const int a_col = threadIdx.x % BK, a_row = threadIdx.x / BK;
    const int b_col = threadIdx.x % BN, b_row = threadIdx.x / BN;

    float results[TM] = {0.0f};
    for (int k0 = 0; k0 < K; k0 += BK) {
        As[a_row * BK + a_col] = A[a_row * K + a_col];
        Bs[b_row * BN + b_col] = B[b_row * N + b_col];
        __syncthreads();
        A += BK;
        B += BK * N;

        for (int k = 0; k < BK; ++k) {
            float b = Bs[k * BN + thread_col];
            for (int i = 0; i < TM; ++i)
                results[i] += As[(thread_row * TM + i) * BK + k] * b;
        }
        __syncthreads();
    }

    for (int i = 0; i < TM; ++i)
        C[(thread_row * TM + i) * N + thread_col] = results[i];
}

void run_1d_tile(int M, int N, int K, float *A, float *B, float *C) {
    const int BM = 64, BN = 64, BK = 8, TM = 8;
    dim3 grid((N + BN - 1) / BN, (M + BM - 1) / BM);
    sgemm_1d_tile<BM, BN, BK, TM><<<grid, BM * BN / TM>>>(M, N, K, A, B, C);
}
