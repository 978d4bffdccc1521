// SPDX-License-Identifier: Apache-2.0
// Writes everything a driver delivers into one recording (daq/recording_format.h), beside the link and never in its
// way: what finds no room is counted in the next record.
// Thread: Create, Stop by the owner; the tap's functions on the link thread; Snapshot by any. One thread of its own.
// Owns: the file, its queue. The thread holds a reference of its own.
#ifndef SUMMIT_RECORDER_STREAM_RECORDER_H_
#define SUMMIT_RECORDER_STREAM_RECORDER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "addons/daq/counter.h"
#include "addons/daq/frame_tap.h"
#include "addons/daq/wakeup.h"
#include "addons/recorder/frame_queue.h"

namespace summit::recorder {

struct StreamSettings {
  std::string path;
  bool compress = false;
  uint32_t queue_stamps = 256;
  bool guided = false;  // a role tells the kernel where stars are expected: also that it does not yet is recorded
  std::string json = "{}";  // for the file's header
};

class StreamRecorder : public daq::FrameTap, public std::enable_shared_from_this<StreamRecorder> {
 public:
  // Makes the file; nullptr with one sentence, also when a file of this name exists.
  static std::shared_ptr<StreamRecorder> Create(const StreamSettings& settings, std::string* problem);
  ~StreamRecorder() override;
  StreamRecorder(const StreamRecorder&) = delete;
  StreamRecorder& operator=(const StreamRecorder&) = delete;

  void Start();
  // The link is at rest: writes what is queued and the end marker, syncs. False: not within the deadline.
  bool Stop(int deadline_ms);

  std::map<std::string, uint64_t> Snapshot() const;
  // Why nothing more is written; empty while all is well.
  std::string problem() const;

  uint32_t most_slots() const override { return queue_.stamps(); }
  void Attach(std::shared_ptr<daq::FramePool> pool) override;
  void OnDelivered(const SummitFrame& frame, uint64_t delivered_ns) override;
  void OnPrediction(uint8_t location, const SummitPrediction& prediction) override;

 private:
  StreamRecorder(const StreamSettings& settings, int fd);
  bool WriteHeader();
  void Write();
  void WriteFrame(const FrameQueue::Entry& entry);
  void WriteEnd();
  bool Put(std::span<const uint8_t> bytes);
  void Fail(const char* what);

  const StreamSettings settings_;
  const int fd_;
  FrameQueue queue_;
  std::array<bool, 256> told_{};  // of the link thread: a prediction of this location is in the recording
  std::shared_ptr<daq::FramePool> pool_;
  std::atomic<bool> stopping_{false};
  daq::Wakeup written_;
  std::thread thread_;
  bool failed_ = false;
  uint64_t left_out_ = 0;  // told in records so far
  std::vector<uint8_t> buffer_;
  std::vector<uint8_t> scratch_;
  std::vector<uint8_t> deflated_;
  daq::Counter records_;
  daq::Counter stamps_;
  daq::Counter bytes_;
  daq::Counter unwritten_;
  mutable std::mutex mutex_;
  std::string problem_;
};

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_STREAM_RECORDER_H_
