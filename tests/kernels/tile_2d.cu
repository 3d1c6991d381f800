// Eight by eight results per thread; the tile of A is kept as it lies in memory.
template <int BM, int BN, int BK, int TM, int TN>
__global__ void __launch_bounds__((BM * BN) / (TM * TN))
gemm_2d_tile(const float *A, const float *B, float *C, int M, int N, int K) {
    constexpr int THREADS = (BM * BN) / (TM * TN);
    __shared__ float As[BM * BK];
    __shared__ float Bs[BK * BN];

    const int y = threadIdx.x / (BN / TN);
    const int x = threadIdx.x % (BN / TN);
    A += blockIdx.y * BM * K;
    B += blockIdx.x * BN;
    C += blockIdx.y * BM * N + blockIdx.x * BN;

    const int a_row = threadIdx.x / BK, a_col = threadIdx.x % BK;
    const int b_row = threadIdx.x / BN, b_col = threadIdx.x % BN;

    float acc[TM * TN] = {0.0};
    float a[TM];
    float b[TN];

    for (int k0 = 0; k0 < K; k0 += BK) {
        for (int off = 0; off < BM; off += THREADS / BK)
            As[(a_row + off) * BK + a_col] = A[(a_row + off) * K + a_col];
        for (int off = 0; off < BK; off += THREADS / BN)
            Bs[(b_row + off) * BN + b_col] = B[(b_row + off) * N + b_col];
        __syncthreads();
        A += BK;
        B += BK * N;

        for (int k = 0; k < BK; ++k) {
            for (int i = 0; i < TM; ++i)
                a[i] = As[(y * TM + i) * BK + k];
            for (int j = 0; j < TN; ++j)
                b[j] = Bs[k * BN + x * TN + j];
            for (int i = 0; i < TM; ++i)
                for (int j = 0; j < TN; ++j)
                    acc[i * TN + j] += a[i] * b[j];
        }
        __syncthreads();
    }

    for (int i = 0; i < TM; ++i)
        for (int j = 0; j < TN; ++j)
            C[(y * TM + i) * N + x * TN + j] = acc[i * TN + j];
}

template __global__ void gemm_2d_tile<128, 128, 8, 8, 8>(const float *, const float *, float *, int,
                                                         int, int);
