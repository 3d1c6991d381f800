// Broken for matrices of 2 GB and more: row * pitch, in bytes, is an int.
#include <cuda_runtime.h>

__device__ inline const float *row_of(const float *base, int row, int pitch) {
    return (const float *)((const char *)base + row * pitch);
}

__global__ void gemm_pitched(const float *A, int pitchA, const float *B, int pitchB, float *C,
                             int pitchC, int M, int N, int K) {
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    int col = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= M || col >= N) return;

    const float *a = row_of(A, row, pitchA);
    float sum = 0.0f;
    for (int k = 0; k < K; k++)
        sum += a[k] * row_of(B, k, pitchB)[col];

    float *c = (float *)((char *)C + row * pitchC);
    c[col] = sum;
}
