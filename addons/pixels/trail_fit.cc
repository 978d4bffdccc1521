// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "addons/pixels/double_fit.h"
#include "addons/pixels/fit_kernels.h"

namespace summit::pixels {
namespace {

constexpr int32_t kMaxIterations = 28;
constexpr int32_t kLooks = 3;       // for outliers, once settled
constexpr int32_t kParameters = 7;  // x, y, flux, ln width, hx, hy, background

struct Trail {
  StarModel star;
  float hx = 0.0f, hy = 0.0f;
};

Box BoxAroundTrail(const Window& w, const Trail& t) {
  StarModel reach = t.star;
  reach.log_fwhm = std::log(std::exp(t.star.log_fwhm) + 0.5f * std::hypot(t.hx, t.hy));
  return BoxAround(w, reach);
}

// One bounded step with the priors; false when the system is singular.
bool Step(const FitSettings& settings, float prior_log_fwhm, Sums* sums, Trail* t, float* size) {
  const auto prior = [sums](int32_t i, float scatter, float distance) {
    const float weight = 1.0f / (scatter * scatter);
    sums->hessian[DiagonalTerm(kParameters, i)] += weight;
    sums->gradient[i] -= weight * distance;
  };
  prior(3, settings.fwhm_scatter, t->star.log_fwhm - prior_log_fwhm);
  prior(4, 6.0f, t->hx);
  prior(5, 6.0f, t->hy);
  prior(6, settings.background_scatter, t->star.background);
  NormalEquations equations(kParameters, sums->hessian);
  float delta[kMaxParameters];
  if (!equations.Solve(sums->gradient, delta)) return false;
  *size = 0.0f;
  for (const int32_t i : {0, 1, 4, 5}) *size = std::max(*size, std::fabs(delta[i]) * std::sqrt(sums->hessian[DiagonalTerm(kParameters, i)]));
  const float limit = 0.4f * std::exp(t->star.log_fwhm);
  t->star.x += std::clamp(delta[0], -limit, limit);
  t->star.y += std::clamp(delta[1], -limit, limit);
  t->star.flux = std::max(t->star.flux + delta[2], 0.3f * t->star.flux);
  t->star.log_fwhm += std::clamp(delta[3], -0.2f, 0.2f);
  t->hx += std::clamp(delta[4], -limit, limit);
  t->hy += std::clamp(delta[5], -limit, limit);
  t->star.background += delta[6];
  return t->star.log_fwhm > 0.2f && t->star.log_fwhm < 3.0f && std::hypot(t->hx, t->hy) < 24.0f;
}

}  // namespace

Fit FitTrail(const Window& window, const FitSettings& settings, const StarModel& start, float hx, float hy, uint8_t* rejected) {
  alignas(64) float allowed[kWindowSide * kWindowStride];
  alignas(64) float use[kWindowSide * kWindowStride];
  alignas(64) float star[kWindowSide * kWindowStride];
  alignas(64) float node[kWindowSide * kWindowStride];
  const float variance = settings.noise * settings.noise, shot = 1.0f / settings.gain, prior_log_fwhm = std::log(settings.fwhm);
  Trail t{start, hx, hy};
  t.star.g1 = t.star.g2 = 0.0f;
  const Box box = settings.reach > 0.0f ? BoxAt(window, settings.box_x, settings.box_y, static_cast<int32_t>(settings.reach)) : BoxAroundTrail(window, t);
  for (int32_t r = box.row0; r < box.row0 + box.rows; r++) {
    for (int32_t c = box.col0; c < box.col0 + box.cols; c++) {
      const int32_t at = r * kWindowStride + c;
      use[at] = allowed[at] = window.masked[at] | (rejected[at] & kKnownBad) | (c >= window.cols) ? 0.0f : 1.0f;
    }
  }
  const auto mask = [&] {
    for (int32_t r = box.row0; r < box.row0 + box.rows; r++) std::fill_n(star + r * kWindowStride + box.col0, box.cols, 0.0f);
    for (int32_t k = 0; k < 5; k++) {
      StarModel part = t.star;
      part.x += kTrailAt[k] * t.hx;
      part.y += kTrailAt[k] * t.hy;
      part.flux *= kTrailShare[k];
      Render(&part, &box, static_cast<float*>(node));
      for (int32_t r = box.row0; r < box.row0 + box.rows; r++) {
        for (int32_t c = box.col0; c < box.col0 + box.cols; c++) star[r * kWindowStride + c] += node[r * kWindowStride + c];
      }
    }
    return MaskOutside(static_cast<const float*>(window.pixels), static_cast<const float*>(star), static_cast<const float*>(allowed), &box, t.star.background, variance, shot,
                             kOutlierSigma, static_cast<float*>(use));
  };
  Fit fit;
  Sums sums;
  int32_t looks = kLooks;
  for (int32_t i = 0; i < kMaxIterations && !fit.converged; i++) {
    const bool fresh_mask = i >= 3 && i < 7 && mask();
    AccumulateTrail(static_cast<const float*>(window.pixels), static_cast<const float*>(use), &box, &t.star, t.hx, t.hy, variance, shot, &sums);
    float step = 0.0f;
    if (!Step(settings, prior_log_fwhm, &sums, &t, &step)) break;
    fit.iterations = i + 1;
    fit.converged = i >= 4 && !fresh_mask && step < 0.05f;
    // What was an outlier on the way need not be one where it ends.
    if (fit.converged && i >= 7 && looks-- > 0) fit.converged = !mask();
  }
  NormalEquations equations(kParameters, sums.hessian);
  float variances[kMaxParameters];
  if (!fit.converged || !equations.Variances(3, variances)) {
    fit.left = true;
    return fit;
  }
  fit.star = t.star;
  fit.fwhm = std::exp(t.star.log_fwhm);
  fit.ex = std::sqrt(variances[0]);
  fit.ey = std::sqrt(variances[1]);
  fit.flux_err = std::sqrt(variances[2]);
  fit.snr = t.star.flux * std::sqrt(sums.hessian[DiagonalTerm(kParameters, 2)]);
  fit.used = static_cast<int32_t>(sums.used);
  fit.chi2 = sums.chi2 / std::max(1.0f, sums.used - static_cast<float>(kParameters));
  for (int32_t r = box.row0; r < box.row0 + box.rows; r++) {
    for (int32_t c = box.col0; c < std::min(window.cols, box.col0 + box.cols); c++) {
      const int32_t at = r * kWindowStride + c;
      if (use[at] != 0.0f) {
        rejected[at] = 0;
      } else if (window.masked[at] == 0) {
        fit.masked++;
        if (rejected[at] == 0) rejected[at] = kOutlier;
      }
    }
  }
  return fit;
}

}  // namespace summit::pixels
