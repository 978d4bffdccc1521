// SPDX-License-Identifier: Apache-2.0
// What became of the stamps of one sensor in one exposure.
// Thread: plain data.
// Owns: nothing outside itself.
#ifndef SUMMIT_RECORDER_FILE_REPORT_H_
#define SUMMIT_RECORDER_FILE_REPORT_H_

#include <cstdint>
#include <string>

namespace summit::recorder {

// stamps + left_out + failed = complete
struct FileReport {
  uint8_t location = 0;
  std::string obsid;      // what the file is named after
  bool obsid_told = false;  // RESUME carried it; else it stands for the series
  std::string series_id;
  uint16_t sequence = 0;
  uint64_t series = 0;  // unwrapped
  std::string closed_by;  // pause, stop, status, resume, series, agent_stop, failure
  std::string path;       // of the FITS file; empty: there is none
  std::string sidecar;
  std::string sha256;
  uint64_t bytes = 0;
  std::string problem;    // why there is no file, or no whole one; empty: it is durable
  uint64_t stamps = 0;    // in the file
  uint64_t complete = 0;  // given to the kernel during the exposure
  uint64_t left_out = 0;  // no room in the queue
  uint64_t failed = 0;    // could not be written
  uint64_t unpublished = 0;  // the part of `failed` that was in a file which could not be brought to the disk
  uint64_t closed_ns = 0;   // CLOCK_MONOTONIC: what closed it arrived
  uint64_t durable_ns = 0;  // CLOCK_MONOTONIC: file, sidecar and directory are on the disk; 0: never
};

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_FILE_REPORT_H_
