// SPDX-License-Identifier: Apache-2.0
// What a star looks like beyond the fit: second moments, light in an aperture, what the model leaves over.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_SHAPE_H_
#define SUMMIT_PIXELS_SHAPE_H_

#include "addons/pixels/moffat_fit.h"
#include "addons/pixels/window.h"

namespace summit::pixels {

struct Shape {
  float xx = 0.0f, yy = 0.0f, xy = 0.0f;  // px^2, Gaussian-weighted, deweighted
  float ellipticity = 0.0f;               // hypot(xx - yy, 2 xy) / (xx + yy)
  float ellipticity_err = 0.0f;           // 1 sigma from the noise
  float peak = 0.0f;                      // ADU above background, brightest unmasked pixel within one FWHM
};

// Moments about the fitted centre with a round Gaussian weight of the fitted width.
Shape MeasureShape(const Window& window, const Fit& fit, float noise);

struct Leftover {
  float significance = 0.0f;  // of the strongest compact excess, in sigma of noise and model error
  float share = 0.0f;         // its flux over the star's
  float distance = 0.0f;      // px from the star
};

// The strongest compact source that the model leaves in `residual` (window layout) within 3.5 FWHM of the star.
Leftover FindLeftover(const Window& window, const Fit& fit, const float* residual, float noise, float gain);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_SHAPE_H_
