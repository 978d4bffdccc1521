// SPDX-License-Identifier: Apache-2.0
// Reads a guider FITS file of the camera: its primary keywords, and its stamps in EXTVER order.
// Thread: one at a time.
// Owns: the open CFITSIO file, closed with the object.
#ifndef SUMMIT_FITS_GUIDER_FILE_H_
#define SUMMIT_FITS_GUIDER_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "addons/fits/guider_header.h"
#include "addons/fits/sensor_name.h"

namespace summit::fits {

struct GuiderStamp {
  int hdu = 0;              // CFITSIO's number, from 1
  int64_t version = 0;      // EXTVER
  uint64_t tai_ns = 0;      // readout trigger; 0: the file does not tell
  uint64_t daq_stamp = 0;   // DAQSTAMP, else EXTVER - 1
  uint16_t rows = 0;
  uint16_t cols = 0;
  bool tai = false;         // the time is there and on the TAI scale

  size_t pixels() const { return size_t{rows} * cols; }
};

class GuiderFile {
 public:
  // nullptr when the file cannot be used; *problem is then one sentence with the path.
  static std::unique_ptr<GuiderFile> Open(const std::string& path, std::string* problem);
  ~GuiderFile();
  GuiderFile(const GuiderFile&) = delete;
  GuiderFile& operator=(const GuiderFile&) = delete;

  const std::string& path() const { return path_; }
  const GuiderHeader& header() const { return header_; }
  const SensorName& sensor() const { return sensor_; }
  // At least one.
  const std::vector<GuiderStamp>& stamps() const { return stamps_; }
  // Keywords that a guider file has and this one has not.
  const std::vector<std::string>& missing() const { return missing_; }
  // Where the file contradicts itself, one sentence each; what is used is said.
  const std::vector<std::string>& notes() const { return notes_; }

  // Decompresses stamp `index` into `pixels`, row by row; `pixels` holds at least its pixels.
  bool ReadPixels(size_t index, std::span<int32_t> pixels, std::string* problem);

 private:
  struct Handle;
  GuiderFile(std::string path, std::unique_ptr<Handle> handle);
  void ReadHeader();
  bool ReadStamps(std::string* problem);
  bool ReadStamp(int hdu, std::string* problem);
  void Compare();
  uint64_t Time(const std::string& text, const char* keyword);

  std::string path_;
  std::unique_ptr<Handle> handle_;
  GuiderHeader header_;
  SensorName sensor_;
  std::vector<GuiderStamp> stamps_;
  std::vector<std::string> missing_;
  std::vector<std::string> notes_;
};

static_assert(!std::is_copy_constructible_v<GuiderFile>);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_GUIDER_FILE_H_
