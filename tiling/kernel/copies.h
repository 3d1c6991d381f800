// Asynchronous copies of one CUDA thread, made as late as the kernel allows: at the wait. Before
// that NaN lies where they go, so that who reads too early finds out.
#pragma once
#include <deque>
#include <limits>
#include <vector>

class Copies {
    struct Copy {
        float *to;
        const float *from;
        unsigned floats;
        bool inside;
    };
    std::deque<std::vector<Copy>> groups{1};  // the open one last

  public:
    void begin(float *to, const float *from, unsigned floats, bool inside) {
        for (unsigned v = 0; v < floats; ++v) to[v] = std::numeric_limits<float>::quiet_NaN();
        groups.back().push_back({to, from, floats, inside});
    }
    void commit() { groups.emplace_back(); }
    void wait(unsigned pending) {
        for (; groups.size() - 1 > pending; groups.pop_front())
            for (const Copy &copy : groups.front())
                for (unsigned v = 0; v < copy.floats; ++v)
                    copy.to[v] = copy.inside ? copy.from[v] : 0;
    }
};
