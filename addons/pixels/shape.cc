// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/shape.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "addons/pixels/simd.h"

namespace summit::pixels {
namespace {

constexpr float kFwhmToSigma = 0.42466f;
constexpr float kModelError = 0.12f;  // of the model's light under the 3 x 3 pixels

constexpr float kMisfitReach = 1.5f;  // FWHM

struct Span {
  int32_t r0, r1, c0, c1;
};

Span Around(const Window& w, const Fit& fit, float reach) {
  return {std::max(0, static_cast<int32_t>(std::ceil(fit.star.y - reach))), std::min(w.rows - 1, static_cast<int32_t>(std::floor(fit.star.y + reach))),
          std::max(0, static_cast<int32_t>(std::ceil(fit.star.x - reach))), std::min(w.cols - 1, static_cast<int32_t>(std::floor(fit.star.x + reach)))};
}

float BlockSum(const float* residual, int32_t r, int32_t c, float background) {
  float sum = -9.0f * background;
  for (int32_t i = -1; i <= 1; i++) {
    for (int32_t j = -1; j <= 1; j++) sum += residual[(r + i) * kWindowStride + c + j];
  }
  return sum;
}

struct Moments {
  float sum = 0.0f, xx = 0.0f, yy = 0.0f, xy = 0.0f, spread = 0.0f, peak = 0.0f;
};

// `along`: the weight of each column of the span, 0 beyond it.
SUMMIT_INLINE Moments AddMomentsBody(const float* pixels, const float* along, const Span* span, const StarModel* s, float sigma2, float radius2, float variance, float shot) {
  const V8 lane = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f}, zero = {};
  V8 sum = {}, xx = {}, yy = {}, xy = {}, spread = {}, peak = {};
  for (int32_t r = span->r0; r <= span->r1; r++) {
    const float dy = static_cast<float>(r) - s->y, across = std::exp(-0.5f * dy * dy / sigma2);
    V8 row_sum = {}, row_x = {};
    for (int32_t c = span->c0; c <= span->c1; c += 8) {
      V8 weight, value, bright;
      Load(along + c, &weight);
      Load(pixels + r * kWindowStride + c, &value);
      value -= s->background;
      weight *= across;
      const V8 dx = lane + (static_cast<float>(c) - s->x), d2 = dx * dx + dy * dy, w = weight * value, wd = weight * d2;
      row_sum += w;
      row_x += w * dx;
      xx += w * dx * dx;
      Greatest(value, zero, &bright);
      spread += wd * wd * (variance + shot * bright);
      const V8 inside = (d2 <= radius2) & (weight > zero) ? bright : zero;
      Greatest(inside, peak, &peak);
    }
    sum += row_sum;
    yy += (dy * dy) * row_sum;
    xy += dy * row_x;
  }
  return {Sum(sum), Sum(xx), Sum(yy), Sum(xy), Sum(spread), Highest(peak)};
}
SUMMIT_DISPATCHED(AddMoments, AddMomentsBody)

// For each row of the span the groups of eight columns, as bits, in which a pixel reaches `least` and the 3 x 3 about it
// `block`.
SUMMIT_INLINE void FindBlocksBody(const float* residual, const Span* span, float least, float block, uint8_t* groups) {
  for (int32_t r = span->r0; r <= span->r1; r++) {
    uint32_t found = 0;
    for (int32_t c = span->c0; c <= span->c1; c += 8) {
      V8 v, sum = {}, middle = {};
      for (int32_t i = -1; i <= 1; i++) {
        for (int32_t j = -1; j <= 1; j++) {
          Load(residual + (r + i) * kWindowStride + c + j, &v);
          sum += v;
          if (i == 0 && j == 0) middle = v;
        }
      }
      if (Any((middle >= least) & (sum >= block))) found |= 1u << ((c - span->c0) / 8);
    }
    groups[r] = static_cast<uint8_t>(found);
  }
}
SUMMIT_DISPATCHED(FindBlocks, FindBlocksBody)

struct Squares {
  float sum, count;
};

// Squares of what is left in the pixels in use within a radius of the star, over their variance; and their number.
SUMMIT_INLINE Squares AddMisfitBody(const Window* window, const uint8_t* rejected, const float* residual, const Span* span, const StarModel* s, float radius2, float variance, float shot) {
  typedef uint8_t U8 __attribute__((vector_size(8), aligned(1), may_alias));
  const V8 lane = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f}, zero = {}, one = zero + 1.0f;
  const float end = static_cast<float>(span->c1);
  V8 sum = {}, count = {};
  for (int32_t r = span->r0; r <= span->r1; r++) {
    const float dy = static_cast<float>(r) - s->y;
    for (int32_t c = span->c0; c <= span->c1; c += 8) {
      const int32_t at = r * kWindowStride + c;
      V8 left, light, model;
      Load(residual + at, &left);
      Load(window->pixels + at, &light);
      light -= left;
      left -= s->background;
      Greatest(light, zero, &model);
      U8 masked, out;
      std::memcpy(&masked, window->masked + at, sizeof masked);
      std::memcpy(&out, rejected + at, sizeof out);
      const V8 column = lane + static_cast<float>(c), dx = column - s->x;
      const I8 in = (dx * dx + dy * dy <= radius2) & (column <= end) & (__builtin_convertvector(masked | out, I8) == 0);
      sum += in ? left * left / (variance + shot * model) : zero;
      count += in ? one : zero;
    }
  }
  return {Sum(sum), Sum(count)};
}
SUMMIT_DISPATCHED(AddMisfit, AddMisfitBody)

// Pixels of the span with the model's light where they are not to be used; returns the brightest used one.
float Patch(const Window& window, const uint8_t* rejected, const Fit& fit, const Span& span, float* patched) {
  const StarModel& s = fit.star;
  float peak = 0.0f;
  for (int32_t r = span.r0; r <= span.r1; r++) {
    for (int32_t c = span.c0; c <= span.c1; c++) {
      const float dx = static_cast<float>(c) - s.x, dy = static_cast<float>(r) - s.y, value = window.Row(r)[c];
      const bool used = !window.MaskRow(r)[c] && !rejected[r * kWindowStride + c];
      patched[r * kWindowStride + c] = used ? value : s.background + s.flux * ProfileAt(s, dx, dy);
      if (used && dx * dx + dy * dy <= fit.fwhm * fit.fwhm) peak = std::max(peak, value - s.background);
    }
  }
  return peak;
}

}  // namespace

Shape MeasureShape(const Window& window, const uint8_t* rejected, const Fit& fit, float noise, float gain, float* scratch) {
  Shape shape;
  const StarModel& s = fit.star;
  const float sigma2 = kFwhmToSigma * kFwhmToSigma * fit.fwhm * fit.fwhm;
  const Span span = Around(window, fit, 1.7f * fit.fwhm);
  if (span.r1 < span.r0 || span.c1 < span.c0) return shape;
  float along[kWindowStride + kLoadSlack] = {};  // the Gaussian weight is a product of one per column and one per row
  for (int32_t c = span.c0; c <= span.c1; c++) along[c] = std::exp(-0.5f * (static_cast<float>(c) - s.x) * (static_cast<float>(c) - s.x) / sigma2);
  const bool holes = fit.masked > 0 || window.saturated > 0 || window.defective > 0;
  const float used_peak = holes ? Patch(window, rejected, fit, span, scratch) : 0.0f;
  const float* pixels = holes ? scratch : window.pixels;
  const auto [sum, xx, yy, xy, spread, peak] = AddMoments(pixels, static_cast<const float*>(along), &span, &s, sigma2, fit.fwhm * fit.fwhm, noise * noise, 1.0f / gain);
  shape.peak = holes ? used_peak : peak;
  if (!(sum > 0.0f)) return shape;
  const float mxx = xx / sum, myy = yy / sum, mxy = xy / sum, trace = mxx + myy;
  if (!(trace > 0.0f)) return shape;
  shape.ellipticity = std::hypot(mxx - myy, 2.0f * mxy) / trace;
  shape.ellipticity_err = std::sqrt(spread) / sum / trace;
  // The weight halves the ellipticity of a Gaussian of its own width.
  shape.g1 = -2.0f * (mxx - myy) / trace;
  shape.g2 = -4.0f * mxy / trace;
  // A Gaussian seen through a Gaussian weight: 1/measured = 1/true + 1/weight, for the round part.
  const float round = 0.5f * trace, inverse = 1.0f / round - 1.0f / sigma2;
  const float factor = inverse > 0.05f / sigma2 ? 1.0f / (inverse * round) : 20.0f * sigma2 / round;
  shape.xx = mxx * factor;
  shape.yy = myy * factor;
  shape.xy = mxy * factor;
  return shape;
}

Misfit MeasureMisfit(const Window& window, const uint8_t* rejected, const Fit& fit, const float* residual, float noise, float gain) {
  const StarModel& s = fit.star;
  const float reach = kMisfitReach * fit.fwhm;
  const Span span = Around(window, fit, reach);
  const auto [sum, count] = AddMisfit(&window, rejected, residual, &span, &s, reach * reach, noise * noise, 1.0f / gain);
  const float excess = sum - count;
  return {excess / std::sqrt(std::max(2.0f * count, 1.0f)), excess / std::max(fit.snr * fit.snr, 1.0f)};
}

Leftover FindLeftover(const Window& window, const uint8_t* rejected, const Fit& fit, const float* residual, float noise, float gain, float reach) {
  Leftover best;
  const StarModel& s = fit.star;
  const float far = reach * fit.fwhm, background = s.background;
  const Span span = Around(window, fit, far);
  const float star_light = std::max(9.0f * s.flux * ProfileAt(s, 0.0f, 0.0f), 1e-20f);
  // The middle of a significant excess stands out by itself.
  const float least = background + 2.0f * noise, block = 9.0f * background + 12.0f * noise;
  const Span inner{std::max(1, span.r0), std::min(window.rows - 2, span.r1), std::max(1, span.c0), std::min(window.cols - 2, span.c1)};
  uint8_t groups[kWindowSide];
  FindBlocks(residual, &inner, least, block, static_cast<uint8_t*>(groups));
  for (int32_t r = inner.r0; r <= inner.r1; r++) {
    const float* row = residual + r * kWindowStride;
    for (int32_t c = inner.c0; c <= inner.c1 && groups[r] != 0; c++) {
      if ((groups[r] >> ((c - inner.c0) / 8) & 1) == 0 || row[c] < least) continue;
      float sum = BlockSum(residual, r, c, background);
      if (sum < 12.0f * noise) continue;
      const float dx = static_cast<float>(c) - s.x, dy = static_cast<float>(r) - s.y, distance2 = dx * dx + dy * dy;
      if (distance2 > far * far) continue;
      bool usable = true;
      float highest = 0.0f;
      for (int32_t i = -1; i <= 1; i++) {
        for (int32_t j = -1; j <= 1; j++) {
          usable = usable && !window.MaskRow(r + i)[c + j] && (rejected[(r + i) * kWindowStride + c + j] & kKnownBad) == 0;
          highest = std::max(highest, row[i * kWindowStride + c + j] - background);
        }
      }
      sum = std::min(sum, 2.0f * (sum - highest));
      if (!usable || sum < 12.0f * noise) continue;
      const auto rr = static_cast<int32_t>(std::lround(2.0f * s.y)) - r, cc = static_cast<int32_t>(std::lround(2.0f * s.x)) - c;
      if (rr > 0 && cc > 0 && rr < window.rows - 1 && cc < window.cols - 1) sum -= std::max(0.0f, BlockSum(residual, rr, cc, background));
      const float model = 9.0f * s.flux * ProfileAt(s, dx, dy);
      const float error = std::sqrt(9.0f * noise * noise + (model + sum) / gain + kModelError * kModelError * model * model);
      if (sum / error <= best.significance) continue;
      best.significance = sum / error;
      best.share = sum / star_light;
      best.light = sum;
      best.distance = std::sqrt(distance2);
      best.row = r;
      best.col = c;
    }
  }
  return best;
}

}  // namespace summit::pixels
