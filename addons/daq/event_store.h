// SPDX-License-Identifier: Apache-2.0
// Keeps the payloads of events (START, RESUME, STATUS, link text) from delivery until release.
// Thread: one at a time.
// Owns: its buffers; a full store gives an event without payload, never waits.
#ifndef SUMMIT_DAQ_EVENT_STORE_H_
#define SUMMIT_DAQ_EVENT_STORE_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

namespace summit::daq {

class EventStore {
 public:
  static constexpr size_t kPayloads = 64;
  static constexpr size_t kPayloadBytes = 4096;  // a STATUS with 225 sensors has 3600

  EventStore() : buffers_(std::make_unique<Buffers>()) {}

  // A copy of the payload, or nullptr when it is empty or there is no room.
  const void* Keep(std::span<const uint8_t> payload) {
    if (payload.empty() || payload.size() > kPayloadBytes) return nullptr;
    for (size_t i = 0; i < kPayloads; ++i) {
      if (used_[i]) continue;
      used_[i] = true;
      std::memcpy((*buffers_)[i].data(), payload.data(), payload.size());
      return (*buffers_)[i].data();
    }
    return nullptr;
  }

  // Pointers that are not ours (pixels) are left alone.
  void Release(const void* data) {
    const auto address = reinterpret_cast<uintptr_t>(data);
    const auto begin = reinterpret_cast<uintptr_t>(buffers_->data());
    if (address >= begin && address < begin + sizeof(Buffers)) used_[(address - begin) / kPayloadBytes] = false;
  }

 private:
  using Buffers = std::array<std::array<uint8_t, kPayloadBytes>, kPayloads>;
  std::unique_ptr<Buffers> buffers_;
  std::array<bool, kPayloads> used_{};
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_EVENT_STORE_H_
