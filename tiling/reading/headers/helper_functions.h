// Stands in for helper_functions.h of NVIDIA's samples.
#pragma once
#include "helper_string.h"
#include "helper_timer.h"
