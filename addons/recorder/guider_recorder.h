// SPDX-License-Identifier: Apache-2.0
// Records complete guider stamps into FITS files, one per sensor and exposure, beside the link and never in its way.
// Thread: Create, Start, Stop by the owner; the tap's functions on the link thread; TakeReports and Snapshot by any.
//   Two threads of its own: `summit-record` writes stamps, `summit-publish` brings finished files to the disk.
// Owns: queue, open files, folder lock. Its threads hold a reference each, so that a disk that does not come back from
//   a call keeps its memory: Stop then leaves them behind and says so.
#ifndef SUMMIT_RECORDER_GUIDER_RECORDER_H_
#define SUMMIT_RECORDER_GUIDER_RECORDER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "addons/daq/frame_tap.h"
#include "addons/daq/wakeup.h"
#include "addons/recorder/exposure_book.h"
#include "addons/recorder/file_publisher.h"
#include "addons/recorder/file_report.h"
#include "addons/recorder/frame_queue.h"
#include "addons/recorder/recording_folder.h"

namespace summit::recorder {

struct RecorderSettings {
  std::string folder;
  std::string partition = "guider";
  uint32_t queue_stamps = 128;
  bool shared = false;  // recorders of other links of this process write into the folder too
};

class GuiderRecorder : public daq::FrameTap, public std::enable_shared_from_this<GuiderRecorder> {
 public:
  // `news` is called on a thread of the recorder when there is a report or a line for the log.
  static std::shared_ptr<GuiderRecorder> Create(const RecorderSettings& settings, std::function<void()> news);
  ~GuiderRecorder() override;
  GuiderRecorder(const GuiderRecorder&) = delete;
  GuiderRecorder& operator=(const GuiderRecorder&) = delete;

  void Start();
  // The link is at rest: writes what is queued, closes every file and brings it to the disk. False: not within the
  // deadline; what is not done then is left behind.
  bool Stop(int deadline_ms);

  std::vector<FileReport> TakeReports();
  // Names of what an earlier run left half done and this one set aside.
  std::vector<std::string> TakeLeftovers();
  std::map<std::string, uint64_t> Snapshot() const;

  uint32_t most_slots() const override { return queue_.stamps(); }
  void Attach(std::shared_ptr<daq::FramePool> pool) override { queue_.Attach(std::move(pool)); }
  void OnComplete(const SummitFrame& frame) override;
  void OnEvent(const SummitFrame& frame) override;

 private:
  GuiderRecorder(const RecorderSettings& settings, std::function<void()> news);
  void Write();
  void PushStatus(const SummitFrame& frame);
  bool OpenFolder(std::string* problem);
  void OnReport(FileReport report);

  const RecorderSettings settings_;
  const std::function<void()> news_;
  FrameQueue queue_;
  RecordingFolder folder_;
  FilePublisher publisher_;
  ExposureBook book_;
  // Of the link thread: where an exposure may be open, the sequence of its frames.
  std::array<std::optional<uint16_t>, 256> running_;
  std::atomic<bool> stopping_{false};
  daq::Wakeup written_;
  daq::Wakeup published_;
  std::thread writer_thread_;
  std::thread publisher_thread_;

  mutable std::mutex mutex_;
  std::vector<FileReport> reports_;
  std::vector<std::string> leftovers_;
  uint64_t files_ = 0;
  uint64_t bytes_ = 0;
  uint64_t leftover_count_ = 0;
  uint64_t unpublished_ = 0;  // stamps of files that could not be brought to the disk
};

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_GUIDER_RECORDER_H_
