// SPDX-License-Identifier: Apache-2.0
// The light of a donut whose circle is known: flux, middle, what is vignetted, and whether there is somebody else's.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_DONUT_LIGHT_H_
#define SUMMIT_IMAGE_DONUT_LIGHT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "addons/image/donuts.h"
#include "addons/image/sky_map.h"
#include "addons/image/stripes.h"

namespace summit::image {

// Level of the ring, electron/px: high among its bins, so that vignetted parts do not count.
double RingLevel(const SkyMap& map, double x, double y, double radius);

// Donuts whose circles are known, and the dark between them.
struct DonutField {
  DonutField(const SkyMap& map, const std::vector<Donut>& donuts);

  const std::vector<Donut>& all;  // the caller's
  std::vector<uint8_t> lit;       // bins inside one of them
  Stripes stripes;
};

// By how much the light inside a donut moves its middle, px, against one that is lit evenly, and the 1 sigma that noise alone gives.
struct Unevenness {
  double x = 0.0, y = 0.0, x_err = 0.0, y_err = 0.0;
};

// Of field.all[i]: what is told of its light. False for what is no donut.
bool MeasureLight(const SkyMap& map, const DonutField& field, size_t i, Donut* donut, Unevenness* uneven);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_DONUT_LIGHT_H_
