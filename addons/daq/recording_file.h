// SPDX-License-Identifier: Apache-2.0
// Reads a recording record by record, and says where and why it cannot go on; everything before is good.
// Thread: one at a time.
// Owns: the open file and its buffers.
#ifndef SUMMIT_DAQ_RECORDING_FILE_H_
#define SUMMIT_DAQ_RECORDING_FILE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "addons/daq/recording_format.h"

namespace summit::daq {

class RecordingFile {
 public:
  // nullptr with one sentence.
  static std::unique_ptr<RecordingFile> Open(const std::string& path, std::string* problem);
  ~RecordingFile();
  RecordingFile(const RecordingFile&) = delete;
  RecordingFile& operator=(const RecordingFile&) = delete;

  enum class Step { kFrame, kEnd, kDamaged };
  // Reads the next head. After kEnd or kDamaged (*problem: where and why) there is nothing more.
  Step Next(std::string* problem);
  // Of the frame that Next found: `data` is nullptr, `token` is 1 where it had a slot.
  const SummitFrame& frame() const { return frame_; }
  const RecordHead& head() const { return head_; }
  // Once after kEnd.
  const RecordingEnd& end() const { return end_; }
  // The payload, head().bytes of them.
  bool ReadPayload(std::span<uint8_t> out, std::string* problem);

  const std::string& path() const { return path_; }
  const std::string& json() const { return json_; }
  uint64_t bytes() const { return size_; }
  uint64_t position() const { return next_; }

 private:
  RecordingFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  bool ReadHeader(std::string* problem);
  bool Read(uint64_t at, void* into, uint64_t bytes) const;
  Step Damaged(const char* what, std::string* problem);

  std::string path_;
  int fd_;
  std::string json_;
  uint64_t size_ = 0;
  uint64_t next_ = 0;     // of the next head
  uint64_t payload_ = 0;  // of the current record
  uint64_t records_ = 0;
  bool over_ = false;
  RecordHead head_{};
  SummitFrame frame_{};
  RecordingEnd end_{};
  std::vector<uint8_t> stored_;
  std::vector<uint8_t> scratch_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_RECORDING_FILE_H_
