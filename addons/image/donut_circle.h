// SPDX-License-Identifier: Apache-2.0
// The outer circle of a donut through the places where its light ends, of which a vignetted part has some elsewhere.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_DONUT_CIRCLE_H_
#define SUMMIT_IMAGE_DONUT_CIRCLE_H_

#include <cstdint>
#include <vector>

namespace summit::image {

struct Circle {
  double x, y, radius, err;
  int32_t n;
  bool good;
};

struct EdgePoint {
  double x, y, weight;
};

// The circle that most points agree on (M. Fischler and R. Bolles, Comm. ACM 24, 381, 1981): the edge of a vignetted part
// lies on another one. `inner`: where the shadow in the middle ends, which is concentric with it.
Circle FitCircle(std::vector<EdgePoint> points, const std::vector<EdgePoint>& inner);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_DONUT_CIRCLE_H_
