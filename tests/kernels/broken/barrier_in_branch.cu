// Broken at ragged sizes: only the threads inside of C reach the barriers of the loop.
template <typename T>
__global__ void matmul_branch(const T *a, const T *b, T *c, int m, int n, int k) {
    __shared__ T at[16][16], bt[16][16];
    int i = blockIdx.y * 16 + threadIdx.y, j = blockIdx.x * 16 + threadIdx.x;
    T acc = 0;
    for (int p = 0; p < k; p += 16) {
        at[threadIdx.y][threadIdx.x] = i < m ? a[i * k + p + threadIdx.x] : T(0);
        bt[threadIdx.y][threadIdx.x] = j < n ? b[(p + threadIdx.y) * n + j] : T(0);
        if (i < m && j < n) {
            __syncthreads();  // not all come here
            for (int q = 0; q < 16; ++q) acc += at[threadIdx.y][q] * bt[q][threadIdx.x];
        }
        __syncthreads();
    }
    if (i < m && j < n) c[i * n + j] = acc;
}

template __global__ void matmul_branch<float>(const float *, const float *, float *, int, int, int);
