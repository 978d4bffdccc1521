// SPDX-License-Identifier: Apache-2.0
// Out-of-focus stars of a wavefront half: rings of light with a shadow in the middle.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_DONUTS_H_
#define SUMMIT_IMAGE_DONUTS_H_

#include <cstdint>
#include <vector>

#include "addons/image/sky_map.h"

namespace summit::image {

// px: 1.5 mm of defocus / sqrt(4 N^2 - 1) / 10 um with f 10.312 m, D 8.36 m; the shadow's share of it (ts_wep, instrument.py).
inline constexpr double kDonutRadius = 66.5, kDonutShadow = 0.612;
// mm of defocus for one px of radius.
inline constexpr double kDefocusPerPx = 0.0226;

struct Donut {
  double x = 0.0, y = 0.0;          // middle of the outer circle, px
  double x_com = 0.0, y_com = 0.0;  // of the light
  double radius = 0.0, radius_err = 0.0;
  double flux = 0.0, snr = 0.0;     // electron
  double vignetted_fraction = 0.0;  // of the ring's area
  double sep_nearest = 0.0;         // px to the nearest other donut; NaN: there is none
  int32_t n_bad = 0, n_sat = 0;
  bool edge = false, blended = false;
};

// Brightest first.
std::vector<Donut> FindDonuts(const SkyMap& map, int32_t threads);

// Median radius of those that stand alone, and its error; NaN below one.
struct SensorRadius {
  double radius = 0.0, err = 0.0;
  int32_t n = 0;
};
SensorRadius TypicalRadius(const std::vector<Donut>& donuts);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_DONUTS_H_
