// SPDX-License-Identifier: Apache-2.0
// Which exposure of its sensor a frame belongs to, when a file begins and when it ends; any of the DAQ's events may
// be missing. Gives its files to a publisher.
// Thread: the recorder's.
// Owns: the open files.
#ifndef SUMMIT_RECORDER_EXPOSURE_BOOK_H_
#define SUMMIT_RECORDER_EXPOSURE_BOOK_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "addons/daq/counter.h"
#include "addons/daq/driver.h"
#include "addons/recorder/exposure_file.h"
#include "addons/recorder/file_publisher.h"
#include "addons/recorder/frame_queue.h"

namespace summit::recorder {

struct BookCounters {
  daq::Counter recorded;  // stamps in files, open ones included
  daq::Counter failed;    // could not be written, or their file could not be completed
  daq::Counter outside;   // came after their exposure was closed
};

class ExposureBook {
 public:
  // `ready` says whether files can be made at all, with the reason when not; it is asked once per exposure.
  ExposureBook(std::string folder, std::string partition, FilePublisher* publisher, std::function<bool(std::string*)> ready)
      : folder_(std::move(folder)), partition_(std::move(partition)), publisher_(*publisher), ready_(std::move(ready)) {}

  void Take(const FrameQueue::Entry& entry);
  // Nothing will come any more.
  void CloseAll(const FrameQueue& queue, uint64_t now_ns);

  const BookCounters& counters() const { return counters_; }

 private:
  struct Totals {
    uint64_t offered = 0;
    uint64_t left_out = 0;
  };
  struct Sensor {
    bool known = false;  // series is valid
    bool open = false;   // an exposure is under way
    bool failing = false;  // its file cannot be written: nothing is tried before the next one
    bool stopped = false;
    uint64_t series = 0;
    uint16_t sequence = 0;
    std::optional<SummitSeriesMetadata> metadata;
    std::string comment;         // of RESUME
    uint64_t resume_tai_ns = 0;
    uint64_t halt_tai_ns = 0;    // of what ended the last exposure; 0: none did
    uint64_t next = 0;           // one past the newest stamp of the closed exposures
    uint64_t newest = 0;         // one past the newest stamp
    Totals base;                 // where the exposure began
    uint64_t outside = 0;        // stamps since then that belong to an exposure before
    uint64_t failed = 0;
    std::string problem;
    std::unique_ptr<ExposureFile> file;
  };

  // The newest RESUME of any sensor.
  struct Resumed {
    uint64_t series = 0;
    std::string comment;
    uint64_t tai_ns = 0;
  };

  void OnStart(Sensor* sensor, const FrameQueue::Entry& entry);
  void OnResume(Sensor* sensor, const FrameQueue::Entry& entry);
  void OnStamp(Sensor* sensor, const FrameQueue::Entry& entry);
  void OnHalt(Sensor* sensor, const FrameQueue::Entry& entry);
  void OnStatus(Sensor* sensor, const FrameQueue::Entry& entry);
  void EnterSeries(Sensor* sensor, const FrameQueue::Entry& entry);
  void Begin(Sensor* sensor, const Totals& at);
  void LearnFromOthers(Sensor* sensor, const SummitFrame& first) const;
  void OpenFile(Sensor* sensor, const SummitFrame& first);
  void Fail(Sensor* sensor, uint8_t location, std::string problem);
  static FileReport ReportOf(const Sensor& sensor, uint8_t location);
  void Close(uint8_t location, Sensor* sensor, const Totals& at, const char* closed_by, uint64_t now_ns);
  static std::string SeriesId(const Sensor& sensor);
  static std::string Obsid(const Sensor& sensor);
  std::string FreePath(const std::string& obsid, uint8_t location);

  const std::string folder_;
  const std::string partition_;
  FilePublisher& publisher_;
  const std::function<bool(std::string*)> ready_;
  std::array<Sensor, 256> sensors_;
  std::optional<Resumed> resumed_;
  BookCounters counters_;
};

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_EXPOSURE_BOOK_H_
