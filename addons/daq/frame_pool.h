// SPDX-License-Identifier: Apache-2.0
// A fixed number of equal slots in one touched memory mapping: where every pixel is written once.
// Thread: Acquire, Release, Memory and the counters from any thread, without locks.
// Owns: the mapping; a slot is lent from Acquire until Release. A token carries the generation of its slot,
//   so that a second or stale Release is refused and counted instead of freeing someone else's slot.
#ifndef SUMMIT_DAQ_FRAME_POOL_H_
#define SUMMIT_DAQ_FRAME_POOL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace summit::daq {

struct FramePoolSettings {
  uint32_t slots = 64;
  uint64_t slot_bytes = 640000;
  bool huge_pages = true;
  bool lock_memory = false;
};

class FramePool {
 public:
  // nullptr with a sentence in *message when the memory cannot be had.
  static std::unique_ptr<FramePool> Create(const FramePoolSettings& settings, std::string* message);
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  // A token and its memory, 64-byte aligned; 0 when no slot is free or `bytes` is more than a slot.
  uint64_t Acquire(uint64_t bytes, void** memory);
  // One more holder of a lent slot, called by one who holds it: the slot is free after as many Release calls as it
  // has holders. At most 255 holders.
  void Share(uint64_t token);
  // False (and counted) when the token is not lent now.
  bool Release(uint64_t token);
  // nullptr when the token is not lent now.
  uint8_t* Memory(uint64_t token) const;
  // Position of the token's slot, 0..slots-1; only for a token that Acquire gave.
  static uint32_t SlotOf(uint64_t token) { return static_cast<uint32_t>(token & 0xFFFFFFFFu) - 1u; }

  uint32_t slots() const { return slots_; }
  uint64_t slot_bytes() const { return slot_bytes_; }
  uint32_t in_use() const { return in_use_.load(std::memory_order_relaxed); }
  uint32_t high_water() const { return high_water_.load(std::memory_order_relaxed); }
  uint64_t exhausted() const { return exhausted_.load(std::memory_order_relaxed); }
  uint64_t stale_releases() const { return stale_releases_.load(std::memory_order_relaxed); }
  // What became of the two best-effort wishes.
  const std::string& huge_pages_outcome() const { return huge_pages_outcome_; }
  const std::string& lock_memory_outcome() const { return lock_memory_outcome_; }

 private:
  struct Slot {
    std::atomic<uint32_t> generation{0};  // odd while lent
    std::atomic<uint32_t> next{0};        // free list: position + 1, 0 ends it
    std::atomic<uint32_t> sharers{0};     // holders beyond the first
  };

  FramePool() = default;
  bool Map(const FramePoolSettings& settings, std::string* message);
  bool MapHuge(const FramePoolSettings& settings);
  void Push(uint32_t slot);
  uint32_t Pop();  // position + 1, 0 when empty

  uint32_t slots_ = 0;
  uint64_t slot_bytes_ = 0;
  uint64_t stride_ = 0;
  void* mapping_ = nullptr;
  uint64_t mapping_bytes_ = 0;
  uint8_t* memory_ = nullptr;
  std::unique_ptr<Slot[]> slot_;
  // Low half: position + 1 of the first free slot. High half: a tag that changes at each swap, so that a
  // thread holding an old head cannot succeed after the slot went out and came back (ABA).
  alignas(64) std::atomic<uint64_t> head_{0};
  alignas(64) std::atomic<uint32_t> in_use_{0};
  std::atomic<uint32_t> high_water_{0};
  std::atomic<uint64_t> exhausted_{0};
  std::atomic<uint64_t> stale_releases_{0};
  std::string huge_pages_outcome_;
  std::string lock_memory_outcome_;
};
static_assert(!std::is_copy_constructible_v<FramePool>);

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_FRAME_POOL_H_
