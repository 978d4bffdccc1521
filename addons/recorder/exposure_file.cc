// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/exposure_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "addons/daq/frame_geometry.h"
#include "addons/fits/tai_text.h"
#include "addons/pixels/raw_decode.h"
#include "addons/recorder/detector_name.h"

namespace summit::recorder {
namespace {

// The disk begins to write while the exposure goes on, so that little is left at its end.
constexpr uint64_t kHastenBytes = 8 << 20;
constexpr size_t kMostStem = 100;

struct Serial {
  uint8_t location;
  const char* number;
};
// The guide sensors of LSSTCam (obs_lsst policy/lsstCam/R{00,04,40,44}.yaml).
constexpr Serial kSerials[] = {
    {3, "ITL-3800C-397"},   {4, "ITL-3800C-337"},   {39, "ITL-3800C-351"},  {40, "ITL-3800C-366"},
    {183, "ITL-3800C-373"}, {184, "ITL-3800C-348"}, {219, "ITL-3800C-332"}, {220, "ITL-3800C-388"},
};

template <size_t kSize>
std::string Text(const char (&field)[kSize]) {
  return std::string(field, strnlen(field, kSize));
}

std::string Hexadecimal(uint64_t value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%llx", static_cast<unsigned long long>(value));
  return text.data();
}

// MC_O_20251202_000439: camera, controller, observing day, number. Any other text tells nothing.
void ReadObsid(const std::string& obsid, fits::GuiderHeader* header) {
  if (obsid.size() < 15 || obsid[2] != '_' || obsid[4] != '_' || obsid[13] != '_') return;
  const std::string_view day(obsid.data() + 5, 8);
  const char* const end = obsid.data() + obsid.size();
  int64_t number = 0;
  const auto [at, error] = std::from_chars(obsid.data() + 14, end, number);
  if (error != std::errc() || at != end || day.find_first_not_of("0123456789") != std::string_view::npos) return;
  header->camera_code = obsid.substr(0, 2);
  header->controller = obsid.substr(3, 1);
  header->day_obs = day;
  header->seq_num = number;
}

void AddCameraCards(const ExposureFacts& facts, fits::GuiderHeader* header) {
  auto& other = header->other;
  const auto add = [&](const char* name, fits::GuiderValue value) { other.emplace_back(name, std::move(value)); };
  add("BINX", int64_t{1});
  add("BINY", int64_t{1});
  add("CCDGAIN", 1.0);
  add("CCDNOISE", 10.0);
  if (const uint64_t time = facts.first.t_src_tai_ns; time != 0) {
    add("DATE", fits::FormatTai(time / 1000000 * 1000000));
    add("MJD", fits::TaiMjd(time));
  }
  add("IMGTYPE", std::string("UNKNOWN"));
  add("BUNIT", std::string("adu"));
  add("INSTRUME", std::string("lsstCam"));
  add("TELESCOP", std::string("Simonyi Survey Telescope"));
  add("HEADVER", int64_t{2});
  for (const Serial& serial : kSerials) {
    if (serial.location != facts.first.location) continue;
    add("DETSIZE", std::string("[1:4072,1:4000]"));
    add("CCD_MANU", std::string("ITL"));
    add("CCD_TYPE", std::string("3800C"));
    add("LSST_NUM", std::string(serial.number));
  }
  add("STMPCOMP", int64_t{0});
  add("STMPMISS", int64_t{0});
  add("CLOSEDBY", std::string("open"));
  add("SIMULATE", (facts.first.flags & SUMMIT_FRAME_SIMULATED) != 0);
}

}  // namespace

std::string FileStem(const std::string& obsid) {
  std::string stem = obsid.substr(0, kMostStem);
  for (char& c : stem) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '-';
    if (!plain) c = '_';
  }
  // A name that begins with a dot would be hidden.
  if (stem.starts_with('.')) stem.front() = '_';
  return stem;
}

fits::GuiderHeader HeaderOf(const ExposureFacts& facts) {
  fits::GuiderHeader header;
  const SummitFrame& first = facts.first;
  const DetectorName name = NameOfLocation(first.location);
  header.obsid = facts.obsid;
  ReadObsid(facts.obsid, &header);
  header.raft_bay = name.raft_bay;
  header.ccd_slot = name.ccd_slot;
  header.daq_partition = facts.partition;
  header.time_system = "TAI";
  if (facts.resume_tai_ns != 0) header.gds_start_tai_ns = facts.resume_tai_ns;
  header.segment = first.segment;
  header.gds_sequence = first.sequence;
  header.roi_start_col = first.start_col;
  header.roi_start_row = first.start_row;
  header.roi_cols = first.cols;
  header.roi_rows = first.rows;
  header.integration_ms = first.integration_ms;
  header.under_cols = first.under_cols;
  header.over_cols = first.over_cols;
  header.over_rows = first.over_rows;
  header.split_roi = (first.flags & SUMMIT_FRAME_SPLIT_ROI) != 0;
  if (facts.series) {
    const SummitSeriesMetadata& series = *facts.series;
    header.firmware = Hexadecimal(series.firmware);
    header.controller_serial = Hexadecimal(series.serial);
    header.daq_version = Text(series.version);
    header.platform = Text(series.platform);
    header.flush_count = series.common.flush_count;
    header.ccd_type = series.vendor;
    header.split_roi = *header.split_roi || series.split_roi != 0;
  }
  AddCameraCards(facts, &header);
  return header;
}

std::unique_ptr<ExposureFile> ExposureFile::Open(const std::string& path, const ExposureFacts& facts, std::string* problem) {
  auto writer = fits::GuiderFileWriter::Create(path, HeaderOf(facts), problem);
  if (writer == nullptr) return nullptr;
  return std::unique_ptr<ExposureFile>(new ExposureFile(std::move(writer)));
}

bool ExposureFile::Append(const SummitFrame& frame, std::string* problem) {
  const size_t count = size_t{frame.rows} * frame.cols;
  std::span<const int32_t> pixels;
  if (frame.pixel_type == SUMMIT_PIXEL_I32) {
    pixels = {static_cast<const int32_t*>(frame.data), count};
  } else if (frame.pixel_type == SUMMIT_PIXEL_U16) {
    const auto* from = static_cast<const uint16_t*>(frame.data);
    pixels_.assign(from, from + count);
    pixels = pixels_;
  } else {
    // The ROI of its amplifier, without underscan and overscan.
    const size_t width = size_t{frame.cols} + frame.under_cols + frame.over_cols;
    const int32_t plane = pixels::RawPlaneOfSegment(frame.segment);
    if (plane < 0) {
      *problem = writer_->path() + ": a raw stamp of amplifier " + std::to_string(frame.segment) + ": expected 0-7 or 10-17";
      return false;
    }
    plane_.resize(width * frame.rows);
    pixels::DecodeRawPlane(static_cast<const uint8_t*>(frame.data), plane_.size(), plane, pixels::kRawCodeInverted, plane_.data());
    pixels_.resize(count);
    for (size_t row = 0; row < frame.rows; ++row) {
      std::copy_n(plane_.data() + row * width + frame.under_cols, frame.cols, pixels_.data() + row * frame.cols);
    }
    pixels = pixels_;
  }
  if (!writer_->Append({pixels, frame.rows, frame.cols, frame.t_src_tai_ns, frame.stamp}, problem)) return false;
  unhastened_ += count * sizeof(int32_t);
  if (unhastened_ >= kHastenBytes) {
    writer_->Hasten();
    unhastened_ = 0;
  }
  return true;
}

std::unique_ptr<fits::GuiderFileWriter> ExposureFile::Finish(uint64_t complete, uint64_t missing, const std::string& closed_by,
                                                             std::string* problem) {
  const bool good = writer_->Update("STMPCOMP", static_cast<int64_t>(complete), problem) &&
                    writer_->Update("STMPMISS", static_cast<int64_t>(missing), problem) &&
                    writer_->Update("CLOSEDBY", closed_by, problem) && writer_->Finish(problem);
  return good ? std::move(writer_) : nullptr;
}

}  // namespace summit::recorder
