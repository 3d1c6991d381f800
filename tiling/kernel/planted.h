// In the library of the race build, compiled as the kernel is: a race between all who run it.
// host.cpp lets two threads do so at the very end. Where ThreadSanitizer is silent about this, its
// silence about the kernel says nothing.
#pragma once

int planted_words[64];
extern "C" void planted_race() {
    for (int &word : planted_words) ++word;
}
