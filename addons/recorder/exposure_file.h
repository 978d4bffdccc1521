// SPDX-License-Identifier: Apache-2.0
// The file of one sensor and one exposure while it grows: its name, its header, its stamps.
// Thread: the recorder's.
// Owns: the open file and a row buffer.
#ifndef SUMMIT_RECORDER_EXPOSURE_FILE_H_
#define SUMMIT_RECORDER_EXPOSURE_FILE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "addons/daq/driver.h"
#include "addons/fits/guider_file_writer.h"

namespace summit::recorder {

// What a header tells beside the stamps.
struct ExposureFacts {
  std::string obsid;
  std::string partition;
  uint64_t resume_tai_ns = 0;  // 0: not known
  std::optional<SummitSeriesMetadata> series{};
  SummitFrame first{};                   // its first stamp
};

// The text a file name can hold: letters, digits, '.', '_' and '-'; anything else becomes '_'.
std::string FileStem(const std::string& obsid);

fits::GuiderHeader HeaderOf(const ExposureFacts& facts);

class ExposureFile {
 public:
  // nullptr with one sentence.
  static std::unique_ptr<ExposureFile> Open(const std::string& path, const ExposureFacts& facts, std::string* problem);

  // `frame.data` are its pixels, in whatever form the DAQ sent them.
  bool Append(const SummitFrame& frame, std::string* problem);
  // The writer, finished; nullptr with one sentence. `complete`, `missing`: see FileReport.
  std::unique_ptr<fits::GuiderFileWriter> Finish(uint64_t complete, uint64_t missing, const std::string& closed_by,
                                                 std::string* problem);

  uint64_t stamps() const { return static_cast<uint64_t>(writer_->stamps()); }

 private:
  explicit ExposureFile(std::unique_ptr<fits::GuiderFileWriter> writer) : writer_(std::move(writer)) {}

  std::unique_ptr<fits::GuiderFileWriter> writer_;
  std::vector<int32_t> pixels_;
  std::vector<int32_t> plane_;
  uint64_t unhastened_ = 0;  // bytes of pixels
};

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_EXPOSURE_FILE_H_
