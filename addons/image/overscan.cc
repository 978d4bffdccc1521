// SPDX-License-Identifier: Apache-2.0
#include "addons/image/overscan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "addons/image/sort_lanes.h"

namespace summit::image {
namespace {

using pixels::Load;
using pixels::Simd;
using pixels::SimdLevel;
using pixels::Store;
using pixels::V16;
using pixels::V8;

constexpr float kSigmaOfQuartiles = 0.74f, kClip = 3.0f;
// ip_isr: a value farther off than this, adu, is no overscan, whatever the scatter.
constexpr float kFarthest = 1000.0f;
constexpr int32_t kNeighbours = 5;

// Of a sorted list, by linear interpolation between its values, as numpy.percentile does.
template <int N>
float Quantile(const float* sorted, int32_t stride, int32_t quarters) {
  constexpr int32_t kLast = N - 1;
  const int32_t at = kLast * quarters / 4;
  const auto part = static_cast<float>(kLast * quarters % 4) * 0.25f;
  const float low = sorted[at * stride], high = sorted[std::min(at + 1, kLast) * stride];
  return low + part * (high - low);
}

// Lists sorted side by side: value i of list j lies at sorted[i * stride + j].
template <int N>
struct Lists {
  const float* sorted;
  int32_t stride;

  float Median(int32_t j) const { return Quantile<N>(sorted + j, stride, 2); }
  float Sd(int32_t j) const { return kSigmaOfQuartiles * (Quantile<N>(sorted + j, stride, 3) - Quantile<N>(sorted + j, stride, 1)); }
  // Median of the values within low..high; NaN where there is none.
  float MedianWithin(int32_t j, float low, float high) const {
    int32_t first = 0, last = N - 1;
    while (first < N && sorted[first * stride + j] < low) first++;
    while (last >= first && sorted[last * stride + j] > high) last--;
    const int32_t kept = last - first + 1;
    if (kept < 1) return std::numeric_limits<float>::quiet_NaN();
    return 0.5f * (sorted[(first + (kept - 1) / 2) * stride + j] + sorted[(first + kept / 2) * stride + j]);
  }
};

float MedianOf(const float* values, int32_t n, float* order) {
  std::copy_n(values, n, order);
  std::nth_element(order, order + n / 2, order + n);
  const float high = order[n / 2];
  if (n % 2 == 1) return high;
  return 0.5f * (high + *std::max_element(order, order + n / 2));
}

// Rows of a plane, one list to a lane: sorted[i * kAmpRows + row].
template <typename V>
SUMMIT_INLINE int32_t SortRows(const int32_t* plane, float* sorted) {
  constexpr int32_t kLanes = sizeof(V) / sizeof(float);
  for (int32_t row = 0; row < kAmpRows; row += kLanes) {
    V v[kSerialUsed];
    float* out = reinterpret_cast<float*>(v);
    for (int32_t lane = 0; lane < kLanes; lane++) {
      const int32_t* from = plane + static_cast<size_t>(row + lane) * kAmpCols + kSerialFirst + kOverscanSkip;
      for (int32_t i = 0; i < kSerialUsed; i++) out[i * kLanes + lane] = static_cast<float>(from[i]);
    }
    SortLanes<kSerialUsed, V>(v);
    for (int32_t i = 0; i < kSerialUsed; i++) Store(v[i], sorted + i * kAmpRows + row);
  }
  return 0;
}
SUMMIT_DISPATCHED_BY_WIDTH(SortAllRows, SortRows)

template <typename V>
SUMMIT_INLINE int32_t SortColumns(const float* rows, float* sorted) {
  constexpr int32_t kLanes = sizeof(V) / sizeof(float);
  for (int32_t col = 0; col < kAmpCols; col += kLanes) {
    V v[kParallelUsed];
    for (int32_t i = 0; i < kParallelUsed; i++) Load(rows + i * kAmpCols + col, &v[i]);
    SortLanes<kParallelUsed, V>(v);
    for (int32_t i = 0; i < kParallelUsed; i++) Store(v[i], sorted + i * kAmpCols + col);
  }
  return 0;
}
SUMMIT_DISPATCHED_BY_WIDTH(SortAllColumns, SortColumns)

// What a list's scatter may be at most: that of a typical one, where it has more than twice that.
float Believed(float sd, float typical) { return sd > 2.0f * typical ? typical : sd; }

// Values of lists without one: the median of up to five good neighbours on each side.
void FillFromNeighbours(float* level, const int32_t* bad, int32_t n, float* order) {
  std::array<float, 2 * kNeighbours> near{};
  std::copy_n(level, n, order);
  for (int32_t i = 0; i < n; i++) {
    if (bad[i] == 0) continue;
    int32_t found = 0;
    for (int32_t j = i - 1; j >= 0 && found < kNeighbours; j--) {
      if (bad[j] == 0) near[static_cast<size_t>(found++)] = order[j];
    }
    const int32_t left = found;
    for (int32_t j = i + 1; j < n && found < left + kNeighbours; j++) {
      if (bad[j] == 0) near[static_cast<size_t>(found++)] = order[j];
    }
    std::sort(near.begin(), near.begin() + found);
    const auto middle = static_cast<size_t>(found / 2);
    level[i] = found == 0 ? 0.0f : found % 2 == 1 ? near[middle] : 0.5f * (near[middle - 1] + near[middle]);
  }
}

// Amplifiers with pixels above 0.75 of saturation: those and 7 px around are left out, value by value.
class NearSaturated {
 public:
  NearSaturated(const float* rows, float limit, OverscanScratch* scratch) : rows_(rows), near_(scratch->near_saturated.data()) {
    any_ = *std::max_element(rows, rows + kParallelUsed * kAmpCols) >= limit;
    if (!any_) return;
    std::fill_n(near_, kParallelUsed * kAmpCols, uint8_t{0});
    for (int32_t row = 0; row < kParallelUsed; row++) {
      for (int32_t col = 0; col < kAmpCols; col++) {
        if (rows[row * kAmpCols + col] < limit) continue;
        std::fill(near_ + row * kAmpCols + std::max(0, col - kGrow), near_ + row * kAmpCols + std::min(kAmpCols, col + kGrow + 1), uint8_t{1});
      }
    }
  }
  bool any() const { return any_; }
  float MedianWithin(int32_t col, float low, float high) const {
    std::array<float, kParallelUsed> kept{};
    int32_t n = 0;
    for (int32_t row = 0; row < kParallelUsed; row++) {
      const float value = rows_[row * kAmpCols + col];
      if (value >= low && value <= high && !Near(row, col)) kept[static_cast<size_t>(n++)] = value;
    }
    if (n == 0) return std::numeric_limits<float>::quiet_NaN();
    std::sort(kept.begin(), kept.begin() + n);
    return 0.5f * (kept[static_cast<size_t>((n - 1) / 2)] + kept[static_cast<size_t>(n / 2)]);
  }

 private:
  static constexpr int32_t kGrow = 7;
  // Along the row it is grown already.
  bool Near(int32_t row, int32_t col) const {
    for (int32_t y = std::max(0, row - kGrow); y <= std::min(kParallelUsed - 1, row + kGrow); y++) {
      if (near_[y * kAmpCols + col] != 0) return true;
    }
    return false;
  }

  const float* rows_;
  uint8_t* near_;
  bool any_ = false;
};

// Columns far above the median of five, and those without a value, with two more on each side.
int32_t MarkStripes(const float* level, float farthest, int32_t* bad, int32_t* seed) {
  for (int32_t col = 0; col < kAmpCols; col++) {
    std::array<float, 5> near{};
    for (int32_t i = 0; i < 5; i++) {
      const float value = level[std::clamp(col + i - 2, 0, kAmpCols - 1)];
      near[static_cast<size_t>(i)] = std::isnan(value) ? 0.0f : value;
    }
    std::nth_element(near.begin(), near.begin() + 2, near.end());
    seed[col] = std::isnan(level[col]) || level[col] - near[2] > farthest ? 1 : 0;
  }
  int32_t count = 0;
  for (int32_t col = 0; col < kAmpCols; col++) {
    bad[col] = 0;
    for (int32_t x = std::max(0, col - 2); x <= std::min(kAmpCols - 1, col + 2); x++) bad[col] |= seed[x];
    count += bad[col];
  }
  return count;
}

}  // namespace

void MeasureSerial(const int32_t* plane, OverscanScratch* scratch, SerialOverscan* overscan) {
  float* sorted = scratch->sorted.data();
  SortAllRows(plane, sorted);
  const Lists<kSerialUsed> rows{sorted, kAmpRows};
  float *sd = scratch->sd.data(), *level = overscan->level.data();
  for (int32_t row = 0; row < kAmpRows; row++) {
    sd[row] = rows.Sd(row);
    level[row] = rows.Median(row);
  }
  const float typical_sd = MedianOf(sd, kAmpRows, scratch->order.data());
  overscan->typical = MedianOf(level, kAmpRows, scratch->order.data());
  overscan->noise = typical_sd;
  const float least = overscan->typical - kFarthest, most = overscan->typical + kFarthest;
  bool any_bad = false;
  for (int32_t row = 0; row < kAmpRows; row++) {
    const float reach = kClip * Believed(sd[row], typical_sd);
    level[row] = rows.MedianWithin(row, std::max(level[row] - reach, least), std::min(level[row] + reach, most));
    const bool bad = std::isnan(level[row]);
    scratch->state[static_cast<size_t>(row)] = bad ? 1 : 0;
    any_bad = any_bad || bad;
  }
  if (any_bad) FillFromNeighbours(level, scratch->state.data(), kAmpRows, scratch->order.data());
}

void MeasureParallel(const float* pixels, const ParallelLimits& limits, OverscanScratch* scratch, ParallelOverscan* overscan) {
  float* sorted = scratch->sorted.data();
  SortAllColumns(pixels, sorted);
  const Lists<kParallelUsed> columns{sorted, kAmpCols};
  float *sd = scratch->sd.data(), *level = overscan->level.data();
  for (int32_t col = 0; col < kAmpCols; col++) {
    sd[col] = columns.Sd(col);
    level[col] = columns.Median(col);
  }
  const float typical_sd = MedianOf(sd, kAmpCols, scratch->order.data());
  const NearSaturated saturated(pixels, 0.75f * limits.saturation, scratch);
  const auto within = [&](int32_t col, float low, float high) { return saturated.any() ? saturated.MedianWithin(col, low, high) : columns.MedianWithin(col, low, high); };
  // Stripes are judged before the clip, as the reference does.
  const float brightest = 100.0f * limits.gain;
  float* unclipped = scratch->order.data();
  for (int32_t col = 0; col < kAmpCols; col++) unclipped[col] = within(col, -HUGE_VALF, brightest);
  int32_t* bad = scratch->state.data();
  overscan->filled = MarkStripes(unclipped, 5.0f * limits.gain, bad, bad + kAmpCols);
  for (int32_t col = 0; col < kAmpCols; col++) {
    const float reach = kClip * Believed(sd[col], typical_sd);
    level[col] = within(col, level[col] - reach, std::min(level[col] + reach, brightest));
    if (!std::isnan(level[col]) || bad[col] != 0) continue;
    bad[col] = 1;
    overscan->filled++;
  }
  if (overscan->filled != 0) FillFromNeighbours(level, bad, kAmpCols, scratch->order.data());
}

}  // namespace summit::image
