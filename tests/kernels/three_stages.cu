// Three stages in dynamic shared memory, copies by cp.async in inline PTX: two tiles are on their
// way while one is multiplied.
#include <cstdint>
#include <cuda_runtime.h>

constexpr int BM = 64, BN = 64, BK = 16, STAGES = 3, PAD = 4;
constexpr int A_WORDS = BM * (BK + PAD), B_WORDS = BK * BN;
constexpr int SMEM_BYTES = STAGES * (A_WORDS + B_WORDS) * sizeof(float);

__device__ inline void cp_async16(float *dst, const float *src) {
    uint32_t s = static_cast<uint32_t>(__cvta_generic_to_shared(dst));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(s), "l"(src) : "memory");
}
__device__ inline void cp_async_commit() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }
template <int N>
__device__ inline void cp_async_wait() {
    asm volatile("cp.async.wait_group %0;\n" ::"n"(N) : "memory");
}

__global__ void __launch_bounds__(256)
gemm_multistage(const float *A, const float *B, float *C, int M, int N, int K) {
    extern __shared__ __align__(16) float smem[];
    float *As = smem;
    float *Bs = smem + STAGES * A_WORDS;
    const int t = threadIdx.x, ty = t / 16, tx = t % 16;
    A += (size_t)blockIdx.y * BM * K;
    B += blockIdx.x * BN;
    C += (size_t)blockIdx.y * BM * N + blockIdx.x * BN;
    const int tiles = K / BK;

    auto load_tile = [&](int tile) {
        if (tile < tiles) {
            float *as = As + tile % STAGES * A_WORDS, *bs = Bs + tile % STAGES * B_WORDS;
            const int ar = t / 4, ac = t % 4 * 4, br = t / 16, bc = t % 16 * 4;
            cp_async16(as + ar * (BK + PAD) + ac, A + ar * K + tile * BK + ac);
            cp_async16(bs + br * BN + bc, B + (tile * BK + br) * N + bc);
        }
        cp_async_commit();
    };

    float acc[4][4] = {};
    for (int s = 0; s < STAGES - 1; ++s) load_tile(s);
    for (int tile = 0; tile < tiles; ++tile) {
        cp_async_wait<STAGES - 2>();
        __syncthreads();
        load_tile(tile + STAGES - 1);

        const float *as = As + tile % STAGES * A_WORDS, *bs = Bs + tile % STAGES * B_WORDS;
#pragma unroll
        for (int k = 0; k < BK; ++k) {
            float a[4];
#pragma unroll
            for (int i = 0; i < 4; ++i)
                a[i] = as[(ty + 16 * i) * (BK + PAD) + k];
            const float4 b = *(const float4 *)(bs + k * BN + tx * 4);
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                acc[i][0] += a[i] * b.x, acc[i][1] += a[i] * b.y;
                acc[i][2] += a[i] * b.z, acc[i][3] += a[i] * b.w;
            }
        }
    }
#pragma unroll
    for (int i = 0; i < 4; ++i)
        *(float4 *)(C + (ty + 16 * i) * N + tx * 4) = *(float4 *)acc[i];
}

int launch(const float *A, const float *B, float *C, int M, int N, int K) {
    cudaFuncSetAttribute(gemm_multistage, cudaFuncAttributeMaxDynamicSharedMemorySize, SMEM_BYTES);
    gemm_multistage<<<dim3(N / BN, M / BM), 256, SMEM_BYTES>>>(A, B, C, M, N, K);
    return cudaGetLastError() != cudaSuccess;
}
