// The same product without the pad, for comparison: sixteen lanes read one column of Bt.
#define T 16

__global__ void matMulTransposed(float *A, float *Bt, float *C, int M, int N, int K)
{
    __shared__ float As[T][T];
    __shared__ float Bs[T][T];

    int x = threadIdx.x;
    int y = threadIdx.y;
    int row = blockIdx.y * T + y;
    int col = blockIdx.x * T + x;
    float acc = 0.0f;

    for (int tile = 0; tile < K; tile += T)
    {
        As[y][x] = A[row * K + tile + x];
        Bs[y][x] = Bt[(blockIdx.x * T + y) * K + tile + x];
        __syncthreads();

        for (int k = 0; k < T; k++)
        {
            acc += As[y][k] *
                   Bs[x][k];
        }
        __syncthreads();
    }

    C[row * N + col] = acc;
}
