// SPDX-License-Identifier: Apache-2.0
#include "addons/looks/preview.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "addons/pixels/simd.h"

namespace summit::looks {
namespace {

using pixels::Simd;
using pixels::SimdLevel;

constexpr float kBelow = 0.9f;  // asinh of what is black, below the sky
constexpr float kTop = 300.0f;  // of what is white, in `unit`

// Natural logarithm of what is above 0, to 1e-4: the exponent, and the mantissa's by the series of artanh.
SUMMIT_INLINE float Log(float x) {
  const int32_t bits = std::bit_cast<int32_t>(x);
  const auto exponent = static_cast<float>((bits >> 23) - 127);
  const float mantissa = std::bit_cast<float>((bits & 0x007fffff) | 0x3f800000), s = (mantissa - 1.0f) / (mantissa + 1.0f), square = s * s;
  return 0.69314718f * exponent + 2.0f * s * (1.0f + square * (1.0f / 3.0f + square * (0.2f + square * (1.0f / 7.0f))));
}

SUMMIT_INLINE int32_t StretchBody(const float* __restrict bins, int32_t n, float per_unit, float scale, uint8_t* __restrict preview) {
  for (int32_t i = 0; i < n; i++) {
    float t = bins[i] * per_unit;
    // Black anyway; far below 0 the sum would lose its digits.
    t = t > -2.0f ? t : -2.0f;
    float level = (Log(t + std::sqrt(t * t + 1.0f)) + kBelow) * scale;
    level = level > 0.0f ? level : 0.0f;
    level = level < 255.0f ? level : 255.0f;
    preview[i] = static_cast<uint8_t>(static_cast<int32_t>(level + 0.5f));
  }
  return 0;
}
SUMMIT_DISPATCHED(StretchForms, StretchBody)

}  // namespace

void DrawPreview(const image::SkyMap& sky, std::vector<uint8_t>* preview) {
  preview->resize(sky.bins.size());
  const float unit = 3.0f * static_cast<float>(std::max(sky.bin_noise, 1e-3)), scale = 255.0f / (std::asinh(kTop) + kBelow);
  StretchForms(sky.bins.data(), static_cast<int32_t>(sky.bins.size()), 1.0f / unit, scale, preview->data());
}

}  // namespace summit::looks
