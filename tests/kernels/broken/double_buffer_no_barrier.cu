// Broken: two buffers do not make the barrier of each tile superfluous.
#define BS 16

__global__ void sgemm_prefetch(const float *A, const float *B, float *C, int M, int N, int K) {
    __shared__ float As[2][BS][BS];
    __shared__ float Bs[2][BS][BS];
    const int ty = threadIdx.y, tx = threadIdx.x;
    const int row = blockIdx.y * BS + ty, col = blockIdx.x * BS + tx;

    As[0][ty][tx] = A[row * K + tx];
    Bs[0][ty][tx] = B[ty * N + col];
    __syncthreads();

    float acc = 0;
    int now = 0;
    for (int k0 = BS; k0 < K + BS; k0 += BS) {
        float next_a = 0, next_b = 0;
        if (k0 < K) {
            next_a = A[row * K + k0 + tx];
            next_b = B[(k0 + ty) * N + col];
        }
        for (int k = 0; k < BS; ++k)
            acc += As[now][ty][k] * Bs[now][k][tx];
        now = 1 - now;
        if (k0 < K) {
            As[now][ty][tx] = next_a;
            Bs[now][ty][tx] = next_b;
        }
    }
    C[row * N + col] = acc;
}
