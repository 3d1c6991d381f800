// Block tile, warp tile, sub-tiles of the warp, thread tile. A thread's rows are contiguous within
// a sub-tile, and its columns are spread over WNITER of them.
#include <cuda_runtime.h>
#define CEIL_DIV(M, N) (((M) + (N) - 1) / (N))
const int WARPSIZE = 32;

template <const int BM, const int BN, const int BK, const int WM, const int WN, const int WNITER,
          const int TM, const int TN, const int NUM_THREADS>
__global__ void __launch_bounds__(NUM_THREADS)
sgemm_warp_tile(int M, int N, int K, const float *A, const float *B, float *C) {
    constexpr int WMITER = (WM * WN) / (WARPSIZE * TM * TN * WNITER);
    constexpr int WSUBM = WM / WMITER;
    constexpr int WSUBN = WN / WNITER;
    const int warp = threadIdx.x / WARPSIZE, lane = threadIdx.x % WARPSIZE;
    const int warp_row = warp / (BN / WN), warp_col = warp % (BN / WN);
    const int lane_row = lane / (WSUBN / TN), lane_col = lane % (WSUBN / TN);

    __shared__ __align__(16) float As[BK * BM];
    __shared__ __align__(16) float Bs[BK * BN];
    A += blockIdx.y * BM * K;
    B += blockIdx.x * BN;
    C += (blockIdx.y * BM + warp_row * WM) * N + blockIdx.x * BN + warp_col * WN;

    const int a_row = threadIdx.x / (BK / 4), a_col = threadIdx.x % (BK / 4);
    constexpr int A_STEP = NUM_THREADS * 4 / BK;
    const int b_row = threadIdx.x / (BN / 4), b_col = threadIdx.x % (BN / 4);
    constexpr int B_STEP = NUM_THREADS / (BN / 4);
    float results[WMITER * TM * WNITER * TN] = {0.0};
    float regM[WMITER * TM], regN[WNITER * TN];

    for (int k0 = 0; k0 < K; k0 += BK) {
        for (int off = 0; off + A_STEP <= BM; off += A_STEP) {
            const float4 t =
                reinterpret_cast<const float4 *>(&A[(a_row + off) * K + a_col * 4])[0];
            As[(a_col * 4 + 0) * BM + a_row + off] = t.x;
            As[(a_col * 4 + 1) * BM + a_row + off] = t.y;
            As[(a_col * 4 + 2) * BM + a_row + off] = t.z;
            As[(a_col * 4 + 3) * BM + a_row + off] = t.w;
        }
        for (int off = 0; off + B_STEP <= BK; off += B_STEP)
            reinterpret_cast<float4 *>(&Bs[(b_row + off) * BN + b_col * 4])[0] =
                reinterpret_cast<const float4 *>(&B[(b_row + off) * N + b_col * 4])[0];
        __syncthreads();

        for (int k = 0; k < BK; ++k) {
            for (int sub = 0; sub < WMITER; ++sub)
                for (int i = 0; i < TM; ++i)
                    regM[sub * TM + i] =
                        As[k * BM + warp_row * WM + sub * WSUBM + lane_row * TM + i];
            for (int sub = 0; sub < WNITER; ++sub)
                for (int j = 0; j < TN; ++j)
                    regN[sub * TN + j] =
                        Bs[k * BN + warp_col * WN + sub * WSUBN + lane_col * TN + j];
            for (int i = 0; i < WMITER * TM; ++i)
                for (int j = 0; j < WNITER * TN; ++j)
                    results[i * WNITER * TN + j] += regM[i] * regN[j];
        }
        A += BK;
        B += BK * N;
        __syncthreads();
    }

    for (int i = 0; i < WMITER * TM; ++i)
        for (int j = 0; j < WNITER * TN; j += 4) {
            const int row = i / TM * WSUBM + lane_row * TM + i % TM;
            const int col = j / TN * WSUBN + lane_col * TN + j % TN;
            const float *r = &results[i * WNITER * TN + j];
            reinterpret_cast<float4 *>(&C[row * N + col])[0] = make_float4(r[0], r[1], r[2], r[3]);
        }
}

void run_warp_tile(int M, int N, int K, const float *A, const float *B, float *C) {
    dim3 grid(CEIL_DIV(N, 128), CEIL_DIV(M, 128));
    sgemm_warp_tile<128, 128, 8, 64, 64, 4, 4, 4, 128><<<grid, dim3(128)>>>(M, N, K, A, B, C);
}
