// SPDX-License-Identifier: Apache-2.0
// Maximum-likelihood fit of two stars of one width at once: what a single star's fit leaves over may be a neighbour.
// The same for a trail. Units: ADU, px. Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_DOUBLE_FIT_H_
#define SUMMIT_PIXELS_DOUBLE_FIT_H_

#include <cstdint>

#include "addons/pixels/star_fit.h"

namespace summit::pixels {

struct DoubleFit {
  Fit main;             // the brighter one, or the only one where a star is expected; errors with the other one free
  StarModel neighbour;
  float neighbour_snr = 0.0f;   // its flux over its error, all parameters free
  float flux_difference = 0.0f; // main less neighbour, in units of its error; infinite where the place decided
  bool valid = false;           // converged to two different stars
};

// Starts at `one` and `two`; `rejected` as in FitImages. The width is held near that of `one` by `settings`.
DoubleFit FitTwoStars(const Window& window, const FitSettings& settings, const StarModel& one, const StarModel& two, uint8_t* rejected);

// Fits a trail of half length (hx, hy) to start with: a star that moved evenly during the exposure. The position is
// the middle of the trail; fit.left when it does not settle on one.
Fit FitTrail(const Window& window, const FitSettings& settings, const StarModel& start, float hx, float hy, uint8_t* rejected);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_DOUBLE_FIT_H_
