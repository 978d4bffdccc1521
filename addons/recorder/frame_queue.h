// SPDX-License-Identifier: Apache-2.0
// The bounded way of frames from the link thread to a recorder's thread: descriptors in a ring, pixels as shared
// slots of the frame pool. Without room a stamp is left out and counted; events have a reserve.
// Thread: Push by the link thread, the reader's functions by one other; counters anywhere.
// Owns: the slots of the frames in it, until Pop.
#ifndef SUMMIT_RECORDER_FRAME_QUEUE_H_
#define SUMMIT_RECORDER_FRAME_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "addons/daq/clock.h"
#include "addons/daq/counter.h"
#include "addons/daq/driver.h"
#include "addons/daq/frame_pool.h"
#include "addons/daq/wakeup.h"

namespace summit::recorder {

class FrameQueue {
 public:
  struct Entry {
    SummitFrame frame{};           // `data` is the payload of an event, or the pixels in the shared slot
    uint64_t before = 0;           // stamps of this sensor offered before this entry
    uint64_t left_out_before = 0;  // the part of them for which there was no room
    bool after_loss = false;       // events were left out since the entry before
    uint64_t lost_before = 0;      // stamps and events of all sensors left out before this entry
    uint64_t delivered_ns = 0;     // CLOCK_MONOTONIC
    uint32_t payload_bytes = 0;
  };

  // Room for `stamps` slots and a reserve of entries for events, each with up to `payload_bytes`.
  FrameQueue(uint32_t stamps, uint32_t payload_bytes)
      : stamps_(stamps), payload_bytes_(payload_bytes), entries_(stamps + kReserve), payloads_(entries_.size() * payload_bytes) {}
  FrameQueue(const FrameQueue&) = delete;
  FrameQueue& operator=(const FrameQueue&) = delete;

  bool good() const { return wakeup_.good(); }
  void Attach(std::shared_ptr<daq::FramePool> pool) { pool_ = std::move(pool); }
  uint32_t stamps() const { return stamps_; }

  // Of the link thread. The frame's slot is shared, an event's payload copied (cut to what an entry holds).
  // False: left out and counted.
  bool PushStamp(const SummitFrame& frame, uint64_t delivered_ns = daq::MonotonicNs());
  bool PushEvent(const SummitFrame& frame, uint64_t delivered_ns = daq::MonotonicNs());

  // Of the reader. nullptr: nothing there.
  const Entry* Front();
  void Pop();
  // Waits for an entry or a signal, at most that long.
  void Wait(int timeout_ms);
  // Any thread.
  void Signal() { wakeup_.Signal(); }

  // Of one sensor since the beginning.
  uint64_t offered(uint8_t location) const { return sensors_[location].offered.Get(); }
  uint64_t left_out(uint8_t location) const { return sensors_[location].left_out.Get(); }

  uint64_t stamps_offered() const { return stamps_offered_.Get(); }
  uint64_t stamps_left_out() const { return stamps_left_out_.Get(); }
  uint64_t events_left_out() const { return events_left_out_.Get(); }
  uint32_t held() const { return held_.load(std::memory_order_relaxed); }
  uint64_t high_water() const { return high_water_.Get(); }

 private:
  static constexpr uint32_t kReserve = 1024;
  struct Sensor {
    daq::Counter offered;
    daq::Counter left_out;
  };
  bool Push(const SummitFrame& frame, std::span<const uint8_t> payload, uint64_t delivered_ns);

  const uint32_t stamps_;
  const uint32_t payload_bytes_;
  std::shared_ptr<daq::FramePool> pool_;
  std::vector<Entry> entries_;
  std::vector<uint8_t> payloads_;
  std::vector<Sensor> sensors_ = std::vector<Sensor>(256);
  bool lost_event_ = false;
  daq::Counter stamps_offered_;
  daq::Counter stamps_left_out_;
  daq::Counter events_left_out_;
  daq::Counter high_water_;
  daq::Wakeup wakeup_;
  alignas(64) std::atomic<uint32_t> held_{0};  // slots
  alignas(64) std::atomic<uint64_t> written_{0};
  alignas(64) std::atomic<uint64_t> read_{0};
  alignas(64) std::atomic<bool> asleep_{false};
};

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_FRAME_QUEUE_H_
