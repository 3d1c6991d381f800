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

// Threads that run one CTA after the other: ThreadSanitizer takes long to make one. CTAs are apart
// from each other all the same: all that was done before `first` or `last` opens comes before all
// that is done after it.
class Crew {
    pthread_barrier_t first, last;
    const std::function<void()> *work = nullptr;  // of the next CTA; null after the last one
    std::vector<std::thread> threads;

  public:
    explicit Crew(unsigned count) {
        for (pthread_barrier_t &barrier : barriers) pthread_barrier_init(&barrier, nullptr, count);
        pthread_barrier_init(&first, nullptr, count + 1);
        pthread_barrier_init(&last, nullptr, count + 1);
        for (unsigned thread = 0; thread < count; ++thread)
            threads.emplace_back([this, thread] {
                threadIdx.x = thread;
                while (pthread_barrier_wait(&first), work) {
                    copies = {};
                    (*work)();
                    pthread_barrier_wait(&last);
                }
            });
    }
    void run(const std::function<void()> &kernel) {
        work = &kernel;
        pthread_barrier_wait(&first);
        pthread_barrier_wait(&last);
    }
    ~Crew() {
        work = nullptr;
        pthread_barrier_wait(&first);
        for (std::thread &thread : threads) thread.join();
    }
};

}  // namespace

void __syncthreads() { pthread_barrier_wait(&barriers[epoch++ % 2]); }

Copies &own_copies() { return copies; }

bool run_cta(unsigned threads, unsigned, const std::function<void()> &kernel) {
    static Crew crew(threads);
    crew.run(kernel);
    return true;
}
