// SPDX-License-Identifier: Apache-2.0
// One link to a DAQ: driver, frame pool, link thread, result ring.
// Thread: Create, Start, Stop by the owner (a second Stop waits for the first); Drain, Predict, Want and leases by the reader of
//   records (one thread); Control, Counters and Calibrate by any. The doorbell is called on the thread that delivers frames:
//   the link thread, or a push library's own.
// Owns: everything named above. The link thread holds a reference of its own, so that a driver that does not
//   come back from a call keeps its memory: Stop then leaves the thread behind and says so.
#ifndef SUMMIT_DAQ_LINK_H_
#define SUMMIT_DAQ_LINK_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "addons/daq/driver.h"
#include "addons/daq/frame_pool.h"
#include "addons/daq/frame_tap.h"
#include "addons/daq/image_receiver.h"
#include "addons/daq/leases.h"
#include "addons/daq/link_settings.h"
#include "addons/daq/outbox.h"
#include "addons/daq/record_ring.h"
#include "addons/daq/wakeup.h"
#include "addons/daq/worker.h"

namespace summit::daq {

struct LinkSnapshot {
  std::string driver;
  std::string driver_version;
  uint64_t heartbeat = 0;
  int driver_error = 0;  // SUMMIT_ERR_* with which delivery ended for good
  SummitLinkStats link{};
  std::map<std::string, uint64_t> pool;
  std::map<std::string, std::string> outcomes;
};

struct LogLine {
  int level = 0;  // 10 debug, 20 info, 30 warning, 40 error
  std::string text;
};

class Link : public std::enable_shared_from_this<Link> {
 public:
  // nullptr with a SummitError in *code and a sentence in *message. Nothing is opened yet.
  // `doorbell` is called when there is something to Drain or to log, once until the reader has answered.
  // `taps` see every frame; the link keeps them.
  static std::shared_ptr<Link> Create(const LinkSettings& settings, std::function<void()> doorbell, int* code,
                                      std::string* message, std::vector<std::shared_ptr<FrameTap>> taps = {});
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  int Start(std::string* message);
  // True when the thread has ended and the driver is closed. False: it did not come back within the deadline.
  bool Stop(int deadline_ms);

  // Answers the doorbell, then copies records; 0 when there are none.
  size_t Drain(std::span<Record> into);
  std::vector<LogLine> TakeLog();

  int Control(const std::string& json, int deadline_ms, std::string* reply);
  LinkSnapshot Snapshot();
  const Worker& worker() const { return *worker_; }
  const FramePool& pool() const { return *pool_; }
  Leases& leases() { return *leases_; }
  // nullptr: this link takes no images.
  ImageReceiver* images() { return images_.get(); }
  // 0: nothing is being worked on; Worker::busy_since.
  uint64_t busy_since() const { return worker_->busy_since(); }
  void Predict(uint8_t location, const pixels::Prediction& prediction) { worker_->predictions().Set(location, prediction); }
  void Calibrate(uint8_t location, std::unique_ptr<SensorCalibration> calibration) {
    worker_->calibrations().Offer(location, std::move(calibration));
  }
  void Want(uint8_t location, bool want) { worker_->Want(location, want); }

 private:
  enum class Life : uint8_t { kCreated, kRunning, kStopped, kLeftBehind };

  Link(const LinkSettings& settings, std::function<void()> doorbell);
  void Run();
  bool Turn(SummitFrame* frame);
  void TakeLast(SummitFrame* frame);
  void Handle(const SummitFrame& frame);
  void TakeIn(const SummitFrame& frame);
  bool MustWaitForReader() const;
  void Ring();
  void Log(int level, const char* text);

  const LinkSettings settings_;
  const std::function<void()> doorbell_;
  const SummitDriver* driver_ = nullptr;
  SummitHost host_{};
  std::vector<std::shared_ptr<FrameTap>> taps_;
  std::shared_ptr<FramePool> pool_;
  std::unique_ptr<Leases> leases_;
  std::unique_ptr<ImageReceiver> images_;
  RecordRing ring_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Worker> worker_;

  // Readers (control, stats) share it while they call into the driver; closing takes it alone.
  std::shared_mutex driver_mutex_;
  void* handle_ = nullptr;
  SummitLinkStats last_stats_{};  // of the driver when it was closed

  std::mutex owner_mutex_;  // Start and Stop, which a closing environment may call at any time
  Life life_ = Life::kCreated;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> last_ns_{0};  // when the link thread ends at the latest once it is told to stop
  Wakeup stop_wakeup_;
  Wakeup finished_;
  // Worker, outbox and taps: one thread at a time, the link's or a push library's.
  std::mutex work_mutex_;
  std::thread::id set_up_;  // a library's thread that has its scheduling
  std::atomic<bool> rung_{false};
  uint64_t popped_ = 0;                // of the reader
  std::atomic<uint64_t> handled_{0};   // records that the reader was done with when it asked for more
  Wakeup handled_wakeup_;
  Counter heartbeat_;
  bool driver_failed_ = false;  // of the link thread: told once
  std::atomic<int> driver_error_{0};

  std::mutex text_mutex_;
  ThreadOutcome thread_outcome_;
  std::string stop_outcome_;
  std::vector<LogLine> log_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_LINK_H_
