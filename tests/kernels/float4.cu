// 128x128x8 with 8x8 results per thread, everything that can be four floats wide is.
#define FETCH_FLOAT4(pointer) (reinterpret_cast<float4 *>(&(pointer))[0])

template <const int BM, const int BN, const int BK, const int TM, const int TN>
__global__ void sgemm_vectorized(int M, int N, int K, float alpha, float *A, float *B, float beta,
                                 float *C) {
    const int tr = threadIdx.x / (BN / TN);
    const int tc = threadIdx.x % (BN / TN);
    __shared__ __align__(16) float As[BM * BK];
    __shared__ __align__(16) float Bs[BK * BN];

    A += blockIdx.y * BM * K;
    B += blockIdx.x * BN;
    C += blockIdx.y * BM * N + blockIdx.x * BN;

    const int row_a = threadIdx.x / (BK / 4), col_a = threadIdx.x % (BK / 4) * 4;
    const int row_b = threadIdx.x / (BN / 4), col_b = threadIdx.x % (BN / 4) * 4;
    float acc[TM][TN] = {{0.0f}};
    float reg_m[TM], reg_n[TN];

    for (int k0 = 0; k0 < K; k0 += BK) {
        float4 t = FETCH_FLOAT4(A[row_a * K + col_a]);
        As[(col_a + 0) * BM + row_a] = t.x;
        As[(col_a + 1) * BM + row_a] = t.y;
        As[(col_a + 2) * BM + row_a] = t.z;
        As[(col_a + 3) * BM + row_a] = t.w;
        FETCH_FLOAT4(Bs[row_b * BN + col_b]) = FETCH_FLOAT4(B[row_b * N + col_b]);
        __syncthreads();
        A += BK;
        B += BK * N;

        for (int k = 0; k < BK; ++k) {
            for (int i = 0; i < TM; ++i) reg_m[i] = As[k * BM + tr * TM + i];
            for (int j = 0; j < TN; ++j) reg_n[j] = Bs[k * BN + tc * TN + j];
            for (int i = 0; i < TM; ++i)
                for (int j = 0; j < TN; ++j) acc[i][j] += reg_m[i] * reg_n[j];
        }
        __syncthreads();
    }

    for (int i = 0; i < TM; ++i)
        for (int j = 0; j < TN; j += 4) {
            float4 old = FETCH_FLOAT4(C[(tr * TM + i) * N + tc * TN + j]);
            old.x = alpha * acc[i][j] + beta * old.x;
            old.y = alpha * acc[i][j + 1] + beta * old.y;
            old.z = alpha * acc[i][j + 2] + beta * old.z;
            old.w = alpha * acc[i][j + 3] + beta * old.w;
            FETCH_FLOAT4(C[(tr * TM + i) * N + tc * TN + j]) = old;
        }
}

template __global__ void sgemm_vectorized<128, 128, 8, 8, 8>(int, int, int, float, float *, float *,
                                                             float, float *);
