// SPDX-License-Identifier: Apache-2.0
// Maximum-likelihood fit of a round Moffat profile (beta = 3) with free position, flux, width and background:
// damped Gauss-Newton with weights 1 / (noise^2 + model / gain). Method in facts of the field: the same chi2 that
// the Cramer-Rao bound is derived from, so its inverse Hessian gives the errors.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_MOFFAT_FIT_H_
#define SUMMIT_PIXELS_MOFFAT_FIT_H_

#include <cstdint>

#include "addons/pixels/window.h"

namespace summit::pixels {

struct FitSettings {
  float noise = 1.0f;          // ADU, background noise per pixel
  float gain = 1.0f;           // electron per ADU
  float fwhm = 4.0f;           // px, expected
  float fwhm_scatter = 0.3f;   // of ln(fwhm), 1 sigma prior
  float background_scatter = 1.0f;  // ADU, 1 sigma prior of what structure removal left
  bool mask_outliers = true;
};

struct Fit {
  float x = 0.0f, y = 0.0f;       // px in the window
  float flux = 0.0f;              // ADU
  float fwhm = 0.0f;              // px
  float background = 0.0f;        // ADU
  float ex = 0.0f, ey = 0.0f;     // px, 1 sigma
  float flux_err = 0.0f;          // ADU, 1 sigma, all parameters free
  float snr = 0.0f;               // matched filter: flux over its error with all else known
  float chi2 = 0.0f;              // reduced, over the box
  int32_t used = 0;               // pixels
  int32_t masked = 0;             // outliers left out, saturation not counted
  int32_t masked_core = 0;        // of these, within one FWHM of the centre
  int32_t saturated_core = 0;     // masked for saturation within one FWHM
  int32_t iterations = 0;
  bool converged = false;
  bool left = false;              // walked out of the window or collapsed
};

// Fits the star near (x, y) of the window; `flux` is a first guess in ADU.
Fit FitMoffat(const Window& window, const FitSettings& settings, float x, float y, float flux);

// Subtracts the fitted star from the window's pixels into `residual` (window layout).
void SubtractStar(const Window& window, const Fit& fit, float* residual);

// Flux-normalized profile, averaged over the pixel, at a distance; for aperture corrections.
float MoffatPixel(float fwhm, float dx, float dy);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_MOFFAT_FIT_H_
