// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/handover.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace summit::daq {

void Handover::Put(const SummitFrame& frame) {
  const uint64_t at = written_.load(std::memory_order_relaxed);
  const uint64_t used = at - read_.load(std::memory_order_acquire);
  const bool stamp = frame.event_type == SUMMIT_EVENT_STAMP;
  const bool without_pixels = stamp && used >= kEntries / 4 * 3;
  const bool left_out = used >= (stamp ? kEntries / 8 * 7 : kEntries);
  if (frame.token != 0 && (without_pixels || left_out)) host_.cancel(host_.context, frame.token);
  if (left_out) {
    left_out_.Add();
    // Told at 1, 2, 4, 8...: a stamp shows up as lost; an event is lost without another trace.
    const uint64_t n = left_out_.Get();
    if ((n & (n - 1)) == 0) host_.log(host_.context, 40, ("plugin: the library delivers faster than frames are taken: " + std::to_string(n) + " left out").c_str());
    return;
  }

  Entry& entry = entries_[at % kEntries];
  entry.frame = frame;
  if (without_pixels) entry.frame.token = 0;
  if (!stamp) {
    // The payload of an event lives for the call only.
    const uint32_t bytes = frame.data == nullptr ? 0 : std::min<uint32_t>(frame.bytes, kPayloadBytes);
    if (bytes > 0) std::memcpy(entry.payload, frame.data, bytes);
    entry.frame.bytes = bytes;
  }
  written_.store(at + 1, std::memory_order_release);
  wakeup_.Signal();
}

bool Handover::Take(SummitFrame* frame, int timeout_ms) {
  const uint64_t at = read_.load(std::memory_order_relaxed);
  if (written_.load(std::memory_order_acquire) == at) {
    if (!wakeup_.Wait(timeout_ms)) return false;
    wakeup_.Clear();
    if (written_.load(std::memory_order_acquire) == at) return false;
  }
  const Entry& entry = entries_[at % kEntries];
  *frame = entry.frame;
  if (frame->event_type != SUMMIT_EVENT_STAMP) {
    std::memcpy(taken_.payload, entry.payload, frame->bytes);
    frame->data = frame->bytes > 0 ? taken_.payload : nullptr;
  }
  read_.store(at + 1, std::memory_order_release);
  return true;
}

void Handover::Abandon() {
  SummitFrame frame;
  while (Take(&frame, 0)) {
    if (frame.token != 0) host_.cancel(host_.context, frame.token);
  }
}

}  // namespace summit::daq
