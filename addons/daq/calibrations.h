// SPDX-License-Identifier: Apache-2.0
// Calibrations of each sensor's ROI: handed to the link thread without a lock on either side, freed by who hands over.
// Thread: Offer on any thread; Current on the link thread.
// Owns: what was offered, until it is superseded; the rest when it ends, after the link thread.
#ifndef SUMMIT_DAQ_CALIBRATIONS_H_
#define SUMMIT_DAQ_CALIBRATIONS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "addons/daq/driver.h"
#include "addons/daq/frame_geometry.h"
#include "addons/pixels/calibration.h"

namespace summit::daq {

struct SensorCalibration {
  uint16_t segment = 0, start_row = 0, start_col = 0, rows = 0, cols = 0, integration_ms = 0;
  float gain = 0.0f;        // electron/ADU; 0: what the sensor's settings say
  float read_noise = 0.0f;  // electron
  pixels::Calibration maps{};
  SensorCalibration* next = nullptr;  // of those that are to be freed

  // The dark is of one integration time: another one needs calibrations of its own.
  bool Fits(const SummitFrame& frame) const {
    return frame.segment == segment && frame.start_row == start_row && frame.start_col == start_col && frame.rows == rows &&
           frame.cols == cols && frame.integration_ms == integration_ms;
  }
};

class Calibrations {
 public:
  Calibrations() = default;
  Calibrations(const Calibrations&) = delete;
  Calibrations& operator=(const Calibrations&) = delete;
  ~Calibrations() {
    for (Entry& entry : entries_) {
      delete entry.offered.load();
      Free(entry.retired.load());
      delete entry.current;
    }
  }

  // In force from the next stamp on. Frees what the link thread has laid down.
  void Offer(uint8_t location, std::unique_ptr<SensorCalibration> fresh) {
    if (location >= kLocations) return;
    Entry& entry = entries_[location];
    delete entry.offered.exchange(fresh.release(), std::memory_order_acq_rel);
    Free(entry.retired.exchange(nullptr, std::memory_order_acquire));
  }

  // Valid until the next call for this location; nullptr: none was offered.
  const SensorCalibration* Current(uint8_t location) {
    if (location >= kLocations) return nullptr;
    Entry& entry = entries_[location];
    if (entry.offered.load(std::memory_order_relaxed) == nullptr) return entry.current;
    SensorCalibration* fresh = entry.offered.exchange(nullptr, std::memory_order_acquire);
    if (fresh == nullptr) return entry.current;
    if (entry.current != nullptr) LayDown(&entry);
    entry.current = fresh;
    return fresh;
  }

 private:
  struct Entry {
    std::atomic<SensorCalibration*> offered{nullptr};
    std::atomic<SensorCalibration*> retired{nullptr};  // a list
    SensorCalibration* current = nullptr;              // of the link thread
  };

  // Only the link thread puts in, and whoever takes takes the whole list: an address cannot come back in between.
  static void LayDown(Entry* entry) {
    SensorCalibration* old = entry->current;
    old->next = entry->retired.load(std::memory_order_relaxed);
    while (!entry->retired.compare_exchange_weak(old->next, old, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }

  static void Free(SensorCalibration* list) {
    while (list != nullptr) {
      SensorCalibration* next = list->next;
      delete list;
      list = next;
    }
  }

  std::array<Entry, kLocations> entries_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_CALIBRATIONS_H_
