// SPDX-License-Identifier: Apache-2.0
// Calibrations of detectors, read once and again when their files are others: whoever asks gets what lies there now.
// Thread: any; who asks for a detector that is being read waits for it.
// Owns: what it read; who got it shares it.
#ifndef SUMMIT_LOOKS_CALIBRATION_SHELF_H_
#define SUMMIT_LOOKS_CALIBRATION_SHELF_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "addons/image/calibrations.h"
#include "addons/image/detector_model.h"

namespace summit::looks {

struct ShelvedCalibrations {
  std::shared_ptr<const image::Calibrations> calibrations;
  std::vector<std::string> missing;  // sentences
};

class CalibrationShelf {
 public:
  CalibrationShelf() = default;
  CalibrationShelf(const CalibrationShelf&) = delete;
  CalibrationShelf& operator=(const CalibrationShelf&) = delete;

  // `folder` has a folder for each detector; "": there are none. The same files under another folder are not read again.
  ShelvedCalibrations Get(const std::string& folder, const std::string& detector, const image::DetectorModel& model, int32_t threads);

 private:
  struct Entry {
    std::mutex mutex{};
    std::vector<std::string> state{};  // of its files when it was read
    ShelvedCalibrations content{};
  };
  std::mutex mutex_{};
  std::map<std::string, std::shared_ptr<Entry>> entries_{};
};

}  // namespace summit::looks

#endif  // SUMMIT_LOOKS_CALIBRATION_SHELF_H_
