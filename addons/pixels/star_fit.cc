// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/star_fit.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "addons/pixels/fit_kernels.h"
#include "addons/pixels/medians.h"
#include "addons/pixels/normal_equations.h"

namespace summit::pixels {
namespace {

constexpr int32_t kMaxIterations = 16;
constexpr int32_t kCappedSteps = 2;  // first steps, on the capped image where there is one
constexpr int32_t kMaskings = 4;     // iterations before which outliers are looked for
constexpr float kCoreRadius = 0.8f;  // of the FWHM
constexpr float kShapeScatter = 0.6f;

class Fitter {
 public:
  Fitter(const FitImages& images, const FitSettings& settings, bool elliptical)
      : images_(images), window_(*images.window), settings_(settings), parameters_(elliptical ? 8 : 6) {
    variance_ = settings.noise * settings.noise;
    shot_ = 1.0f / settings.gain;
    prior_log_fwhm_ = std::log(settings.fwhm);
  }

  Fit Run(const StarModel& start) {
    StarModel s = start;
    s.flux = std::max(s.flux, settings_.noise);
    box_ = settings_.reach > 0.0f ? BoxAt(window_, settings_.box_x, settings_.box_y, static_cast<int32_t>(settings_.reach)) : BoxAround(window_, s);
    FillUse();
    Fit fit;
    Sums sums;
    bool settled = false;
    const int32_t first_masking = images_.capped != nullptr ? kCappedSteps : 0;
    for (int32_t i = 0; i < kMaxIterations && !settled; i++) {
      const bool first_steps = i < first_masking;
      bool fresh_mask = false;
      if (!first_steps && i < first_masking + kMaskings) fresh_mask = MaskOutliers(s, &fit);
      Accumulate(first_steps ? images_.capped : window_.pixels, s, &sums);
      float step = 0.0f;
      if (!Step(&sums, i, &s, &step) || !Plausible(s)) {
        fit.left = true;
        return fit;
      }
      fit.iterations = i + 1;
      settled = !first_steps && !fresh_mask && step < (i < 8 ? 0.03f : 0.06f);
      if (!settled && i < 6 && Moved(s)) Follow(s, i > first_masking);
    }
    fit.converged = settled;
    // The last sums belong to a model a few per cent of an error away.
    Finish(s, sums, &fit);
    return fit;
  }

 private:
  void Accumulate(const float* pixels, const StarModel& s, Sums* sums) const {
    if (parameters_ == 8) {
      AccumulateShape(pixels, static_cast<const float*>(use_), &box_, &s, variance_, shot_, sums);
    } else {
      AccumulateRound(pixels, static_cast<const float*>(use_), &box_, &s, variance_, shot_, sums);
    }
  }

  // Weights 1 or 0 inside the box: saturation and pixels rejected before are left out.
  void FillUse() {
    for (int32_t r = box_.row0; r < box_.row0 + box_.rows; r++) {
      float* use = use_ + r * kWindowStride;
      const uint8_t* masked = window_.MaskRow(r);
      const uint8_t* rejected = images_.rejected + r * kWindowStride;
      float* allowed = allowed_ + r * kWindowStride;
      for (int32_t c = box_.col0; c < box_.col0 + box_.cols; c++) {
        allowed[c] = masked[c] | (rejected[c] & kKnownBad) | (c >= window_.cols) ? 0.0f : 1.0f;
        use[c] = rejected[c] ? 0.0f : allowed[c];
      }
    }
  }

  bool Moved(const StarModel& s) const {
    if (settings_.reach > 0.0f) return false;
    const Box now = BoxAround(window_, s);
    return std::abs(now.row0 - box_.row0) + std::abs(now.rows - box_.rows) + std::abs(now.col0 - box_.col0) + std::abs(now.cols - box_.cols) > 0;
  }

  // Follows a centre or width that has moved on; a mask made before is made anew.
  void Follow(const StarModel& s, bool masked) {
    box_ = BoxAround(window_, s);
    FillUse();
    Fit ignored;
    if (masked) MaskOutliers(s, &ignored);
  }

  bool Plausible(const StarModel& s) const {
    return s.x > -4.0f && s.y > -4.0f && s.x < static_cast<float>(window_.cols) + 3.0f && s.y < static_cast<float>(window_.rows) + 3.0f && s.flux > 0.0f &&
           s.log_fwhm > -0.2f && s.log_fwhm < 3.2f;
  }

  // Adds the priors to normal equations.
  void AddPriors(const StarModel& s, Sums* sums) const {
    const auto add = [this, sums](int32_t i, float scatter, float distance) {
      const float weight = 1.0f / (scatter * scatter);
      sums->hessian[DiagonalTerm(parameters_, i)] += weight;
      sums->gradient[i] -= weight * distance;
    };
    add(3, settings_.fwhm_scatter, s.log_fwhm - prior_log_fwhm_);
    add(4, settings_.blend_scatter, s.blend - settings_.blend);
    add(5, settings_.background_scatter, s.background);
    if (parameters_ == 8) {
      add(6, kShapeScatter, s.g1);
      add(7, kShapeScatter, s.g2);
    }
  }

  // Takes one bounded step; *size is its largest component in units of the component's error.
  bool Step(Sums* sums, int32_t iteration, StarModel* s, float* size) const {
    AddPriors(*s, sums);
    NormalEquations equations(parameters_, sums->hessian);
    float delta[kMaxParameters] = {};
    if (!equations.Solve(sums->gradient, delta)) return false;
    *size = 0.0f;
    for (const int32_t i : {0, 1, 3}) *size = std::max(*size, std::fabs(delta[i]) * std::sqrt(sums->hessian[DiagonalTerm(parameters_, i)]));
    const float damping = iteration < 8 ? 1.0f : 0.5f;
    const float limit = 0.5f * std::exp(s->log_fwhm);
    s->x += damping * std::clamp(delta[0], -limit, limit);
    s->y += damping * std::clamp(delta[1], -limit, limit);
    s->flux = std::max(s->flux + damping * delta[2], 0.3f * s->flux);
    s->log_fwhm += damping * std::clamp(delta[3], -0.25f, 0.25f);
    s->blend = std::clamp(s->blend + damping * delta[4], -0.4f, 1.2f);
    s->background += damping * delta[5];
    if (parameters_ == 8) {
      s->g1 += damping * std::clamp(delta[6], -0.3f, 0.3f);
      s->g2 += damping * std::clamp(delta[7], -0.3f, 0.3f);
      const float g = std::hypot(s->g1, s->g2);
      if (g > 0.93f) {
        s->g1 *= 0.93f / g;
        s->g2 *= 0.93f / g;
      }
    }
    return true;
  }

  // Scale of the core's residuals over what noise explains, from their median: a profile that the model does not
  // follow makes many residuals large, an artefact makes few.
  float Misfit(const StarModel& s) const {
    const float radius = 1.3f * std::exp(s.log_fwhm);
    float scaled[1024];
    int32_t n = 0;
    const int32_t r0 = std::max(box_.row0, static_cast<int32_t>(s.y - radius)), r1 = std::min(box_.row0 + box_.rows - 1, static_cast<int32_t>(s.y + radius) + 1);
    const int32_t c0 = std::max(box_.col0, static_cast<int32_t>(s.x - radius)), c1 = std::min({box_.col0 + box_.cols - 1, window_.cols - 1, static_cast<int32_t>(s.x + radius) + 1});
    for (int32_t r = r0; r <= r1; r++) {
      for (int32_t c = c0; c <= c1 && n < 1024; c++) {
        const float dx = static_cast<float>(c) - s.x, dy = static_cast<float>(r) - s.y;
        if (dx * dx + dy * dy > radius * radius || window_.MaskRow(r)[c]) continue;
        const float star = star_[r * kWindowStride + c], off = window_.Row(r)[c] - star - s.background;
        scaled[n++] = off * off / (variance_ + shot_ * std::max(star, 0.0f));
      }
    }
    return n < 8 ? 1.0f : std::max(1.0f, 1.4826f * std::sqrt(Median(scaled, n)));
  }

  bool MaskOutliers(const StarModel& s, Fit* fit) {
    Render(&s, &box_, static_cast<float*>(star_));
    fit->misfit = s.flux * ProfileAt(s, 0.0f, 0.0f) > 12.0f * settings_.noise ? Misfit(s) : 1.0f;
    return MaskOutside(static_cast<const float*>(window_.pixels), static_cast<const float*>(star_), static_cast<const float*>(allowed_), &box_, s.background, variance_, shot_,
                       kOutlierSigma * std::min(fit->misfit, 6.0f), static_cast<float*>(use_));
  }

  // `sums` have their priors already.
  void Finish(const StarModel& s, const Sums& sums, Fit* fit) {
    const float flux_information = sums.hessian[DiagonalTerm(parameters_, 2)];
    fit->used = static_cast<int32_t>(sums.used);
    fit->chi2 = sums.chi2 / std::max(1.0f, sums.used - static_cast<float>(parameters_));
    NormalEquations equations(parameters_, sums.hessian);
    float variances[kMaxParameters];
    if (!equations.Variances(3, variances)) {
      fit->left = true;
      return;
    }
    fit->star = s;
    fit->fwhm = std::exp(s.log_fwhm);
    fit->ex = std::sqrt(variances[0]);
    fit->ey = std::sqrt(variances[1]);
    fit->flux_err = std::sqrt(variances[2]);
    fit->snr = s.flux * std::sqrt(flux_information);
    CountMasked(s, fit);
  }

  // Counts what was left out and writes it back to `rejected`.
  void CountMasked(const StarModel& s, Fit* fit) const {
    const float radius = kCoreRadius * fit->fwhm;
    float lost = 0.0f;
    for (int32_t r = box_.row0; r < box_.row0 + box_.rows; r++) {
      const int32_t end = std::min(window_.cols, box_.col0 + box_.cols);
      for (int32_t c = box_.col0; c < end; c++) {
        if (use_[r * kWindowStride + c] != 0.0f) {
          images_.rejected[r * kWindowStride + c] = 0;
          continue;
        }
        const float dx = static_cast<float>(c) - s.x, dy = static_cast<float>(r) - s.y;
        const bool core = dx * dx + dy * dy < radius * radius;
        uint8_t& mark = images_.rejected[r * kWindowStride + c];
        const float light = s.flux * ProfileAt(s, dx, dy);
        lost += light * light / (variance_ + shot_ * light);
        if (window_.MaskRow(r)[c] != 0) {
          fit->saturated_core += core && window_.MaskRow(r)[c] == kMaskSaturated;
        } else {
          fit->masked++;
          fit->masked_core += core;
          if (mark == 0) mark = kOutlier;
        }
      }
    }
    const float all = lost + fit->snr * fit->snr;
    fit->seen = all > 0.0f ? 1.0f - lost / all : 0.0f;
  }

  const FitImages images_;
  const Window& window_;
  const FitSettings& settings_;
  const int32_t parameters_;
  Box box_{};
  float variance_, shot_, prior_log_fwhm_;
  alignas(64) float allowed_[kWindowSide * kWindowStride];
  alignas(64) float use_[kWindowSide * kWindowStride];
  alignas(64) float star_[kWindowSide * kWindowStride];
};

}  // namespace

Fit FitStar(const FitImages& images, const FitSettings& settings, const StarModel& start, bool elliptical) {
  return Fitter(images, settings, elliptical).Run(start);
}

void SubtractStar(const float* pixels, const StarModel& star, int32_t rows, int32_t cols, float* residual) {
  alignas(64) float rendered[kWindowSide * kWindowStride];
  const Box all{0, rows, 0, (cols + 7) / 8 * 8};
  Render(&star, &all, static_cast<float*>(rendered));
  Subtract(pixels, static_cast<const float*>(rendered), rows, cols, residual);
}

}  // namespace summit::pixels
