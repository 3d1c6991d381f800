// Broken unless the matrices are square: rows of B are taken to be K long, rows of C to be M.
#define BLOCK_SIZE 16

__global__ void MatrixMulShared(const float *A, const float *B, float *C, int M, int N, int K) {
    __shared__ float sA[BLOCK_SIZE][BLOCK_SIZE];
    __shared__ float sB[BLOCK_SIZE][BLOCK_SIZE];
    int row = blockIdx.y * BLOCK_SIZE + threadIdx.y;
    int col = blockIdx.x * BLOCK_SIZE + threadIdx.x;

    float sum = 0;
    for (int i = 0; i < K / BLOCK_SIZE; ++i) {
        sA[threadIdx.y][threadIdx.x] = A[row * K + i * BLOCK_SIZE + threadIdx.x];
        sB[threadIdx.y][threadIdx.x] = B[(i * BLOCK_SIZE + threadIdx.y) * K + col];
        __syncthreads();
        for (int k = 0; k < BLOCK_SIZE; ++k)
            sum += sA[threadIdx.y][k] * sB[k][threadIdx.x];
        __syncthreads();
    }
    C[row * M + col] = sum;
}
