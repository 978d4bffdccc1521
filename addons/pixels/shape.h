// SPDX-License-Identifier: Apache-2.0
// What a star looks like beyond the fit: second moments, brightest pixel, what the model leaves over.
// Units: ADU, px. Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_SHAPE_H_
#define SUMMIT_PIXELS_SHAPE_H_

#include "addons/pixels/star_fit.h"
#include "addons/pixels/window.h"

namespace summit::pixels {

struct Shape {
  float xx = 0.0f, yy = 0.0f, xy = 0.0f;  // px^2, Gaussian-weighted, deweighted
  float ellipticity = 0.0f;               // hypot(xx - yy, 2 xy) / (xx + yy) of the weighted moments
  float ellipticity_err = 0.0f;           // 1 sigma from the noise
  float peak = 0.0f;                      // ADU above background, brightest pixel in use within one FWHM
  float g1 = 0.0f, g2 = 0.0f;             // the ellipticity as a start for StarModel
};

// Moments about the fitted centre with a round Gaussian weight of the fitted width; rejected and saturated pixels
// are replaced by the model, in `scratch` (window layout).
Shape MeasureShape(const Window& window, const uint8_t* rejected, const Fit& fit, float noise, float gain, float* scratch);

struct Leftover {
  float significance = 0.0f;  // of the strongest compact excess, in sigma of noise and model error
  float share = 0.0f;         // its 3 x 3 light over the star's central 3 x 3 light
  float light = 0.0f;         // ADU in 3 x 3
  float distance = 0.0f;      // px from the star
  int32_t row = 0, col = 0;
};

// The strongest compact source that the model leaves in `residual` (window layout) within `reach` FWHM of the star.
// What is found alike on the opposite side of the star is the profile's error and does not count.
Leftover FindLeftover(const Window& window, const uint8_t* rejected, const Fit& fit, const float* residual, float noise, float gain, float reach);

// What the model leaves in `residual` near the star, in pixels that are used: the sum of squares over their variance,
// less its expectation, in units of that sum's scatter, and over the star's signal to noise squared.
struct Misfit {
  float significance = 0.0f;
  float share = 0.0f;
};
Misfit MeasureMisfit(const Window& window, const uint8_t* rejected, const Fit& fit, const float* residual, float noise, float gain);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_SHAPE_H_
