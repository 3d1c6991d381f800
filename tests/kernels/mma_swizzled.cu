// mma.sync m16n8k16 fed by ldmatrix. Rows of shared memory hold 64 halves in eight chunks of
// 16 bytes; chunk c of row r lies at c ^ (r % 8), so eight rows of a column meet all banks.
#include <cuda_fp16.h>

#define BM 64
#define BN 64
#define BK 64

__device__ __forceinline__ unsigned smem_u32(const void *p) {
    return (unsigned)__cvta_generic_to_shared(p);
}
__device__ __forceinline__ void ldmatrix_x4(unsigned *r, const half *p) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(smem_u32(p)));
}
__device__ __forceinline__ void ldmatrix_x4_trans(unsigned *r, const half *p) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(smem_u32(p)));
}
__device__ __forceinline__ void mma16816(float *d, const unsigned *a, const unsigned *b) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ __forceinline__ int swz(int row, int chunk) { return row * 64 + (chunk ^ (row & 7)) * 8; }

extern "C" __global__ void __launch_bounds__(128)
hgemm_mma(const half *A, const half *B, float *C, int M, int N, int K) {
    __shared__ __align__(128) half As[BM * BK];
    __shared__ __align__(128) half Bs[BK * BN];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int wm = (warp >> 1) * 32, wn = (warp & 1) * 32;
    float acc[2][4][4] = {};

    for (int k0 = 0; k0 < K; k0 += BK) {
        for (int i = tid; i < BM * BK / 8; i += 128) {
            const int r = i / 8, c = i % 8;
            *(uint4 *)&As[swz(r, c)] = *(const uint4 *)&A[(blockIdx.y * BM + r) * K + k0 + c * 8];
            *(uint4 *)&Bs[swz(r, c)] = *(const uint4 *)&B[(k0 + r) * N + blockIdx.x * BN + c * 8];
        }
        __syncthreads();
#pragma unroll
        for (int kk = 0; kk < BK; kk += 16) {
            unsigned a[2][4], b[2][4];
            for (int i = 0; i < 2; ++i)
                ldmatrix_x4(a[i], &As[swz(wm + i * 16 + lane % 16, kk / 8 + lane / 16)]);
            for (int j = 0; j < 2; ++j)
                ldmatrix_x4_trans(b[j], &Bs[swz(kk + lane % 16, (wn + j * 16) / 8 + lane / 16)]);
            for (int i = 0; i < 2; ++i)
                for (int j = 0; j < 4; ++j) mma16816(acc[i][j], a[i], &b[j / 2][j % 2 * 2]);
        }
        __syncthreads();
    }
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 4; ++j)
            for (int h = 0; h < 2; ++h) {
                const int row = blockIdx.y * BM + wm + i * 16 + h * 8 + lane / 4;
                const int col = blockIdx.x * BN + wn + j * 8 + lane % 4 * 2;
                *(float2 *)&C[row * N + col] = make_float2(acc[i][j][2 * h], acc[i][j][2 * h + 1]);
            }
}
