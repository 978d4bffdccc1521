// SPDX-License-Identifier: Apache-2.0
// CLOCK_MONOTONIC in nanoseconds: the agent's own time scale for everything but source time.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_DAQ_CLOCK_H_
#define SUMMIT_DAQ_CLOCK_H_

#include <time.h>

#include <cstdint>

namespace summit::daq {

inline uint64_t ToNs(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

inline uint64_t ClockNs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return ToNs(now);
}

inline uint64_t MonotonicNs() { return ClockNs(CLOCK_MONOTONIC); }

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_CLOCK_H_
