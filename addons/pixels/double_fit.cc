// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/double_fit.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "addons/pixels/fit_kernels.h"

namespace summit::pixels {
namespace {

constexpr int32_t kMaxIterations = 28;
constexpr int32_t kLooks = 3;       // for outliers, once settled
constexpr int32_t kParameters = 8;  // x, y, flux of both, ln width, background

// A box that holds both stars.
Box BoxAroundBoth(const Window& w, const StarModel& one, const StarModel& two) {
  const Box a = BoxAround(w, one), b = BoxAround(w, two);
  Box box;
  box.row0 = std::min(a.row0, b.row0);
  box.rows = std::max(a.row0 + a.rows, b.row0 + b.rows) - box.row0;
  box.col0 = std::min(a.col0, b.col0);
  const int32_t end = std::min(w.cols, std::max(a.col0 + a.cols, b.col0 + b.cols));
  box.cols = (end - box.col0 + 7) / 8 * 8;
  box.col0 = std::min(box.col0, kWindowStride - box.cols);
  return box;
}

class TwoStars {
 public:
  TwoStars(const Window& window, const FitSettings& settings, uint8_t* rejected) : window_(window), settings_(settings), rejected_(rejected) {}

  DoubleFit Run(StarModel one, StarModel two) {
    DoubleFit result;
    prior_log_fwhm_ = std::log(settings_.fwhm);
    two.log_fwhm = one.log_fwhm;
    two.blend = one.blend;
    box_ = settings_.reach > 0.0f ? BoxAt(window_, settings_.box_x, settings_.box_y, static_cast<int32_t>(settings_.reach)) : BoxAroundBoth(window_, one, two);
    FillUse();
    const float variance = settings_.noise * settings_.noise, shot = 1.0f / settings_.gain;
    Sums sums;
    bool settled = false;
    int32_t looks = kLooks;
    for (int32_t i = 0; i < kMaxIterations && !settled; i++) {
      bool fresh_mask = false;
      if (i >= 3 && i < 7) fresh_mask = Mask(one, two, variance, shot);
      AccumulateTwo(static_cast<const float*>(window_.pixels), static_cast<const float*>(use_), &box_, &one, &two, variance, shot, &sums);
      float step = 0.0f;
      if (!Step(&sums, &one, &two, &step)) return result;
      result.main.iterations = i + 1;
      settled = i >= 4 && !fresh_mask && step < 0.05f;
      // What was an outlier on the way need not be one where it ends.
      if (settled && i >= 7 && looks-- > 0) settled = !Mask(one, two, variance, shot);
    }
    Finish(one, two, sums, settled, &result);
    return result;
  }

 private:
  void FillUse() {
    for (int32_t r = box_.row0; r < box_.row0 + box_.rows; r++) {
      for (int32_t c = box_.col0; c < box_.col0 + box_.cols; c++) {
        const int32_t at = r * kWindowStride + c;
        use_[at] = allowed_[at] = window_.masked[at] | (rejected_[at] & kKnownBad) | (c >= window_.cols) ? 0.0f : 1.0f;
      }
    }
  }

  bool Mask(const StarModel& one, const StarModel& two, float variance, float shot) {
    Render(&one, &box_, static_cast<float*>(star_));
    Render(&two, &box_, static_cast<float*>(other_));
    for (int32_t r = box_.row0; r < box_.row0 + box_.rows; r++) {
      for (int32_t c = box_.col0; c < box_.col0 + box_.cols; c++) star_[r * kWindowStride + c] += other_[r * kWindowStride + c];
    }
    return MaskOutside(static_cast<const float*>(window_.pixels), static_cast<const float*>(star_), static_cast<const float*>(allowed_), &box_, one.background, variance, shot,
                       kOutlierSigma, static_cast<float*>(use_));
  }

  bool Step(Sums* sums, StarModel* one, StarModel* two, float* size) const {
    const float width_weight = 1.0f / (settings_.fwhm_scatter * settings_.fwhm_scatter);
    const float level_weight = 1.0f / (settings_.background_scatter * settings_.background_scatter);
    sums->hessian[DiagonalTerm(kParameters, 6)] += width_weight;
    sums->gradient[6] -= width_weight * (one->log_fwhm - prior_log_fwhm_);
    sums->hessian[DiagonalTerm(kParameters, 7)] += level_weight;
    sums->gradient[7] -= level_weight * one->background;
    NormalEquations equations(kParameters, sums->hessian);
    float delta[kMaxParameters];
    if (!equations.Solve(sums->gradient, delta)) return false;
    *size = 0.0f;
    for (const int32_t i : {0, 1, 3, 4}) *size = std::max(*size, std::fabs(delta[i]) * std::sqrt(sums->hessian[DiagonalTerm(kParameters, i)]));
    const float limit = 0.3f * std::exp(one->log_fwhm);
    const float width = std::clamp(delta[6], -0.2f, 0.2f), level = delta[7];
    const auto move = [&delta, limit, width, level](StarModel* s, int32_t from) {
      s->x += std::clamp(delta[from], -limit, limit);
      s->y += std::clamp(delta[from + 1], -limit, limit);
      s->flux = std::max(s->flux + delta[from + 2], 0.3f * s->flux);
      s->log_fwhm += width;
      s->background += level;
    };
    move(one, 0);
    move(two, 3);
    const auto inside = [this](const StarModel& s) {
      return s.x > -3.0f && s.y > -3.0f && s.x < static_cast<float>(window_.cols) + 2.0f && s.y < static_cast<float>(window_.rows) + 2.0f;
    };
    return inside(*one) && inside(*two) && one->log_fwhm > 0.2f && one->log_fwhm < 3.0f;
  }

  void Finish(StarModel one, StarModel two, const Sums& sums, bool settled, DoubleFit* out) {
    NormalEquations equations(kParameters, sums.hessian);
    float variances[kMaxParameters];
    if (!equations.Variances(6, variances)) return;
    int32_t first = 0;
    const bool by_place = settings_.area.Holds(one.x, one.y) != settings_.area.Holds(two.x, two.y);
    if (by_place ? settings_.area.Holds(two.x, two.y) : two.flux > one.flux) {
      std::swap(one, two);
      first = 3;
    }
    const int32_t other = 3 - first;
    Fit& fit = out->main;
    fit.star = one;
    fit.fwhm = std::exp(one.log_fwhm);
    fit.ex = std::sqrt(variances[first]);
    fit.ey = std::sqrt(variances[first + 1]);
    fit.flux_err = std::sqrt(variances[first + 2]);
    fit.snr = one.flux * std::sqrt(sums.hessian[DiagonalTerm(kParameters, first + 2)]);
    fit.used = static_cast<int32_t>(sums.used);
    fit.chi2 = sums.chi2 / std::max(1.0f, sums.used - static_cast<float>(kParameters));
    fit.converged = settled;
    out->neighbour = two;
    out->neighbour_snr = two.flux / std::sqrt(variances[other + 2]);
    out->flux_difference = by_place ? std::numeric_limits<float>::infinity() : (one.flux - two.flux) / std::hypot(fit.flux_err, std::sqrt(variances[other + 2]));
    out->valid = std::hypot(one.x - two.x, one.y - two.y) > 0.35f * fit.fwhm;
    const float radius2 = 0.64f * fit.fwhm * fit.fwhm;
    for (int32_t r = box_.row0; r < box_.row0 + box_.rows; r++) {
      for (int32_t c = box_.col0; c < std::min(window_.cols, box_.col0 + box_.cols); c++) {
        const int32_t at = r * kWindowStride + c;
        const float dx = static_cast<float>(c) - one.x, dy = static_cast<float>(r) - one.y;
        const bool core = dx * dx + dy * dy < radius2;
        if (use_[at] != 0.0f) {
          rejected_[at] = 0;
        } else if (window_.masked[at]) {
          fit.saturated_core += core && window_.masked[at] == kMaskSaturated;
        } else {
          fit.masked++;
          fit.masked_core += core;
          if (rejected_[at] == 0) rejected_[at] = kOutlier;
        }
      }
    }
  }

  const Window& window_;
  const FitSettings& settings_;
  uint8_t* rejected_;
  Box box_{};
  float prior_log_fwhm_ = 0.0f;
  alignas(64) float allowed_[kWindowSide * kWindowStride];
  alignas(64) float use_[kWindowSide * kWindowStride];
  alignas(64) float star_[kWindowSide * kWindowStride];
  alignas(64) float other_[kWindowSide * kWindowStride];
};

}  // namespace

DoubleFit FitTwoStars(const Window& window, const FitSettings& settings, const StarModel& one, const StarModel& two, uint8_t* rejected) {
  return TwoStars(window, settings, rejected).Run(one, two);
}

}  // namespace summit::pixels
