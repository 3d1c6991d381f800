// C = A * B^T: both operands have K as their last axis. Without the pad, the reads of a column of
// the B tile would all go to one bank.
constexpr int kTile = 16;

extern "C" __global__ void gemm_nt(const float *__restrict__ a, const float *__restrict__ b,
                                   float *__restrict__ c, int m, int n, int k) {
    __shared__ float sa[kTile][kTile + 1];
    __shared__ float sb[kTile][kTile + 1];
    const int tx = threadIdx.x;
    const int ty = threadIdx.y;
    const int i0 = blockIdx.y * kTile;
    const int j0 = blockIdx.x * kTile;

    float dot = 0.f;
    for (int k0 = 0; k0 < k; k0 += kTile) {
        sa[ty][tx] = a[(i0 + ty) * k + k0 + tx];
        sb[ty][tx] = b[(j0 + ty) * k + k0 + tx];
        __syncthreads();
#pragma unroll
        for (int kk = 0; kk < kTile; ++kk) {
            float x = sa[ty][kk];
            float y = sb[tx][kk];
            dot = fmaf(x, y, dot);
        }
        __syncthreads();
    }
    c[(i0 + ty) * n + j0 + tx] = dot;
}
