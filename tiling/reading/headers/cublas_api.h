// Stands in for NVIDIA's cublas_api.h.
#pragma once
#include "cublas_v2.h"
