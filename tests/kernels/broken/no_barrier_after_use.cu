// Broken: a fast warp overwrites the tiles while a slow one still reads them.
template <int TILE>
__global__ void gemm_tiled(const float *A, const float *B, float *C, int M, int N, int K) {
    __shared__ float a_sh[TILE * TILE];
    __shared__ float b_sh[TILE * TILE];
    const int ty = threadIdx.x / TILE, tx = threadIdx.x % TILE;
    const int row = blockIdx.y * TILE + ty, col = blockIdx.x * TILE + tx;

    float sum = 0;
    for (int k0 = 0; k0 < K; k0 += TILE) {
        a_sh[ty * TILE + tx] = A[row * K + k0 + tx];
        b_sh[ty * TILE + tx] = B[(k0 + ty) * N + col];
        __syncthreads();
        for (int k = 0; k < TILE; ++k)
            sum += a_sh[ty * TILE + k] * b_sh[k * TILE + tx];
    }
    C[row * N + col] = sum;
}

template __global__ void gemm_tiled<16>(const float *, const float *, float *, int, int, int);
