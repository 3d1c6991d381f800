// Column-major as in BLAS: element (i, j) of a matrix with leading dimension ld is at i + j * ld.
#include <cublas_v2.h>
#include <cstdio>
#include <cuda_runtime.h>
#define IDX2C(i, j, ld) (((j) * (ld)) + (i))
#define BS 16

__global__ void my_sgemm(int m, int n, int k, const float *A, int lda, const float *B, int ldb,
                         float *C, int ldc) {
    __shared__ float As[BS][BS];  // As[p][i]
    __shared__ float Bs[BS][BS];  // Bs[j][p]
    int ti = threadIdx.x, tj = threadIdx.y;
    int i = blockIdx.x * BS + ti;
    int j = blockIdx.y * BS + tj;

    float sum = 0.0f;
    for (int p = 0; p < k; p += BS) {
        As[tj][ti] = A[IDX2C(i, p + tj, lda)];
        Bs[tj][ti] = B[IDX2C(p + ti, j, ldb)];
        __syncthreads();
        for (int q = 0; q < BS; ++q) {
            float a = As[q][ti];
            float b = Bs[tj][q];
            sum += a * b;
        }
        __syncthreads();
    }
    C[IDX2C(i, j, ldc)] = sum;
}

int main() {
    const int n = 256;
    const float one = 1.0f, zero = 0.0f;
    float *A, *B, *C, *R;
    cudaMallocManaged(&A, n * n * sizeof(float));
    cudaMallocManaged(&B, n * n * sizeof(float));
    cudaMallocManaged(&C, n * n * sizeof(float));
    cudaMallocManaged(&R, n * n * sizeof(float));
    for (int i = 0; i < n * n; ++i) A[i] = i % 7, B[i] = i % 5;

    my_sgemm<<<dim3(n / BS, n / BS), dim3(BS, BS)>>>(n, n, n, A, n, B, n, C, n);

    cublasHandle_t handle;
    cublasCreate(&handle);
    cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, A, n, B, n, &zero, R, n);
    cudaDeviceSynchronize();
    cublasDestroy(handle);

    int wrong = 0;
    for (int i = 0; i < n * n; ++i) wrong += C[i] != R[i];
    printf("%d of %d differ from cuBLAS\n", wrong, n * n);
    return wrong != 0;
}
