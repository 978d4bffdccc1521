// SPDX-License-Identifier: Apache-2.0
// What listens in on a link without taking part in it: a recorder. It must not wait, lock or allocate.
// Thread: all calls on the link thread.
// Owns: nothing here. Frame and payload live for the call; who needs pixels longer shares the slot of frame.token.
#ifndef SUMMIT_DAQ_FRAME_TAP_H_
#define SUMMIT_DAQ_FRAME_TAP_H_

#include <cstdint>
#include <memory>

#include "addons/daq/driver.h"
#include "addons/daq/frame_pool.h"

namespace summit::daq {

class FrameTap {
 public:
  virtual ~FrameTap() = default;

  // Slots it may hold at most: the pool has so many more, so that a tap that is slow takes none from the receiver.
  virtual uint32_t most_slots() const = 0;
  // Called once before the first frame.
  virtual void Attach(std::shared_ptr<FramePool> pool) = 0;
  // Where the star of the next stamps of this sensor is expected, when that has changed.
  virtual void OnPrediction(uint8_t /*location*/, const SummitPrediction&) {}
  // Every frame and event of the driver, before anything is said about it, with when that was (CLOCK_MONOTONIC).
  virtual void OnDelivered(const SummitFrame&, uint64_t /*delivered_ns*/) {}
  // A complete stamp, with the numbers the book gave it.
  virtual void OnComplete(const SummitFrame&) {}
  // START, RESUME, PAUSE, STOP of a configured sensor, each once; STATUS.
  virtual void OnEvent(const SummitFrame&) {}
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_FRAME_TAP_H_
