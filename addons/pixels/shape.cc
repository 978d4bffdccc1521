// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/shape.h"

#include <algorithm>
#include <cmath>

namespace summit::pixels {
namespace {

constexpr float kFwhmToSigma = 0.42466f;

struct Span {
  int32_t r0, r1, c0, c1;
};

Span Around(const Window& w, const Fit& fit, float reach) {
  return {std::max(0, static_cast<int32_t>(std::ceil(fit.y - reach))), std::min(w.rows - 1, static_cast<int32_t>(std::floor(fit.y + reach))),
          std::max(0, static_cast<int32_t>(std::ceil(fit.x - reach))), std::min(w.cols - 1, static_cast<int32_t>(std::floor(fit.x + reach)))};
}

}  // namespace

Shape MeasureShape(const Window& window, const Fit& fit, float noise) {
  Shape shape;
  const float sigma2 = kFwhmToSigma * kFwhmToSigma * fit.fwhm * fit.fwhm;
  double sum = 0.0, xx = 0.0, yy = 0.0, xy = 0.0, spread = 0.0;
  const Span span = Around(window, fit, 2.0f * fit.fwhm);
  for (int32_t r = span.r0; r <= span.r1; r++) {
    for (int32_t c = span.c0; c <= span.c1; c++) {
      if (window.MaskRow(r)[c]) continue;
      const float dx = static_cast<float>(c) - fit.x, dy = static_cast<float>(r) - fit.y, d2 = dx * dx + dy * dy;
      const float value = window.Row(r)[c] - fit.background;
      const float weight = std::exp(-0.5f * d2 / sigma2);
      const double w = static_cast<double>(weight * value);
      sum += w;
      xx += w * static_cast<double>(dx * dx);
      yy += w * static_cast<double>(dy * dy);
      xy += w * static_cast<double>(dx * dy);
      spread += static_cast<double>(weight * weight * d2 * d2);
      if (d2 <= fit.fwhm * fit.fwhm) shape.peak = std::max(shape.peak, value);
    }
  }
  if (!(sum > 0.0)) return shape;
  const auto mxx = static_cast<float>(xx / sum), myy = static_cast<float>(yy / sum), mxy = static_cast<float>(xy / sum);
  const float trace = mxx + myy;
  if (!(trace > 0.0f)) return shape;
  shape.ellipticity = std::hypot(mxx - myy, 2.0f * mxy) / trace;
  shape.ellipticity_err = noise * static_cast<float>(std::sqrt(spread) / sum) / trace;
  // A Gaussian seen through a Gaussian weight: 1/measured = 1/true + 1/weight, for the round part.
  const float round = 0.5f * trace, inverse = 1.0f / round - 1.0f / sigma2;
  const float factor = inverse > 0.05f / sigma2 ? 1.0f / (inverse * round) : 20.0f * sigma2 / round;
  shape.xx = mxx * factor;
  shape.yy = myy * factor;
  shape.xy = mxy * factor;
  return shape;
}

Leftover FindLeftover(const Window& window, const Fit& fit, const float* residual, float noise, float gain) {
  Leftover best;
  const Span span = Around(window, fit, 3.5f * fit.fwhm);
  const float star_peak = fit.flux * MoffatPixel(fit.fwhm, 0.0f, 0.0f);
  for (int32_t r = std::max(1, span.r0); r <= std::min(window.rows - 2, span.r1); r++) {
    for (int32_t c = std::max(1, span.c0); c <= std::min(window.cols - 2, span.c1); c++) {
      const float dx = static_cast<float>(c) - fit.x, dy = static_cast<float>(r) - fit.y, distance = std::hypot(dx, dy);
      if (distance > 3.5f * fit.fwhm) continue;
      // A 3 x 3 sum is near the matched filter of any star; its brightest pixel is capped at half of it, so that
      // one hot pixel is no star.
      float sum = 0.0f, highest = 0.0f, model = 0.0f;
      bool usable = true;
      for (int32_t i = -1; i <= 1; i++) {
        for (int32_t j = -1; j <= 1; j++) {
          usable = usable && !window.MaskRow(r + i)[c + j];
          const float v = residual[(r + i) * kWindowStride + c + j] - fit.background;
          sum += v;
          highest = std::max(highest, v);
        }
      }
      if (!usable || sum < 15.0f * noise) continue;
      sum = std::min(sum, 2.0f * (sum - highest));
      model = 9.0f * star_peak * std::exp(-0.5f * distance * distance / (kFwhmToSigma * kFwhmToSigma * fit.fwhm * fit.fwhm));
      // Real profiles differ from a Moffat by some per cent of the light under the aperture.
      const float error = std::sqrt(9.0f * noise * noise + model / gain + 0.0036f * model * model);
      const float significance = sum / error;
      if (significance <= best.significance) continue;
      best.significance = significance;
      best.share = sum / std::max(9.0f * star_peak, 1.0f);
      best.distance = distance;
    }
  }
  return best;
}

}  // namespace summit::pixels
