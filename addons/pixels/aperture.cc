// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/aperture.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "addons/pixels/profile.h"
#include "addons/pixels/simd.h"

namespace summit::pixels {
namespace {

constexpr float kRadiusFaint = 1.5f;   // FWHM, up to SNR 20: noise counts more than wings
constexpr float kRadiusBright = 2.2f;  // FWHM, from SNR 100
constexpr float kLargestShare = 0.3f;  // of the window's side: beyond, the offsets of columns and rows take the light
// Share of a star's light outside kRadiusBright that the model's wings do not have: a long exposure through turbulence
// falls as r^(-11/3), the light outside hence as r^(-5/3). It is 2.5 % for such a star, less for others.
constexpr float kFarWings = 0.012f;
constexpr float kUnseenDoubt = 0.5f;   // of the light outside the aperture
constexpr float kClip = 4.0f;          // sigma: what is farther off outside the aperture is no background

struct Frame {
  const Window* window;
  const uint8_t* rejected;
  const StarModel* star;
  float radius, variance, shot;
  float reach;  // px from the star: beyond, it has no light
};

// Inner products of images over the window, means over each column and each row taken out of both: what the offsets of
// columns and rows may be does not matter. Images: the aperture, the star, its change with ln width, the residual.
struct Products {
  float aperture_star, aperture_width, aperture_excess, aperture_aperture;
  float width_star, width_width, width_excess;
  float shot;  // light within the aperture, plain
};

enum Image : int32_t { kAperture, kStar, kWidth, kExcess, kImages };

template <typename V>
SUMMIT_INLINE Products MultiplyBody(const Frame* f) {
  constexpr auto kLanes = static_cast<int32_t>(sizeof(V) / sizeof(float));
  const Window& window = *f->window;
  const StarModel& s = *f->star;
  const ProfileTerms t = TermsOf(s);
  const V zero = {}, one = zero + 1.0f, half = zero + 0.5f;
  V lane;
  Ramp(&lane);
  const float radius2 = f->radius * f->radius, steepness = 0.5f / f->radius, cols = static_cast<float>(window.cols), rows = static_cast<float>(window.rows);
  // Starlight is counted by whole groups of eight columns, however many a vector holds.
  const float first = 8.0f * std::floor((s.x - f->reach + 1.0f) / 8.0f), end = 8.0f * std::ceil((s.x + f->reach) / 8.0f);
  const float middle = 0.5f * (first + end), half_width2 = 0.25f * (end - first) * (end - first);
  V columns[kImages][kWindowStride / kLanes] = {};
  V sums[7] = {}, light = {};
  float whole[kImages] = {}, row_products[7] = {};
  constexpr int32_t kPairs[7][2] = {{kAperture, kStar}, {kAperture, kWidth}, {kAperture, kExcess}, {kAperture, kAperture}, {kWidth, kStar}, {kWidth, kWidth}, {kWidth, kExcess}};
  for (int32_t r = 0; r < window.rows; r++) {
    const float dy = static_cast<float>(r) - s.y;
    V row[kImages] = {};
    for (int32_t c = 0; c < window.cols; c += kLanes) {
      const int32_t at = r * kWindowStride + c;
      V pixels;
      Load(window.pixels + at, &pixels);
      const V column = lane + static_cast<float>(c);
      const V inside = column < zero + cols ? one : zero;
      const bool near = std::fabs(dy) < f->reach && static_cast<float>(c + kLanes) > first && static_cast<float>(c) < end;
      V off = (pixels - s.background) * inside, limit = zero + (kClip * kClip) * f->variance, image[kImages] = {};
      if (near) {
        const V dx = column - s.x;
        const V r2 = (1.0f + s.g1) * dx * dx + (2.0f * s.g2 * dy) * dx + (1.0f - s.g1) * dy * dy;
        V wings, core, wt, ct;
        EvaluateParts(t, r2, &wings, &core, &wt, &ct);
        const V apart = column + (0.5f - middle), lit = apart * apart < half_width2 ? inside : zero;
        wings *= (s.flux * (1.0f - s.blend)) * lit;
        core *= (s.flux * s.blend) * lit;
        const V star = wings + core;
        V edge = (zero + radius2 - dx * dx - dy * dy) * steepness + half;
        edge = edge < zero ? zero : edge;
        edge = edge > one ? one : edge;
        image[kAperture] = edge * inside;
        image[kStar] = star;
        image[kWidth] = 6.0f * wings * (one - wt) + 12.0f * core * (one - ct) - 2.0f * star;
        off -= star;
        // Outside the aperture, what is far off is no background.
        limit += (kClip * kClip) * f->shot * (star > zero ? star : zero);
        limit = edge > zero ? zero + 1e30f : limit;
      }
      V kept = off * off < limit ? off : zero;
      for (int32_t i = 0; i < kLanes; i += 8) {
        uint64_t masked, rejected;
        std::memcpy(&masked, window.masked + at + i, sizeof masked);
        std::memcpy(&rejected, f->rejected + at + i, sizeof rejected);
        if ((masked | rejected) == 0) continue;
        for (int32_t k = 0; k < 8; k++) kept[i + k] = ((masked | rejected) >> (8 * k) & 0xFF) != 0 ? 0.0f : kept[i + k];
      }
      image[kExcess] = kept;
      row[kExcess] += kept;
      columns[kExcess][c / kLanes] += kept;
      if (!near) continue;
      for (int32_t i = 0; i < kExcess; i++) {
        row[i] += image[i];
        columns[i][c / kLanes] += image[i];
      }
      for (int32_t k = 0; k < 7; k++) sums[k] += image[kPairs[k][0]] * image[kPairs[k][1]];
      light += image[kAperture] * image[kStar];
    }
    if (std::fabs(dy) >= f->reach) {
      // Rows beyond the star's reach have nothing but excess, and no product holds its square.
      whole[kExcess] += Sum(row[kExcess]);
      continue;
    }
    float row_sum[kImages];
    for (int32_t i = 0; i < kImages; i++) {
      row_sum[i] = Sum(row[i]);
      whole[i] += row_sum[i];
    }
    for (int32_t k = 0; k < 7; k++) row_products[k] += row_sum[kPairs[k][0]] * row_sum[kPairs[k][1]];
  }
  float result[7];
  for (int32_t k = 0; k < 7; k++) {
    V column_products = {};
    for (int32_t c = 0; c < kWindowStride / kLanes; c++) column_products += columns[kPairs[k][0]][c] * columns[kPairs[k][1]][c];
    result[k] = Sum(sums[k]) - Sum(column_products) / rows - row_products[k] / cols + whole[kPairs[k][0]] * whole[kPairs[k][1]] / (rows * cols);
  }
  return {result[0], result[1], result[2], result[3], result[4], result[5], result[6], Sum(light)};
}
SUMMIT_DISPATCHED_BY_WIDTH(Multiply, MultiplyBody)

}  // namespace

ApertureFlux MeasureAperture(const Window& window, const uint8_t* rejected, const Fit& fit, float noise, float gain) {
  ApertureFlux out;
  const StarModel& s = fit.star;
  const float share = std::clamp((std::log(fit.snr) - std::log(20.0f)) / std::log(5.0f), 0.0f, 1.0f);
  out.radius = std::clamp((kRadiusFaint + (kRadiusBright - kRadiusFaint) * share) * fit.fwhm, 3.0f, kLargestShare * static_cast<float>(std::min(window.rows, window.cols)));
  const Frame frame{&window, rejected, &s, out.radius, noise * noise, 1.0f / gain, std::max(3.2f * fit.fwhm, out.radius + 1.0f)};
  const Products p = Multiply(&frame);
  if (!(p.aperture_star > 0.1f * s.flux)) return out;
  // One step for flux and width together; where the star outshines the background the fit knows the width better.
  const float determinant = p.aperture_star * p.width_width - p.aperture_width * p.width_star;
  const float step = determinant > 0.0f ? (p.aperture_star * p.width_excess - p.aperture_excess * p.width_star) / determinant : 0.0f;
  const float peak = s.flux * ProfileAt(s, 0.0f, 0.0f);
  out.widening = std::clamp(step * frame.variance / (frame.variance + 0.4f * peak / gain), -0.15f, 0.15f);
  out.flux = s.flux * (1.0f + (p.aperture_excess - out.widening * p.aperture_width) / p.aperture_star);
  const float variance = frame.variance * p.aperture_aperture + std::max(p.shot, 0.0f) / gain;
  // What the aperture does not see: the model's wings, which may not be negative, and wings beyond the model's.
  const float scale = out.radius / fit.fwhm, wings = 1.0f + scale * scale / kAlpha2Wings, core = 1.0f + scale * scale / kAlpha2Core;
  const float outside = (1.0f - s.blend) / (wings * wings) + s.blend / std::pow(core, 5.0f);
  const float unseen = std::max(outside, 0.0f) + kFarWings * std::pow(kRadiusBright / scale, 5.0f / 3.0f);
  out.flux *= 1.0f + unseen - outside;
  out.error = std::hypot(s.flux * std::sqrt(variance) / p.aperture_star, kUnseenDoubt * unseen * out.flux);
  out.valid = out.flux > 0.0f;
  return out;
}

}  // namespace summit::pixels
