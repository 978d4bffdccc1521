// SPDX-License-Identifier: Apache-2.0
// Flux through an aperture, made good for the light outside it. A fit's flux follows its profile and the column and
// row offsets that took part of the light; this one does not: its weights are free of every column's and row's mean.
// Units: ADU, px. Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_APERTURE_H_
#define SUMMIT_PIXELS_APERTURE_H_

#include <cstdint>

#include "addons/pixels/star_fit.h"
#include "addons/pixels/window.h"

namespace summit::pixels {

struct ApertureFlux {
  float flux = 0.0f;   // ADU, of the whole star
  float error = 0.0f;  // ADU, 1 sigma: photons, read noise, offsets of columns and rows, and the unseen light outside
  float radius = 0.0f; // px
  float widening = 0.0f;  // what is left to add to the ln of the fit's width once the offsets are out
  bool valid = false;  // false: too little of the aperture is inside the window, the fit's flux stands
};

// `window`: structure removed and other stars taken out; pixels in `rejected` and masked ones count as the fit's star.
ApertureFlux MeasureAperture(const Window& window, const uint8_t* rejected, const Fit& fit, float noise, float gain);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_APERTURE_H_
