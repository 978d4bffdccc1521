// SPDX-License-Identifier: Apache-2.0
// What the SDK calls back: states of series and stamps of the sensors, which it decodes straight into the host's slots.
// Thread: callbacks in the thread inside wait(); Teach before it; counters anywhere.
// Owns: the slot between allocate and stamp, and memory for a stamp that got none.
#ifndef SUMMIT_PLUGINS_GDS_SUBSCRIPTION_H_
#define SUMMIT_PLUGINS_GDS_SUBSCRIPTION_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "addons/plugins/gds/outlet.h"
#include "addons/plugins/gds/sdk_bytes.h"

namespace summit::gds {

struct SensorStatistics {
  std::atomic<uint64_t> stamps{0}, err_xfer{0}, err_size{0}, err_miss_beg{0}, err_miss_end{0};
};

class Subscription : public GDS::Decoder {
 public:
  Subscription(const std::string& partition, const GDS::LocationSet& locations, Outlet* outlet);
  ~Subscription() override;

  // The ROIs of a series that began before we listened.
  void Teach(const SummitRoiCommon& common, const std::vector<SummitRoiLocation>& locations);
  uint64_t callbacks() const { return callbacks_.load(std::memory_order_relaxed); }
  const SensorStatistics& statistics(unsigned location) const { return statistics_[location]; }
  bool heard(unsigned location) const { return heard_[location].load(std::memory_order_relaxed); }

 private:
  // Of the SDK.
  void start(const GDS::StateMetadata& state, const GDS::SeriesMetadata& series) override;
  void resume(const GDS::StateMetadata& state) override;
  void pause(const GDS::StateMetadata& state) override;
  void stop(const GDS::StateMetadata& state) override;
  void raw_stamp(const GDS::StateMetadata& state, const GDS::RawStamp& stamp) override;
  void stamp(const GDS::StateMetadata& state, const GDS::Stamp& stamp) override;
  uint8_t* allocate(unsigned size) override;

  struct Window {
    bool known = false;
    bool any_series = false;  // learnt without START: of whatever series is running
    uint16_t sequence = 0;
    SummitSeriesMetadata series{};
  };

  SummitFrame FrameOf(const State& state, uint8_t daq_state);
  void TellState(const GDS::StateMetadata& metadata, uint8_t daq_state);
  void CopyStatistics(uint8_t location);

  Outlet* const outlet_;
  std::array<Window, kLocations> windows_{};
  std::array<SensorStatistics, kLocations> statistics_{};
  std::array<std::atomic<bool>, kLocations> heard_{};
  std::atomic<uint64_t> callbacks_{0};
  uint64_t token_ = 0;         // of the slot that the SDK decodes into
  uint8_t* memory_ = nullptr;  // nullptr: into scratch_
  uint64_t bytes_ = 0;
  uint64_t came_ns_ = 0;
  std::vector<uint8_t> scratch_;
};

}  // namespace summit::gds

#endif  // SUMMIT_PLUGINS_GDS_SUBSCRIPTION_H_
