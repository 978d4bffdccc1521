// SPDX-License-Identifier: Apache-2.0
// Where the light of a donut ends, outside and in its shadow, direction by direction.
// Thread: any. Owns: the light around it.
#ifndef SUMMIT_IMAGE_DONUT_EDGES_H_
#define SUMMIT_IMAGE_DONUT_EDGES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "addons/image/donut_circle.h"
#include "addons/image/sky_map.h"

namespace summit::image {

inline constexpr int32_t kAngles = 72;
struct Direction {
  double c, s;
};
// Every degree, from x to y.
const std::array<Direction, 360>& Directions();

// What lies around a place, above the sky; NaN for what is not on the CCD or cannot be believed.
class DonutLight {
 public:
  // How far from the place it may be asked for.
  static constexpr int32_t kReach = 140;

  DonutLight(const SkyMap& map, double x, double y);

  float Value(float x, float y) const {
    const auto col = static_cast<int32_t>(x - static_cast<float>(x0_) + 0.5f), row = static_cast<int32_t>(y - static_cast<float>(y0_) + 0.5f);
    return values_[static_cast<size_t>(row * kSide + col)];
  }

 private:
  static constexpr int32_t kSide = 2 * kReach + 1;
  int32_t x0_, y0_;
  std::vector<float> values_;
};

struct Edges {
  std::vector<EdgePoint> outer{}, inner{};
  int32_t on_ccd = 0;  // directions whose outer edge would lie on the CCD
};

// Around a middle at most half a donut from the light's; `level`: of the ring.
Edges EdgesOf(const SkyMap& map, const DonutLight& light, double x, double y, double radius, double level);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_DONUT_EDGES_H_
