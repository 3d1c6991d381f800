// Stands in for NVIDIA's curand.h: what fills matrices beside a kernel. Never linked.
#pragma once
#include <cuda_runtime.h>

typedef struct tilelapse_curand *curandGenerator_t;
typedef enum { CURAND_STATUS_SUCCESS } curandStatus_t;
typedef enum { CURAND_RNG_PSEUDO_DEFAULT = 100, CURAND_RNG_PSEUDO_XORWOW = 101,
               CURAND_RNG_PSEUDO_MTGP32 = 141, CURAND_RNG_PSEUDO_PHILOX4_32_10 = 161 } curandRngType_t;
inline curandStatus_t curandCreateGenerator(curandGenerator_t *, curandRngType_t) {
  return CURAND_STATUS_SUCCESS;
}
#define TILELAPSE_TAKES_ALL(name) \
  template <class... All> curandStatus_t name(All...) { return CURAND_STATUS_SUCCESS; }
TILELAPSE_TAKES_ALL(curandSetPseudoRandomGeneratorSeed)
TILELAPSE_TAKES_ALL(curandGenerateUniform)
TILELAPSE_TAKES_ALL(curandGenerateNormal)
TILELAPSE_TAKES_ALL(curandDestroyGenerator)
#undef TILELAPSE_TAKES_ALL
