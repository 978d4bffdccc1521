// SPDX-License-Identifier: Apache-2.0
// The piece of a stamp that is measured: float pixels in a fixed workspace, with what the copy learned.
// Thread: one at a time. Owns: its pixels.
#ifndef SUMMIT_PIXELS_WINDOW_H_
#define SUMMIT_PIXELS_WINDOW_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "addons/pixels/image_view.h"
#include "addons/pixels/measurement.h"

namespace summit::pixels {

// Largest side that is measured as a whole; larger ROIs are searched first (search.h).
inline constexpr int32_t kWindowSide = 64;
inline constexpr int32_t kWindowStride = 64;
// Pixels beyond the last row, for loops that read eight at a time.
inline constexpr int32_t kLoadSlack = 8;

// Noise that rounding alone makes, ADU: of whole numbers, as an ADC gives them, else of floats of a magnitude.
inline float RoundingNoise(bool whole, float magnitude) { return whole ? 0.3f : 0.3f * 1.1920929e-7f * magnitude; }

// A rectangle of the window; `cols` is a multiple of eight and may reach beyond the window, not beyond the stride.
struct Box {
  int32_t row0, rows, col0, cols;
};

// Why a pixel takes no part.
inline constexpr uint8_t kMaskSaturated = 1;  // saturated, or beside a saturated pixel
inline constexpr uint8_t kMaskDefect = 2;     // part of a column with sharp sides (structure.h)
inline constexpr uint8_t kMaskHit = 4;        // too sharp for starlight (tracks.h)

struct Window {
  alignas(64) float pixels[kWindowSide * kWindowStride + kLoadSlack];    // ADU, structure removed as the chain goes on
  alignas(64) uint8_t masked[kWindowSide * kWindowStride];  // 0 or a reason above
  int32_t rows = 0;
  int32_t cols = 0;
  int32_t row0 = 0;  // where it begins in the ROI
  int32_t col0 = 0;
  int32_t saturated = 0;
  int32_t defective = 0;
  float least_noise = 0.3f;  // ADU: what rounding the values alone makes

  float* Row(int32_t row) { return pixels + row * kWindowStride; }
  const float* Row(int32_t row) const { return pixels + row * kWindowStride; }
  const uint8_t* MaskRow(int32_t row) const { return masked + row * kWindowStride; }
};

// The pixels within `reach` px of a place.
inline Box BoxAt(const Window& w, float at_x, float at_y, int32_t reach) {
  const int32_t x = static_cast<int32_t>(std::lround(at_x)), y = static_cast<int32_t>(std::lround(at_y));
  Box box;
  box.row0 = std::clamp(y - reach, 0, w.rows - 1);
  box.rows = std::clamp(y + reach + 1, box.row0 + 1, w.rows) - box.row0;
  box.col0 = std::clamp(x - reach, 0, w.cols - 1);
  const int32_t end = std::clamp(x + reach + 1, box.col0 + 1, w.cols);
  box.cols = (end - box.col0 + 7) / 8 * 8;
  // The padded box must stay inside the stride.
  box.col0 = std::min(box.col0, kWindowStride - box.cols);
  return box;
}

// What the chain needs of a view to read it at all.
FaultReason CheckGeometry(const ImageView& image);

// Copies rows x cols pixels (10 or more each) from (row0, col0), which must lie inside the image, and masks
// saturation. Says whether these pixels can be trusted.
FaultReason CopyWindow(const ImageView& image, int32_t row0, int32_t col0, int32_t rows, int32_t cols, int32_t saturation, Window* out);

// These pixels will be copied soon: has the processor fetch them meanwhile.
void Expect(const ImageView& image, int32_t row0, int32_t col0, int32_t rows, int32_t cols);

// Whether a stamp that is not measured as a whole can be trusted, by a sample of each of its rows.
FaultReason SampleIntegrity(const ImageView& image);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_WINDOW_H_
