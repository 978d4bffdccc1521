// SPDX-License-Identifier: Apache-2.0
// Maximum-likelihood fit of a star (profile.h): damped Gauss-Newton with weights 1 / (noise^2 + model / gain), the
// chi2 that the Cramer-Rao bound is derived from, so that its inverse Hessian gives the errors. Gaussian priors on
// ln width, blend and background.
// Thread: any; a Fitter holds the masks of one fit. Owns: nothing.
#ifndef SUMMIT_PIXELS_STAR_FIT_H_
#define SUMMIT_PIXELS_STAR_FIT_H_

#include <cstdint>

#include "addons/pixels/profile.h"
#include "addons/pixels/search_area.h"
#include "addons/pixels/window.h"

namespace summit::pixels {

// What a pixel's entry in FitImages::rejected can say.
inline constexpr uint8_t kOutlier = 1;   // of the last fit; the next one judges anew
inline constexpr uint8_t kKnownBad = 2;  // no star's light, whatever the fit

struct FitSettings {
  float noise = 1.0f;               // ADU, background noise per pixel
  float gain = 1.0f;                // electron per ADU
  float fwhm = 4.0f;                // px, expected
  float fwhm_scatter = 0.35f;       // of ln(fwhm), 1 sigma prior
  float background_scatter = 1.0f;  // ADU, 1 sigma prior of what structure removal left
  float blend = kUsualBlend;        // expected
  float blend_scatter = kBlendScatter;
  // Pixels that take part: within `reach` px of (box_x, box_y), so that fits of different models can be compared;
  // reach 0: as the model needs.
  float box_x = 0.0f, box_y = 0.0f, reach = 0.0f;
  SearchArea area;        // of two stars that are fitted at once the one in it is meant; of two in it the brighter one
  float settled = 0.1f;   // largest step, in errors of what it moves, after which a fit ends
};

struct Fit {
  StarModel star;
  float fwhm = 0.0f;              // px
  float ex = 0.0f, ey = 0.0f;     // px, 1 sigma, all parameters free
  float flux_err = 0.0f;          // ADU, 1 sigma, all parameters free
  float snr = 0.0f;               // matched filter: flux over its error with all else known
  float chi2 = 0.0f;              // reduced, over the box
  float misfit = 1.0f;            // scale of the core's residuals over their expected noise, at least 1
  int32_t used = 0;               // pixels
  int32_t masked = 0;             // outliers left out, saturation not counted
  int32_t masked_core = 0;        // of these, within 0.8 FWHM of the centre
  int32_t saturated_core = 0;     // masked for saturation within 0.8 FWHM
  float seen = 1.0f;              // share of the star's information that falls on pixels in use
  int32_t iterations = 0;
  bool converged = false;
  bool left = false;              // walked out of the window or collapsed
};

// What the fit reads. All images have the window's layout.
struct FitImages {
  const Window* window = nullptr;   // pixels and saturation mask
  const float* capped = nullptr;    // the first steps are taken here, hot pixels cut down; may be null
  uint8_t* rejected = nullptr;      // kOutlier, kKnownBad or 0; this fit's outliers replace the former ones
};

// Fits the star that starts as `start` (background, blend and shape included). With `elliptical` its shape is free.
Fit FitStar(const FitImages& images, const FitSettings& settings, const StarModel& start, bool elliptical);

// How far from the star a pixel has at least `faint` ADU of its light, px.
int32_t LightReach(const StarModel& star, float faint);

// light = the star's light in the pixels of `box`, in the window's layout.
void RenderStar(const StarModel& star, const Box& box, float* light);

// residual = pixels - light in `box`.
void SubtractLight(const float* pixels, const float* light, const Box& box, float* residual);

// residual = pixels - star in `box`; the background stays.
void SubtractStar(const float* pixels, const StarModel& star, const Box& box, float* residual);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_STAR_FIT_H_
