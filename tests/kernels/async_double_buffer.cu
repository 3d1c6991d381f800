// The same pipeline with asynchronous copies: memory to shared memory without a stop in registers.
#include <cuda_pipeline.h>

template <int BM, int BN, int BK>
__global__ void gemm_async(float *C, const float *A, const float *B, int M, int N, int K) {
    __shared__ alignas(16) float As[2][BM][BK];
    __shared__ alignas(16) float Bs[2][BK][BN];
    const int tid = threadIdx.x;
    const int ty = tid / (BN / 4), tx = tid % (BN / 4);
    const int row0 = blockIdx.y * BM, col0 = blockIdx.x * BN;

    auto fetch = [&](int buffer, int k0) {
        for (int i = tid; i < BM * BK / 4; i += blockDim.x) {
            const int r = i / (BK / 4), c = i % (BK / 4) * 4;
            __pipeline_memcpy_async(&As[buffer][r][c], &A[(row0 + r) * K + k0 + c], 16);
        }
        for (int i = tid; i < BK * BN / 4; i += blockDim.x) {
            const int r = i / (BN / 4), c = i % (BN / 4) * 4;
            __pipeline_memcpy_async(&Bs[buffer][r][c], &B[(k0 + r) * N + col0 + c], 16);
        }
        __pipeline_commit();
    };

    float acc[4][4] = {};
    fetch(0, 0);
    for (int k0 = 0, now = 0; k0 < K; k0 += BK, now ^= 1) {
        __pipeline_wait_prior(0);
        __syncthreads();
        if (k0 + BK < K) fetch(now ^ 1, k0 + BK);

        for (int k = 0; k < BK; ++k) {
            float a[4];
            for (int i = 0; i < 4; ++i) a[i] = As[now][ty * 4 + i][k];
            const float4 b = *reinterpret_cast<const float4 *>(&Bs[now][k][tx * 4]);
            for (int i = 0; i < 4; ++i) {
                acc[i][0] += a[i] * b.x;
                acc[i][1] += a[i] * b.y;
                acc[i][2] += a[i] * b.z;
                acc[i][3] += a[i] * b.w;
            }
        }
    }

    for (int i = 0; i < 4; ++i) {
        float4 v = make_float4(acc[i][0], acc[i][1], acc[i][2], acc[i][3]);
        *reinterpret_cast<float4 *>(&C[(row0 + ty * 4 + i) * N + col0 + tx * 4]) = v;
    }
}

template __global__ void gemm_async<64, 64, 16>(float *, const float *, const float *, int, int,
                                                int);
