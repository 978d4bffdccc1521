// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/frame_pool.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace summit::daq {
namespace {

constexpr uint64_t kAlignment = 64;        // one cache line, and enough for AVX-512
constexpr uint64_t kHugePage = 2u << 20;

uint64_t RoundUp(uint64_t value, uint64_t step) { return (value + step - 1) / step * step; }

std::string Refused() { return std::string("refused: ") + std::strerror(errno); }

}  // namespace

std::unique_ptr<FramePool> FramePool::Create(const FramePoolSettings& settings, std::string* message) {
  if (settings.slots == 0 || settings.slots > 65536 || settings.slot_bytes == 0 || settings.slot_bytes > (1u << 30)) {
    *message = "frame pool: expected 1..65536 slots of 1 byte to 1 GiB";
    return nullptr;
  }
  std::unique_ptr<FramePool> pool(new FramePool());
  pool->slots_ = settings.slots;
  pool->slot_bytes_ = settings.slot_bytes;
  pool->stride_ = RoundUp(settings.slot_bytes, kAlignment);
  if (!pool->Map(settings, message)) return nullptr;
  pool->slot_ = std::make_unique<Slot[]>(settings.slots);
  // Pushed from the last to the first, so that slots go out in the order of memory.
  for (uint32_t slot = settings.slots; slot > 0; --slot) pool->Push(slot - 1);
  return pool;
}

FramePool::~FramePool() {
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
}

bool FramePool::MapHuge(const FramePoolSettings& settings) {
  mapping_bytes_ = RoundUp(stride_ * slots_, kHugePage);
  if (!settings.huge_pages) {
    huge_pages_outcome_ = "off";
    return false;
  }
  void* mapped = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  if (mapped == MAP_FAILED) return false;
  mapping_ = mapped;
  memory_ = static_cast<uint8_t*>(mapped);
  huge_pages_outcome_ = "reserved huge pages";
  return true;
}

bool FramePool::Map(const FramePoolSettings& settings, std::string* message) {
  if (!MapHuge(settings)) {
    // One huge page more than needed, so that the slots can begin at a huge page's boundary.
    const uint64_t used = mapping_bytes_;
    mapping_bytes_ = used + kHugePage;
    void* mapped = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) {
      *message = "frame pool: no memory for " + std::to_string(slots_) + " slots of " + std::to_string(slot_bytes_) +
                 " bytes: " + std::strerror(errno);
      return false;
    }
    mapping_ = mapped;
    memory_ = reinterpret_cast<uint8_t*>(RoundUp(reinterpret_cast<uintptr_t>(mapped), kHugePage));
    if (settings.huge_pages) {
      huge_pages_outcome_ = madvise(memory_, used, MADV_HUGEPAGE) == 0 ? "transparent huge pages asked for" : Refused();
    }
    mapping_bytes_ = used + kHugePage;
  }
  // Touched now: the first stamp must not wait for the kernel to find pages. At once where the kernel can (Linux 5.14):
  // page by page takes twice as long.
  if (madvise(memory_, stride_ * slots_, MADV_POPULATE_WRITE) != 0) std::memset(memory_, 0, stride_ * slots_);
  if (!settings.lock_memory) {
    lock_memory_outcome_ = "off";
  } else {
    lock_memory_outcome_ = mlock(memory_, stride_ * slots_) == 0 ? "locked" : Refused();
  }
  return true;
}

void FramePool::Push(uint32_t slot) {
  uint64_t head = head_.load(std::memory_order_relaxed);
  uint64_t swapped = 0;
  do {
    slot_[slot].next.store(static_cast<uint32_t>(head), std::memory_order_relaxed);
    swapped = (((head >> 32) + 1) << 32) | (slot + 1u);
  } while (!head_.compare_exchange_weak(head, swapped, std::memory_order_release, std::memory_order_relaxed));
}

uint32_t FramePool::Pop() {
  uint64_t head = head_.load(std::memory_order_acquire);
  while (static_cast<uint32_t>(head) != 0) {
    const uint32_t next = slot_[static_cast<uint32_t>(head) - 1].next.load(std::memory_order_relaxed);
    const uint64_t swapped = (((head >> 32) + 1) << 32) | next;
    if (head_.compare_exchange_weak(head, swapped, std::memory_order_acquire, std::memory_order_acquire)) {
      return static_cast<uint32_t>(head);
    }
  }
  return 0;
}

uint64_t FramePool::Acquire(uint64_t bytes, void** memory) {
  *memory = nullptr;
  if (bytes > slot_bytes_) return 0;
  const uint32_t position = Pop();
  if (position == 0) {
    exhausted_.fetch_add(1, std::memory_order_relaxed);
    return 0;
  }
  // Only the holder of a popped slot gets here, so a plain step from even to odd is enough.
  std::atomic<uint32_t>& generation = slot_[position - 1].generation;
  const uint32_t lent = generation.load(std::memory_order_relaxed) + 1;
  generation.store(lent, std::memory_order_release);
  const uint32_t used = in_use_.fetch_add(1, std::memory_order_relaxed) + 1;
  uint32_t highest = high_water_.load(std::memory_order_relaxed);
  while (used > highest && !high_water_.compare_exchange_weak(highest, used, std::memory_order_relaxed)) {
  }
  *memory = memory_ + stride_ * (position - 1);
  return (static_cast<uint64_t>(lent) << 32) | position;
}

void FramePool::Share(uint64_t token) { slot_[SlotOf(token)].sharers.fetch_add(1, std::memory_order_relaxed); }

bool FramePool::Release(uint64_t token) {
  const uint32_t position = static_cast<uint32_t>(token);
  uint32_t generation = static_cast<uint32_t>(token >> 32);
  const bool possible = position >= 1 && position <= slots_ && (generation & 1u) == 1u;
  if (possible && slot_[position - 1].generation.load(std::memory_order_acquire) == generation) {
    std::atomic<uint32_t>& sharers = slot_[position - 1].sharers;
    // What this holder did with the pixels happens before the last one gives the slot away.
    uint32_t others = sharers.load(std::memory_order_acquire);
    while (others > 0) {
      if (sharers.compare_exchange_weak(others, others - 1, std::memory_order_acq_rel)) return true;
    }
  }
  if (!possible || !slot_[position - 1].generation.compare_exchange_strong(generation, generation + 1,
                                                                           std::memory_order_acq_rel)) {
    stale_releases_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  // Before the push: a slot must never look lent twice in the count.
  in_use_.fetch_sub(1, std::memory_order_relaxed);
  Push(position - 1);
  return true;
}

uint8_t* FramePool::Memory(uint64_t token) const {
  const uint32_t position = static_cast<uint32_t>(token);
  if (position < 1 || position > slots_) return nullptr;
  if (slot_[position - 1].generation.load(std::memory_order_acquire) != static_cast<uint32_t>(token >> 32)) return nullptr;
  if ((token >> 32 & 1u) == 0) return nullptr;
  return memory_ + stride_ * (position - 1);
}

}  // namespace summit::daq
