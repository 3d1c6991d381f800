// Matrices as structs, passed by value, sub-matrices through accessors: the programming guide's way.
typedef struct {
    int rows;
    int cols;
    int stride;
    float *data;
} Mat;

#define BLOCK 16

__device__ Mat sub(Mat m, int row, int col) {
    Mat s = {BLOCK, BLOCK, m.stride, m.data + m.stride * BLOCK * row + BLOCK * col};
    return s;
}
__device__ float get(const Mat m, int row, int col) { return m.data[row * m.stride + col]; }
__device__ void set(Mat m, int row, int col, float v) { m.data[row * m.stride + col] = v; }

__global__ void MulKernel(Mat A, Mat B, Mat C) {
    Mat Csub = sub(C, blockIdx.y, blockIdx.x);
    int row = threadIdx.y, col = threadIdx.x;
    float v = 0;

    for (int m = 0; m < A.cols / BLOCK; ++m) {
        Mat Asub = sub(A, blockIdx.y, m);
        Mat Bsub = sub(B, m, blockIdx.x);
        __shared__ float As[BLOCK][BLOCK];
        __shared__ float Bs[BLOCK][BLOCK];
        As[row][col] = get(Asub, row, col);
        Bs[row][col] = get(Bsub, row, col);
        __syncthreads();
        for (int e = 0; e < BLOCK; ++e) {
            float b = Bs[e][col];
            v += As[row][e] * b;
        }
        __syncthreads();
    }
    set(Csub, row, col, v);
}
