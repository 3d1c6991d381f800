// Each CUDA thread is a fiber. They take turns, each from one barrier to the next, in an order that
// is shuffled anew every time: fast, repeatable, and hard on a kernel that lacks a barrier.
#include "threads.h"

#include <ucontext.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "host.h"

namespace {

struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack{new char[STACK]};
    unsigned thread = 0;
    bool ended = false;
    Copies copies;
};

ucontext_t scheduler;
Fiber *current;
const std::function<void()> *work;

void begin() {
    (*work)();
    current->ended = true;
}

}  // namespace

void __syncthreads() { swapcontext(&current->context, &scheduler); }

Copies &own_copies() { return current->copies; }

// Counts up, so that in a trace every arrival at a barrier and every departure has its own time.
long long clock64() {
    static long long ticks = 0;
    return ++ticks;
}

bool run_cta(unsigned threads, unsigned order, const std::function<void()> &kernel) {
    static std::vector<Fiber> fibers(threads);
    std::mt19937 random(order);
    std::vector<Fiber *> turns;
    work = &kernel;
    for (unsigned thread = 0; thread < threads; ++thread) {
        Fiber &fiber = fibers[thread];
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = &scheduler;
        fiber.thread = thread;
        fiber.ended = false;
        fiber.copies = {};
        makecontext(&fiber.context, begin, 0);
        turns.push_back(&fiber);
    }
    for (;;) {
        std::shuffle(turns.begin(), turns.end(), random);
        for (Fiber *fiber : turns) {
            current = fiber;
            threadIdx.x = fiber->thread;
            swapcontext(&scheduler, &fiber->context);
        }
        const auto ended = std::count_if(fibers.begin(), fibers.end(),
                                         [](const Fiber &fiber) { return fiber.ended; });
        if (ended == threads) return true;
        if (ended) return false;
    }
}
