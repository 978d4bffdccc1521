// SPDX-License-Identifier: Apache-2.0
// Instrument signature removal of a full frame: from segment planes to the assembled CCD in electron, with mask and
// variance. Order and formulas are those of LSST's ip_isr (isrTaskLSST.py); every step may be switched off, and one
// whose calibration is missing is left out and told.
// Thread: one Run at a time per object; it works on as many threads as it is told and returns when all are done.
// Owns: its scratch memory, allocated when it is made.
#ifndef SUMMIT_IMAGE_ISR_H_
#define SUMMIT_IMAGE_ISR_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "addons/image/calibrations.h"
#include "addons/image/detector_model.h"
#include "addons/image/overscan.h"

namespace summit::image {

enum class IsrStep : uint8_t { kSerialOverscan, kSaturation, kGain, kCrosstalk, kParallelOverscan, kLinearity, kBias, kDark, kDefects, kVariance, kFlat, kInterpolation };
inline constexpr size_t kIsrSteps = 12;

// Steps by number.
struct StepSet {
  std::array<bool, kIsrSteps> on{};

  bool operator[](IsrStep step) const { return on[static_cast<size_t>(step)]; }
  void Set(IsrStep step, bool value) { on[static_cast<size_t>(step)] = value; }
};

struct IsrSettings {
  IsrSettings();

  StepSet steps;  // all but interpolation
  int32_t threads = 1;
  double nominal_gain = 0.0;        // electron/adu where the calibrations have none; 0: the model's
  double nominal_read_noise = 0.0;  // electron; 0: the model's
  double saturation = 142857.0;     // adu, the camera model's, where the photon transfer curve has no turn-off
};

// What became of a frame beside its pixels.
struct AmpReport {
  float overscan = 0.0f;    // adu, the typical level
  float read_noise = 0.0f;  // electron, of the serial overscan
  float gain = 0.0f;        // electron/adu, as used
  int32_t filled_columns = 0;
  int32_t saturated = 0;    // pixels
  bool lit_overscan = false;  // light in the parallel overscan: none was subtracted
};

struct IsrImage {
  const DetectorModel* model = nullptr;
  std::vector<float> image{}, variance{};  // electron, electron^2; the latter empty without its step
  std::vector<int32_t> mask{};
  StepSet applied{};
  bool nominal_gain = false;  // of one amplifier at least
  std::array<AmpReport, kMostAmps> amps{};
};

class Isr {
 public:
  Isr(const DetectorModel& model, std::shared_ptr<const Calibrations> calibrations, const IsrSettings& settings);
  ~Isr();
  Isr(const Isr&) = delete;
  Isr& operator=(const Isr&) = delete;

  // `planes`: segment planes of the model. `dark_seconds`: DARKTIME; below 0 or NaN: not known, no dark is subtracted.
  // `out` keeps its memory from frame to frame.
  void Run(const int32_t* planes, double dark_seconds, IsrImage* out);

 private:
  struct Amp {
    float gain, saturation_adu, noise_squared, crosstalk_middle;
  };
  struct Lane;  // scratch of one thread

  void PrepareAmps(IsrImage* out);
  void MeasureOverscans(const int32_t* planes, IsrImage* out);
  void MeasureCrosstalkMiddles(const int32_t* planes);
  bool IsLit(const int32_t* planes, int32_t amp, OverscanScratch* scratch) const;
  void CorrectedRow(const int32_t* planes, int32_t row, Lane* lane) const;
  void FinishRow(int32_t row, Lane* lane, IsrImage* out) const;
  void MarkDefects(IsrImage* out) const;
  void MarkRuns(const std::vector<MaskRun>& runs, IsrImage* out) const;
  Lane* LaneOf(int32_t part);

  const DetectorModel& model_;
  const std::shared_ptr<const Calibrations> calibrations_;
  const IsrSettings settings_;
  StepSet now_{};
  float dark_seconds_ = 0.0f;
  std::vector<float> crosstalk_{}, crosstalk_square_{};
  std::array<Amp, kMostAmps> amps_{};
  std::vector<SerialOverscan> serial_;
  std::vector<ParallelOverscan> parallel_;
  std::vector<Lane> lanes_;
  std::vector<float> bottom_;  // rows of the parallel overscan of all amplifiers, electron
  std::vector<float> sample_;  // what crosstalk takes away, in some rows
};

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_ISR_H_
