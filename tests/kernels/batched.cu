// Many small products of one size, one block each: blockIdx.z picks A, B and C of the batch.
#include <cuda_runtime.h>
#include <iostream>

#define DIM 16

__global__ void batchedGemm(const float *A, const float *B, float *C, int n, long stride)
{
    const float *a = A + blockIdx.z * stride;
    const float *b = B + blockIdx.z * stride;
    float *c = C + blockIdx.z * stride;
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    int col = blockIdx.x * blockDim.x + threadIdx.x;

    float sum = 0;
    for (int k = 0; k < n; k++) {
        float x = a[row * n + k];
        float y = b[k * n + col];
        sum += x * y;
    }
    c[row * n + col] = sum;
}

int main(void)
{
    int n = 64, batch = 100;
    float *A, *B, *C;
    cudaMalloc(&A, batch * n * n * sizeof(float));
    cudaMalloc(&B, batch * n * n * sizeof(float));
    cudaMalloc(&C, batch * n * n * sizeof(float));
    batchedGemm<<<dim3(n / DIM, n / DIM, batch), dim3(DIM, DIM)>>>(A, B, C, n, (long)n * n);
    std::cout << cudaGetErrorString(cudaDeviceSynchronize()) << "\n";
    cudaFree(A); cudaFree(B); cudaFree(C);
}
