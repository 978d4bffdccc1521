// SPDX-License-Identifier: Apache-2.0
// Where in a wavefront half there may be a donut: the binned frame answers to a ring.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_DONUT_SEARCH_H_
#define SUMMIT_IMAGE_DONUT_SEARCH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "addons/image/donuts.h"
#include "addons/image/sky_map.h"

namespace summit::image {

struct DonutPlace {
  double x, y;  // px
  double answer;
};

// Strongest first; several may belong to one donut. Where those that are known shine it is dark.
std::vector<DonutPlace> FindDonutPlaces(const SkyMap& map, std::span<const Donut> known, int32_t threads);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_DONUT_SEARCH_H_
