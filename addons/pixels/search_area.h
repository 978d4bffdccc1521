// SPDX-License-Identifier: Apache-2.0
// Where in a window the star is expected. Thread: plain data. Owns: nothing.
#ifndef SUMMIT_PIXELS_SEARCH_AREA_H_
#define SUMMIT_PIXELS_SEARCH_AREA_H_

#include <cmath>

namespace summit::pixels {

// A square of window pixels; radius 0: everywhere.
struct SearchArea {
  float x = 0.0f;
  float y = 0.0f;
  float radius = 0.0f;

  // A star found there may lie a pixel outside.
  bool Holds(float at_x, float at_y) const {
    return radius <= 0.0f || (std::fabs(at_x - x) <= radius + 1.0f && std::fabs(at_y - y) <= radius + 1.0f);
  }
};

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_SEARCH_AREA_H_
