// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/replay_source.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>

#include "addons/daq/replay_driver.h"

namespace summit::daq {
namespace {

// bay*9 + board*3 + sensor. In the corner rafts board 1 carries the guide sensors and 2 the wavefront sensors.
std::optional<uint8_t> Location(const fits::SensorName& name) {
  const std::string& bay = name.raft_bay;
  const std::string& slot = name.ccd_slot;
  if (bay.size() != 3 || slot.size() != 3 || bay[0] != 'R' || slot[0] != 'S') return std::nullopt;
  const int row = bay[1] - '0';
  const int column = bay[2] - '0';
  const int board = slot[1] == 'G' ? 1 : slot[1] == 'W' ? 2 : slot[1] - '0';
  const int sensor = slot[2] - '0';
  const auto within = [](int value, int most) { return value >= 0 && value <= most; };
  if (!within(row, 4) || !within(column, 4) || !within(board, 2) || !within(sensor, 2)) return std::nullopt;
  return static_cast<uint8_t>((row * 5 + column) * 9 + board * 3 + sensor);
}

uint16_t Short(const std::optional<int64_t>& value) {
  return static_cast<uint16_t>(std::clamp<int64_t>(value.value_or(0), 0, UINT16_MAX));
}

template <typename Number>
Number Hexadecimal(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

template <size_t kSize>
void CopyText(const std::string& text, char (&field)[kSize]) {
  text.copy(field, kSize - 1);
}

}  // namespace

std::unique_ptr<ReplaySource> ReplaySource::Open(const std::string& path, uint32_t index, std::string* problem) {
  auto file = fits::GuiderFile::Open(path, problem);
  if (file == nullptr) return nullptr;
  const std::optional<uint8_t> location = Location(file->sensor());
  if (!location) {
    const std::string name = file->sensor().Joined();
    *problem = path + ": " + (name.empty() ? file->sensor().evidence : "sensor " + name + ": expected a name as R44_SG0");
    return nullptr;
  }
  if (file->stamps().front().daq_stamp > UINT16_MAX || file->stamps().size() > UINT32_MAX) {
    *problem = path + ": DAQSTAMP " + std::to_string(file->stamps().front().daq_stamp) + ": expected 0..65535 in the first stamp";
    return nullptr;
  }
  return std::unique_ptr<ReplaySource>(new ReplaySource(std::move(file), index, *location));
}

ReplaySource::ReplaySource(std::unique_ptr<fits::GuiderFile> file, uint32_t index, uint8_t location)
    : file_(std::move(file)),
      index_(index),
      location_(location),
      sequence_(Short(file_->header().gds_sequence)) {
  FillMetadata();
  PlanEvents();
}

void ReplaySource::FillMetadata() {
  const fits::GuiderHeader& header = file_->header();
  const fits::GuiderStamp& first = file_->stamps().front();
  metadata_.common.nrows = first.rows;
  metadata_.common.ncols = first.cols;
  metadata_.common.integration_ms = Short(header.integration_ms);
  metadata_.common.over_rows = Short(header.over_rows);
  metadata_.common.under_cols = Short(header.under_cols);
  metadata_.common.over_cols = Short(header.over_cols);
  metadata_.common.flush_count = Short(header.flush_count);
  metadata_.roi.location = location_;
  metadata_.roi.segment = static_cast<uint16_t>(header.segment.value_or(0));
  metadata_.roi.start_row = Short(header.roi_start_row);
  metadata_.roi.start_col = Short(header.roi_start_col);
  CopyText(header.daq_version, metadata_.version);
  CopyText(header.platform, metadata_.platform);
  metadata_.firmware = Hexadecimal<uint32_t>(header.firmware);
  metadata_.serial = Hexadecimal<uint64_t>(header.controller_serial);
  metadata_.valid = 1;
  metadata_.split_roi = header.split_roi.value_or(false) ? 1 : 0;
  metadata_.vendor = static_cast<uint8_t>(Short(header.ccd_type));
}

void ReplaySource::PlanEvents() {
  const std::vector<fits::GuiderStamp>& stamps = file_->stamps();
  const auto timed = std::find_if(stamps.begin(), stamps.end(), [](const fits::GuiderStamp& s) { return s.tai_ns != 0; });
  const uint64_t first_ns = timed != stamps.end() ? timed->tai_ns : 0;
  const uint64_t resume_ns = file_->header().gds_start_tai_ns.value_or(first_ns);
  uint64_t axis_ns = first_ns == 0 ? resume_ns : std::min(first_ns, resume_ns);
  const auto add = [&](uint8_t type, uint32_t stamp) { events_.push_back({axis_ns, index_, stamp, type}); };
  add(SUMMIT_EVENT_START, 0);
  add(SUMMIT_EVENT_RESUME, 0);
  for (uint32_t i = 0; i < stamps.size(); ++i) {
    axis_ns = std::max(axis_ns, stamps[i].tai_ns);
    add(SUMMIT_EVENT_STAMP, i);
    most_bytes_ = std::max<uint64_t>(most_bytes_, stamps[i].pixels() * sizeof(int32_t));
    stamps_sent_ = std::max(stamps_sent_, stamps[i].daq_stamp + 1);
  }
  add(SUMMIT_EVENT_PAUSE, 0);
  add(SUMMIT_EVENT_STOP, 0);
}

SummitFrame ReplaySource::Frame(const ReplayEvent& event) const {
  SummitFrame frame{};
  frame.struct_size = sizeof(frame);
  frame.abi_version = SUMMIT_ABI_VERSION;
  frame.event_type = event.type;
  frame.location = location_;
  frame.sequence = static_cast<uint16_t>(sequence_);
  frame.stamps_sent = UINT64_MAX;
  frame.flags = file_->sensor().corrected ? SUMMIT_FRAME_NAME_CORRECTED : 0;
  if (metadata_.split_roi != 0) frame.flags |= SUMMIT_FRAME_SPLIT_ROI;
  const uint64_t start_ns = file_->header().gds_start_tai_ns.value_or(0);
  switch (event.type) {
    case SUMMIT_EVENT_START:
      frame.daq_state = SUMMIT_STATE_PAUSED;
      frame.t_src_tai_ns = start_ns;
      frame.data = &metadata_;
      frame.bytes = sizeof(metadata_);
      break;
    case SUMMIT_EVENT_RESUME:
      frame.daq_state = SUMMIT_STATE_RUNNING;
      frame.t_src_tai_ns = start_ns;
      frame.data = file_->header().obsid.c_str();
      frame.bytes = static_cast<uint32_t>(file_->header().obsid.size());
      break;
    case SUMMIT_EVENT_STAMP:
      frame.daq_state = SUMMIT_STATE_RUNNING;
      FillStamp(event, &frame);
      break;
    default:
      frame.daq_state = event.type == SUMMIT_EVENT_PAUSE ? SUMMIT_STATE_PAUSED : SUMMIT_STATE_IDLECLEARING;
      frame.stamps_sent = stamps_sent_;
  }
  return frame;
}

void ReplaySource::FillStamp(const ReplayEvent& event, SummitFrame* frame) const {
  const std::vector<fits::GuiderStamp>& stamps = file_->stamps();
  const fits::GuiderStamp& stamp = stamps[event.stamp];
  frame->stamp = static_cast<uint16_t>(stamp.daq_stamp);
  frame->t_src_tai_ns = stamp.tai_ns;
  frame->pixel_type = SUMMIT_PIXEL_I32;
  frame->rows = stamp.rows;
  frame->cols = stamp.cols;
  frame->segment = metadata_.roi.segment;
  frame->start_row = metadata_.roi.start_row;
  frame->start_col = metadata_.roi.start_col;
  frame->integration_ms = metadata_.common.integration_ms;
  frame->over_rows = metadata_.common.over_rows;
  frame->under_cols = metadata_.common.under_cols;
  frame->over_cols = metadata_.common.over_cols;
  frame->bytes = static_cast<uint32_t>(stamp.pixels() * sizeof(int32_t));
  if (event.stamp == 0) frame->flags |= SUMMIT_FRAME_FIRST;
  const bool increases = event.stamp == 0 || stamp.tai_ns > stamps[event.stamp - 1].tai_ns;
  if (!stamp.tai || !increases) frame->flags |= SUMMIT_FRAME_TIME_SUSPECT;
}

bool ReplaySource::ReadPixels(const ReplayEvent& event, void* memory, std::string* problem) {
  const size_t pixels = file_->stamps()[event.stamp].pixels();
  return file_->ReadPixels(event.stamp, std::span<int32_t>(static_cast<int32_t*>(memory), pixels), problem);
}

}  // namespace summit::daq
