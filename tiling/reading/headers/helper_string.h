// Stands in for helper_string.h of NVIDIA's samples.
#pragma once
#include <cstdlib>
#include <cstring>

#ifndef EXIT_WAIVED
#define EXIT_WAIVED 2
#endif
inline bool checkCmdLineFlag(int, const char **, const char *) { return false; }
inline int getCmdLineArgumentInt(int, const char **, const char *) { return 0; }
inline float getCmdLineArgumentFloat(int, const char **, const char *) { return 0; }
inline bool getCmdLineArgumentString(int, const char **, const char *, char **) { return false; }
