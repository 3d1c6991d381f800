// How the threads of one CTA run on a CPU. threads.cpp and fibers.cpp are the two ways.
#pragma once
#include <functional>

#include "copies.h"

// Calls `kernel()` for every thread of a CTA, with its own threadIdx. False if some thread ended while another
// waited at a barrier.
bool run_cta(unsigned threads, unsigned order, const std::function<void()> &kernel);

// The asynchronous copies of the CUDA thread that runs.
Copies &own_copies();
