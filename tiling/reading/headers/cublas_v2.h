// Stands in for NVIDIA's cublas_v2.h: so much that host code beside a kernel compiles. Never linked.
#pragma once
#include <cuda_runtime.h>

typedef struct tilelapse_cublas *cublasHandle_t;
typedef enum { CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_NOT_INITIALIZED, CUBLAS_STATUS_ALLOC_FAILED,
               CUBLAS_STATUS_INVALID_VALUE, CUBLAS_STATUS_ARCH_MISMATCH, CUBLAS_STATUS_MAPPING_ERROR,
               CUBLAS_STATUS_EXECUTION_FAILED, CUBLAS_STATUS_INTERNAL_ERROR,
               CUBLAS_STATUS_NOT_SUPPORTED, CUBLAS_STATUS_LICENSE_ERROR } cublasStatus_t;
typedef enum { CUBLAS_OP_N, CUBLAS_OP_T, CUBLAS_OP_C } cublasOperation_t;
typedef enum { CUBLAS_DEFAULT_MATH, CUBLAS_TENSOR_OP_MATH, CUBLAS_PEDANTIC_MATH,
               CUBLAS_TF32_TENSOR_OP_MATH } cublasMath_t;
typedef enum { CUBLAS_COMPUTE_16F, CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_16F,
               CUBLAS_COMPUTE_32F_FAST_16BF, CUBLAS_COMPUTE_32F_FAST_TF32, CUBLAS_COMPUTE_64F,
               CUBLAS_COMPUTE_32I, CUBLAS_COMPUTE_32F_PEDANTIC,
               CUBLAS_COMPUTE_16F_PEDANTIC } cublasComputeType_t;
typedef enum { CUBLAS_GEMM_DFALT = -1, CUBLAS_GEMM_DEFAULT = -1, CUBLAS_GEMM_DEFAULT_TENSOR_OP = 99,
               CUBLAS_GEMM_DFALT_TENSOR_OP = 99 } cublasGemmAlgo_t;
typedef enum { CUBLAS_POINTER_MODE_HOST, CUBLAS_POINTER_MODE_DEVICE } cublasPointerMode_t;

inline cublasStatus_t cublasCreate(cublasHandle_t *) { return CUBLAS_STATUS_SUCCESS; }
inline cublasStatus_t cublasDestroy(cublasHandle_t) { return CUBLAS_STATUS_SUCCESS; }
inline const char *cublasGetStatusString(cublasStatus_t) { return ""; }
inline const char *cublasGetStatusName(cublasStatus_t) { return ""; }
#define TILELAPSE_TAKES_ALL(name) \
  template <class... All> cublasStatus_t name(All...) { return CUBLAS_STATUS_SUCCESS; }
TILELAPSE_TAKES_ALL(cublasSetStream)
TILELAPSE_TAKES_ALL(cublasSetMathMode)
TILELAPSE_TAKES_ALL(cublasSetPointerMode)
TILELAPSE_TAKES_ALL(cublasSgemm)
TILELAPSE_TAKES_ALL(cublasDgemm)
TILELAPSE_TAKES_ALL(cublasHgemm)
TILELAPSE_TAKES_ALL(cublasGemmEx)
TILELAPSE_TAKES_ALL(cublasSgemmEx)
TILELAPSE_TAKES_ALL(cublasSgemmStridedBatched)
TILELAPSE_TAKES_ALL(cublasHgemmStridedBatched)
TILELAPSE_TAKES_ALL(cublasGemmStridedBatchedEx)
TILELAPSE_TAKES_ALL(cublasSgemv)
TILELAPSE_TAKES_ALL(cublasSaxpy)
TILELAPSE_TAKES_ALL(cublasSetMatrix)
TILELAPSE_TAKES_ALL(cublasGetMatrix)
TILELAPSE_TAKES_ALL(cublasSetVector)
TILELAPSE_TAKES_ALL(cublasGetVector)
#undef TILELAPSE_TAKES_ALL
