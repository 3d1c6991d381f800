// Double precision: a double is two words, so a warp is served in two halves.
template <unsigned BS>
__global__ void dgemm_kernel(double *C, const double *A, const double *B, unsigned wA, unsigned wB) {
    __shared__ double sA[BS][BS];
    __shared__ double sB[BS][BS];
    const unsigned r = blockIdx.y * BS + threadIdx.y;
    const unsigned c = blockIdx.x * BS + threadIdx.x;

    double s = 0;
    for (unsigned t = 0; t < wA; t += BS) {
        sA[threadIdx.y][threadIdx.x] = A[r * wA + t + threadIdx.x];
        sB[threadIdx.y][threadIdx.x] = B[(t + threadIdx.y) * wB + c];
        __syncthreads();
#pragma unroll
        for (unsigned k = 0; k < BS; ++k) {
            const double b = sB[k][threadIdx.x];
            s = fma(sA[threadIdx.y][k], b, s);
        }
        __syncthreads();
    }
    C[r * wB + c] = s;
}

template __global__ void dgemm_kernel<16>(double *, const double *, const double *, unsigned,
                                          unsigned);
