// Each CUDA thread is a thread of the operating system, and a barrier is a barrier: what the race
// detector wants to see. A barrier that not all threads reach never opens; the caller's time limit
// ends that.
#include "threads.h"

#include <pthread.h>

#include <thread>
#include <vector>

#include "host.h"

namespace {

// Two barriers in turn. ThreadSanitizer takes a barrier for a point where all that was released
// there is acquired: with a single one, a thread that leaves late would also acquire what others
// released when they arrived for the next time, and races between the two times would stay unseen.
pthread_barrier_t barriers[2];
thread_local unsigned epoch;
thread_local Copies copies;

}  // namespace

void __syncthreads() { pthread_barrier_wait(&barriers[epoch++ % 2]); }

Copies &own_copies() { return copies; }

bool run_cta(unsigned threads, unsigned, const std::function<void()> &kernel) {
    for (pthread_barrier_t &barrier : barriers) pthread_barrier_init(&barrier, nullptr, threads);
    std::vector<std::thread> running;
    for (unsigned thread = 0; thread < threads; ++thread)
        running.emplace_back([&kernel, thread] {
            threadIdx.x = thread;
            kernel();
        });
    for (std::thread &thread : running) thread.join();
    for (pthread_barrier_t &barrier : barriers) pthread_barrier_destroy(&barrier);
    return true;
}
