// Functions of one thread's numbers, in the C++ that CUDA and the host share. HOST says which it is.
#ifdef HOST
#define FUNCTION static __attribute__((noinline))
#define APART static __attribute__((noinline))
#else
#define FUNCTION static __device__ __forceinline__
#define APART static __device__ __noinline__
#endif

typedef unsigned u32;
typedef unsigned long long u64;
typedef long long s64;

FUNCTION u32 hash(u32 a, u32 b) {  // a loop of as many turns as the thread asks for
    u32 h = b ^ 0x9e3779b9u;
    for (u32 i = 0; i < a % 23; ++i) {
        h ^= i * 0x85ebca6bu;
        h = h << 13 | h >> 19;
        if (h & 4) h = h * 5 + 0xe6546b64u;
        if ((h & 0xff) == 0x31) break;
        if (h & 0x100) continue;
        h ^= h >> 16;
    }
    return h;
}

FUNCTION u32 nested(u32 a, u32 b) {  // loops in loops, with ways out of both
    u32 sum = 0;
    for (u32 i = 0; i < a % 7; ++i) {
        u32 j = i;
        do {
            sum += i * j + b;
            if (sum % 11 == 3) goto out;
            if (sum % 5 == 1) { j += 2; continue; }
            sum ^= sum << 3;
        } while (++j < b % 9);
        if (sum & 1) sum = sum / 3 + i; else sum -= i;
    }
out:
    return sum + 7;
}

FUNCTION u32 divisor(u32 a, u32 b) {
    while (b) {
        u32 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

FUNCTION u32 root(u32 a, u32) {  // of an integer, digit by digit
    u32 rest = a, found = 0, one = 1u << 30;
    while (one > rest) one >>= 2;
    while (one) {
        if (rest >= found + one) { rest -= found + one; found = (found >> 1) + one; }
        else found >>= 1;
        one >>= 2;
    }
    return found << 16 | (rest & 0xffff);
}

FUNCTION u32 tricks(u32 a, u32 b) {
    u32 x = a;
    x = (x & 0x55555555u) << 1 | (x >> 1 & 0x55555555u);
    x = (x & 0x33333333u) << 2 | (x >> 2 & 0x33333333u);
    x = (x & 0x0f0f0f0fu) << 4 | (x >> 4 & 0x0f0f0f0fu);
    x = x << 24 | (x & 0xff00u) << 8 | (x >> 8 & 0xff00u) | x >> 24;
    u32 lowest = b & -b, gray = a ^ a >> 1;
    u32 pick = (a & b) | (a & lowest) | (b & lowest);
    int ahead = (int)(a << 7) >> 20;
    return x ^ gray + lowest ^ pick ^ (u32)ahead ^ (a << (b & 31) | a >> (-b & 31));
}

FUNCTION u32 cases(u32 a, u32 b) {  // dense, with what falls through, and sparse
    u32 r = b;
    switch (a % 13) {
        case 0: r += 17; break;
        case 1: r ^= 0x1234; // on
        case 2: r *= 3; break;
        case 3: r = r << 3 | 1; break;
        case 4: r -= 1000; break;
        case 5: r = ~r;  // on
        case 6: r = r % 1001; break;
        case 7: return r * r;
        case 8: r |= 0x8000; break;
        case 9: r = -r; break;
        case 10: r >>= 5; break;
        default: r = a + b;
    }
    switch (r & 0xffff) {
        case 12: return 1;
        case 999: return 2;
        case 0x4321: return 3;
    }
    return r;
}

FUNCTION u32 wide(u32 a, u32 b) {
    u64 x = (u64)a << 32 | b, y = (u64)b * a + 0x123456789abcdefull;
    s64 s = (s64)x - (s64)y;
    x = x * 6364136223846793005ull + (y >> (a & 63));
    s = s / (s64)((b & 0xffff) + 1) + s % 977 - (s >> (b & 63));
    u64 q = y / ((u64)a + 3) ^ y % ((x >> 20) + 1);
    return (u32)(x >> 32) ^ (u32)s ^ (u32)(s >> 32) ^ (u32)q ^ (s < (s64)y) ^ (x < y) * 2;
}

FUNCTION u32 narrow(u32 a, u32 b) {
    signed char c = (signed char)a;
    unsigned char d = (unsigned char)(b >> 3);
    short s = (short)(a >> 5);
    unsigned short t = (unsigned short)(b * 7);
    for (int i = 0; i < 5; ++i) {
        c = (signed char)(c * 3 + i);
        d = (unsigned char)(d + c);
        s = (short)(s - d * c);
        t = (unsigned short)(t / 3 + (s >> 2));
        if (c < 0) s = (short)-s;
        if (t > d) c = (signed char)(c >> 1);
    }
    return (u32)c ^ (u32)d << 8 ^ (u32)s << 4 ^ (u32)t << 16 ^ (c < s) ^ (d > t) * 2;
}

FUNCTION u32 sorted(u32 a, u32 b) {  // an array that is indexed by what is not known before
    unsigned char order[11];
    u32 value[11];
    for (u32 i = 0; i < 11; ++i) value[i] = (a * (i + 1) ^ b >> i) % 97, order[i] = (unsigned char)i;
    for (int i = 1; i < 11; ++i)
        for (int j = i; j > 0 && value[order[j - 1]] > value[order[j]]; --j) {
            unsigned char other = order[j];
            order[j] = order[j - 1];
            order[j - 1] = other;
        }
    u32 found = 0;
    for (int i = 0; i < 11; ++i) found = found * 31 + order[i] * 256 + value[order[i]];
    return found + order[a % 11];
}

struct Pair {
    u32 low;
    s64 sum;
    unsigned char bytes[5];
};

APART u32 inner(u32 a, u32 b) {
    if (a > b) return a - b;
    for (u32 i = 0; i < b % 3; ++i) a += i ^ b;
    return a;
}

APART Pair outer(Pair p, u32 by) {
    p.low = inner(p.low, by) + inner(by, p.low);
    p.sum -= (s64)p.low * by;
    p.bytes[by % 5] ^= (unsigned char)by;
    if (by & 1) p.bytes[(by >> 3) % 5] += p.bytes[by % 5];
    return p;
}

APART void twice(u32 *at, u32 by) {
    at[by & 1] = at[by >> 1 & 1] * 3 + by;
    if (by & 4) at[0] = inner(at[1], by);
}

FUNCTION u32 calls(u32 a, u32 b) {
    Pair p = {a, (s64)b << 20, {1, 2, 3, 4, (unsigned char)a}};
    u32 two[2] = {a, b};
    for (u32 i = 0; i < (a & 3); ++i) {
        p = outer(p, b + i);
        if (p.low & 2) twice(two, p.low);
    }
    u32 found = p.low ^ (u32)p.sum ^ two[0] ^ two[1] * 5;
    for (int i = 0; i < 5; ++i) found = found * 33 + p.bytes[i];
    return found;
}

APART u32 step(u32 state, u32 input) {  // a machine of states
    switch (state) {
        case 0: return input & 1 ? 3 : 1;
        case 1: return input & 2 ? 2 : 0;
        case 2: return input & 4 ? 5 : 3;
        case 3: return input % 3;
        case 4: return 1;
        case 5: return input & 8 ? 4 : 2;
    }
    return 0;
}

FUNCTION u32 states(u32 a, u32 b) {
    u32 state = a % 6, seen = 0;
    for (int i = 0; i < 12 && !(state == 4 && i > 7); ++i, b = b >> 2 | b << 30) {
        seen = seen * 6 + state;
        state = step(state, b);
    }
    return seen;
}

FUNCTION u32 early(u32 a, u32 b) {
    if ((a & 3) == 0) return b;
    if ((a & 3) == 1 && (b & 1 || a > b)) return a * 3;
    u32 n = 0;
    for (;;) {
        if (a < 10 || n > 20) return n;
        a = a & 1 ? (a >> 3) * 5 + b % 7 : a / 2;
        ++n;
    }
}

#ifndef ALL
#define ALL EACH(hash) EACH(nested) EACH(divisor) EACH(root) EACH(tricks) EACH(cases) EACH(wide) \
    EACH(narrow) EACH(sorted) EACH(calls) EACH(states) EACH(early)
#endif

#ifdef HOST
#define EACH(f) extern "C" void run_##f(const u32 *a, const u32 *b, u32 *x, int n) { \
    for (int t = 0; t < n; ++t) x[t] = f(a[t], b[t]); }
#else
#define EACH(f) extern "C" __global__ void run_##f(const u32 *a, const u32 *b, u32 *x) { \
    x[threadIdx.x] = f(a[threadIdx.x], b[threadIdx.x]); }
#endif
ALL
