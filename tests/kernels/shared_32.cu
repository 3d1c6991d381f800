// The textbook's tile: 32x32 of A and of B in shared memory, one element of C per thread.
#include <cuda_runtime.h>
#include <iostream>
#include <random>

#define TILE_SIZE 32

void cudaCheck(cudaError_t error, const char *file, int line) {
    if (error != cudaSuccess) {
        std::cerr << "[CUDA ERROR] at " << file << ":" << line << ": "
                  << cudaGetErrorString(error) << std::endl;
        exit(1);
    }
}
#define CUDA_CHECK(err) cudaCheck(err, __FILE__, __LINE__)

__global__ void matmul_tiled(float *A, float *B, float *C, int M, int N, int K) {
    __shared__ float As[TILE_SIZE][TILE_SIZE];
    __shared__ float Bs[TILE_SIZE][TILE_SIZE];

    int tx = threadIdx.x, ty = threadIdx.y;
    int row = blockIdx.y * TILE_SIZE + ty;
    int col = blockIdx.x * TILE_SIZE + tx;
    float value = 0;

    for (int t = 0; t < K / TILE_SIZE; ++t) {
        As[ty][tx] = A[row * K + t * TILE_SIZE + tx];
        Bs[ty][tx] = B[(t * TILE_SIZE + ty) * N + col];
        __syncthreads();

        for (int i = 0; i < TILE_SIZE; ++i)
            value += As[ty][i] * Bs[i][tx];
        __syncthreads();
    }
    C[row * N + col] = value;
}

int main() {
    const int M = 512, N = 1024, K = 256;
    float *A, *B, *C;
    CUDA_CHECK(cudaMallocManaged(&A, M * K * sizeof(float)));
    CUDA_CHECK(cudaMallocManaged(&B, K * N * sizeof(float)));
    CUDA_CHECK(cudaMallocManaged(&C, M * N * sizeof(float)));

    std::mt19937 rng(7);
    std::uniform_real_distribution<float> dist(-1.f, 1.f);
    for (int i = 0; i < M * K; ++i) A[i] = dist(rng);
    for (int i = 0; i < K * N; ++i) B[i] = dist(rng);

    dim3 block(TILE_SIZE, TILE_SIZE);
    dim3 grid(N / TILE_SIZE, M / TILE_SIZE);
    matmul_tiled<<<grid, block>>>(A, B, C, M, N, K);
    CUDA_CHECK(cudaDeviceSynchronize());

    std::cout << "C[M-1][N-1] = " << C[M * N - 1] << std::endl;
    return 0;
}
