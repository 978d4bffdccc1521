// SPDX-License-Identifier: Apache-2.0
// One candidate, from place to measured star: fit, offsets without the star, fit again, neighbours, shape.
// Thread: one at a time per Examiner. Owns: its workspace.
#ifndef SUMMIT_PIXELS_EXAMINE_H_
#define SUMMIT_PIXELS_EXAMINE_H_

#include "addons/pixels/detect.h"
#include "addons/pixels/double_fit.h"
#include "addons/pixels/shape.h"
#include "addons/pixels/star_fit.h"
#include "addons/pixels/structure.h"
#include "addons/pixels/window.h"

namespace summit::pixels {

struct Source {
  Fit fit;
  Shape shape;
  Structure structure;
  bool accepted = false;
  bool certain = false;    // not taken for a star by chance; the caller's to say
  bool blended = false;    // a neighbour that was fitted along, or could not be
  bool pair = false;       // two stars were fitted; `fit` is the brighter one
  bool trail = false;      // a trail was fitted
  bool elliptical = false; // the shape or a trail was fitted
  float doubt_x = 0.0f, doubt_y = 0.0f;  // px, from the fitted star to the answer: a place between two readings
  float flux = 0.0f, flux_err = 0.0f;  // ADU, through an aperture (a trail: of the fit)
  float ex = 0.0f, ey = 0.0f;  // px, 1 sigma: the fit's and what the offsets of columns and rows cost
};

struct ExamineSettings {
  float gain = 1.0f;           // electron per ADU
  float fwhm = 4.0f;           // px, expected
  float fwhm_scatter = 0.35f;  // of its logarithm
  SearchArea area;             // where the star is expected
};

class Examiner {
 public:
  // `window`: structure removed, as `structure` says; `capped`: its hot pixels cut down (Detector::capped).
  Source Examine(const Window& window, const Structure& structure, const float* capped, const ColumnModel& model, const ExamineSettings& settings,
                 const Candidate& candidate);

 private:
  bool FitAndRefine(const Window& window, const float* capped, const ColumnModel& model, const FitSettings& fit_settings, const StarModel& start, Source* source);
  void ExplainLeftover(const FitSettings& settings, const Leftover& leftover, Source* source);
  void ExplainElongation(const FitSettings& settings, Source* source);
  void TakePair(const DoubleFit& pair, float noise, Source* source);
  static void Place(const DoubleFit& pair, Source* source);
  void RejectAround(const Leftover& leftover, const Fit& fit, float noise, float gain);

  Window refined_;
  bool lit_ = false;  // light_ is that of the star as fitted
  alignas(64) float light_[kWindowSide * kWindowStride + kLoadSlack];
  alignas(64) float residual_[kWindowSide * kWindowStride + kLoadSlack];
  alignas(64) uint8_t rejected_[kWindowSide * kWindowStride];
  alignas(64) uint8_t other_rejected_[kWindowSide * kWindowStride];
  alignas(64) uint8_t trail_rejected_[kWindowSide * kWindowStride];
};

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_EXAMINE_H_
