// SPDX-License-Identifier: Apache-2.0
// Fills masked pixels along their row from the good ones beside them.
// Thread: the caller waits for those it uses. Owns: nothing.
#ifndef SUMMIT_IMAGE_INTERPOLATE_H_
#define SUMMIT_IMAGE_INTERPOLATE_H_

#include <cstdint>

#include "addons/image/isr.h"

namespace summit::image {

// Pixels with any of `bits`, and the one beside a saturated one, get the straight line between the nearest good pixels
// of the row (at its end, the nearest one), and kInterpolated. Variance likewise. A row without a good pixel stays.
void InterpolateRows(int32_t bits, int32_t threads, IsrImage* image);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_INTERPOLATE_H_
