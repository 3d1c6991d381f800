// Broken at ragged sizes: threads outside of C leave before they have loaded their part of the
// tiles, and before a barrier that the others wait at.
#define TILE_WIDTH 16

__global__ void tiledMatMul(float *M_d, float *N_d, float *P_d, int height, int inner, int width) {
    __shared__ float Mds[TILE_WIDTH][TILE_WIDTH];
    __shared__ float Nds[TILE_WIDTH][TILE_WIDTH];
    int ty = threadIdx.y, tx = threadIdx.x;
    int row = blockIdx.y * TILE_WIDTH + ty;
    int col = blockIdx.x * TILE_WIDTH + tx;
    if (row >= height || col >= width)
        return;

    float sum = 0;
    for (int ph = 0; ph < inner / TILE_WIDTH; ++ph) {
        Mds[ty][tx] = M_d[row * inner + ph * TILE_WIDTH + tx];
        Nds[ty][tx] = N_d[(ph * TILE_WIDTH + ty) * width + col];
        __syncthreads();
        for (int k = 0; k < TILE_WIDTH; ++k)
            sum += Mds[ty][k] * Nds[k][tx];
        __syncthreads();
    }
    P_d[row * width + col] = sum;
}
