// SPDX-License-Identifier: Apache-2.0
// The bounded way of records from the link thread to JavaScript.
// Thread: Push by one writer, Pop by one reader, without locks; counters anywhere.
// Owns: its records, allocated and touched once.
#ifndef SUMMIT_DAQ_RECORD_RING_H_
#define SUMMIT_DAQ_RECORD_RING_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "addons/daq/counter.h"
#include "addons/daq/record.h"

namespace summit::daq {

class RecordRing {
 public:
  explicit RecordRing(uint32_t capacity) : records_(capacity) {}
  RecordRing(const RecordRing&) = delete;
  RecordRing& operator=(const RecordRing&) = delete;

  uint32_t capacity() const { return static_cast<uint32_t>(records_.size()); }
  uint64_t high_water() const { return high_water_.Get(); }

  // Of the writer: records pushed so far.
  uint64_t written() const { return written_.load(std::memory_order_relaxed); }
  // Of the writer. The reader may make more room meanwhile, never less.
  uint32_t Free() const {
    const uint64_t used = written_.load(std::memory_order_relaxed) - read_.load(std::memory_order_acquire);
    return static_cast<uint32_t>(records_.size() - used);
  }
  bool Push(const Record& record) {
    const uint64_t at = written_.load(std::memory_order_relaxed);
    const uint64_t used = at - read_.load(std::memory_order_acquire);
    if (used == records_.size()) return false;
    records_[at % records_.size()] = record;
    written_.store(at + 1, std::memory_order_release);
    if (used + 1 > high_water_.Get()) high_water_.Set(used + 1);
    return true;
  }

  // Of the reader: copies as many whole records as are there and fit.
  size_t Pop(std::span<Record> into) {
    const uint64_t from = read_.load(std::memory_order_relaxed);
    const uint64_t there = written_.load(std::memory_order_acquire) - from;
    const size_t count = static_cast<size_t>(std::min<uint64_t>(there, into.size()));
    for (size_t i = 0; i < count; ++i) into[i] = records_[(from + i) % records_.size()];
    read_.store(from + count, std::memory_order_release);
    return count;
  }

 private:
  std::vector<Record> records_;
  alignas(64) std::atomic<uint64_t> written_{0};
  Counter high_water_;
  alignas(64) std::atomic<uint64_t> read_{0};
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_RECORD_RING_H_
