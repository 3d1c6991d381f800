// Kernels with matrix instructions, as people write them. C = A·B, A row by row.
typedef unsigned u32;
typedef unsigned short half;  // its bits

#define SHARED(p) ((u32)__cvta_generic_to_shared(p))

__device__ void copy16(half *to, const half *from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(SHARED(to)), "l"(from));
}
__device__ void ldmatrix(u32 (&r)[4], const half *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(SHARED(row)));
}
__device__ void ldmatrix_trans(u32 (&r)[4], const half *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(SHARED(row)));
}
__device__ void mma(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// 64×64 of C, 4 warps of 32×32, k-tiles of 32 in two stages. Chunks of 8 halves are swizzled.
#ifndef SWIZZLE
#define SWIZZLE 1
#endif
constexpr int N = 64, K = 64, BK = 32;
__device__ int at_a(int row, int chunk) { return row * BK + (chunk ^ SWIZZLE * (row / 2 & 3)) * 8; }
__device__ int at_b(int row, int chunk) { return row * N + (chunk ^ SWIZZLE * (row & 7)) * 8; }

extern "C" __global__ void __launch_bounds__(128)
gemm(const half *A, const half *B, float *C) {
    __shared__ __align__(128) half As[2][64 * BK], Bs[2][BK * N];
    int t = threadIdx.x, lane = t % 32, row0 = t / 64 * 32, col0 = t / 32 % 2 * 32;
    float c[2][4][4] = {};
    for (int stage = 0; stage < 2; stage++) {
        for (int i = t; i < 256; i += 128) {
            int ar = i / 4, ac = i % 4, br = i / 8, bc = i % 8;
            copy16(&As[stage][at_a(ar, ac)], &A[ar * K + stage * BK + ac * 8]);
            copy16(&Bs[stage][at_b(br, bc)], &B[(stage * BK + br) * N + bc * 8]);
        }
        asm volatile("cp.async.commit_group;");
    }
#pragma unroll
    for (int stage = 0; stage < 2; stage++) {
#ifndef NO_WAIT
        if (stage == 0) asm volatile("cp.async.wait_group 1;");
        else asm volatile("cp.async.wait_group 0;");
#endif
#ifndef NO_BARRIER
        __syncthreads();
#endif
#pragma unroll
        for (int k = 0; k < BK; k += 16) {
            u32 a[2][4], b[2][4];
            for (int i = 0; i < 2; i++) {
                ldmatrix(a[i], &As[stage][at_a(row0 + 16 * i + lane % 16, k / 8 + lane / 16)]);
                int col = col0 + 16 * i + lane / 16 * 8;
                ldmatrix_trans(b[i], &Bs[stage][at_b(k + lane % 16, col / 8)]);
            }
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 4; j++)
                    mma(c[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
        }
    }
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++)
            for (int e = 0; e < 4; e++)
                C[(row0 + 16 * i + lane / 4 + e / 2 * 8) * N + col0 + 8 * j + lane % 4 * 2 + e % 2] =
                    c[i][j][e];
}

// The functions that mma.h is made of: 32×16 of C, two warps, K = 64, A and B through shared memory
// with rows of 72 and 24 halves; C = 2·A·B.
extern "C" __global__ void wmma(const half *A, const half *B, float *C) {
    __shared__ __align__(128) half As[32 * 72], Bs[64 * 24];
    int t = threadIdx.x, warp = t / 32;
    for (int i = t; i < 32 * 64; i += 64) As[i / 64 * 72 + i % 64] = A[i];
    for (int i = t; i < 64 * 16; i += 64) Bs[i / 16 * 24 + i % 16] = B[i];
    __syncthreads();
    int a[8], b[8];
    float c[8] = {};
    for (int k = 0; k < 64; k += 16) {
        __hmma_m16n16k16_ld_a(a, (const int *)&As[warp * 16 * 72 + k], 72, 0);
        __hmma_m16n16k16_ld_b(b, (const int *)&Bs[k * 24], 24, 0);
        __hmma_m16n16k16_mma_f32f32(c, a, b, c, 0, 0);
    }
    for (int i = 0; i < 8; i++) c[i] *= 2;
    __hmma_m16n16k16_st_c_f32(C + warp * 256, c, 16, 0);
}

// One warp, 16×8 of C: bytes, and tf32 rounded from float. B column by column.
extern "C" __global__ void bytes(const int *A, const int *B, int *C) {  // K = 32
    int lane = threadIdx.x, row = lane / 4, at = lane % 4, c[4];
    int a0 = A[row * 8 + at], a1 = A[(row + 8) * 8 + at], b0 = B[row * 8 + at];
    int a2 = A[row * 8 + at + 4], a3 = A[(row + 8) * 8 + at + 4], b1 = B[row * 8 + at + 4];
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%10, %10, %10, %10};"
        : "=r"(c[0]), "=r"(c[1]), "=r"(c[2]), "=r"(c[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1), "r"(-5));
    for (int e = 0; e < 4; e++) C[(row + e / 2 * 8) * 8 + at * 2 + e % 2] = c[e];
}

__device__ u32 tf32(float x) {
    u32 r;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
    return r;
}

extern "C" __global__ void rounded(const float *A, const float *B, float *C) {  // K = 8
    int lane = threadIdx.x, row = lane / 4, at = lane % 4;
    float c[4] = {};
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(tf32(A[row * 8 + at])), "r"(tf32(A[(row + 8) * 8 + at])),
          "r"(tf32(A[row * 8 + at + 4])), "r"(tf32(A[(row + 8) * 8 + at + 4])),
          "r"(tf32(B[row * 8 + at])), "r"(tf32(B[row * 8 + at + 4])));
    for (int e = 0; e < 4; e++) C[(row + e / 2 * 8) * 8 + at * 2 + e % 2] = c[e];
}

#if __CUDA_ARCH__ >= 900
// One warp turns a 16×16 matrix of halves over in shared memory.
extern "C" __global__ void turned(const half *A, half *C) {
    __shared__ __align__(128) half tile[16 * 16];
    int lane = threadIdx.x;
    u32 r[4];
    for (int i = 0; i < 4; i++)
        r[i] = *(const u32 *)&A[(lane / 4 + i % 2 * 8) * 16 + i / 2 * 8 + lane % 4 * 2];
    u32 row = SHARED(&tile[(lane % 8 + lane / 16 * 8) * 16 + lane / 8 % 2 * 8]);
    asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(row),
                 "r"(r[0]), "r"(r[1]), "r"(r[2]), "r"(r[3]));
    __syncwarp();
    for (int i = lane; i < 256; i += 32) C[i] = tile[i];
}
#endif
