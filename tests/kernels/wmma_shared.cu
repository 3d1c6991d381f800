// 64x64 of C with four warps of 32x32, tiles through shared memory with padded rows.
#include <cuda_fp16.h>
#include <mma.h>

namespace wm = nvcuda::wmma;

template <int BM, int BN, int BK>
__global__ void hgemm_wmma(const half *__restrict__ A, const half *__restrict__ B,
                           half *__restrict__ C, int M, int N, int K) {
    constexpr int LDA = BK + 8, LDB = BN + 8;
    __shared__ __align__(32) half sA[BM * LDA];
    __shared__ __align__(32) half sB[BK * LDB];

    const int tid = threadIdx.x, warp = tid / 32;
    const int wr = warp / 2 * 32, wc = warp % 2 * 32;
    const half *gA = A + blockIdx.y * BM * K, *gB = B + blockIdx.x * BN;

    wm::fragment<wm::accumulator, 16, 16, 16, half> acc[2][2];
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j) wm::fill_fragment(acc[i][j], __float2half(0.f));

    for (int k0 = 0; k0 < K; k0 += BK) {
        for (int v = tid; v < BM * BK / 8; v += 128) {
            const int r = v / (BK / 8), c = v % (BK / 8) * 8;
            *reinterpret_cast<int4 *>(&sA[r * LDA + c]) =
                *reinterpret_cast<const int4 *>(&gA[r * K + k0 + c]);
        }
        for (int v = tid; v < BK * BN / 8; v += 128) {
            const int r = v / (BN / 8), c = v % (BN / 8) * 8;
            *reinterpret_cast<int4 *>(&sB[r * LDB + c]) =
                *reinterpret_cast<const int4 *>(&gB[(k0 + r) * N + c]);
        }
        __syncthreads();

        for (int k = 0; k < BK; k += 16) {
            wm::fragment<wm::matrix_a, 16, 16, 16, half, wm::row_major> a[2];
            wm::fragment<wm::matrix_b, 16, 16, 16, half, wm::row_major> b[2];
            for (int i = 0; i < 2; ++i)
                wm::load_matrix_sync(a[i], &sA[(wr + 16 * i) * LDA + k], LDA);
            for (int j = 0; j < 2; ++j)
                wm::load_matrix_sync(b[j], &sB[k * LDB + wc + 16 * j], LDB);
            for (int i = 0; i < 2; ++i)
                for (int j = 0; j < 2; ++j) wm::mma_sync(acc[i][j], a[i], b[j], acc[i][j]);
        }
        __syncthreads();
    }
    half *gC = C + (blockIdx.y * BM + wr) * N + blockIdx.x * BN + wc;
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j)
            wm::store_matrix_sync(gC + 16 * i * N + 16 * j, acc[i][j], N, wm::mem_row_major);
}

template __global__ void hgemm_wmma<64, 64, 32>(const half *, const half *, half *, int, int, int);
