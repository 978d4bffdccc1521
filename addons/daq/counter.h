// SPDX-License-Identifier: Apache-2.0
// A counter with one writer and any number of readers: a plain add for the writer, never torn for a reader.
// Thread: one writer; readers anywhere.
// Owns: nothing.
#ifndef SUMMIT_DAQ_COUNTER_H_
#define SUMMIT_DAQ_COUNTER_H_

#include <atomic>
#include <cstdint>

namespace summit::daq {

class Counter {
 public:
  void Add(uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void Take(uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
  void Set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_COUNTER_H_
