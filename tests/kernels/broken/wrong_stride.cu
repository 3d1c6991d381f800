// Broken where the threads do not divide the tile: 192 threads load 24 of 64 rows at a time, and
// THREADS / BK rows twice make 48: the last 16 rows of As are never written.
template <int BM, int BN, int BK, int TM, int TN>
__global__ void sgemm_stride(const float *A, const float *B, float *C, int M, int N, int K) {
    constexpr int THREADS = BM * BN / (TM * TN);
    __shared__ float As[BM * BK];
    __shared__ float Bs[BK * BN];
    const int t = threadIdx.x;
    const int y = t / (BN / TN), x = t % (BN / TN);
    A += blockIdx.y * BM * K;
    B += blockIdx.x * BN;
    C += blockIdx.y * BM * N + blockIdx.x * BN;

    constexpr int STEP_A = THREADS / BK, STEP_B = THREADS / BN;
    float acc[TM][TN] = {};
    for (int k0 = 0; k0 < K; k0 += BK) {
        for (int i = 0; i < BM / STEP_A; ++i) {
            const int r = t / BK + i * STEP_A;
            As[r * BK + t % BK] = A[r * K + k0 + t % BK];
        }
        for (int i = 0; i < BK / STEP_B; ++i) {
            const int r = t / BN + i * STEP_B;
            Bs[r * BN + t % BN] = B[(k0 + r) * N + t % BN];
        }
        __syncthreads();
        for (int k = 0; k < BK; ++k)
            for (int i = 0; i < TM; ++i) {
                const float a = As[(y * TM + i) * BK + k];
                for (int j = 0; j < TN; ++j)
                    acc[i][j] += a * Bs[k * BN + x * TN + j];
            }
        __syncthreads();
    }
    for (int i = 0; i < TM; ++i)
        for (int j = 0; j < TN; ++j) C[(y * TM + i) * N + x * TN + j] = acc[i][j];
}

template __global__ void sgemm_stride<64, 96, 8, 8, 4>(const float *, const float *, float *, int,
                                                       int, int);
