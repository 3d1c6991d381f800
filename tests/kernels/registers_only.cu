// No shared memory: a thread keeps 4x4 of C in registers and reads A and B through the caches.
extern "C" __global__ __launch_bounds__(256) void
sgemm_registers(float const* __restrict__ A, float const* __restrict__ B, float* __restrict__ C,
                int const M, int const N, int const K)
{
    int const row = (blockIdx.y * 16 + threadIdx.y) * 4;
    int const col = (blockIdx.x * 16 + threadIdx.x) * 4;
    if (row >= M or col >= N) return;

    float c[4][4] = {};
    for (int k = 0; k < K; ++k)
    {
        float a[4];
        for (int i = 0; i < 4; ++i)
            a[i] = A[(row + i) * K + k];
        float4 const b = *reinterpret_cast<float4 const*>(B + k * N + col);
        for (int i = 0; i < 4; ++i)
        {
            c[i][0] += a[i] * b.x;
            c[i][1] += a[i] * b.y;
            c[i][2] += a[i] * b.z;
            c[i][3] += a[i] * b.w;
        }
    }
    for (int i = 0; i < 4; ++i)
        *reinterpret_cast<float4*>(C + (row + i) * N + col) =
            make_float4(c[i][0], c[i][1], c[i][2], c[i][3]);
}
