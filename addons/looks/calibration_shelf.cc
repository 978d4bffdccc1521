// SPDX-License-Identifier: Apache-2.0
#include "addons/looks/calibration_shelf.h"

#include <sys/stat.h>

#include "addons/fits/detector_calibrations.h"

namespace summit::looks {

// Which files these are: number, size and time of each; zeros for one that is not there.
std::vector<int64_t> CalibrationShelf::StateOf(const std::string& detector) const {
  std::vector<int64_t> state;
  for (const char* name : {"bias", "dark", "flat", "defects", "crosstalk", "ptc", "linearizer"}) {
    struct stat file{};
    const std::string path = folder_ + "/" + detector + "/" + name + ".fits";
    if (stat(path.c_str(), &file) != 0) file = {};
    state.insert(state.end(), {static_cast<int64_t>(file.st_ino), static_cast<int64_t>(file.st_size), static_cast<int64_t>(file.st_mtim.tv_sec), static_cast<int64_t>(file.st_mtim.tv_nsec)});
  }
  return state;
}

ShelvedCalibrations CalibrationShelf::Get(const std::string& detector, const image::DetectorModel& model, int32_t threads) {
  if (folder_.empty()) return {std::make_shared<image::Calibrations>(), {"no folder of calibrations was named"}};
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<Entry>& there = entries_[detector];
    if (there == nullptr) there = std::make_shared<Entry>();
    entry = there;
  }
  const std::lock_guard<std::mutex> lock(entry->mutex);
  const std::vector<int64_t> state = StateOf(detector);
  if (entry->content.calibrations != nullptr && entry->state == state) return entry->content;
  // The old ones go first: two sets of maps are more memory than there is to spare.
  entry->content = {};
  entry->content.calibrations = fits::ReadDetectorCalibrations(folder_ + "/" + detector, model, threads, &entry->content.missing);
  // As it was before they were read: a file that changed meanwhile is read again with the next frame.
  entry->state = state;
  return entry->content;
}

}  // namespace summit::looks
