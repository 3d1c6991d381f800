// Broken for large matrices: row * N + col is an int, and M * N may pass 2^31.
#include <cuda_runtime.h>

__global__ void gemm_big(const float *A, const float *B, float *C, int M, int N, int K) {
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    int col = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= M || col >= N) return;

    float sum = 0.0f;
    for (int k = 0; k < K; k++) {
        float a = A[row * K + k];
        float b = B[k * N + col];
        sum += a * b;
    }
    C[row * N + col] = sum;
}
