// SPDX-License-Identifier: Apache-2.0
// Gives the calling thread its name, priority and processor, as far as the system allows.
// Thread: the one that is set up.
// Owns: nothing.
#ifndef SUMMIT_DAQ_THREAD_SETUP_H_
#define SUMMIT_DAQ_THREAD_SETUP_H_

#include <string>

namespace summit::daq {

struct ThreadSettings {
  int fifo_priority = 0;  // SCHED_FIFO 1..99; 0: leave
  int cpu = -1;           // -1: any
  int nice = 0;           // 0: leave
  bool idle = false;      // SCHED_IDLE: runs when nobody else wants to, and gives way at once
};

struct ThreadOutcome {
  std::string sched_fifo;  // "off", "priority 50" or "refused: ..."
  std::string cpu;         // "any", "3" or "refused: ..."
};

// Of the calling thread; `nice` and `idle` also of those that it starts. `name` nullptr: it keeps its own.
ThreadOutcome SetUpThread(const char* name, const ThreadSettings& settings);

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_THREAD_SETUP_H_
