// One warp per element of C: its lanes share out K and add up by shuffles. B is given transposed.
#define FULL_MASK 0xffffffff

__inline__ __device__ float warpReduceSum(float v) {
    for (int offset = 16; offset > 0; offset /= 2) v += __shfl_down_sync(FULL_MASK, v, offset);
    return v;
}

__global__ void matmul_warp_dot(const float *A, const float *BT, float *C, int M, int N, int K) {
    int warp = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    int lane = threadIdx.x & 31;
    int row = warp / N, col = warp % N;
    if (row >= M) return;

    float sum = 0;
    for (int k = lane; k < K; k += 32) {
        float a = A[row * K + k];
        float b = BT[col * K + k];
        sum += a * b;
    }
    sum = warpReduceSum(sum);
    if (lane == 0)
        C[row * N + col] = sum;
}
