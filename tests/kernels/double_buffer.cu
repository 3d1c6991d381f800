// Two tiles in shared memory: the next one travels through registers while this one is multiplied,
// and one barrier a tile is enough.
#define OFFSET(row, col, ld) ((row) * (ld) + (col))
#define CFLOAT4(x) (*reinterpret_cast<const float4 *>(&(x)))
#define FLOAT4(x) (*reinterpret_cast<float4 *>(&(x)))

__global__ void __launch_bounds__(256)
sgemm_double_buffered(const float *__restrict__ A, const float *__restrict__ B,
                      float *__restrict__ C, const int M, const int N, const int K) {
    const int BM = 128, BN = 128, BK = 8, TM = 8, TN = 8;
    __shared__ float s_a[2][BK][BM];
    __shared__ float s_b[2][BK][BN];

    const int tid = threadIdx.y * blockDim.x + threadIdx.x;
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int load_am = tid >> 1, load_ak = (tid & 1) << 2;
    const int load_bk = tid >> 5, load_bn = (tid & 31) << 2;
    const float *gA = A + OFFSET(blockIdx.y * BM + load_am, load_ak, K);
    const float *gB = B + OFFSET(load_bk, blockIdx.x * BN + load_bn, N);

    float r_c[TM][TN] = {0.0f};
    float4 next_a = CFLOAT4(gA[0]);
    float4 next_b = CFLOAT4(gB[0]);
    s_a[0][load_ak][load_am] = next_a.x;
    s_a[0][load_ak + 1][load_am] = next_a.y;
    s_a[0][load_ak + 2][load_am] = next_a.z;
    s_a[0][load_ak + 3][load_am] = next_a.w;
    FLOAT4(s_b[0][load_bk][load_bn]) = next_b;
    __syncthreads();

    for (int bk = 1; bk <= K / BK; bk++) {
        const int now = (bk - 1) & 1, next = bk & 1;
        if (bk < K / BK) {
            next_a = CFLOAT4(gA[bk * BK]);
            next_b = CFLOAT4(gB[bk * BK * N]);
        }

#pragma unroll
        for (int k = 0; k < BK; k++) {
            float r_a[TM], r_b[TN];
            FLOAT4(r_a[0]) = FLOAT4(s_a[now][k][ty * TM / 2]);
            FLOAT4(r_a[4]) = FLOAT4(s_a[now][k][ty * TM / 2 + BM / 2]);
            FLOAT4(r_b[0]) = FLOAT4(s_b[now][k][tx * TN / 2]);
            FLOAT4(r_b[4]) = FLOAT4(s_b[now][k][tx * TN / 2 + BN / 2]);
#pragma unroll
            for (int m = 0; m < TM; m++)
#pragma unroll
                for (int n = 0; n < TN; n++) r_c[m][n] += r_a[m] * r_b[n];
        }

        if (bk < K / BK) {
            s_a[next][load_ak + 0][load_am] = next_a.x;
            s_a[next][load_ak + 1][load_am + 0] = next_a.y;
            s_a[next][load_ak + 2][load_am + 0] = next_a.z;
            s_a[next][load_ak + 3][load_am + 0] = next_a.w;
            FLOAT4(s_b[next][load_bk][load_bn]) = next_b;
            __syncthreads();
        }
    }

#pragma unroll
    for (int m = 0; m < TM; m++) {
        const int row = blockIdx.y * BM + ty * TM / 2 + m % 4 + m / 4 * (BM / 2);
        const int col = blockIdx.x * BN + tx * TN / 2;
        FLOAT4(C[OFFSET(row, col, N)]) = FLOAT4(r_c[m][0]);
        FLOAT4(C[OFFSET(row, col + BN / 2, N)]) = FLOAT4(r_c[m][4]);
    }
}
