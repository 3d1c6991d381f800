// Bytes in, 32-bit sums out: dp4a makes four products at once. B is given transposed.
#include <cstdint>

__global__ void igemm_dp4a(const int8_t *A, const int8_t *Bt, int32_t *C, int M, int N, int K) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x;
    const int m = blockIdx.y * blockDim.y + threadIdx.y;
    if (m >= M || n >= N) return;

    const int *a4 = reinterpret_cast<const int *>(A + m * K);
    const int *b4 = reinterpret_cast<const int *>(Bt + n * K);
    int sum = 0;
    for (int k = 0; k < K / 4; ++k) {
        const int a = a4[k];
        const int b = b4[k];
        sum = __dp4a(a, b, sum);
    }
    C[m * N + n] = sum;
}
