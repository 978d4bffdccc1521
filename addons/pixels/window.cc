// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/window.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace summit::pixels {
namespace {

constexpr float kAdcMax = 262143.0f;
// A run of as many rows without any variation is no sky: the read noise alone varies.
constexpr int32_t kDeadRows = 3;

template <typename T>
void CopyRow(const T* from, int32_t count, float* to) {
  for (int32_t i = 0; i < count; i++) to[i] = static_cast<float>(from[i]);
}

struct RowRange {
  float low, high;
};

template <typename T>
RowRange RangeOf(const T* row, int32_t count, int32_t step) {
  T low = row[0], high = row[0];
  for (int32_t i = step; i < count; i += step) {
    low = std::min(low, row[i]);
    high = std::max(high, row[i]);
  }
  return {static_cast<float>(low), static_cast<float>(high)};
}

// NaN compares false with everything: it is looked for by itself.
bool AllFinite(const float* row, int32_t count) {
  bool finite = true;
  for (int32_t i = 0; i < count; i++) finite &= std::isfinite(row[i]);
  return finite;
}

RowRange RangeOfRow(const ImageView& image, int32_t row, int32_t step) {
  const int64_t offset = static_cast<int64_t>(row) * image.stride;
  switch (image.type) {
    case PixelType::kI32: return RangeOf(static_cast<const int32_t*>(image.data) + offset, image.cols, step);
    case PixelType::kU16: return RangeOf(static_cast<const uint16_t*>(image.data) + offset, image.cols, step);
    default: return RangeOf(static_cast<const float*>(image.data) + offset, image.cols, step);
  }
}

void MaskSaturation(const float saturation, Window* w) {
  std::memset(w->masked, 0, sizeof w->masked);
  w->saturated = 0;
  for (int32_t r = 0; r < w->rows; r++) {
    for (int32_t c = 0; c < w->cols; c++) {
      if (w->Row(r)[c] < saturation) continue;
      w->saturated++;
      // Charge spills into the neighbours, most along the column.
      for (int32_t rr = std::max(0, r - 2); rr <= std::min(w->rows - 1, r + 2); rr++) {
        for (int32_t cc = std::max(0, c - 1); cc <= std::min(w->cols - 1, c + 1); cc++) w->masked[rr * kWindowStride + cc] = kMaskSaturated;
      }
    }
  }
}

// Full well ends below the ADC's range: many pixels at one height, far above the rest, are its plateau. Returns
// the level from which pixels count as saturated. A star's own top is never as flat: within 1 % of its peak lie
// at most 0.02 FWHM^2 pixels.
float PlateauLevel(const Window& w, float high, float otherwise) {
  constexpr float kLeastHeight = 20000.0f;  // ADU above the lowest pixel of the first row
  constexpr int32_t kLeastPixels = 8;
  const float low = *std::min_element(w.pixels, w.pixels + w.cols);
  if (high - low < kLeastHeight) return otherwise;
  const float level = high - 0.01f * (high - low);
  int32_t count = 0;
  for (int32_t r = 0; r < w.rows; r++) {
    for (int32_t c = 0; c < w.cols; c++) count += w.Row(r)[c] >= level;
  }
  return count >= kLeastPixels ? std::min(otherwise, level) : otherwise;
}

}  // namespace

float PixelAt(const ImageView& image, int32_t row, int32_t col) {
  const int64_t at = static_cast<int64_t>(row) * image.stride + col;
  switch (image.type) {
    case PixelType::kI32: return static_cast<float>(static_cast<const int32_t*>(image.data)[at]);
    case PixelType::kU16: return static_cast<float>(static_cast<const uint16_t*>(image.data)[at]);
    default: return static_cast<const float*>(image.data)[at];
  }
}

void CopyWindow(const ImageView& image, int32_t row0, int32_t col0, int32_t rows, int32_t cols, int32_t saturation, Window* out) {
  out->rows = rows;
  out->cols = cols;
  out->row0 = row0;
  out->col0 = col0;
  float high = 0.0f;
  for (int32_t r = 0; r < rows; r++) {
    const int64_t offset = static_cast<int64_t>(row0 + r) * image.stride + col0;
    float* to = out->Row(r);
    switch (image.type) {
      case PixelType::kI32: CopyRow(static_cast<const int32_t*>(image.data) + offset, cols, to); break;
      case PixelType::kU16: CopyRow(static_cast<const uint16_t*>(image.data) + offset, cols, to); break;
      default: CopyRow(static_cast<const float*>(image.data) + offset, cols, to); break;
    }
    high = std::max(high, *std::max_element(to, to + cols));
    std::fill(to + cols, to + kWindowStride, 0.0f);
  }
  const float end = static_cast<float>(image.type == PixelType::kU16 ? std::min(saturation, 65535) : saturation);
  const float limit = PlateauLevel(*out, high, end);
  out->defective = 0;
  if (high >= limit) {
    MaskSaturation(limit, out);
  } else {
    std::memset(out->masked, 0, sizeof out->masked);
    out->saturated = 0;
  }
}

FaultReason CheckIntegrity(const ImageView& image) {
  if (image.data == nullptr || image.rows < 1 || image.cols < 1 || image.stride < image.cols) return FaultReason::kGeometry;
  if (image.type != PixelType::kI32 && image.type != PixelType::kU16 && image.type != PixelType::kF32) return FaultReason::kGeometry;
  const bool whole = image.rows <= kWindowSide && image.cols <= kWindowSide;
  // 7 shares no factor with the usual widths' powers of two: a sample that does not sit on one pattern.
  const int32_t step = whole ? 1 : 7;
  float low = HUGE_VALF, high = -HUGE_VALF;
  int32_t dead = 0, longest_dead = 0;
  for (int32_t r = 0; r < image.rows; r++) {
    if (image.type == PixelType::kF32 && !AllFinite(static_cast<const float*>(image.data) + static_cast<int64_t>(r) * image.stride, image.cols)) return FaultReason::kNotFinite;
    const RowRange range = RangeOfRow(image, r, step);
    low = std::min(low, range.low);
    high = std::max(high, range.high);
    dead = range.low == range.high ? dead + 1 : 0;
    longest_dead = std::max(longest_dead, dead);
  }
  if (low == high) return low == 0.0f ? FaultReason::kAllZero : FaultReason::kConstant;
  if (image.type != PixelType::kF32 && (low < 0.0f || high > kAdcMax)) return FaultReason::kRange;
  if (image.cols > 4 && longest_dead >= std::min(kDeadRows, image.rows)) return FaultReason::kTorn;
  return FaultReason::kNone;
}

}  // namespace summit::pixels
