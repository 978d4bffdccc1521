// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/structure.h"

#include <algorithm>
#include <cmath>

#include "addons/pixels/medians.h"
#include "addons/pixels/simd.h"

namespace summit::pixels {
namespace {

constexpr float kClip = 2.5f;
// Variance of a normal distribution cut at +-2.5 sigma, relative to the whole.
constexpr float kClippedVariance = 0.9113f;
// Standard deviation of a normal distribution over its median absolute deviation.
constexpr float kMadToSigma = 1.4826f;

// Sum and number of the values within +-limit, in eight lanes.
SUMMIT_INLINE void AddClipped(const V8& v, const V8& limit, V8* sum, V8* count) {
  const V8 zero = {}, one = zero + 1.0f;
  const I8 inside = (v < limit) & (v > -limit);
  *sum += inside ? v : zero;
  *count += inside ? one : zero;
}

// Offsets of all columns from the clipped mean of `from`.
SUMMIT_CLONES
void ColumnOffsets(const float* from, int32_t rows, int32_t cols, float limit, float* offsets) {
  V8 bound;
  Splat(limit, &bound);
  for (int32_t c = 0; c < cols; c += 8) {
    V8 sum = {}, count = {};
    for (int32_t r = 0; r < rows; r++) {
      V8 v;
      Load(from + r * kWindowStride + c, &v);
      AddClipped(v, bound, &sum, &count);
    }
    const V8 zero = {}, one = zero + 1.0f;
    const V8 mean = sum / (count > one ? count : one);
    Store(mean, offsets + c);
  }
}

// Offset of each row from the clipped mean over its first `cols` values.
SUMMIT_CLONES
void RowOffsets(const float* from, int32_t rows, int32_t cols, float limit, float* offsets) {
  V8 bound;
  Splat(limit, &bound);
  for (int32_t r = 0; r < rows; r++) {
    const float* row = from + r * kWindowStride;
    V8 sum = {}, count = {};
    int32_t c = 0;
    for (; c + 8 <= cols; c += 8) {
      V8 v;
      Load(row + c, &v);
      AddClipped(v, bound, &sum, &count);
    }
    float s = Sum(sum), n = Sum(count);
    for (; c < cols; c++) {
      if (std::fabs(row[c]) >= limit) continue;
      s += row[c];
      n += 1.0f;
    }
    offsets[r] = s / std::max(n, 1.0f);
  }
}

SUMMIT_CLONES
void Subtract(const float* columns, const float* rows_offset, int32_t rows, int32_t cols, float* pixels) {
  for (int32_t r = 0; r < rows; r++) {
    float* row = pixels + r * kWindowStride;
    V8 offset;
    Splat(rows_offset[r], &offset);
    for (int32_t c = 0; c < cols; c += 8) {
      V8 v, column;
      Load(row + c, &v);
      Load(columns + c, &column);
      v -= column + offset;
      Store(v, row + c);
    }
  }
}

// Root mean square within +-limit.
SUMMIT_CLONES
float ClippedRms(const float* from, int32_t rows, int32_t cols, float limit) {
  V8 bound, sum = {}, count = {};
  Splat(limit, &bound);
  const V8 zero = {}, one = zero + 1.0f;
  float s = 0.0f, n = 0.0f;
  for (int32_t r = 0; r < rows; r++) {
    const float* row = from + r * kWindowStride;
    int32_t c = 0;
    for (; c + 8 <= cols; c += 8) {
      V8 v;
      Load(row + c, &v);
      const I8 inside = (v < bound) & (v > -bound);
      sum += inside ? v * v : zero;
      count += inside ? one : zero;
    }
    for (; c < cols; c++) {
      if (std::fabs(row[c]) >= limit) continue;
      s += row[c] * row[c];
      n += 1.0f;
    }
  }
  return std::sqrt((Sum(sum) + s) / std::max(Sum(count) + n, 1.0f));
}

// Noise from a sample of the pixels by their absolute deviation from zero.
float SampledNoise(const Window& w) {
  float sample[512];
  int32_t n = 0;
  const int32_t step = std::max(1, w.rows * w.cols / 500);
  for (int32_t i = 0; i < w.rows * w.cols && n < 512; i += step) sample[n++] = std::fabs(w.Row(i / w.cols)[i % w.cols]);
  return std::max(kMadToSigma * Median(sample, n), 0.3f);
}

struct Offsets {
  alignas(32) float columns[kWindowStride];
  alignas(32) float rows[kWindowSide];
};

float Mean(const float* values, int32_t n) {
  float sum = 0.0f;
  for (int32_t i = 0; i < n; i++) sum += values[i];
  return sum / static_cast<float>(n);
}

}  // namespace

Structure RemoveStructure(Window* window) {
  Structure result;
  Offsets offsets;
  const int32_t rows = window->rows, cols = window->cols;
  ColumnMedians(window->pixels, kWindowStride, rows, cols, offsets.columns);
  std::fill(offsets.rows, offsets.rows + rows, 0.0f);
  Subtract(offsets.columns, offsets.rows, rows, cols, window->pixels);
  float sorted[kWindowStride];
  std::copy(offsets.columns, offsets.columns + cols, sorted);
  result.background = Median(sorted, cols);
  float noise = SampledNoise(*window);
  for (int pass = 0; pass < 2; pass++) {
    ColumnOffsets(window->pixels, rows, cols, kClip * noise, offsets.columns);
    std::fill(offsets.rows, offsets.rows + rows, 0.0f);
    Subtract(offsets.columns, offsets.rows, rows, cols, window->pixels);
    RowOffsets(window->pixels, rows, cols, kClip * noise, offsets.rows);
    std::fill(offsets.columns, offsets.columns + kWindowStride, 0.0f);
    Subtract(offsets.columns, offsets.rows, rows, cols, window->pixels);
    noise = std::max(0.3f, ClippedRms(window->pixels, rows, cols, kClip * noise) / std::sqrt(kClippedVariance));
  }
  // Offsets taken from the pixels themselves took their share of the variance with them.
  const float freedom = (1.0f - 1.0f / static_cast<float>(rows)) * (1.0f - 1.0f / static_cast<float>(cols));
  result.noise = noise / std::sqrt(std::max(freedom, 0.1f));
  return result;
}

void RefineStructure(float noise, Window* window, float* residual) {
  Offsets offsets;
  const int32_t rows = window->rows, cols = window->cols;
  ColumnOffsets(residual, rows, cols, 3.0f * noise, offsets.columns);
  std::fill(offsets.rows, offsets.rows + rows, 0.0f);
  Subtract(offsets.columns, offsets.rows, rows, cols, residual);
  RowOffsets(residual, rows, cols, 3.0f * noise, offsets.rows);
  // The mean over all rows belongs to the columns: it must not be taken away twice.
  const float mean = Mean(offsets.rows, rows);
  for (int32_t r = 0; r < rows; r++) offsets.rows[r] -= mean;
  Subtract(offsets.columns, offsets.rows, rows, cols, window->pixels);
}

}  // namespace summit::pixels
