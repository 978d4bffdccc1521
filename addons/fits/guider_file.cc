// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/guider_file.h"

#include <fitsio.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string_view>

#include "addons/fits/open_file.h"
#include "addons/fits/tai_text.h"

namespace summit::fits {

struct GuiderFile::Handle : FitsHandle {};

namespace {

constexpr long kMostSide = 4096;  // a whole sensor; more is a damaged header
constexpr int kMostStamps = 65536;

// False when the keyword is absent or has no value.
bool ReadText(fitsfile* file, const char* name, std::string* text) {
  char value[FLEN_VALUE] = "";
  int status = 0;
  fits_read_key(file, TSTRING, name, value, nullptr, &status);
  fits_clear_errmsg();
  if (status != 0) return false;
  *text = value;
  while (!text->empty() && text->back() == ' ') text->pop_back();
  return !text->empty();
}

bool ReadNumber(fitsfile* file, const char* name, int64_t* number) {
  LONGLONG value = 0;
  int status = 0;
  fits_read_key(file, TLONGLONG, name, &value, nullptr, &status);
  fits_clear_errmsg();
  if (status == 0) *number = value;
  return status == 0;
}

// "Segment03" is 3.
std::optional<int> SegmentNumber(std::string_view text) {
  constexpr std::string_view kWord = "Segment";
  if (text.size() != kWord.size() + 2 || text.substr(0, kWord.size()) != kWord) return std::nullopt;
  const char tens = text[kWord.size()];
  const char units = text[kWord.size() + 1];
  if (tens < '0' || tens > '1' || units < '0' || units > '7') return std::nullopt;
  return (tens - '0') * 10 + (units - '0');
}

}  // namespace

GuiderFile::GuiderFile(std::string path, std::unique_ptr<Handle> handle)
    : path_(std::move(path)), handle_(std::move(handle)) {}

GuiderFile::~GuiderFile() = default;

std::unique_ptr<GuiderFile> GuiderFile::Open(const std::string& path, std::string* problem) {
  auto handle = std::make_unique<Handle>();
  if (!OpenFits(path, handle.get(), problem)) return nullptr;
  std::unique_ptr<GuiderFile> file(new GuiderFile(path, std::move(handle)));
  file->ReadHeader();
  if (!file->ReadStamps(problem)) return nullptr;
  file->Compare();
  return file;
}

uint64_t GuiderFile::Time(const std::string& text, const char* keyword) {
  const std::optional<uint64_t> tai_ns = ParseTai(text);
  if (!tai_ns) notes_.push_back(std::string(keyword) + " '" + text + "' is no ISO time and is not used");
  return tai_ns.value_or(0);
}

void GuiderFile::ReadHeader() {
  fitsfile* file = handle_->file;
  for (const TextKeyword& keyword : kTextKeywords) {
    if (!ReadText(file, keyword.name, &(header_.*keyword.member))) missing_.emplace_back(keyword.name);
  }
  for (const NumberKeyword& keyword : kNumberKeywords) {
    int64_t number = 0;
    if (ReadNumber(file, keyword.name, &number)) {
      header_.*keyword.member = number;
    } else if (keyword.member == &GuiderHeader::under_cols && ReadNumber(file, kOldUnderColsKeyword, &number)) {
      header_.under_cols = number;
    } else {
      missing_.emplace_back(keyword.name);
    }
  }
  std::string text;
  if (!ReadText(file, kSegmentKeyword, &text)) {
    missing_.emplace_back(kSegmentKeyword);
  } else {
    header_.segment = SegmentNumber(text);
    if (!header_.segment) notes_.push_back("ROISEG '" + text + "' is no amplifier of Segment00..07, 10..17 and is not used");
  }
  if (!ReadText(file, kStartKeyword, &text)) {
    missing_.emplace_back(kStartKeyword);
  } else if (const uint64_t start = Time(text, kStartKeyword); start != 0) {
    header_.gds_start_tai_ns = start;
  }
  int split = 0;
  int status = 0;
  fits_read_key(file, TLOGICAL, kSplitKeyword, &split, nullptr, &status);
  fits_clear_errmsg();
  if (status == 0) {
    header_.split_roi = split != 0;
  } else {
    missing_.emplace_back(kSplitKeyword);
  }
  sensor_ = NameSensor(header_.raft_bay, header_.ccd_slot, header_.day_obs, header_.obsid,
                       std::filesystem::path(path_).filename().string());
}

bool GuiderFile::ReadStamps(std::string* problem) {
  for (int hdu = 2; hdu <= kMostStamps; ++hdu) {
    int status = 0;
    int type = 0;
    fits_movabs_hdu(handle_->file, hdu, &type, &status);
    if (status == END_OF_FILE) break;
    if (status != 0) {
      *problem = path_ + ": truncated or damaged at HDU " + std::to_string(hdu) + ": " + FitsReason(status);
      return false;
    }
    if (!ReadStamp(hdu, problem)) return false;
  }
  fits_clear_errmsg();
  if (stamps_.empty()) {
    *problem = path_ + ": no stamps: expected IMAGE extensions, found none";
    return false;
  }
  std::stable_sort(stamps_.begin(), stamps_.end(),
                   [](const GuiderStamp& a, const GuiderStamp& b) { return a.version < b.version; });
  return true;
}

// Extensions that are no stamp (RAWSTAMP tables) are passed over.
bool GuiderFile::ReadStamp(int hdu, std::string* problem) {
  fitsfile* file = handle_->file;
  int status = 0;
  int type = 0;
  std::string name;
  fits_get_hdu_type(file, &type, &status);
  if (type != IMAGE_HDU || !ReadText(file, "EXTNAME", &name) || name != "IMAGE") return true;
  int bits = 0;
  int axes = 0;
  std::array<long, 2> sides{};
  fits_get_img_param(file, 2, &bits, &axes, sides.data(), &status);
  const bool usable = status == 0 && axes == 2 && bits > 0 && sides[0] > 0 && sides[1] > 0 && sides[0] <= kMostSide &&
                      sides[1] <= kMostSide;
  if (!usable) {
    *problem = path_ + ": HDU " + std::to_string(hdu) + ": expected a whole-number image of at most " +
               std::to_string(kMostSide) + " pixels a side, got " + std::to_string(axes) + " axes, " +
               std::to_string(sides[0]) + " x " + std::to_string(sides[1]) + ", BITPIX " + std::to_string(bits);
    fits_clear_errmsg();
    return false;
  }
  GuiderStamp stamp;
  stamp.hdu = hdu;
  stamp.cols = static_cast<uint16_t>(sides[0]);
  stamp.rows = static_cast<uint16_t>(sides[1]);
  if (!ReadNumber(file, "EXTVER", &stamp.version)) stamp.version = static_cast<int64_t>(stamps_.size()) + 1;
  int64_t daq_stamp = stamp.version - 1;
  ReadNumber(file, "DAQSTAMP", &daq_stamp);
  stamp.daq_stamp = static_cast<uint64_t>(std::max<int64_t>(daq_stamp, 0));
  std::string text;
  if (ReadText(file, "STMPTIME", &text)) stamp.tai_ns = Time(text, "STMPTIME");
  std::string scale = header_.time_system.empty() ? "TAI" : header_.time_system;
  ReadText(file, "TIMESYS", &scale);
  stamp.tai = stamp.tai_ns != 0 && scale == "TAI";
  if (scale != "TAI" && stamps_.empty()) notes_.push_back("TIMESYS is '" + scale + "', expected TAI: stamp times are suspect");
  stamps_.push_back(stamp);
  return true;
}

void GuiderFile::Compare() {
  const GuiderStamp& first = stamps_.front();
  const auto differs = [](const std::optional<int64_t>& said, int64_t is) { return said && *said != is; };
  if (differs(header_.roi_cols, first.cols) || differs(header_.roi_rows, first.rows)) {
    notes_.push_back("ROICOLS x ROIROWS say " + std::to_string(header_.roi_cols.value_or(0)) + " x " +
                     std::to_string(header_.roi_rows.value_or(0)) + ", the images are " + std::to_string(first.cols) +
                     " x " + std::to_string(first.rows) + ": the images are believed");
  }
  if (differs(header_.stamps, static_cast<int64_t>(stamps_.size()))) {
    notes_.push_back("N_STAMPS says " + std::to_string(*header_.stamps) + ", the file has " + std::to_string(stamps_.size()));
  }
  size_t untimed = 0;
  size_t other_size = 0;
  std::set<int64_t> versions;
  for (const GuiderStamp& stamp : stamps_) {
    untimed += stamp.tai_ns == 0 ? 1 : 0;
    other_size += stamp.cols != first.cols || stamp.rows != first.rows ? 1 : 0;
    versions.insert(stamp.version);
  }
  if (untimed != 0) notes_.push_back("STMPTIME is missing or wrong in " + std::to_string(untimed) + " stamps");
  if (other_size != 0) notes_.push_back(std::to_string(other_size) + " stamps differ in size from the first");
  if (versions.size() != stamps_.size()) notes_.push_back("EXTVER repeats");
  if (!sensor_.evidence.empty() && !sensor_.corrected) notes_.push_back(sensor_.evidence);
}

bool GuiderFile::ReadPixels(size_t index, std::span<int32_t> pixels, std::string* problem) {
  if (index >= stamps_.size() || pixels.size() < stamps_[index].pixels()) {
    *problem = path_ + ": stamp " + std::to_string(index) + ": no such stamp, or fewer pixels lent than it has";
    return false;
  }
  const GuiderStamp& stamp = stamps_[index];
  int status = 0;
  const char* which = "";
  fits_movabs_hdu(handle_->file, stamp.hdu, nullptr, &status);
  if (status == 0 && !ChecksumsFit(handle_.get(), &which)) {
    *problem = path_ + ": EXTVER " + std::to_string(stamp.version) + ": damaged: " + which + " does not fit its contents";
    return false;
  }
  fits_read_img(handle_->file, TINT, 1, static_cast<LONGLONG>(stamp.pixels()), nullptr, pixels.data(), nullptr, &status);
  if (status == 0) return true;
  *problem = path_ + ": EXTVER " + std::to_string(stamp.version) + ": pixels cannot be read: " + FitsReason(status);
  return false;
}

}  // namespace summit::fits
