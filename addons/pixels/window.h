// SPDX-License-Identifier: Apache-2.0
// The piece of a stamp that is measured: float pixels in a fixed workspace, with what the copy learned.
// Thread: one at a time. Owns: its pixels.
#ifndef SUMMIT_PIXELS_WINDOW_H_
#define SUMMIT_PIXELS_WINDOW_H_

#include <cstdint>

#include "addons/pixels/image_view.h"
#include "addons/pixels/measurement.h"

namespace summit::pixels {

// Largest side that is measured as a whole; larger ROIs are searched first (search.h).
inline constexpr int32_t kWindowSide = 64;
inline constexpr int32_t kWindowStride = 64;

// Why a pixel takes no part.
inline constexpr uint8_t kMaskSaturated = 1;  // saturated, or beside a saturated pixel
inline constexpr uint8_t kMaskDefect = 2;     // part of a column with sharp sides (structure.h)

struct Window {
  alignas(64) float pixels[kWindowSide * kWindowStride];    // ADU, structure removed as the chain goes on
  alignas(64) uint8_t masked[kWindowSide * kWindowStride];  // 0 or a reason above
  int32_t rows = 0;
  int32_t cols = 0;
  int32_t row0 = 0;  // where it begins in the ROI
  int32_t col0 = 0;
  int32_t saturated = 0;
  int32_t defective = 0;

  float* Row(int32_t row) { return pixels + row * kWindowStride; }
  const float* Row(int32_t row) const { return pixels + row * kWindowStride; }
  const uint8_t* MaskRow(int32_t row) const { return masked + row * kWindowStride; }
};

// Value of one pixel; raw stamps are decoded before.
float PixelAt(const ImageView& image, int32_t row, int32_t col);

// Copies rows x cols pixels from (row0, col0), which must lie inside the image, and masks saturation.
void CopyWindow(const ImageView& image, int32_t row0, int32_t col0, int32_t rows, int32_t cols, int32_t saturation, Window* out);

// Whether a stamp can be trusted at all; kNone if so. Looks at every pixel up to kWindowSide x kWindowSide, and
// at a sample of every row of a larger one.
FaultReason CheckIntegrity(const ImageView& image);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_WINDOW_H_
