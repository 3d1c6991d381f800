// Broken: both guards let one row and one column too many in.
__global__ void matrixMultiply(float *A, float *B, float *C, int numARows, int numAColumns,
                               int numBColumns) {
    int Row = blockIdx.y * blockDim.y + threadIdx.y;
    int Col = blockIdx.x * blockDim.x + threadIdx.x;
    if (Row <= numARows && Col <= numBColumns) {
        float Pvalue = 0;
        for (int k = 0; k < numAColumns; ++k) {
            float a = A[Row * numAColumns + k];
            float b = B[k * numBColumns + Col];
            Pvalue += a * b;
        }
        C[Row * numBColumns + Col] = Pvalue;
    }
}
