// SPDX-License-Identifier: Apache-2.0
#include "addons/looks/calibration_shelf.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "addons/fits/detector_calibrations.h"

namespace summit::looks {
namespace {

// Which files these are: name, number, size and time of each, in the order of their names.
std::vector<std::string> StateOf(const std::string& folder) {
  std::vector<std::string> state;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    struct stat file{};
    if (stat(entry.path().c_str(), &file) != 0) continue;
    state.push_back(entry.path().filename().string() + ' ' + std::to_string(file.st_ino) + ' ' + std::to_string(file.st_size) + ' ' + std::to_string(file.st_mtim.tv_sec) + ' ' + std::to_string(file.st_mtim.tv_nsec));
  }
  std::sort(state.begin(), state.end());
  return state;
}

}  // namespace

ShelvedCalibrations CalibrationShelf::Get(const std::string& folder, const std::string& detector, const image::DetectorModel& model, int32_t threads) {
  if (folder.empty()) return {std::make_shared<image::Calibrations>(), {"no folder of calibrations was named"}};
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<Entry>& there = entries_[detector];
    if (there == nullptr) there = std::make_shared<Entry>();
    entry = there;
  }
  const std::lock_guard<std::mutex> lock(entry->mutex);
  std::vector<std::string> state = StateOf(folder + "/" + detector);
  if (entry->content.calibrations != nullptr && entry->state == state) return entry->content;
  // The old ones go first: two sets of maps are more memory than there is to spare.
  entry->content = {};
  entry->content.calibrations = fits::ReadDetectorCalibrations(folder + "/" + detector, model, threads, &entry->content.missing);
  // As it was before they were read: a file that changed meanwhile is read again with the next frame.
  entry->state = std::move(state);
  return entry->content;
}

}  // namespace summit::looks
