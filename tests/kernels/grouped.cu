// A flat grid, walked in groups of four tile rows, so that CTAs near in time share tiles in L2.
#define TILE 16
#define GROUP 4

extern "C" __global__ void matmul_grouped(const float *A, const float *B, float *C,
                                          unsigned M, unsigned N, unsigned K) {
    __shared__ float As[TILE][TILE], Bs[TILE][TILE];
    const unsigned tiles_m = (M + TILE - 1) / TILE;
    const unsigned tiles_n = (N + TILE - 1) / TILE;

    const unsigned group_size = GROUP * tiles_n;
    const unsigned group = blockIdx.x / group_size;
    const unsigned first_m = group * GROUP;
    const unsigned rows_here = min(tiles_m - first_m, GROUP);
    const unsigned tile_m = first_m + blockIdx.x % group_size % rows_here;
    const unsigned tile_n = blockIdx.x % group_size / rows_here;

    const unsigned ty = threadIdx.y, tx = threadIdx.x;
    const unsigned row = tile_m * TILE + ty, col = tile_n * TILE + tx;

    float acc = 0.f;
    for (unsigned k0 = 0; k0 < K; k0 += TILE) {
        As[ty][tx] = A[row * K + k0 + tx];
        Bs[ty][tx] = B[(k0 + ty) * N + col];
        __syncthreads();
#pragma unroll
        for (unsigned k = 0; k < TILE; ++k) {
            const float b = Bs[k][tx];
            acc += As[ty][k] * b;
        }
        __syncthreads();
    }
    C[row * N + col] = acc;
}
