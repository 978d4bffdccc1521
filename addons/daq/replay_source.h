// SPDX-License-Identifier: Apache-2.0
// One recorded guider file as the events that the DAQ sent when it was recorded.
// Thread: one at a time.
// Owns: the open file, and the payloads of START and RESUME, which its frames point to.
#ifndef SUMMIT_DAQ_REPLAY_SOURCE_H_
#define SUMMIT_DAQ_REPLAY_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "addons/daq/driver.h"
#include "addons/fits/guider_file.h"

namespace summit::daq {

struct ReplayEvent {
  uint64_t axis_ns = 0;  // place on the common TAI axis; never decreases within a file
  uint32_t source = 0;   // index of the file
  uint32_t stamp = 0;    // index in the file, for stamps
  uint8_t type = SUMMIT_EVENT_STAMP;
};

class ReplaySource {
 public:
  // `index`: the file's place in the list. nullptr when the file cannot be replayed, with the reason.
  static std::unique_ptr<ReplaySource> Open(const std::string& path, uint32_t index, std::string* problem);
  ReplaySource(const ReplaySource&) = delete;
  ReplaySource& operator=(const ReplaySource&) = delete;

  const std::vector<ReplayEvent>& events() const { return events_; }
  uint64_t sequence() const { return sequence_; }
  uint64_t most_bytes() const { return most_bytes_; }
  const fits::GuiderFile& file() const { return *file_; }

  // Everything but pixels, slot and arrival times.
  SummitFrame Frame(const ReplayEvent& event) const;
  // Decompresses the stamp into `memory`, which holds its bytes.
  bool ReadPixels(const ReplayEvent& event, void* memory, std::string* problem);

 private:
  ReplaySource(std::unique_ptr<fits::GuiderFile> file, uint32_t index, uint8_t location);
  void FillMetadata();
  void PlanEvents();
  void FillStamp(const ReplayEvent& event, SummitFrame* frame) const;

  std::unique_ptr<fits::GuiderFile> file_;
  uint32_t index_;
  uint8_t location_;
  uint64_t sequence_;
  uint64_t most_bytes_ = 0;
  uint64_t stamps_sent_ = 0;
  SummitSeriesMetadata metadata_{};
  std::vector<ReplayEvent> events_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_REPLAY_SOURCE_H_
