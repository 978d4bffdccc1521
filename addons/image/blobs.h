// SPDX-License-Identifier: Apache-2.0
// Places of a frame where there may be a star: maxima of the binned frame.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_BLOBS_H_
#define SUMMIT_IMAGE_BLOBS_H_

#include <cstdint>
#include <vector>

#include "addons/image/sky_map.h"

namespace summit::image {

struct Blob {
  double x, y;       // px of the frame
  double peak;       // electron/px above the sky, mean of 3 x 3 bins
  double sigma;      // peak in sigma of such a mean
};

// Maxima above `least_sigma`, brightest first, at most `most`, none within 1.2 `fwhm` of a brighter one. Not those of a line
// as bright on both sides (a streak, a spectrum): it has hundreds, each would be fitted, and none would be left of a star.
std::vector<Blob> FindBlobs(const SkyMap& map, double least_sigma, double fwhm, size_t most);
}  // namespace summit::image

#endif  // SUMMIT_IMAGE_BLOBS_H_
