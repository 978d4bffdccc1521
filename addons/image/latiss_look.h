// SPDX-License-Identifier: Apache-2.0
// What a LATISS frame shows: the target and its offset from the sweet spot, the other stars, and with a grating the
// zeroth order, the trace and the spectrum.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_LATISS_LOOK_H_
#define SUMMIT_IMAGE_LATISS_LOOK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "addons/image/grating.h"
#include "addons/image/sky_map.h"
#include "addons/image/spectrum.h"
#include "addons/image/star_model.h"

namespace summit::image {

enum LookFlag : uint32_t {
  kNoStar = 1u << 0,
  kBlend = 1u << 1,
  kTargetSaturated = 1u << 2,
  kEdge = 1u << 3,
  kStreak = 1u << 4,
  kSecondOrder = 1u << 5,
  kNeighbour = 1u << 6,
  kZerothAmbiguous = 1u << 7,
  kNoLines = 1u << 8,
  kLowSnr = 1u << 9,
  kHeaderNull = 1u << 10,
  kWavelengthNominal = 1u << 11,
};

struct LatissOrder {
  const Grating* grating = nullptr;  // null: not known
  double linspos_mm = 0.0;           // NaN: not known
  int32_t threads = 1;
};

struct LatissLook {
  uint32_t flags = 0;
  Star target{};
  std::vector<Star> sources{};  // target first
  Trace trace{};
  Spectrum spectrum{};
};

LatissLook LookAtLatiss(const SkyMap& map, const LatissOrder& order);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_LATISS_LOOK_H_
