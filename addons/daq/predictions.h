// SPDX-License-Identifier: Apache-2.0
// Where JavaScript expects each star: handed to the link thread without a lock on either side.
// Thread: Set by one writer; Get on the link thread.
// Owns: nothing outside itself.
#ifndef SUMMIT_DAQ_PREDICTIONS_H_
#define SUMMIT_DAQ_PREDICTIONS_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "addons/daq/frame_geometry.h"
#include "addons/pixels/measure.h"

namespace summit::daq {

class Predictions {
 public:
  void Set(uint8_t location, const pixels::Prediction& prediction) {
    if (location >= kLocations) return;
    Entry& entry = entries_[location];
    const uint32_t version = entry.version.load(std::memory_order_relaxed);
    // Odd while it changes. The releases below keep the odd version in front of every new value.
    entry.version.store(version + 1, std::memory_order_relaxed);
    entry.valid.store(prediction.valid, std::memory_order_release);
    entry.x.store(prediction.x, std::memory_order_release);
    entry.y.store(prediction.y, std::memory_order_release);
    entry.radius.store(prediction.radius, std::memory_order_release);
    entry.version.store(version + 2, std::memory_order_release);
  }

  // A prediction that is being written at this moment is no prediction: the reader does not wait.
  pixels::Prediction Get(uint8_t location) const {
    pixels::Prediction prediction;
    if (location >= kLocations) return prediction;
    const Entry& entry = entries_[location];
    for (int attempt = 0; attempt < 4; ++attempt) {
      const uint32_t before = entry.version.load(std::memory_order_acquire);
      prediction.valid = entry.valid.load(std::memory_order_acquire);
      prediction.x = entry.x.load(std::memory_order_acquire);
      prediction.y = entry.y.load(std::memory_order_acquire);
      prediction.radius = entry.radius.load(std::memory_order_acquire);
      if ((before & 1u) == 0 && entry.version.load(std::memory_order_relaxed) == before) return prediction;
    }
    return pixels::Prediction{};
  }

 private:
  struct Entry {
    std::atomic<uint32_t> version{0};
    std::atomic<bool> valid{false};
    std::atomic<double> x{0};
    std::atomic<double> y{0};
    std::atomic<double> radius{0};
  };
  std::array<Entry, kLocations> entries_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_PREDICTIONS_H_
