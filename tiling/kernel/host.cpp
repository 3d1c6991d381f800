// Runs a kernel that g++ made a library of on one problem: A and B come in on stdin, C and the trace
// go out on stdout, all as raw bytes; before them BEGUN, when the kernel begins, behind them ENDED.
// So whoever starts this knows which failures may be the kernel's: none before BEGUN.
//
//   host KERNEL M N K CTAS THREADS SHARED_WORDS STRIDE SKEW ORDER
//
// STRIDE is 0 where the kernel was built without recording. SKEW moves A and B that many floats away
// from an aligned address. ORDER seeds the order in which fibers take turns.
//
// Exit status 0, or: 2 wrong use, 3 a barrier that not all threads reach, 4 a write outside C,
// 5 a write outside shared memory, 6 a library that cannot be loaded, 7 too little memory or threads.
// The race build never ends with 0, but by ThreadSanitizer's report of a race that is planted last.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <thread>
#include <vector>

#include "host.h"
#include "threads.h"

constinit thread_local Dim threadIdx, blockIdx;

// The largest shared memory that the model accepts (227 KB), and words behind it that nobody owns.
constexpr size_t SHARED_MAX = 227 * 1024 / sizeof(float), BEHIND = 4096;
alignas(16) float shared[SHARED_MAX + BEHIND];

using Gemm = void(const float *, const float *, float *, unsigned, unsigned, unsigned);
using StartRecording = void(const float *, const float *, const float *, unsigned, unsigned,
                            unsigned, long long *, unsigned long long);

void begin_copy_of(float *to, const float *from, unsigned floats, bool inside) {
    own_copies().begin(to, from, floats, inside);
}
void commit_copies() { own_copies().commit(); }
void wait_for_all_but(unsigned pending) { own_copies().wait(pending); }

namespace {

constexpr float NOTHING = std::numeric_limits<float>::quiet_NaN();

// A matrix between two stretches of NaN: what is read outside shows, what is written there too.
struct Guarded {
    static constexpr size_t GUARD = 1 << 16;  // floats, a multiple of every alignment
    std::vector<float> memory;
    size_t count, begin;

    Guarded(size_t count, size_t skew)
        : memory(count + skew + 2 * GUARD + 16, NOTHING), count(count), begin(GUARD + skew) {
        while (reinterpret_cast<size_t>(&memory[begin - skew]) % 64) ++begin;
    }
    float *data() { return &memory[begin]; }
    bool intact() const {
        for (size_t i = 0; i < memory.size(); ++i)
            if ((i < begin || i >= begin + count) && memory[i] == memory[i]) return false;
        return true;
    }
};

void get(float *to, size_t count) {
    if (fread(to, sizeof(float), count, stdin) != count) exit(2);
}

void say(const char *mark) {
    fputs(mark, stdout);
    if (fflush(stdout) || ferror(stdout)) exit(2);
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 11) return 2;
    std::set_terminate([] {  // a kernel throws nothing
        fputs("too little memory or threads\n", stderr);
        _exit(7);
    });
    size_t arg[11];
    for (int i = 2; i < 11; ++i) arg[i] = strtoull(argv[i], nullptr, 10);
    const size_t m = arg[2], n = arg[3], k = arg[4], ctas = arg[5], threads = arg[6];
    const size_t words = arg[7], stride = arg[8], skew = arg[9], order = arg[10];

    void *const library = dlopen(argv[1], RTLD_NOW);
    void *const kernel = library ? dlsym(library, "gemm") : nullptr;
    void *const start_recording = kernel && stride ? dlsym(library, "start_recording") : nullptr;
    if (!kernel || (stride && !start_recording)) {
        fprintf(stderr, "%s\n", dlerror());
        return 6;
    }

    Guarded a(m * k, skew), b(k * n, skew), c(m * n, 0);
    get(a.data(), m * k);
    get(b.data(), k * n);
    std::vector<long long> slots(ctas * threads * stride, -1);

    if (stride)
        reinterpret_cast<StartRecording *>(start_recording)(a.data(), b.data(), c.data(), m, n, k,
                                                            slots.data(), stride);
    say("BEGUN\n");
    for (size_t cta = 0; cta < ctas; ++cta) {
        for (float &word : shared) word = NOTHING;
        const bool together = run_cta(threads, order, [&] {
            blockIdx.x = static_cast<unsigned>(cta);
            reinterpret_cast<Gemm *>(kernel)(a.data(), b.data(), c.data(), m, n, k);
        });
        if (!together) return 3;
        for (size_t i = words; i < SHARED_MAX + BEHIND; ++i)
            if (shared[i] == shared[i]) return 5;
    }
    if (!c.intact()) return 4;
    fwrite(c.data(), sizeof(float), m * n, stdout);
    fwrite(slots.data(), sizeof(long long), slots.size(), stdout);
    say("ENDED\n");

    // ThreadSanitizer has seen no race, if it watches this library at all: it must see this one.
    if (auto *const planted = reinterpret_cast<void (*)()>(dlsym(library, "planted_race"))) {
        std::thread other(planted);
        planted();
        other.join();
    }
    return 0;
}
