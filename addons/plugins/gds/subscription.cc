// SPDX-License-Identifier: Apache-2.0
#include "addons/plugins/gds/subscription.h"

#include <cstring>

namespace summit::gds {

Subscription::Subscription(const std::string& partition, const GDS::LocationSet& locations, Outlet* outlet)
    : GDS::Decoder(partition.c_str(), locations), outlet_(outlet) {}

Subscription::~Subscription() { outlet_->Cancel(token_); }

void Subscription::Teach(const SummitRoiCommon& common, const std::vector<SummitRoiLocation>& locations) {
  for (const SummitRoiLocation& roi : locations) {
    if (roi.location >= kLocations) continue;
    Window& window = windows_[roi.location];
    window.known = window.any_series = true;
    window.series.common = common;
    window.series.roi = roi;
  }
}

SummitFrame Subscription::FrameOf(const State& state, uint8_t daq_state) {
  callbacks_.fetch_add(1, std::memory_order_relaxed);
  SummitFrame frame = Outlet::FrameOf(state.type);
  frame.event_status = state.status;
  frame.daq_state = daq_state;
  frame.location = state.location;
  frame.sequence = state.sequence;
  frame.stamp = state.stamp;
  frame.t_src_tai_ns = state.tai_ns;
  if (state.location < kLocations) heard_[state.location].store(true, std::memory_order_relaxed);
  return frame;
}

void Subscription::start(const GDS::StateMetadata& metadata, const GDS::SeriesMetadata& series) {
  const State state = Read(metadata);
  SummitFrame frame = FrameOf(state, SUMMIT_STATE_PAUSED);
  const auto copy = ReadAs<SummitSeriesMetadata>(series);
  if (state.location < kLocations) windows_[state.location] = {.known = true, .any_series = false, .sequence = state.sequence, .series = copy};
  frame.data = &copy;
  frame.bytes = sizeof(copy);
  outlet_->Commit(frame);
}

void Subscription::TellState(const GDS::StateMetadata& metadata, uint8_t daq_state) {
  const State state = Read(metadata);
  SummitFrame frame = FrameOf(state, daq_state);
  frame.data = state.comment;
  frame.bytes = static_cast<uint32_t>(std::strlen(state.comment));
  // How many stamps the DAQ sent, the SDK does not tell; the comment of these two is nobody's OBSID.
  if (state.type == SUMMIT_EVENT_PAUSE || state.type == SUMMIT_EVENT_STOP) {
    frame.bytes = 0;
    frame.data = nullptr;
    CopyStatistics(state.location);
  }
  outlet_->Commit(frame);
}

void Subscription::resume(const GDS::StateMetadata& state) { TellState(state, SUMMIT_STATE_RUNNING); }
void Subscription::pause(const GDS::StateMetadata& state) { TellState(state, SUMMIT_STATE_PAUSED); }
void Subscription::stop(const GDS::StateMetadata& state) { TellState(state, SUMMIT_STATE_IDLECLEARING); }

// Comes before the stamp is decoded, and holds nothing that the decoded one does not.
void Subscription::raw_stamp(const GDS::StateMetadata&, const GDS::RawStamp&) {}

// The SDK writes the next stamp here. It gets memory in any case: a stamp without a slot is told, not decoded into nowhere.
uint8_t* Subscription::allocate(unsigned size) {
  outlet_->Cancel(token_);
  void* memory = nullptr;
  token_ = outlet_->Acquire(size, &memory);
  memory_ = token_ != 0 ? static_cast<uint8_t*>(memory) : nullptr;
  bytes_ = size;
  came_ns_ = plugins::MonotonicNs();
  if (memory_ != nullptr) return memory_;
  if (scratch_.size() < size) scratch_.resize(size);
  return scratch_.data();
}

void Subscription::stamp(const GDS::StateMetadata& metadata, const GDS::Stamp&) {
  const State state = Read(metadata);
  SummitFrame frame = FrameOf(state, SUMMIT_STATE_RUNNING);
  frame.event_type = SUMMIT_EVENT_STAMP;
  frame.pixel_type = SUMMIT_PIXEL_I32;
  if (came_ns_ != 0) frame.t_first_ns = frame.t_last_ns = came_ns_;
  const Window* window = state.location < kLocations ? &windows_[state.location] : nullptr;
  if (window != nullptr && window->known && (window->any_series || window->sequence == state.sequence)) {
    const SummitSeriesMetadata& series = window->series;
    frame.rows = series.common.nrows;
    frame.cols = series.common.ncols;
    frame.integration_ms = series.common.integration_ms;
    frame.segment = series.roi.segment;
    frame.start_row = series.roi.start_row;
    frame.start_col = series.roi.start_col;
    if (series.split_roi != 0) frame.flags |= SUMMIT_FRAME_SPLIT_ROI;
  }
  // "Complete" and "timed out" look alike to the SDK's reader: only the bytes tell.
  if (bytes_ != uint64_t{frame.rows} * frame.cols * sizeof(int32_t)) frame.flags |= SUMMIT_FRAME_LEN;
  frame.bytes = static_cast<uint32_t>(bytes_);
  frame.token = token_;
  frame.data = memory_;
  token_ = 0;
  memory_ = nullptr;
  bytes_ = 0;
  CopyStatistics(state.location);
  outlet_->Commit(frame);
}

void Subscription::CopyStatistics(uint8_t location) {
  if (location >= kLocations) return;
  const GDS::Subscriber::Stats& from = stats(GDS::Location(static_cast<uint8_t>(location / 9), static_cast<uint8_t>(location / 3 % 3), static_cast<uint8_t>(location % 3)));
  SensorStatistics& into = statistics_[location];
  into.stamps.store(from.stamps, std::memory_order_relaxed);
  into.err_xfer.store(from.err_xfer, std::memory_order_relaxed);
  into.err_size.store(from.err_size, std::memory_order_relaxed);
  into.err_miss_beg.store(from.err_miss_beg, std::memory_order_relaxed);
  into.err_miss_end.store(from.err_miss_end, std::memory_order_relaxed);
}

}  // namespace summit::gds
