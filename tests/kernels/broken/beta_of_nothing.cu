// Broken: with beta = 0 C is read all the same, and nobody has written it: 0 * NaN is NaN.
#include <cstdio>
#include <cuda_runtime.h>

__global__ void sgemm_beta(int M, int N, int K, float alpha, const float *A, const float *B,
                           float beta, float *C) {
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    int col = blockIdx.x * blockDim.x + threadIdx.x;
    if (row < M && col < N) {
        float tmp = 0.0;
        for (int k = 0; k < K; ++k) {
            float a = A[row * K + k];
            float b = B[k * N + col];
            tmp += a * b;
        }
        float old = C[row * N + col];
        C[row * N + col] = alpha * tmp + beta * old;
    }
}

int main() {
    const int M = 256, N = 256, K = 256;
    float *A, *B, *C;
    cudaMalloc(&A, M * K * sizeof(float));
    cudaMalloc(&B, K * N * sizeof(float));
    cudaMalloc(&C, M * N * sizeof(float));
    cudaMemset(A, 0, M * K * sizeof(float));
    cudaMemset(B, 0, K * N * sizeof(float));
    dim3 block(32, 8);
    dim3 grid((N + 31) / 32, (M + 7) / 8);
    sgemm_beta<<<grid, block>>>(M, N, K, 1.0f, A, B, 0.0f, C);
    printf("%s\n", cudaGetErrorString(cudaDeviceSynchronize()));
}
