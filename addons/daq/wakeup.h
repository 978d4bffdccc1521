// SPDX-License-Identifier: Apache-2.0
// An eventfd: one thread wakes another that sleeps in poll.
// Thread: Signal from anywhere; Wait and Clear by the sleeper.
// Owns: its file descriptor.
#ifndef SUMMIT_DAQ_WAKEUP_H_
#define SUMMIT_DAQ_WAKEUP_H_

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace summit::daq {

class Wakeup {
 public:
  Wakeup() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Wakeup() {
    if (fd_ >= 0) close(fd_);
  }
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  int fd() const { return fd_; }
  bool good() const { return fd_ >= 0; }

  void Signal() {
    const uint64_t one = 1;
    // A full counter means that the sleeper is awake already.
    [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof(one));
  }
  void Clear() {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(fd_, &count, sizeof(count));
  }
  // True when signalled. The signal stays until Clear.
  bool Wait(int timeout_ms) {
    pollfd waiting{fd_, POLLIN, 0};
    return poll(&waiting, 1, timeout_ms) > 0;
  }

 private:
  int fd_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_WAKEUP_H_
