// SPDX-License-Identifier: Apache-2.0
// The primary header of a guider file as values, and the one table of keywords that reader and writer share.
// Thread: any.
// Owns: nothing outside itself.
#ifndef SUMMIT_FITS_GUIDER_HEADER_H_
#define SUMMIT_FITS_GUIDER_HEADER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace summit::fits {

// monostate: the keyword without a value.
using GuiderValue = std::variant<std::monostate, std::string, int64_t, double, bool>;

// Empty text and an empty optional mean that the file does not have the keyword.
struct GuiderHeader {
  std::string obsid;
  std::string camera_code;
  std::string controller;
  std::string day_obs;
  std::string raft_bay;  // as the file says; see NameSensor for the truth
  std::string ccd_slot;
  std::string firmware;           // hexadecimal
  std::string controller_serial;  // hexadecimal
  std::string daq_version;
  std::string daq_partition;
  std::string platform;
  std::string time_system;
  std::optional<uint64_t> gds_start_tai_ns;  // RESUME
  std::optional<int> segment;                // amplifier label 0-7, 10-17
  std::optional<bool> split_roi;
  std::optional<int64_t> seq_num;
  std::optional<int64_t> gds_sequence;
  std::optional<int64_t> roi_start_col;
  std::optional<int64_t> roi_start_row;
  std::optional<int64_t> roi_cols;
  std::optional<int64_t> roi_rows;
  std::optional<int64_t> integration_ms;
  std::optional<int64_t> under_cols;
  std::optional<int64_t> over_cols;
  std::optional<int64_t> over_rows;
  std::optional<int64_t> flush_count;
  std::optional<int64_t> ccd_type;  // 0 ITL, 1 E2V
  std::optional<int64_t> stamps;
  // Further cards for the writer; the reader leaves it empty.
  std::vector<std::pair<std::string, GuiderValue>> other;
};

struct TextKeyword {
  const char* name;
  std::string GuiderHeader::*member;
};
struct NumberKeyword {
  const char* name;
  std::optional<int64_t> GuiderHeader::*member;
};

inline constexpr TextKeyword kTextKeywords[] = {
    {"OBSID", &GuiderHeader::obsid},
    {"CAMCODE", &GuiderHeader::camera_code},
    {"CONTRLLR", &GuiderHeader::controller},
    {"DAYOBS", &GuiderHeader::day_obs},
    {"RAFTBAY", &GuiderHeader::raft_bay},
    {"CCDSLOT", &GuiderHeader::ccd_slot},
    {"FIRMWARE", &GuiderHeader::firmware},
    {"CONTNUM", &GuiderHeader::controller_serial},
    {"DAQVERS", &GuiderHeader::daq_version},
    {"DAQPART", &GuiderHeader::daq_partition},
    {"PLATFORM", &GuiderHeader::platform},
    {"TIMESYS", &GuiderHeader::time_system},
};

inline constexpr NumberKeyword kNumberKeywords[] = {
    {"SEQNUM", &GuiderHeader::seq_num},
    {"GDSSEQ", &GuiderHeader::gds_sequence},
    {"ROICOL", &GuiderHeader::roi_start_col},
    {"ROIROW", &GuiderHeader::roi_start_row},
    {"ROICOLS", &GuiderHeader::roi_cols},
    {"ROIROWS", &GuiderHeader::roi_rows},
    {"ROIMILLI", &GuiderHeader::integration_ms},
    {"ROIUNDRC", &GuiderHeader::under_cols},
    {"ROIOVERC", &GuiderHeader::over_cols},
    {"ROIOVERR", &GuiderHeader::over_rows},
    {"ROIFLUSH", &GuiderHeader::flush_count},
    {"ROICCDTY", &GuiderHeader::ccd_type},
    {"N_STAMPS", &GuiderHeader::stamps},
};

inline constexpr const char* kSegmentKeyword = "ROISEG";
inline constexpr const char* kSplitKeyword = "ROISPLIT";
inline constexpr const char* kStartKeyword = "GDSSTART";
// Files of 2024 name the under columns so.
inline constexpr const char* kOldUnderColsKeyword = "ROIUNDER";

}  // namespace summit::fits

#endif  // SUMMIT_FITS_GUIDER_HEADER_H_
