// SPDX-License-Identifier: Apache-2.0
// Pixels of a stamp, in whatever type it has, as floats.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_READ_PIXELS_H_
#define SUMMIT_PIXELS_READ_PIXELS_H_

#include <algorithm>
#include <cstdint>

#include "addons/pixels/image_view.h"
#include "addons/pixels/simd.h"

namespace summit::pixels {

// Eight pixels of a row of 8 or more from column c on; at its end those before it, so that nothing is read beyond.
// Returns the column of the first.
template <typename T>
SUMMIT_INLINE int32_t ReadEight(const T* row, int32_t c, int32_t cols, V8* v) {
  typedef T Pixels8 __attribute__((vector_size(8 * sizeof(T)), aligned(alignof(T)), may_alias));
  const int32_t at = std::min(c, cols - 8);
  *v = __builtin_convertvector(*reinterpret_cast<const Pixels8*>(row + at), V8);
  return at;
}

// Calls `use` with the pixels in their own type.
template <typename Use>
auto WithPixels(const ImageView& image, const Use& use) {
  switch (image.type) {
    case PixelType::kI32: return use(static_cast<const int32_t*>(image.data));
    case PixelType::kU16: return use(static_cast<const uint16_t*>(image.data));
    default: return use(static_cast<const float*>(image.data));
  }
}

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_READ_PIXELS_H_
