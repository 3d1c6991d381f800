// C = alpha * A * B + beta * C with leading dimensions; with beta = 0 C is not read.
template <typename scalar_t, int TILE>
__global__ void gemm_full(int m, int n, int k, scalar_t alpha, const scalar_t *a, int lda,
                          const scalar_t *b, int ldb, scalar_t beta, scalar_t *c, int ldc) {
    __shared__ scalar_t a_tile[TILE][TILE];
    __shared__ scalar_t b_tile[TILE][TILE];
    const int i = blockIdx.y * TILE + threadIdx.y;
    const int j = blockIdx.x * TILE + threadIdx.x;

    scalar_t acc = scalar_t(0);
    for (int p0 = 0; p0 < k; p0 += TILE) {
        a_tile[threadIdx.y][threadIdx.x] = a[i * lda + p0 + threadIdx.x];
        b_tile[threadIdx.y][threadIdx.x] = b[(p0 + threadIdx.y) * ldb + j];
        __syncthreads();
        for (int p = 0; p < TILE; ++p) {
            const scalar_t x = a_tile[threadIdx.y][p];
            const scalar_t y = b_tile[p][threadIdx.x];
            acc += x * y;
        }
        __syncthreads();
    }

    if (beta == scalar_t(0)) {
        c[i * ldc + j] = alpha * acc;
    } else {
        const scalar_t old = c[i * ldc + j];
        c[(long long)i * ldc + j] = alpha * acc + beta * old;
    }
}

template __global__ void gemm_full<float, 16>(int, int, int, float, const float *, int,
                                              const float *, int, float, float *, int);
template __global__ void gemm_full<double, 16>(int, int, int, double, const double *, int,
                                               const double *, int, double, double *, int);
