// SPDX-License-Identifier: Apache-2.0
#include "addons/image/sky_rows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "addons/image/sky_map.h"
#include "addons/pixels/simd.h"

namespace summit::image {
namespace {

using pixels::Simd;
using pixels::SimdLevel;

static_assert(kBad == static_cast<int32_t>(kBadPixel) && kSaturated == static_cast<int32_t>(kFullPixel), "states are taken from masks as they are");

SUMMIT_INLINE int32_t StatesBody(const float* __restrict image, const int32_t* __restrict mask, int32_t n, float limit, uint8_t* __restrict state) {
  int32_t above = 0;
  for (int32_t x = 0; x < n; x++) {
    const int32_t bits = mask[x] & (kBad | kSaturated);
    state[x] = static_cast<uint8_t>(bits);
    above |= (image[x] > limit ? 1 : 0) & (bits == 0 ? 1 : 0);
  }
  return above;
}
SUMMIT_DISPATCHED(StatesForms, StatesBody)

SUMMIT_INLINE float Least(float a, float b) { return a < b ? a : b; }

// What a bad pixel beside one has says nothing: that one's own light takes its place.
SUMMIT_INLINE float Beside(const float* image, const int32_t* mask, int32_t at, float own) { return (mask[at] & kBad) != 0 ? own : image[at]; }

SUMMIT_INLINE int32_t RaysBody(const float* image, const int32_t* mask, int32_t cols, int32_t from, int32_t to, const RayLimits* limits, uint8_t* __restrict state) {
  const float* __restrict here = image;
  const float level = limits->level, share = limits->share, square = limits->sigmas * limits->sigmas, noise = limits->scatter * limits->scatter, limit = level + limits->sigmas * limits->scatter;
  for (int32_t x = from; x < to; x++) {
    const float above = here[x] - level;
    const float own = here[x];
    const auto two = [&](int32_t step) { return Beside(image, mask, x - step, own) + Beside(image, mask, x + step, own); };
    const float least = Least(Least(two(1), two(cols)), Least(two(cols + 1), two(cols - 1)));
    const float beside = 0.5f * least - level, off = above - beside;
    // Of a mean of two beside it, and photons.
    const float variance = 1.5f * (noise + (above > 0.0f ? above : 0.0f));
    const int32_t ray = (here[x] > limit ? 1 : 0) & (beside < share * above ? 1 : 0) & (off > 0.0f ? 1 : 0) & (off * off > square * variance ? 1 : 0) & (state[x] == 0 ? 1 : 0);
    state[x] = static_cast<uint8_t>(state[x] | (ray * kRayPixel));
  }
  return 0;
}
SUMMIT_DISPATCHED(RaysForms, RaysBody)

SUMMIT_INLINE int32_t AboveBody(const float* __restrict image, const float* __restrict sky, const uint8_t* __restrict state, int32_t n, float* __restrict above) {
  for (int32_t x = 0; x < n; x++) {
    const int32_t hidden = state[x] & (kBadPixel | kRayPixel);
    above[x] = hidden != 0 ? std::numeric_limits<float>::quiet_NaN() : image[x] - sky[x];
  }
  return 0;
}
SUMMIT_DISPATCHED(AboveForms, AboveBody)

// Four rows of `n` columns: light[x] and number[x] of the believable pixels. Most pieces of a frame have no others.
SUMMIT_INLINE int32_t BinBody(const float* image, const uint8_t* state, int32_t cols, int32_t n, float* __restrict light, float* __restrict number, RowCounts* counts) {
  const float* __restrict p = image;
  const uint8_t* __restrict s = state;
  int32_t any = 0;
  for (int32_t x = 0; x < n; x++) any |= s[x] | s[cols + x] | s[2 * cols + x] | s[3 * cols + x];
  if (any == 0) {
    for (int32_t x = 0; x < n; x++) {
      light[x] = (p[x] + p[cols + x]) + (p[2 * cols + x] + p[3 * cols + x]);
      number[x] = static_cast<float>(kBin);
    }
    return 0;
  }
  for (int32_t x = 0; x < n; x++) {
    float sum = 0.0f, good = 0.0f;
    for (int32_t y = 0; y < kBin; y++) {
      const int32_t bits = s[y * cols + x];
      const bool believed = (bits & (kBadPixel | kRayPixel)) == 0;
      sum += believed ? p[y * cols + x] : 0.0f;
      good += believed ? 1.0f : 0.0f;
      counts->rays += (bits & kRayPixel) != 0 ? 1 : 0;
      counts->full += (bits & kFullPixel) != 0 ? 1 : 0;
    }
    light[x] = sum;
    number[x] = good;
  }
  return 0;
}
SUMMIT_DISPATCHED(BinForms, BinBody)

SUMMIT_INLINE int32_t BetweenBody(const float* __restrict levels, int32_t last, float start, float step, int32_t n, float* __restrict values) {
  const auto most = static_cast<float>(last);
  for (int32_t k = 0; k < n; k++) {
    float at = start + static_cast<float>(k) * step;
    at = at > 0.0f ? at : 0.0f;
    at = at < most ? at : most;
    const auto i = static_cast<int32_t>(at);
    values[k] = levels[i] + (at - static_cast<float>(i)) * (levels[i + 1] - levels[i]);
  }
  return 0;
}
SUMMIT_DISPATCHED(BetweenForms, BetweenBody)

// Bisection on numbers in the order of the floats: each round counts all of them side by side.
SUMMIT_INLINE int32_t RankBody(const int32_t* __restrict keys, int32_t n, int32_t rank, int32_t least, int32_t most) {
  while (least < most) {
    const auto middle = static_cast<int32_t>((static_cast<int64_t>(least) + most) >> 1);
    int32_t below = 0;
    for (int32_t i = 0; i < n; i++) below += keys[i] <= middle ? 1 : 0;
    if (below > rank) most = middle;
    else least = middle + 1;
  }
  return least;
}
SUMMIT_DISPATCHED(RankForms, RankBody)

// Orders like the float it is made of; its own inverse.
constexpr int32_t Ordered(int32_t bits) { return bits ^ ((bits >> 31) & std::numeric_limits<int32_t>::max()); }

}  // namespace

bool StatesOf(const float* image, const int32_t* mask, int32_t n, float limit, uint8_t* state) { return StatesForms(image, mask, n, limit, state) != 0; }

void MarkRays(const float* image, const int32_t* mask, int32_t cols, int32_t from, int32_t to, const RayLimits& limits, uint8_t* state) { RaysForms(image, mask, cols, from, to, &limits, state); }

void AboveSky(const float* image, const float* sky, const uint8_t* state, int32_t n, float* above) { AboveForms(image, sky, state, n, above); }

RowCounts BinRows(const float* image, const uint8_t* state, int32_t cols, float* light, float* number, std::span<float> bins) {
  RowCounts counts;
  for (int32_t x = 0; x < cols; x += kPiece) BinForms(image + x, state + x, cols, std::min(kPiece, cols - x), light + x, number + x, &counts);
  for (size_t i = 0; i < bins.size(); i++) {
    const float *l = light + i * kBin, *n = number + i * kBin;
    // Nothing by nothing is no number.
    bins[i] = ((l[0] + l[1]) + (l[2] + l[3])) / ((n[0] + n[1]) + (n[2] + n[3]));
  }
  return counts;
}

void Between(const float* levels, int32_t last, float start, float step, std::span<float> values) { BetweenForms(levels, last, start, step, static_cast<int32_t>(values.size()), values.data()); }

float RankedValue(std::span<const float> values, size_t rank) {
  std::array<int32_t, kMostRanked> keys;
  int32_t least = std::numeric_limits<int32_t>::max(), most = std::numeric_limits<int32_t>::min();
  for (size_t i = 0; i < values.size(); i++) {
    keys[i] = Ordered(std::bit_cast<int32_t>(values[i]));
    least = std::min(least, keys[i]);
    most = std::max(most, keys[i]);
  }
  return std::bit_cast<float>(Ordered(RankForms(static_cast<const int32_t*>(keys.data()), static_cast<int32_t>(values.size()), static_cast<int32_t>(rank), least, most)));
}

}  // namespace summit::image
