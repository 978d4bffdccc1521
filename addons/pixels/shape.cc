// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/shape.h"

#include <algorithm>
#include <cmath>

#include "addons/pixels/simd.h"

namespace summit::pixels {
namespace {

constexpr float kFwhmToSigma = 0.42466f;
constexpr float kModelError = 0.12f;  // of the model's light under the 3 x 3 pixels

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

}  // namespace

Shape MeasureShape(const Window& window, const uint8_t* rejected, const Fit& fit, float noise, float gain) {
  Shape shape;
  const StarModel& s = fit.star;
  const float sigma2 = kFwhmToSigma * kFwhmToSigma * fit.fwhm * fit.fwhm;
  const Span span = Around(window, fit, 1.7f * fit.fwhm);
  float along[kWindowStride];  // the Gaussian weight is a product of one per column and one per row
  for (int32_t c = span.c0; c <= span.c1; c++) along[c] = std::exp(-0.5f * (static_cast<float>(c) - s.x) * (static_cast<float>(c) - s.x) / sigma2);
  float sum = 0.0f, xx = 0.0f, yy = 0.0f, xy = 0.0f, spread = 0.0f;
  for (int32_t r = span.r0; r <= span.r1; r++) {
    const float dy = static_cast<float>(r) - s.y, across = std::exp(-0.5f * dy * dy / sigma2);
    for (int32_t c = span.c0; c <= span.c1; c++) {
      const float dx = static_cast<float>(c) - s.x, d2 = dx * dx + dy * dy, weight = along[c] * across;
      const bool used = !window.MaskRow(r)[c] && !rejected[r * kWindowStride + c];
      const float value = used ? window.Row(r)[c] - s.background : s.flux * ProfileAt(s, dx, dy);
      const float w = weight * value;
      sum += w;
      xx += w * dx * dx;
      yy += w * dy * dy;
      xy += w * dx * dy;
      spread += weight * weight * d2 * d2 * (noise * noise + std::max(value, 0.0f) / gain);
      if (used && d2 <= fit.fwhm * fit.fwhm) shape.peak = std::max(shape.peak, value);
    }
  }
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

Leftover FindLeftover(const Window& window, const uint8_t* rejected, const Fit& fit, const float* residual, float noise, float gain, float reach) {
  Leftover best;
  const StarModel& s = fit.star;
  const float far = reach * fit.fwhm, background = s.background;
  const Span span = Around(window, fit, far);
  const float star_light = std::max(9.0f * s.flux * ProfileAt(s, 0.0f, 0.0f), 1.0f);
  for (int32_t r = std::max(1, span.r0); r <= std::min(window.rows - 2, span.r1); r++) {
    const float* row = residual + r * kWindowStride;
    for (int32_t c = std::max(1, span.c0); c <= std::min(window.cols - 2, span.c1); c++) {
      // The middle of a significant excess stands out by itself: most pixels end here.
      if (row[c] - background < 2.0f * noise) continue;
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
      if (!usable) continue;
      float sum = BlockSum(residual, r, c, background);
      sum = std::min(sum, 2.0f * (sum - highest));
      if (sum < 12.0f * noise) continue;
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
