// Stands in for helper_timer.h of NVIDIA's samples.
#pragma once

struct StopWatchInterface {};
inline bool sdkCreateTimer(StopWatchInterface **) { return true; }
inline bool sdkStartTimer(StopWatchInterface **) { return true; }
inline bool sdkStopTimer(StopWatchInterface **) { return true; }
inline bool sdkResetTimer(StopWatchInterface **) { return true; }
inline bool sdkDeleteTimer(StopWatchInterface **) { return true; }
inline float sdkGetTimerValue(StopWatchInterface **) { return 1; }
inline float sdkGetAverageTimerValue(StopWatchInterface **) { return 1; }
