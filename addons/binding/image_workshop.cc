// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/image_workshop.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "addons/fits/detector_calibrations.h"
#include "addons/fits/isr_file.h"
#include "addons/looks/image_report.h"
#include "addons/looks/preview.h"

namespace summit::binding {
namespace {

class Stopwatch {
 public:
  // ms since the last call.
  double Lap() {
    const auto now = std::chrono::steady_clock::now();
    const double ms = std::chrono::duration<double, std::milli>(now - last_).count();
    last_ = now;
    return ms;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

ImageWorkshop::Detector& ImageWorkshop::DetectorOf(const fits::RawImage& raw) {
  const auto known = std::find_if(detectors_.begin(), detectors_.end(), [&](const Detector& one) { return one.name == raw.detector; });
  if (known != detectors_.end()) {
    detectors_.splice(detectors_.begin(), detectors_, known);
    return detectors_.front();
  }
  // The old one goes first: two sets of LATISS's maps are more memory than this is worth.
  while (detectors_.size() >= kMostDetectors) detectors_.pop_back();
  Detector fresh;
  fresh.name = raw.detector;
  if (settings_.calibrations.empty()) {
    fresh.calibrations = std::make_shared<image::Calibrations>();
    fresh.missing.emplace_back("no folder of calibrations was named");
  } else {
    fresh.calibrations = fits::ReadDetectorCalibrations(settings_.calibrations + "/" + raw.detector, *raw.model, settings_.isr.threads, &fresh.missing);
  }
  fresh.isr = std::make_unique<image::Isr>(*raw.model, fresh.calibrations, settings_.isr);
  detectors_.push_front(std::move(fresh));
  return detectors_.front();
}

bool ImageWorkshop::Process(const std::string& path, const std::string& isr_path, WorkshopResult* result, std::string* problem) {
  const std::lock_guard<std::mutex> one_at_a_time(mutex_);
  looks::ImageTimes times;
  Stopwatch watch;
  if (!fits::ReadRawImage(path, &raw_, problem)) return false;
  times.read_ms = watch.Lap();
  Detector& detector = DetectorOf(raw_);
  times.calibrations_ms = watch.Lap();
  detector.isr->Run(raw_.planes.data(), raw_.header.Number("DARKTIME"), &frame_);
  times.isr_ms = watch.Lap();
  if (!isr_path.empty() && !fits::WriteIsrFile(isr_path, raw_.header, frame_, problem)) return false;
  times.write_ms = watch.Lap();
  MakeSkyMap(frame_, settings_.isr.threads, &sky_);
  result->cols = sky_.bin_cols;
  result->rows = sky_.bin_rows;
  looks::DrawPreview(sky_, &result->preview);
  result->report = looks::ImageReport({raw_, frame_, sky_, detector.missing, settings_.isr.threads}, &times);
  return true;
}

}  // namespace summit::binding
