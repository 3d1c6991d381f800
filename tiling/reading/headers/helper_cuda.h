// Stands in for helper_cuda.h of NVIDIA's samples.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <cuda_runtime.h>

#include "helper_string.h"

template <class Status> void tilelapse_checked(Status status) {
  if (status) std::exit(EXIT_FAILURE);
}
#define checkCudaErrors(status) tilelapse_checked(status)
#define getLastCudaError(text) tilelapse_checked(cudaGetLastError())
inline int findCudaDevice(int, const char **) { return 0; }
inline int gpuGetMaxGflopsDeviceId() { return 0; }
inline int _ConvertSMVer2Cores(int, int) { return 64; }
