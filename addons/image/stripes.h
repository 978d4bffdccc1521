// SPDX-License-Identifier: Apache-2.0
// What medians of the overscan leave in the rows and columns of a wavefront half: the same for a whole row of an amplifier,
// and for a whole column, so that its dark bins tell it.
// Thread: any. Owns: its tables.
#ifndef SUMMIT_IMAGE_STRIPES_H_
#define SUMMIT_IMAGE_STRIPES_H_

#include <cstdint>
#include <vector>

#include "addons/image/detector_model.h"
#include "addons/image/sky_map.h"

namespace summit::image {

class Stripes {
 public:
  // `lit`: one for each bin that has light in it.
  Stripes(const SkyMap& map, const std::vector<uint8_t>& lit);

  // Of a bin, electron/px above the map's sky.
  double At(int32_t bx, int32_t by) const { return rows_[AmpOf(bx) * bin_rows_ + static_cast<size_t>(by)] + columns_[static_cast<size_t>(bx)]; }

 private:
  size_t AmpOf(int32_t bx) const { return static_cast<size_t>((bx * kBin + kBin / 2) / kDataCols); }

  size_t bin_rows_;
  std::vector<double> rows_{}, columns_{};  // rows: amplifier by amplifier
};

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_STRIPES_H_
