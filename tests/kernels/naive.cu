// Square matrices, one thread per element of C. Neighbouring threads take neighbouring columns.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <cuda_runtime.h>

#define gpuCheck(call)                                                              \
    do {                                                                            \
        cudaError_t status = (call);                                                \
        if (status != cudaSuccess) {                                                \
            fprintf(stderr, "%s:%d %s\n", __FILE__, __LINE__, cudaGetErrorString(status)); \
            exit(EXIT_FAILURE);                                                     \
        }                                                                           \
    } while (0)

__global__ void matrixMul(const float *a, const float *b, float *c, int n) {
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    int col = blockIdx.x * blockDim.x + threadIdx.x;
    if (row < n && col < n) {
        float sum = 0.0f;
        for (int k = 0; k < n; k++)
            sum += a[row * n + k] * b[k * n + col];
        c[row * n + col] = sum;
    }
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 1024;
    size_t bytes = sizeof(float) * n * n;
    std::vector<float> h_a(n * n), h_b(n * n), h_c(n * n);
    for (int i = 0; i < n * n; i++) {
        h_a[i] = rand() % 10;
        h_b[i] = rand() % 10;
    }

    float *d_a, *d_b, *d_c;
    gpuCheck(cudaMalloc(&d_a, bytes));
    gpuCheck(cudaMalloc(&d_b, bytes));
    gpuCheck(cudaMalloc(&d_c, bytes));
    gpuCheck(cudaMemcpy(d_a, h_a.data(), bytes, cudaMemcpyHostToDevice));
    gpuCheck(cudaMemcpy(d_b, h_b.data(), bytes, cudaMemcpyHostToDevice));

    dim3 threads(16, 16);
    dim3 blocks((n + threads.x - 1) / threads.x, (n + threads.y - 1) / threads.y);
    matrixMul<<<blocks, threads>>>(d_a, d_b, d_c, n);
    gpuCheck(cudaGetLastError());
    gpuCheck(cudaMemcpy(h_c.data(), d_c, bytes, cudaMemcpyDeviceToHost));

    double expected = 0;
    for (int k = 0; k < n; k++) expected += h_a[k] * h_b[k * n];
    printf("C[0][0] = %f, expected %f\n", h_c[0], expected);

    cudaFree(d_a);
    cudaFree(d_b);
    cudaFree(d_c);
    return std::fabs(h_c[0] - expected) > 1e-3;
}
