// Any size: what lies outside is a zero in shared memory, and is not stored.
#define TS 16

__global__ void MatMulGuarded(const float* A, const float* B, float* C,
                              int ARows, int ACols, int BCols)
{
    __shared__ float As[TS][TS];
    __shared__ float Bs[TS][TS];

    const int Row = blockIdx.y * TS + threadIdx.y;
    const int Col = blockIdx.x * TS + threadIdx.x;
    float CValue = 0;

    for (int t = 0; t < (ACols + TS - 1) / TS; t++) {
        const int ACol = t * TS + threadIdx.x;
        const int BRow = t * TS + threadIdx.y;

        if (Row < ARows && ACol < ACols)
            As[threadIdx.y][threadIdx.x] = A[Row * ACols + ACol];
        else
            As[threadIdx.y][threadIdx.x] = 0.0;

        if (BRow < ACols && Col < BCols)
            Bs[threadIdx.y][threadIdx.x] = B[BRow * BCols + Col];
        else
            Bs[threadIdx.y][threadIdx.x] = 0.0;

        __syncthreads();

        for (int n = 0; n < TS; ++n)
            CValue += As[threadIdx.y][n] *
                      Bs[n][threadIdx.x];

        __syncthreads();
    }

    if (Row < ARows && Col < BCols)
        C[Row * BCols + Col] = CValue;
}
