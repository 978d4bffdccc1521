// SPDX-License-Identifier: Apache-2.0
// The measuring chain for one sensor's stamps: integrity, structure removal, detection, fit, flags.
// Thread: one at a time per StampMeasurer; separate objects are independent.
// Owns: its workspace, allocated once in Create and never grown: Measure does not allocate, lock or read
//   a clock, and gives the same answer for the same history of stamps.
#ifndef SUMMIT_PIXELS_MEASURE_H_
#define SUMMIT_PIXELS_MEASURE_H_

#include <cstdint>
#include <memory>

#include "addons/pixels/calibration.h"
#include "addons/pixels/image_view.h"
#include "addons/pixels/measurement.h"

namespace summit::pixels {

struct MeasureSettings {
  int32_t max_rows = 400;
  int32_t max_cols = 400;
  float gain = 1.0f;             // electron per ADU
  float read_noise = 0.0f;       // electron; 0: estimate it from the pixels
  int32_t saturation = 262143;   // ADU, raw: a pixel at or above it is saturated
  float expected_fwhm = 4.0f;    // px, start of the running width
  int32_t raw_segment = 0;       // which of the 16 segments of a raw stamp is measured (plane index 0..15)
  bool bad_amp = false;          // sets kBadAmp in every result
  bool calibrated = false;       // calibrations are due: without all of them results carry kUncalibrated
};

// Where the star is expected; without it the whole ROI is searched.
struct Prediction {
  bool valid = false;
  double x = 0.0;       // px
  double y = 0.0;       // px
  double radius = 0.0;  // px, 3 sigma of the prediction
};

class StampMeasurer {
 public:
  // nullptr when a setting makes no sense (size outside 1..4096, gain <= 0, negative or NaN noise).
  static std::unique_ptr<StampMeasurer> Create(const MeasureSettings& settings) noexcept;
  ~StampMeasurer();
  StampMeasurer(const StampMeasurer&) = delete;
  StampMeasurer& operator=(const StampMeasurer&) = delete;

  // Measures one stamp. Never fails: a stamp that cannot be measured gives flags and NaN.
  Measurement Measure(const ImageView& image, const Prediction& prediction) noexcept;

  // Calibrations of the ROI from the next stamp on, prepared (calibration.h); they must outlive their use. Null, or of
  // another size than the stamp: none.
  void Use(const Calibration* calibration) noexcept;

  // Another amplifier is read out from the next stamp on: electron/ADU above 0, electron (0: estimated from the pixels).
  // Values that make no sense change nothing.
  void SetAmplifier(float gain, float read_noise) noexcept;

  // Forgets what earlier stamps taught (column model, running width): call at series start.
  void Reset() noexcept;

 private:
  struct State;
  explicit StampMeasurer(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_MEASURE_H_
