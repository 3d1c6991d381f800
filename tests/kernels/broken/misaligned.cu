// Broken: the pad of one float moves the rows of As, and a float4 no longer lies at 16 bytes.
#define BM 32
#define BN 32
#define BK 32

__global__ void __launch_bounds__(256)
gemm_vec4_padded(const float *A, const float *B, float *C, int M, int N, int K) {
    __shared__ __align__(16) float As[BM][BK + 1];
    __shared__ __align__(16) float Bs[BK][BN];
    const int r = threadIdx.x / 8, c = threadIdx.x % 8 * 4;
    const int row = blockIdx.y * BM + r, col = blockIdx.x * BN + c;

    float acc[4] = {0};
    for (int k0 = 0; k0 < K; k0 += BK) {
        *reinterpret_cast<float4 *>(&As[r][c]) =
            *reinterpret_cast<const float4 *>(&A[row * K + k0 + c]);
        *reinterpret_cast<float4 *>(&Bs[r][c]) =
            *reinterpret_cast<const float4 *>(&B[(k0 + r) * N + col]);
        __syncthreads();
        for (int k = 0; k < BK; ++k)
            for (int j = 0; j < 4; ++j) acc[j] += As[r][k] * Bs[k][c + j];
        __syncthreads();
    }
    for (int j = 0; j < 4; ++j) C[row * N + col + j] = acc[j];
}
