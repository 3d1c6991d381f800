// One warp per 16x16 tile of C, fragments straight from global memory.
#include <cuda_fp16.h>
#include <mma.h>
using namespace nvcuda;

const int WMMA_M = 16, WMMA_N = 16, WMMA_K = 16;

__global__ void wmma_simple(const half *a, const half *b, float *c, int M, int N, int K) {
    const int warp_m = blockIdx.y * blockDim.y + threadIdx.y;
    const int warp_n = (blockIdx.x * blockDim.x + threadIdx.x) / warpSize;

    wmma::fragment<wmma::matrix_a, WMMA_M, WMMA_N, WMMA_K, half, wmma::row_major> a_frag;
    wmma::fragment<wmma::matrix_b, WMMA_M, WMMA_N, WMMA_K, half, wmma::row_major> b_frag;
    wmma::fragment<wmma::accumulator, WMMA_M, WMMA_N, WMMA_K, float> acc;
    wmma::fill_fragment(acc, 0.0f);

    for (int k = 0; k < K; k += WMMA_K) {
        wmma::load_matrix_sync(a_frag, a + warp_m * WMMA_M * K + k, K);
        wmma::load_matrix_sync(b_frag, b + k * N + warp_n * WMMA_N, N);
        wmma::mma_sync(acc, a_frag, b_frag, acc);
    }
    wmma::store_matrix_sync(c + warp_m * WMMA_M * N + warp_n * WMMA_N, acc, N, wmma::mem_row_major);
}
