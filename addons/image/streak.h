// SPDX-License-Identifier: Apache-2.0
// A satellite's streak across a star: the same light along a line on both sides of it.
// Thread: any. Owns: its profile.
#ifndef SUMMIT_IMAGE_STREAK_H_
#define SUMMIT_IMAGE_STREAK_H_

#include <cstdint>
#include <vector>

#include "addons/image/sky_map.h"

namespace summit::image {

struct Streak {
  bool found = false;
  double x = 0.0, y = 0.0, angle = 0.0;  // a place it is told from; radian from x to y
  double first = 0.0;                    // px across, of profile[0]
  std::vector<double> profile{};         // electron above the sky, one a px across

  // Its light at a place.
  double Light(double at_x, double at_y) const;
};

// Looks from 2.2 to 7 times `fwhm` around a place, beyond the star itself.
Streak FindStreak(const SkyMap& map, double x, double y, double fwhm);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_STREAK_H_
