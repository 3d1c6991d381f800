// Kernels whose threads work together; one CTA is run. t is the thread.
typedef unsigned u32;
typedef unsigned long long u64;

struct Numbers {
    int n;
    long long wide[3];
    short narrow[5];
    signed char one;
    float real;
};

extern "C" __global__ void structs(Numbers s, const int *a, int *x) {
    int t = threadIdx.x;
    x[t] = s.n * a[t] + (int)s.wide[a[t] % 3] + s.narrow[a[t] % 5] + s.one + (int)s.real;
}

extern "C" __global__ void shuffles(const int *a, int *x) {
    int t = threadIdx.x, sum = a[t];
    for (int d = 16; d; d >>= 1) sum += __shfl_xor_sync(~0u, sum, d);
    int up = __shfl_up_sync(~0u, a[t], 3), down = __shfl_down_sync(~0u, a[t], 5, 16);
    int at = __shfl_sync(~0u, a[t], a[t], 8);
    double next = __shfl_xor_sync(~0u, (double)a[t], 1);
    x[t] = sum + 3 * up + 5 * down + 7 * at + (int)next * 11;
}

extern "C" __global__ void votes(const int *a, u32 *x) {
    int t = threadIdx.x;
    u32 r = __ballot_sync(~0u, a[t] & 1);
    r += 3 * __all_sync(~0u, a[t] > 0) + 5 * __any_sync(~0u, a[t] > 900);
    if (a[t] % 3 == 0) {
        u32 here = __activemask();
        r += __popc(__ballot_sync(here, a[t] & 2)) * 1000 + here;
    }
    x[t] = r;
}

#if __CUDA_ARCH__ >= 800
extern "C" __global__ void reductions(const int *a, u32 *x) {
    int t = threadIdx.x;
    x[t] = __reduce_add_sync(~0u, (u32)a[t]) * 3 + __reduce_max_sync(~0u, a[t]) * 5;
    x[t] ^= __match_any_sync(~0u, a[t] & 3);
}
#endif

__device__ int total;
__device__ int table[4] = {3, 5, 7, 11};
__constant__ short odd[5] = {1, 3, 5, -7, 9};

extern "C" __global__ void counts(const int *a, int *x) {
    __shared__ int bins[16];
    __shared__ u64 largest;
    extern __shared__ int turned[];
    int t = threadIdx.x;
    if (t < 16) bins[t] = 0;
    if (t == 0) largest = 0;
    turned[t] = a[t];
    int ones = __syncthreads_count(a[t] & 1);
    atomicAdd(&bins[a[t] & 15], 1);
    atomicMax(&largest, (u64)a[t]);
    atomicAdd(&total, table[a[t] & 3]);
    int all = __syncthreads_and(a[t] > 5), any = __syncthreads_or(a[t] == 77);
    x[t] = ones + 1000 * bins[t & 15] + 7 * all + 9 * any + (int)largest;
    x[t] += turned[blockDim.x - 1 - t] + odd[a[t] % 5];
}

extern "C" __global__ void scan(const int *a, int *x) {  // sums of all before, in two buffers
    __shared__ int sums[2][256];
    int t = threadIdx.x, now = 0;
    sums[0][t] = a[t];
    for (int d = 1; d < blockDim.x; d *= 2, now ^= 1) {
        __syncthreads();
        sums[now ^ 1][t] = sums[now][t] + (t >= d ? sums[now][t - d] : 0);
    }
    x[t] = sums[now][t];
}

extern "C" __global__ void blocks(int *x) {
    u32 at = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    u32 cta = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    x[cta * blockDim.x * blockDim.y * blockDim.z + at] = threadIdx.z * 10000 + cta * 100 + at;
}

extern "C" __global__ void turns(const int *a, int *x) {  // several ways on with a loop
    __shared__ int seen[256];
    int t = threadIdx.x, sum = 0, mine = a[t];
    for (int turn = 0;;) {
        seen[t] = mine + turn;
        __syncthreads();
        int next = seen[(t + 1) % blockDim.x];
        __syncthreads();
        if (++turn > 12) break;
        if (next & 1) { mine += 3; continue; }
        sum += next;
        if (next & 2) { mine ^= sum; continue; }
        sum ^= mine;
    }
    x[t] = sum;
}
