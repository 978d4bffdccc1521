// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/frame_queue.h"

#include <algorithm>
#include <cstring>

namespace summit::recorder {

bool FrameQueue::Push(const SummitFrame& frame, std::span<const uint8_t> payload, uint64_t delivered_ns) {
  const uint64_t at = written_.load(std::memory_order_relaxed);
  if (at - read_.load(std::memory_order_acquire) == entries_.size()) return false;
  Entry& entry = entries_[at % entries_.size()];
  const Sensor& sensor = sensors_[frame.location];
  entry.frame = frame;
  entry.before = sensor.offered.Get();
  entry.left_out_before = sensor.left_out.Get();
  entry.after_loss = lost_event_;
  entry.lost_before = stamps_left_out_.Get() + events_left_out_.Get();
  entry.delivered_ns = delivered_ns;
  entry.payload_bytes = static_cast<uint32_t>(std::min<size_t>(payload.size(), payload_bytes_));
  if (entry.payload_bytes > 0) {
    uint8_t* own = payloads_.data() + (at % entries_.size()) * payload_bytes_;
    std::memcpy(own, payload.data(), entry.payload_bytes);
    entry.frame.data = own;
  }
  lost_event_ = false;
  // Both this pair and the reader's in Wait are sequentially consistent: either the reader sees the entry, or the
  // writer sees that the reader sleeps.
  written_.store(at + 1, std::memory_order_seq_cst);
  if (asleep_.load(std::memory_order_seq_cst)) wakeup_.Signal();
  return true;
}

bool FrameQueue::PushStamp(const SummitFrame& frame, uint64_t delivered_ns) {
  Sensor& sensor = sensors_[frame.location];
  bool pushed = false;
  if (frame.token == 0) {
    pushed = Push(frame, {}, delivered_ns);
  } else if (held_.load(std::memory_order_acquire) < stamps_) {
    // Shared first: once the entry is written, the reader may release it.
    pool_->Share(frame.token);
    const uint32_t held = held_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (held > high_water_.Get()) high_water_.Set(held);
    pushed = Push(frame, {}, delivered_ns);
    if (!pushed) {
      held_.fetch_sub(1, std::memory_order_relaxed);
      pool_->Release(frame.token);
    }
  }
  stamps_offered_.Add();
  sensor.offered.Add();
  if (pushed) return true;
  stamps_left_out_.Add();
  sensor.left_out.Add();
  return false;
}

bool FrameQueue::PushEvent(const SummitFrame& frame, uint64_t delivered_ns) {
  const size_t bytes = frame.data == nullptr ? 0 : frame.bytes;
  if (Push(frame, {static_cast<const uint8_t*>(frame.data), bytes}, delivered_ns)) return true;
  events_left_out_.Add();
  lost_event_ = true;
  return false;
}

const FrameQueue::Entry* FrameQueue::Front() {
  const uint64_t at = read_.load(std::memory_order_relaxed);
  if (written_.load(std::memory_order_acquire) == at) return nullptr;
  return &entries_[at % entries_.size()];
}

void FrameQueue::Pop() {
  const uint64_t at = read_.load(std::memory_order_relaxed);
  const Entry& entry = entries_[at % entries_.size()];
  if (entry.frame.token != 0) {
    pool_->Release(entry.frame.token);
    held_.fetch_sub(1, std::memory_order_release);
  }
  read_.store(at + 1, std::memory_order_release);
}

void FrameQueue::Wait(int timeout_ms) {
  asleep_.store(true, std::memory_order_seq_cst);
  if (written_.load(std::memory_order_seq_cst) == read_.load(std::memory_order_relaxed)) wakeup_.Wait(timeout_ms);
  asleep_.store(false, std::memory_order_seq_cst);
  wakeup_.Clear();
}

}  // namespace summit::recorder
