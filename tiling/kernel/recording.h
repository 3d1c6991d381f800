// The build that records. Memory is made of Elements, which write down each access to them; copies,
// barriers and multiply-adds are made and written down. What is recorded is what was done: where
// an access went is told by its address, and what was written is read back.
//
// A record has two slots: what was done and where, with the bits of a value or the word that a copy
// goes to; then the index there. tiling/kernel/provenance.py reads them. Functions are not inlined:
// there are so many calls that it would take minutes to compile.

enum Did {
    READ = 0x10, WRITE = 0x20, COPY = 0x30, COMMIT = 0x40, WAIT = 0x50, BARRIER = 0x60,
    MULTIPLY_ADD = 0x70,
};
enum Where { NOWHERE, IN_A, IN_B, IN_C, IN_SHARED, ELSEWHERE };

class Element;
extern __shared__ Element shared[];  // the kernel's own

struct Recording {
    const Element *matrix[3], *end[3];  // A, B and C
    long long *slots;
    unsigned long long stride;  // slots of a thread
};
__device__ Recording recording;

// A thread's own slots: nothing is shared between threads, so that recording puts no order between
// them that the kernel does not. The first counts the records. Records too many go to the last.
class Slots {
    static constexpr unsigned long long THREADS = (BM / TM) * (BN / TN);
    long long *own = recording.slots + (blockIdx.x * THREADS + threadIdx.x) * recording.stride;

  public:
    __device__ Slots() {
        if (own[0] < 0) own[0] = 0;
    }
    __device__ long long *last() const { return own + 2 * own[0]; }
    __device__ __noinline__ void add(Did did, Where where, long long low, long long high) const {
        if (2 * own[0] + 3 < static_cast<long long>(recording.stride)) ++own[0];
        last()[0] = (did + 0ll + where) << 56 | (low & 0xffffffffffffff);
        last()[1] = high;
    }
};

struct Place {
    Where where;
    long long index;
};
__device__ inline Place place_of(const Element *at);

class Element {
    float value;

    __device__ __noinline__ float seen(Did did) const {
        const float bits = *const_cast<const volatile float *>(&value);
        if (!__isLocal(this)) {
            const Place place = place_of(this);
            Slots().add(did, place.where, __float_as_uint(bits), place.index);
        }
        return bits;
    }

  public:
    Element() = default;
    __device__ Element(const Element &from) : value(from) {}
    __device__ operator float() const { return seen(READ); }
    __device__ void operator=(float written) {
        value = written;
        seen(WRITE);
    }
    __device__ void operator=(const Element &from) { *this = static_cast<float>(from); }
};

__device__ inline Place place_of(const Element *at) {
    for (int i = 0; i < 3; ++i)
        if (at >= recording.matrix[i] && at < recording.end[i])
            return {static_cast<Where>(IN_A + i), at - recording.matrix[i]};
    if (at >= shared && at < shared + SHARED_WORDS) return {IN_SHARED, at - shared};
    return {ELSEWHERE, -1};
}

#if STAGES > 1
template <Index FLOATS>
__device__ inline void begin_copy(Element *to, const Element *from, bool inside) {
    begin_copy<FLOATS>(reinterpret_cast<float *>(to), reinterpret_cast<const float *>(from),
                       inside);
    for (Index v = 0; v < FLOATS; ++v) {
        const Place target = place_of(to + v), source = place_of(from + v);
        const long long word = target.where == IN_SHARED ? target.index : -1;
        if (inside)
            Slots().add(COPY, source.where, word << 32, source.index);
        else
            Slots().add(COPY, NOWHERE, word << 32, -1);
    }
}
__device__ inline void recorded_commit() {
    commit_copies();
    Slots().add(COMMIT, NOWHERE, 0, -1);
}
template <Index PENDING>
__device__ inline void recorded_wait() {
    wait_for_copies<PENDING>();
    Slots().add(WAIT, NOWHERE, 0, PENDING);
}
#define commit_copies recorded_commit
#define wait_for_copies recorded_wait
#endif

__device__ inline void recorded_barrier() {
    const long long arrived = clock64();
    __syncthreads();
    Slots().add(BARRIER, NOWHERE, arrived, clock64());
}
#define __syncthreads recorded_barrier

// Multiply-adds that follow each other make one record: how many, and the sum of what went in.
__device__ __noinline__ float recorded_multiply_add(float a, float b, float c) {
    const Slots slots;
    if (slots.last()[0] >> 56 != MULTIPLY_ADD) slots.add(MULTIPLY_ADD, NOWHERE, 0, 0);
    slots.last()[0] += 1;
    slots.last()[1] += static_cast<long long>(__float_as_uint(b)) << 32 | __float_as_uint(a);
    return __fmaf_ieee_rn(a, b, c);
}
#define __fmaf_ieee_rn recorded_multiply_add

extern "C" __global__ void start_recording(const Element *A, const Element *B, const Element *C,
                                           Index M, Index N, Index K, long long *slots,
                                           unsigned long long stride) {
    recording = {{A, B, C},
                 {A + 1ull * M * K, B + 1ull * K * N, C + 1ull * M * N},
                 slots,
                 stride};
}
