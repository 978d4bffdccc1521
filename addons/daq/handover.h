// SPDX-License-Identifier: Apache-2.0
// The bounded way of frames from a library's own thread to the link thread.
// Thread: Put by one thread of the library at a time; Take by the link thread; counters anywhere.
// Owns: the slots of frames not yet taken; copies of event payloads until the next Take.
#ifndef SUMMIT_DAQ_HANDOVER_H_
#define SUMMIT_DAQ_HANDOVER_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "addons/daq/counter.h"
#include "addons/daq/driver.h"
#include "addons/daq/wakeup.h"

namespace summit::daq {

class Handover {
 public:
  // `host` lends the slots; it must outlive the hand-over.
  explicit Handover(const SummitHost& host) : host_(host), entries_(kEntries) {}

  // Never blocks. From three quarters on a stamp goes on without its pixels (its slot returns), so that it is
  // booked as dropped; the last eighth is kept for events. What finds no place is left out and counted.
  void Put(const SummitFrame& frame);
  // True when *frame is filled; its event payload is valid until the next Take.
  bool Take(SummitFrame* frame, int timeout_ms);
  void Abandon();

  uint64_t left_out() const { return left_out_.Get(); }

 private:
  static constexpr size_t kEntries = 256;
  static constexpr size_t kPayloadBytes = 4096;
  struct Entry {
    SummitFrame frame;
    uint8_t payload[kPayloadBytes];
  };

  const SummitHost& host_;
  std::vector<Entry> entries_;
  Entry taken_{};
  Wakeup wakeup_;
  Counter left_out_;
  alignas(64) std::atomic<uint64_t> written_{0};
  alignas(64) std::atomic<uint64_t> read_{0};
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_HANDOVER_H_
