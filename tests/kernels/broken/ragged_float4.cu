// Broken where K is no multiple of four: then rows of A do not begin at 16 bytes.
extern "C" __global__ void gemv_like_gemm(const float *A, const float *Bt, float *C, int M, int N,
                                          int K) {
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    const int col = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= M || col >= N) return;

    float sum = 0.f;
    int k = 0;
    for (; k + 3 < K; k += 4) {
        const float4 a = *reinterpret_cast<const float4 *>(A + row * K + k);
        const float4 b = *reinterpret_cast<const float4 *>(Bt + col * K + k);
        sum += a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
    }
    for (; k < K; ++k) sum += A[row * K + k] * Bt[col * K + k];
    C[row * N + col] = sum;
}
