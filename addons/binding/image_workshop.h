// SPDX-License-Identifier: Apache-2.0
// One raw frame after the other: read, freed of the instrument's signature, looked at.
// Thread: any; frames wait for each other. Owns: calibrations of the detectors seen last, and the frame's memory.
#ifndef SUMMIT_BINDING_IMAGE_WORKSHOP_H_
#define SUMMIT_BINDING_IMAGE_WORKSHOP_H_

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "addons/fits/raw_image_file.h"
#include "addons/image/calibrations.h"
#include "addons/image/isr.h"
#include "addons/image/sky_map.h"

namespace summit::binding {

struct WorkshopSettings {
  std::string calibrations{};  // folder of folders by detector; "": none
  image::IsrSettings isr{};
};

struct WorkshopResult {
  std::string report{};  // JSON
  std::vector<uint8_t> preview{};
  int32_t cols = 0, rows = 0;
};

class ImageWorkshop {
 public:
  explicit ImageWorkshop(WorkshopSettings settings) : settings_(std::move(settings)) {}

  // False with one sentence, the path in it.
  bool Process(const std::string& path, const std::string& isr_path, WorkshopResult* result, std::string* problem);

 private:
  struct Detector {
    std::string name;
    std::shared_ptr<const image::Calibrations> calibrations;
    std::vector<std::string> missing;
    std::unique_ptr<image::Isr> isr;
  };

  Detector& DetectorOf(const fits::RawImage& raw);

  // Two: the halves of a wavefront sensor come in turn.
  static constexpr size_t kMostDetectors = 2;

  const WorkshopSettings settings_;
  std::mutex mutex_{};
  std::list<Detector> detectors_{};  // the latest first
  fits::RawImage raw_{};
  image::IsrImage frame_{};
  image::SkyMap sky_{};
};

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_IMAGE_WORKSHOP_H_
