// SPDX-License-Identifier: Apache-2.0
// Pool slots lent beyond the link thread, so that JavaScript can copy their pixels: bounded, each given back once.
// Thread: Grant on the link thread; Take and Release from any thread; counters anywhere.
// Owns: the slots that are on lease, until Take or Release.
#ifndef SUMMIT_DAQ_LEASES_H_
#define SUMMIT_DAQ_LEASES_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "addons/daq/counter.h"
#include "addons/daq/frame_pool.h"

namespace summit::daq {

class Leases {
 public:
  // Never more than `most`: a reader that forgets its leases must not starve the receiver.
  Leases(FramePool* pool, uint32_t most)
      : pool_(*pool), most_(most), entry_(std::make_unique<Entry[]>(pool->slots())) {}

  // False (and counted) when too many are out; the slot then stays the caller's.
  bool Grant(uint64_t token, uint32_t bytes) {
    if (out_.load(std::memory_order_relaxed) >= most_) {
      refused_.Add();
      return false;
    }
    out_.fetch_add(1, std::memory_order_relaxed);
    Entry& entry = entry_[FramePool::SlotOf(token)];
    entry.bytes.store(bytes, std::memory_order_relaxed);
    entry.token.store(token, std::memory_order_release);
    return true;
  }

  // Bytes on this lease; 0 when there is no such lease (never given, or given back).
  uint32_t Bytes(uint64_t token) const {
    const uint32_t slot = FramePool::SlotOf(token);
    if (slot >= pool_.slots() || entry_[slot].token.load(std::memory_order_acquire) != token) return 0;
    return entry_[slot].bytes.load(std::memory_order_relaxed);
  }
  const uint8_t* Pixels(uint64_t token) const { return pool_.Memory(token); }

  // False when there is no such lease.
  bool Release(uint64_t token) {
    const uint32_t slot = FramePool::SlotOf(token);
    if (token == 0 || slot >= pool_.slots()) return false;
    if (!entry_[slot].token.compare_exchange_strong(token, 0, std::memory_order_acq_rel)) return false;
    out_.fetch_sub(1, std::memory_order_relaxed);
    return pool_.Release(token);
  }

  uint32_t out() const { return out_.load(std::memory_order_relaxed); }
  uint64_t refused() const { return refused_.Get(); }

 private:
  struct Entry {
    std::atomic<uint64_t> token{0};
    std::atomic<uint32_t> bytes{0};
  };
  FramePool& pool_;
  const uint32_t most_;
  std::unique_ptr<Entry[]> entry_;
  std::atomic<uint32_t> out_{0};
  Counter refused_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_LEASES_H_
