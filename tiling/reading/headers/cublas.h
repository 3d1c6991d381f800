// Stands in for NVIDIA's cublas.h.
#pragma once
#include "cublas_v2.h"
