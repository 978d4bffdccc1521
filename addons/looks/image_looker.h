// SPDX-License-Identifier: Apache-2.0
// Looks at full frames beside everything else: planes that were delivered are freed of the instrument's signature and
// looked at, by threads of its own that give way to all others. A frame of a detector of which a newer one has come is
// left out and told: the newest look counts, and planes are not kept waiting.
//     ordered = looked + left out                when nothing is on its way
// Thread: Start, Look, TakeReports and Stop from any.
// Owns: its threads with the memory they work in, calibrations, and the planes of jobs until their signature is removed. A
//   thread that does not come back in time keeps the object alive.
#ifndef SUMMIT_LOOKS_IMAGE_LOOKER_H_
#define SUMMIT_LOOKS_IMAGE_LOOKER_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "addons/fits/raw_image_file.h"
#include "addons/image/isr.h"
#include "addons/image/sky_map.h"
#include "addons/looks/calibration_shelf.h"

namespace summit::looks {

struct LookedDetector {
  std::string name{};  // of its calibrations: LATISS, R44_SW0
  bool latiss = false;
};

struct LookerSettings {
  std::string calibrations{};                // folder of folders by detector; "": none
  unsigned workers = 1;                      // frames at a time
  int32_t threads = 2;                       // for all of them
  bool idle = false;                         // they run when nobody else on the machine wants to
  std::vector<LookedDetector> detectors{};   // whose calibrations are read before the first frame
  image::IsrSettings isr{};
};

struct LookJob {
  uint64_t id = 0;  // the caller's, comes back in the report
  std::shared_ptr<const int32_t[]> planes{};
  uint32_t first_plane = 0;
  LookedDetector detector{};
  std::string header{};    // JSON of fits::ReadCameraHeader
  std::string isr_path{};  // where the ISR file goes; "": nowhere
  std::string calibrations{};  // folder of folders by detector; "": that of the settings
};

struct LookReport {
  uint64_t id = 0;
  std::string problem{};      // why nobody looked; "": `report` says what was seen
  std::string report{};       // JSON of image_report.h
  std::vector<uint8_t> preview{};
  int32_t cols = 0, rows = 0;
  uint64_t begun_ns = 0, isr_ns = 0, done_ns = 0;  // CLOCK_MONOTONIC: taken up, signature removed, looked at
};

struct IsrFileReport {
  uint64_t id = 0;        // of the job
  std::string path{};
  std::string problem{};  // why there is no file
  uint64_t bytes = 0;
  uint64_t durable_ns = 0;
};

class ImageLooker : public std::enable_shared_from_this<ImageLooker> {
 public:
  // `ring` is called when there are reports, on a thread of the looker or of who orders.
  static std::shared_ptr<ImageLooker> Create(const LookerSettings& settings, std::function<void()> ring);
  ImageLooker(const ImageLooker&) = delete;
  ImageLooker& operator=(const ImageLooker&) = delete;

  void Start();
  void Look(LookJob job);
  std::vector<LookReport> TakeReports();
  // Of looks whose report came before: nobody waits for a file to know what was seen.
  std::vector<IsrFileReport> TakeIsrFiles();
  // Leaves out what waits and finishes what it is at. False: it did not within the deadline.
  bool Stop(int deadline_ms);

 private:
  // What one thread works in; it keeps its memory from frame to frame.
  struct Bench {
    image::IsrImage frame{};
    image::SkyMap sky{};
  };

  ImageLooker(const LookerSettings& settings, std::function<void()> ring);
  void Run();
  LookReport Do(LookJob* job, int32_t threads, fits::RawImage* raw, Bench* bench);
  void LeaveOut(const LookJob& job, const char* reason);

  const LookerSettings settings_;
  const std::function<void()> ring_;
  CalibrationShelf shelf_;
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<LookJob> jobs_{};
  std::deque<LookedDetector> to_read_{};
  unsigned busy_ = 0;
  unsigned running_ = 0;
  bool ending_ = false;
  std::vector<LookReport> reports_{};
  std::vector<IsrFileReport> isr_files_{};
  std::vector<std::thread> threads_{};
};

}  // namespace summit::looks

#endif  // SUMMIT_LOOKS_IMAGE_LOOKER_H_
