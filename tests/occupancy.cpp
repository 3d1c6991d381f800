// NVIDIA's own count of CTAs on a multiprocessor. Reads, for each case, major and minor, the chip's
// threads, CTAs and bytes of shared memory, bytes reserved for a CTA, then the CTA's threads,
// registers and bytes of shared memory; writes the CTAs.
#include <cstddef>
#include <cstdio>

#include "cuda_occupancy.h"

int main() {
    int major, minor, threads, ctas, shared, reserved, cta_threads, registers, cta_shared;
    while (std::scanf("%d %d %d %d %d %d %d %d %d", &major, &minor, &threads, &ctas, &shared,
                      &reserved, &cta_threads, &registers, &cta_shared) == 9) {
        cudaOccDeviceProp chip;
        chip.computeMajor = major;
        chip.computeMinor = minor;
        chip.maxThreadsPerBlock = 1024;
        chip.maxThreadsPerMultiprocessor = threads;
        chip.regsPerBlock = chip.regsPerMultiprocessor = 65536;
        chip.warpSize = 32;
        chip.sharedMemPerBlock = 48 * 1024;
        chip.sharedMemPerMultiprocessor = shared;
        chip.numSms = 1;
        chip.sharedMemPerBlockOptin = shared - reserved;
        chip.reservedSharedMemPerBlock = reserved;
        cudaOccFuncAttributes kernel;
        kernel.maxThreadsPerBlock = 1024;
        kernel.numRegs = registers;
        kernel.sharedSizeBytes = 0;
        kernel.partitionedGCConfig = PARTITIONED_GC_OFF;
        kernel.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
        kernel.maxDynamicSharedSizeBytes = shared - reserved;
        kernel.numBlockBarriers = 1;
        cudaOccDeviceState state;
        state.carveoutConfig = SHAREDMEM_CARVEOUT_MAX_SHARED;
        cudaOccResult result;
        if (cudaOccMaxActiveBlocksPerMultiprocessor(&result, &chip, &kernel, &state, cta_threads,
                                                    cta_shared) != CUDA_OCC_SUCCESS)
            return 1;
        std::printf("%d\n", result.activeBlocksPerMultiprocessor);
    }
}
