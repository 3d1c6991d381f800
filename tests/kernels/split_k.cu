// K is shared out over blockIdx.z; the partial sums meet in C by atomicAdd. C must be zero before.
#include <cstdio>
#include <cuda_runtime.h>

static constexpr int BLOCK = 16;

__global__ void splitk_kernel(const float *A, const float *B, float *C, int M, int N, int K,
                              int k_per_slice) {
    __shared__ float Asub[BLOCK][BLOCK];
    __shared__ float Bsub[BLOCK][BLOCK];
    const int row = blockIdx.y * BLOCK + threadIdx.y;
    const int col = blockIdx.x * BLOCK + threadIdx.x;
    const int begin = blockIdx.z * k_per_slice;
    const int end = min(begin + k_per_slice, K);

    float partial = 0;
    for (int k0 = begin; k0 < end; k0 += BLOCK) {
        Asub[threadIdx.y][threadIdx.x] = A[row * K + k0 + threadIdx.x];
        Bsub[threadIdx.y][threadIdx.x] = B[(k0 + threadIdx.y) * N + col];
        __syncthreads();
        for (int k = 0; k < BLOCK; k++)
            partial += Asub[threadIdx.y][k] * Bsub[k][threadIdx.x];
        __syncthreads();
    }
    atomicAdd(&C[row * N + col], partial);
}

int main() {
    const int M = 64, N = 64, K = 4096, slices = 8;
    float *A, *B, *C;
    cudaMalloc((void **)&A, sizeof(float) * M * K);
    cudaMalloc((void **)&B, sizeof(float) * K * N);
    cudaMalloc((void **)&C, sizeof(float) * M * N);
    cudaMemset(C, 0, sizeof(float) * M * N);

    const dim3 block(BLOCK, BLOCK);
    const dim3 grid(N / BLOCK, M / BLOCK, slices);
    cudaEvent_t start, stop;
    cudaEventCreate(&start);
    cudaEventCreate(&stop);
    cudaEventRecord(start);
    splitk_kernel<<<grid, block>>>(A, B, C, M, N, K, K / slices);
    cudaEventRecord(stop);
    cudaEventSynchronize(stop);
    float ms = 0;
    cudaEventElapsedTime(&ms, start, stop);
    printf("%.3f ms, %.1f GFLOP/s\n", ms, 2e-6 * M * N * K / ms);
    cudaFree(A);
    cudaFree(B);
    cudaFree(C);
}
