// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/dead_columns.h"

#include <algorithm>
#include <cmath>

namespace summit::pixels {
namespace {

// No column pattern and no slope of scattered light makes such a step between columns this near.
constexpr float kLeastStep = 100.0f;  // ADU
constexpr float kLeastSigma = 12.0f;
constexpr int32_t kNearest = 2, kFarthest = 4;  // columns beside; next to it may be another dead one

// The lowest of the columns at kNearest to kFarthest to one side; HUGE_VALF beyond the window's edge.
float Beside(const float* levels, int32_t cols, int32_t col, int32_t side) {
  float lowest = HUGE_VALF;
  for (int32_t k = kNearest; k <= kFarthest; k++) {
    const int32_t c = col + side * k;
    if (c >= 0 && c < cols) lowest = std::min(lowest, levels[c]);
  }
  return lowest;
}

}  // namespace

void MaskDeadColumns(const Structure& structure, Window* window) {
  const float step = std::max(kLeastStep, kLeastSigma * structure.noise);
  const float low = structure.background - step;
  for (int32_t c = 0; c < window->cols; c++) {
    const float level = structure.columns[c];
    if (level > low || level > Beside(structure.columns, window->cols, c, -1) - step || level > Beside(structure.columns, window->cols, c, 1) - step) continue;
    for (int32_t r = 0; r < window->rows; r++) {
      uint8_t& mask = window->masked[r * kWindowStride + c];
      window->defective += mask == 0;
      if (mask == 0) mask = kMaskDefect;
    }
  }
}

}  // namespace summit::pixels
