// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/detect.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "addons/pixels/simd.h"
#include "addons/pixels/strongest.h"

namespace summit::pixels {
namespace {

constexpr int32_t kMaxReach = 8;  // half length of the filter, px
constexpr float kFwhmToSigma = 0.42466f;
constexpr int32_t kAcrossStride = Detector::kAcrossStride;
constexpr int32_t kMargin = 16;  // px, at least the reach, and so that rows begin at a cache line

using Area = Detector::Area;

// out[c] = sum over k from k0 to k1 of taps[k] * in[c + k * step] for the columns from c0 to c1, in groups of eight. Four
// sums at a time, so that none waits for its own last addition.
template <typename V>
SUMMIT_INLINE void FilterLine(const float* in, int32_t step, const float* taps, int32_t k0, int32_t k1, int32_t c0, int32_t c1, float* out) {
  constexpr auto kLanes = static_cast<int32_t>(sizeof(V) / sizeof(float));
  int32_t c = c0;
  for (; c + 2 * kLanes < c1 && c + 4 * kLanes <= kWindowStride; c += 4 * kLanes) {
    V v, sum[4] = {};
    for (int32_t k = k0; k <= k1; k++) {
      const float tap = taps[k];
      for (int32_t i = 0; i < 4; i++) {
        Load(in + k * step + c + kLanes * i, &v);
        sum[i] += tap * v;
      }
    }
    for (int32_t i = 0; i < 4; i++) Store(sum[i], out + c + kLanes * i);
  }
  for (; c < c1; c += 8) {
    V8 v, sum = {};
    for (int32_t k = k0; k <= k1; k++) {
      Load(in + k * step + c, &v);
      sum += taps[k] * v;
    }
    Store(sum, out + c);
  }
}

// Filters what the area needs, first across rows, then along them. `across` has its first column at kMargin and zeros
// beside the window.
template <typename V>
SUMMIT_INLINE void FilterBothBody(const float* capped, const float* taps, int32_t reach, int32_t rows, int32_t cols, const Area* area, float* across, float* filtered) {
  const float* middle = taps + reach;
  const int32_t c0 = area->c0 > 8 ? area->c0 - 8 : 0, c1 = area->c1 + 8 < cols ? area->c1 + 8 : cols;
  for (int32_t r = area->r0; r < area->r1; r++) {
    float* to = across + r * kAcrossStride + kMargin;
    const int32_t k0 = r < reach ? -r : -reach, k1 = r + reach >= rows ? rows - 1 - r : reach;
    FilterLine<V>(capped + r * kWindowStride, kWindowStride, middle, k0, k1, c0, c1, to);
    for (int32_t i = -8; i < 0; i++) to[i] = 0.0f;
    for (int32_t i = cols; i < cols + 16; i++) to[i] = 0.0f;
  }
  for (int32_t r = area->r0; r < area->r1; r++) {
    FilterLine<V>(across + r * kAcrossStride + kMargin, 1, middle, -reach, reach, area->c0, area->c1, filtered + r * kWindowStride);
  }
}
SUMMIT_DISPATCHED_BY_WIDTH(FilterBoth, FilterBothBody)

// For each row the groups of eight columns, as bits, in which a value reaches `level` and what is above and below it in the
// area: few, and looked at closer.
SUMMIT_INLINE void FindPeaksBody(const float* filtered, const Area* area, float level, uint8_t* groups) {
  for (int32_t r = area->r0; r < area->r1; r++) {
    const float* row = filtered + r * kWindowStride;
    groups[r] = 0;
    V8 highest = {}, some;
    for (int32_t c = area->c0; c < area->c1; c += 8) {
      Load(row + c, &some);
      Greatest(some, highest, &highest);
    }
    if (!Any(highest >= level)) continue;
    const int32_t above = r > area->r0 ? -kWindowStride : 0, below = r + 1 < area->r1 ? kWindowStride : 0;
    uint32_t found = 0;
    for (int32_t c = area->c0; c < area->c1; c += 8) {
      V8 v, before, after;
      Load(row + c, &v);
      Load(row + c + above, &before);
      Load(row + c + below, &after);
      if (Any((v >= level) & (v >= before) & (v >= after))) found |= 1u << (c / 8);
    }
    groups[r] = static_cast<uint8_t>(found);
  }
}
SUMMIT_DISPATCHED(FindPeaks, FindPeaksBody)

SUMMIT_INLINE void Order(V8* low, V8* high) {
  const V8 a = *low, b = *high;
  Least(a, b, low);
  Greatest(a, b, high);
}

// Eight pixels cut down to what their fourth highest neighbours allow; `lines` are the three rows about them.
SUMMIT_INLINE void CapEight(const float* const* lines, const V8& free, V8* v) {
  V8 n[8];
  int32_t k = 0;
  for (int32_t i = 0; i < 3; i++) {
    for (int32_t j = -1; j <= 1; j++) {
      if (i != 1 || j != 0) Load(lines[i] + j, &n[k++]);
    }
  }
  // Two sorted halves of four.
  for (int32_t h = 0; h < 8; h += 4) {
    Order(&n[h], &n[h + 1]);
    Order(&n[h + 2], &n[h + 3]);
    Order(&n[h], &n[h + 2]);
    Order(&n[h + 1], &n[h + 3]);
    Order(&n[h + 1], &n[h + 2]);
  }
  // Ascending a0..a3 and b0..b3: the upper four of the eight are max(a_i, b_(3-i)); their least is the fourth highest.
  V8 fourth, upper;
  Greatest(n[0], n[7], &fourth);
  for (int32_t i = 1; i < 4; i++) {
    Greatest(n[i], n[7 - i], &upper);
    Least(upper, fourth, &fourth);
  }
  const V8 zero = {};
  Greatest(fourth, zero, &fourth);
  Least(*v, 1.8f * fourth + free, v);
  Greatest(*v, -free, v);
}

// In the image of a star wider than two pixels at least four of the eight neighbours are nearly as bright; a hot pixel
// has none, a line has two or three. What lies within `allowance` of zero stays: few groups of pixels need a look.
SUMMIT_INLINE void CapRowsBody(const float* pixels, int32_t rows, int32_t cols, float allowance, float* capped) {
  V8 free;
  Splat(allowance, &free);
  alignas(32) float padded[3][kWindowStride + 16];
  for (int32_t r = 0; r < rows; r++) {
    bool ready = false;
    for (int32_t c = 0; c < cols; c += 8) {
      V8 v;
      Load(pixels + r * kWindowStride + c, &v);
      if (Any((v > free) | (v < -free))) {
        if (!ready) {
          for (int32_t i = -1; i <= 1; i++) {
            // Beyond the edge the image goes on as its mirror: a star there keeps its light.
            const int32_t rr = r + i < 0 ? 1 : r + i >= rows ? rows - 2 : r + i;
            const float* from = pixels + rr * kWindowStride;
            std::memset(padded[i + 1], 0, sizeof padded[0]);
            std::memcpy(padded[i + 1] + 8, from, sizeof(float) * static_cast<size_t>(cols));
            padded[i + 1][7] = from[1];
            padded[i + 1][8 + cols] = from[cols - 2];
          }
          ready = true;
        }
        const float* lines[3] = {padded[0] + 8 + c, padded[1] + 8 + c, padded[2] + 8 + c};
        CapEight(lines, free, &v);
      }
      Store(v, capped + r * kWindowStride + c);
    }
  }
}
SUMMIT_DISPATCHED(CapRows, CapRowsBody)

// Place of the highest point of a parabola through three values, from the middle one, px.
float Vertex(float before, float middle, float after) {
  const float bend = before - 2.0f * middle + after;
  return bend < 0.0f ? std::clamp(0.5f * (before - after) / bend, -0.5f, 0.5f) : 0.0f;
}

bool IsPeak(const float* filtered, int32_t rows, int32_t cols, int32_t r, int32_t c) {
  const float v = filtered[r * kWindowStride + c];
  for (int32_t rr = std::max(0, r - 1); rr <= std::min(rows - 1, r + 1); rr++) {
    for (int32_t cc = std::max(0, c - 1); cc <= std::min(cols - 1, c + 1); cc++) {
      const float other = filtered[rr * kWindowStride + cc];
      // Of equal neighbours the first one is the peak.
      if (other > v || (other == v && (rr < r || (rr == r && cc < c)))) return false;
    }
  }
  return true;
}

}  // namespace

void Detector::CapHotPixels(const Window& window, float noise) {
  CapRows(static_cast<const float*>(window.pixels), window.rows, window.cols, 4.0f * noise, static_cast<float*>(capped_));
  if (window.saturated == 0 && window.defective == 0) return;
  // A saturated core keeps its light: it is a star's, not a hot pixel's. Pixels of a defect have none.
  for (int32_t r = 0; r < window.rows; r++) {
    for (int32_t c = 0; c < window.cols; c++) {
      if (window.MaskRow(r)[c] != 0) capped_[r * kWindowStride + c] = window.MaskRow(r)[c] == kMaskSaturated ? window.Row(r)[c] : 0.0f;
    }
  }
}

// Returns the factor from filtered value to significance for unit noise.
float Detector::Smooth(int32_t rows, int32_t cols, float fwhm, const Area& area) {
  const float sigma = std::clamp(kFwhmToSigma * fwhm, 0.6f, 4.0f);
  const int32_t reach = std::min(kMaxReach, static_cast<int32_t>(2.5f * sigma + 1.0f));
  float taps[2 * kMaxReach + 1], squares = -1.0f;
  for (int32_t k = 0; k <= reach; k++) {
    taps[reach + k] = taps[reach - k] = std::exp(-0.5f * static_cast<float>(k * k) / (sigma * sigma));
    squares += 2.0f * taps[reach + k] * taps[reach + k];
  }
  FilterBoth(static_cast<const float*>(capped_), static_cast<const float*>(taps), reach, rows, cols, &area, static_cast<float*>(across_), static_cast<float*>(filtered_));
  return 1.0f / squares;  // the square root of the sum of squares over both directions
}

int32_t Detector::Find(const Window& window, float noise, float fwhm, float threshold, const SearchArea& near, Candidate* out) {
  CapHotPixels(window, noise);
  Area area{0, window.rows, 0, window.cols};
  if (near.radius > 0.0f) {
    area.r0 = std::max(area.r0, static_cast<int32_t>(near.y - near.radius));
    area.r1 = std::min(area.r1, static_cast<int32_t>(near.y + near.radius) + 2);
    area.c0 = std::max(area.c0, static_cast<int32_t>(near.x - near.radius));
    area.c1 = std::min(area.c1, static_cast<int32_t>(near.x + near.radius) + 2);
  }
  if (area.r0 >= area.r1 || area.c0 >= area.c1) return 0;
  // A peak is judged by its neighbours: the filter goes one pixel farther, in whole groups of eight columns.
  const Area filtered{std::max(0, area.r0 - 1), std::min(window.rows, area.r1 + 1), std::max(0, area.c0 - 1) / 8 * 8, std::min(window.cols, area.c1 + 1)};
  const float scale = Smooth(window.rows, window.cols, fwhm, filtered) / noise;
  const float level = threshold / scale;
  int32_t count = 0;
  uint8_t groups[kWindowSide];
  FindPeaks(static_cast<const float*>(filtered_), &filtered, level, static_cast<uint8_t*>(groups));
  for (int32_t r = area.r0; r < area.r1; r++) {
    if (groups[r] == 0) continue;
    const float* row = filtered_ + r * kWindowStride;
    for (int32_t c = area.c0; c < area.c1; c++) {
      if ((groups[r] >> (c / 8) & 1) == 0) continue;
      if (row[c] < level || !IsPeak(filtered_, window.rows, window.cols, r, c)) continue;
      Candidate found{static_cast<float>(c), static_cast<float>(r), row[c] * scale};
      if (c > 0 && c + 1 < window.cols) found.x += Vertex(row[c - 1], row[c], row[c + 1]);
      if (r > 0 && r + 1 < window.rows) found.y += Vertex(row[c - kWindowStride], row[c], row[c + kWindowStride]);
      InsertByRank(found, &Candidate::significance, kMaxCandidates, &count, out);
    }
  }
  return count;
}

}  // namespace summit::pixels
