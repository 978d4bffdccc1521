// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/thread_setup.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>

namespace summit::daq {

ThreadOutcome SetUpThread(const char* name, const ThreadSettings& settings) {
  if (name != nullptr) pthread_setname_np(pthread_self(), name);
  ThreadOutcome outcome{.sched_fifo = "off", .cpu = "any"};
  if (settings.fifo_priority > 0) {
    sched_param priority{};
    priority.sched_priority = settings.fifo_priority;
    const int error = pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
    outcome.sched_fifo = error == 0 ? "priority " + std::to_string(settings.fifo_priority)
                                    : std::string("refused: ") + std::strerror(error);
  }
  if (settings.cpu >= 0) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<size_t>(settings.cpu), &only);
    const int error = pthread_setaffinity_np(pthread_self(), sizeof(only), &only);
    outcome.cpu = error == 0 ? std::to_string(settings.cpu) : std::string("refused: ") + std::strerror(error);
  }
  // Linux has both by thread.
  if (settings.nice > 0) setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), settings.nice);
  if (settings.idle) {
    const sched_param none{};
    pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
  }
  return outcome;
}

}  // namespace summit::daq
