// SPDX-License-Identifier: Apache-2.0
// A Moffat star (A&A 3, 455, 1969), or two of one shape, fitted to the pixels around a place.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_STAR_MODEL_H_
#define SUMMIT_IMAGE_STAR_MODEL_H_

#include <cstdint>

#include "addons/image/sky_map.h"
#include "addons/image/streak.h"

namespace summit::image {

struct StarGuess {
  double x = 0.0, y = 0.0, fwhm = 10.0;
  double beta = 0.0;  // 0: fitted where the star is bright enough
  int32_t radius = 0;  // px, of the fitted circle; 0: 3 FWHM
  const Streak* streak = nullptr;  // its light is taken off
};

struct Star {
  bool found = false;
  double x = 0.0, y = 0.0, x_err = 0.0, y_err = 0.0;  // px
  double flux = 0.0, flux_err = 0.0;                  // electron
  double fwhm = 0.0, fwhm_err = 0.0;                  // px, geometric mean of the axes
  double fwhm_x = 0.0, fwhm_y = 0.0;                  // px, of cuts along x and y
  double beta = 0.0, e1 = 0.0, e2 = 0.0, sky = 0.0, peak = 0.0, chi2 = 0.0, snr = 0.0;
  int32_t n_full = 0;    // saturated pixels
  bool edge = false;     // the circle is cut by the border
  bool blend = false;    // a second star was fitted along
  double second_x = 0.0, second_y = 0.0, second_flux = 0.0;
};

Star FitStar(const SkyMap& map, const StarGuess& guess);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_STAR_MODEL_H_
