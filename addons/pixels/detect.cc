// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/detect.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "addons/pixels/simd.h"

namespace summit::pixels {
namespace {

constexpr int32_t kMaxReach = 8;  // half length of the filter, px
constexpr float kFwhmToSigma = 0.42466f;

// out[c] = sum_k taps[k] * in[c + k * step], for `cols` up to a multiple of 32: four sums at a time, so that none
// waits for its own last addition.
SUMMIT_INLINE void FilterLine(const float* in, int32_t step, const float* taps, int32_t n, int32_t cols, float* out) {
  for (int32_t c = 0; c < cols; c += 32) {
    V8 a = {}, b = {}, d = {}, e = {};
    for (int32_t k = 0; k < n; k++) {
      V8 tap, v;
      Splat(taps[k], &tap);
      const float* from = in + k * step + c;
      Load(from, &v);
      a += tap * v;
      Load(from + 8, &v);
      b += tap * v;
      Load(from + 16, &v);
      d += tap * v;
      Load(from + 24, &v);
      e += tap * v;
    }
    Store(a, out + c);
    Store(b, out + c + 8);
    Store(d, out + c + 16);
    Store(e, out + c + 24);
  }
}

SUMMIT_INLINE void FilterBothBody(const float* capped, const float* taps, int32_t reach, int32_t rows, int32_t cols, float* along, float* filtered) {
  const int32_t n = 2 * reach + 1;
  float padded[kWindowStride + 2 * kMaxReach + 8];
  std::memset(padded, 0, sizeof padded);
  std::memset(along, 0, sizeof(float) * static_cast<size_t>(reach * kWindowStride));
  std::memset(along + (rows + reach) * kWindowStride, 0, sizeof(float) * static_cast<size_t>(reach * kWindowStride));
  for (int32_t r = 0; r < rows; r++) {
    std::memcpy(padded + reach, capped + r * kWindowStride, sizeof(float) * static_cast<size_t>(cols));
    FilterLine(padded, 1, taps, n, cols, along + (r + reach) * kWindowStride);
  }
  for (int32_t r = 0; r < rows; r++) FilterLine(along + r * kWindowStride, kWindowStride, taps, n, cols, filtered + r * kWindowStride);
}
SUMMIT_DISPATCHED(FilterBoth, FilterBothBody)

// Orders two lanes each.
SUMMIT_INLINE void Order(V8* low, V8* high) {
  const V8 a = *low, b = *high;
  *low = a < b ? a : b;
  *high = a < b ? b : a;
}

// Each pixel is cut down to what its fourth highest neighbour allows. In the image of a star wider than two pixels
// at least four of the eight neighbours are nearly as bright; a hot pixel has none, a line has two or three.
SUMMIT_INLINE void CapRowsBody(const float* pixels, int32_t rows, int32_t cols, float allowance, float* capped) {
  V8 free, factor;
  Splat(allowance, &free);
  Splat(1.8f, &factor);
  alignas(32) float padded[3][kWindowStride + 16];
  std::memset(padded, 0, sizeof padded);
  for (int32_t r = 0; r < rows; r++) {
    for (int32_t i = -1; i <= 1; i++) {
      // Beyond the edge the image goes on as its mirror: a star there keeps its light.
      const int32_t rr = r + i < 0 ? 1 : r + i >= rows ? rows - 2 : r + i;
      const float* from = pixels + rr * kWindowStride;
      std::memcpy(padded[i + 1] + 8, from, sizeof(float) * static_cast<size_t>(cols));
      padded[i + 1][7] = from[1];
      padded[i + 1][8 + cols] = from[cols - 2];
    }
    for (int32_t c = 0; c < cols; c += 8) {
      V8 n[8], v;
      int32_t k = 0;
      for (int32_t i = 0; i < 3; i++) {
        for (int32_t j = -1; j <= 1; j++) {
          if (i != 1 || j != 0) Load(padded[i] + 8 + c + j, &n[k++]);
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
      V8 fourth = n[0] > n[7] ? n[0] : n[7];
      for (int32_t i = 1; i < 4; i++) {
        const V8 upper = n[i] > n[7 - i] ? n[i] : n[7 - i];
        fourth = upper < fourth ? upper : fourth;
      }
      const V8 zero = {};
      fourth = fourth > zero ? fourth : zero;
      Load(padded[1] + 8 + c, &v);
      const V8 limit = factor * fourth + free;
      v = v < limit ? v : limit;
      v = v > -free ? v : -free;
      Store(v, capped + r * kWindowStride + c);
    }
  }
}
SUMMIT_DISPATCHED(CapRows, CapRowsBody)

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

void Insert(const Candidate& candidate, int32_t* count, Candidate* out) {
  int32_t at = std::min(*count, kMaxCandidates);
  while (at > 0 && out[at - 1].significance < candidate.significance) {
    if (at < kMaxCandidates) out[at] = out[at - 1];
    at--;
  }
  if (at < kMaxCandidates) out[at] = candidate;
  *count = std::min(*count + 1, kMaxCandidates);
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
float Detector::Smooth(int32_t rows, int32_t cols, float fwhm) {
  const float sigma = std::clamp(kFwhmToSigma * fwhm, 0.6f, 4.0f);
  const int32_t reach = std::min(kMaxReach, static_cast<int32_t>(2.5f * sigma + 1.0f));
  float taps[2 * kMaxReach + 1], squares = 0.0f;
  for (int32_t k = -reach; k <= reach; k++) {
    taps[k + reach] = std::exp(-0.5f * static_cast<float>(k * k) / (sigma * sigma));
    squares += taps[k + reach] * taps[k + reach];
  }
  FilterBoth(static_cast<const float*>(capped_), static_cast<const float*>(taps), reach, rows, cols, static_cast<float*>(along_), static_cast<float*>(filtered_));
  return 1.0f / squares;  // the square root of the sum of squares over both directions
}

int32_t Detector::Find(const Window& window, float noise, float fwhm, float threshold, const SearchArea& area, Candidate* out) {
  CapHotPixels(window, noise);
  const float scale = Smooth(window.rows, window.cols, fwhm) / noise;
  const float level = threshold / scale;
  int32_t r0 = 0, r1 = window.rows, c0 = 0, c1 = window.cols, count = 0;
  if (area.radius > 0.0f) {
    r0 = std::max(r0, static_cast<int32_t>(area.y - area.radius));
    r1 = std::min(r1, static_cast<int32_t>(area.y + area.radius) + 2);
    c0 = std::max(c0, static_cast<int32_t>(area.x - area.radius));
    c1 = std::min(c1, static_cast<int32_t>(area.x + area.radius) + 2);
  }
  for (int32_t r = r0; r < r1; r++) {
    const float* row = filtered_ + r * kWindowStride;
    if (!(*std::max_element(row + c0, row + c1) >= level)) continue;
    for (int32_t c = c0; c < c1; c++) {
      if (row[c] < level || !IsPeak(filtered_, window.rows, window.cols, r, c)) continue;
      Insert({static_cast<float>(c), static_cast<float>(r), row[c] * scale}, &count, out);
    }
  }
  return count;
}

}  // namespace summit::pixels
