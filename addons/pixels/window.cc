// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/window.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "addons/pixels/read_pixels.h"
#include "addons/pixels/simd.h"

#include "addons/pixels/medians.h"

namespace summit::pixels {
namespace {

constexpr float kAdcMax = 262143.0f;
// Floats of another magnitude have squares and products beyond a float's range.
constexpr float kLeastMagnitude = 1e-10f, kMostMagnitude = 1e10f;
// A run of as many rows without any variation is no sky: the read noise alone varies.
constexpr int32_t kDeadRows = 3;

struct Range {
  float low, high;
};

// What the copy tells of a piece of a stamp.
struct Survey {
  Range range{HUGE_VALF, -HUGE_VALF};
  float poison = 0.0f;
  int32_t longest_dead = 0;  // rows of one value each
  bool whole = true;         // no value has a fraction
};

float Magnitude(const Range& range) { return std::max(std::fabs(range.low), std::fabs(range.high)); }

template <typename T>
SUMMIT_INLINE Survey CopyRowsBody(const T* from, int64_t stride, int32_t rows, int32_t cols, float* to) {
  Survey survey;
  V8 low, high, sum = {}, v;
  I8 fraction = {};
  Splat(HUGE_VALF, &low);
  high = -low;
  int32_t dead = 0;
  for (int32_t r = 0; r < rows; r++) {
    float* row = to + r * kWindowStride;
    const V8 zero = {};
    for (int32_t c = cols / 8 * 8; c < kWindowStride; c += 8) Store(zero, row + c);
    V8 first;
    Splat(static_cast<float>(from[r * stride]), &first);
    I8 differs = {};
    for (int32_t c = 0; c < cols; c += 8) {
      const int32_t at = ReadEight(from + r * stride, c, cols, &v);
      Least(v, low, &low);
      Greatest(v, high, &high);
      differs |= v != first;
      if constexpr (std::is_same_v<T, float>) {
        sum += v * 0.0f;
        MarkFractions(v, &fraction);
      }
      Store(v, row + at);
    }
    dead = Any(differs) ? 0 : dead + 1;
    survey.longest_dead = std::max(survey.longest_dead, dead);
  }
  survey.range = {Lowest(low), Highest(high)};
  survey.poison = Sum(sum);
  survey.whole = !Any(fraction);
  return survey;
}
SUMMIT_DISPATCHED(CopyRows, CopyRowsBody)

FaultReason Judge(const Survey& survey, bool adc) {
  const auto [low, high] = survey.range;
  if (!std::isfinite(survey.poison)) return FaultReason::kNotFinite;
  if (low == high) return low == 0.0f ? FaultReason::kAllZero : FaultReason::kConstant;
  if (adc ? low < 0.0f || high > kAdcMax : Magnitude(survey.range) < kLeastMagnitude || Magnitude(survey.range) > kMostMagnitude) return FaultReason::kRange;
  return survey.longest_dead >= kDeadRows ? FaultReason::kTorn : FaultReason::kNone;
}

// What samples of rows tell.
struct Sample {
  V8 low, high, poison;
};

// Where the sample of a row begins.
SUMMIT_INLINE int32_t SamplePlace(int32_t row, int32_t cols) { return row * 37 % (cols - 7); }

// Looks at one short piece of a row, at a place that differs from row to row; of floats at the whole row, for one NaN
// spoils a sum. Returns whether it has more than one value.
template <typename T>
SUMMIT_INLINE bool SampleRow(const T* from, int32_t row, int32_t cols, Sample* sample) {
  V8 v, one;
  I8 differs = {};
  constexpr bool kWhole = std::is_same_v<T, float>;
  const int32_t first = kWhole ? 0 : SamplePlace(row, cols), end = kWhole ? cols : first + 8;
  Splat(static_cast<float>(from[first]), &one);
  for (int32_t c = first; c < end; c += 8) {
    ReadEight(from, c, cols, &v);
    Least(v, sample->low, &sample->low);
    Greatest(v, sample->high, &sample->high);
    differs |= v != one;
    if constexpr (kWhole) sample->poison += v * 0.0f;
  }
  return Any(differs);
}

// Of a run of three dead rows one is among every third; its neighbours are looked at when it is.
template <typename T>
SUMMIT_INLINE Survey SampleRowsBody(const T* from, int64_t stride, int32_t rows, int32_t cols) {
  constexpr int32_t kStep = std::is_same_v<T, float> ? 1 : kDeadRows;
  Survey survey;
  Sample sample{}, others{};
  Splat(HUGE_VALF, &sample.low);
  sample.high = -sample.low;
  // Each sample is a cache line and a page of its own: asked for long before it is needed.
  constexpr int32_t kAhead = 24 * kStep;
  for (int32_t r = 0; r < std::min(kAhead, rows); r += kStep) __builtin_prefetch(from + r * stride + SamplePlace(r, cols));
  for (int32_t r = 0; r < rows; r += kStep) {
    if (r + kAhead < rows) __builtin_prefetch(from + (r + kAhead) * stride + SamplePlace(r + kAhead, cols));
    if (SampleRow(from + r * stride, r, cols, &sample)) continue;
    int32_t dead = 0;
    for (int32_t near = std::max(0, r - kDeadRows + 1); near < std::min(rows, r + kDeadRows); near++) {
      dead = SampleRow(from + near * stride, near, cols, &others) ? 0 : dead + 1;
      survey.longest_dead = std::max(survey.longest_dead, dead);
    }
  }
  survey.range = {Lowest(sample.low), Highest(sample.high)};
  survey.poison = Sum(sample.poison);
  return survey;
}
SUMMIT_DISPATCHED(SampleRows, SampleRowsBody)

void MaskSaturation(const float saturation, Window* w) {
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
  constexpr float kLeastHeight = 20000.0f;  // ADU above the median of the first row
  constexpr int32_t kLeastPixels = 8;
  if (high - *std::min_element(w.pixels, w.pixels + w.cols) < kLeastHeight) return otherwise;
  // A dead column lies far below the others: the lowest pixel is no measure of height.
  float first_row[kWindowSide];
  std::copy_n(w.pixels, w.cols, first_row);
  const float low = Median(first_row, w.cols);
  if (high - low < kLeastHeight) return otherwise;
  const float level = high - 0.01f * (high - low);
  int32_t count = 0;
  for (int32_t r = 0; r < w.rows; r++) {
    for (int32_t c = 0; c < w.cols; c++) count += w.Row(r)[c] >= level;
  }
  return count >= kLeastPixels ? std::min(otherwise, level) : otherwise;
}

}  // namespace

FaultReason CopyWindow(const ImageView& image, int32_t row0, int32_t col0, int32_t rows, int32_t cols, int32_t saturation, Window* out) {
  out->rows = rows;
  out->cols = cols;
  out->row0 = row0;
  out->col0 = col0;
  out->defective = out->saturated = 0;
  std::memset(out->masked, 0, static_cast<size_t>(rows) * kWindowStride);
  const int64_t offset = static_cast<int64_t>(row0) * image.stride + col0, stride = image.stride;
  float* to = out->pixels;
  const Survey survey = WithPixels(image, [&](const auto* pixels) { return CopyRows(pixels + offset, stride, rows, cols, to); });
  const FaultReason fault = Judge(survey, image.type != PixelType::kF32);
  if (fault != FaultReason::kNone) return fault;
  out->least_noise = RoundingNoise(survey.whole, Magnitude(survey.range));
  const float end = static_cast<float>(image.type == PixelType::kU16 ? std::min(saturation, 65535) : saturation);
  const float limit = PlateauLevel(*out, survey.range.high, end);
  if (survey.range.high >= limit) MaskSaturation(limit, out);
  return FaultReason::kNone;
}

FaultReason CheckGeometry(const ImageView& image) {
  const bool known = image.type == PixelType::kI32 || image.type == PixelType::kU16 || image.type == PixelType::kF32;
  return image.data == nullptr || !known || image.rows < 1 || image.cols < 1 || image.stride < image.cols ? FaultReason::kGeometry : FaultReason::kNone;
}

void Expect(const ImageView& image, int32_t row0, int32_t col0, int32_t rows, int32_t cols) {
  constexpr int32_t kLine = 64;
  WithPixels(image, [&](const auto* pixels) {
    constexpr auto kPerLine = kLine / static_cast<int32_t>(sizeof *pixels);
    for (int32_t r = row0; r < std::min(row0 + rows, image.rows); r++) {
      const auto* row = pixels + static_cast<int64_t>(r) * image.stride;
      for (int32_t c = col0; c < std::min(col0 + cols + kPerLine - 1, image.cols); c += kPerLine) __builtin_prefetch(row + c);
    }
  });
}

FaultReason SampleIntegrity(const ImageView& image) {
  const int64_t stride = image.stride;
  const Survey survey = WithPixels(image, [&](const auto* pixels) { return SampleRows(pixels, stride, image.rows, image.cols); });
  return Judge(survey, image.type != PixelType::kF32);
}

}  // namespace summit::pixels
