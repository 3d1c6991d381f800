// The other order: threadIdx.x walks down the rows, so no two lanes share a row of A or C.
__global__ void sgemm_naive(int M, int N, int K, float alpha, const float *A, const float *B,
                            float beta, float *C) {
    const unsigned int i = blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned int j = blockIdx.y * blockDim.y + threadIdx.y;

    if (i < M && j < N) {
        float acc = 0.0f;
        for (int p = 0; p < K; ++p) {
            float a = A[i * K + p];
            float b = B[p * N + j];
            acc += a * b;
        }
        float old = C[i * N + j];
        C[i * N + j] = alpha * acc + beta * old;
    }
}
