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
constexpr int32_t kCappedSteps = 1;  // first steps, on the capped image where there is one
constexpr int32_t kMaskings = 4;     // iterations before which outliers are looked for
constexpr float kCoreRadius = 0.8f;  // of the FWHM
constexpr float kReach = 2.5f;       // FWHM: pixels farther away take no part
constexpr float kShapeScatter = 0.6f;

struct RowRun {
  int16_t row, col, count, at;  // pixels (row, col) to (row, col + count) are those from `at` on
};

SUMMIT_INLINE void PlaceBody(const RowRun* runs, int32_t count, FitPixels* out) {
  const V8 lane = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f}, one = lane * 0.0f + 1.0f;
  for (int32_t k = 0; k < count; k++) {
    V8 y;
    Splat(static_cast<float>(runs[k].row), &y);
    // What a run writes beyond its end the next one overwrites.
    for (int32_t i = 0; i < runs[k].count; i += 8) {
      const int32_t at = runs[k].at + i;
      Store(lane + static_cast<float>(runs[k].col + i), out->x + at);
      Store(y, out->y + at);
      Store(one, out->allowed + at);
    }
  }
}
SUMMIT_DISPATCHED(Place, PlaceBody)

SUMMIT_INLINE void CollectBody(const float* source, const RowRun* runs, int32_t count, float* value) {
  for (int32_t k = 0; k < count; k++) {
    const float* from = source + runs[k].row * kWindowStride + runs[k].col;
    for (int32_t i = 0; i < runs[k].count; i += 8) {
      V8 v;
      Load(from + i, &v);
      Store(v, value + runs[k].at + i);
    }
  }
}
SUMMIT_DISPATCHED(Collect, CollectBody)

// All of `count` bytes or-ed.
uint8_t AnyOf(const uint8_t* bytes, int32_t count) {
  uint64_t any = 0;
  int32_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t eight;
    std::memcpy(&eight, bytes + i, 8);
    any |= eight;
  }
  for (; i < count; i++) any |= bytes[i];
  any |= any >> 32;
  any |= any >> 16;
  any |= any >> 8;
  return static_cast<uint8_t>(any);
}

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
    const int32_t first_masking = images_.capped != nullptr ? kCappedSteps : 0;
    Take(first_masking > 0 ? images_.capped : window_.pixels, s);
    Fit fit;
    Sums sums;
    bool settled = false;
    float used = -1.0f;
    int32_t last_masking = first_masking + kMaskings;
    for (int32_t i = 0; i < kMaxIterations && !settled; i++) {
      const bool first_steps = i < first_masking, masking = !first_steps && i < last_masking;
      if (i > 0 && i == first_masking) Collect(static_cast<const float*>(window_.pixels), static_cast<const RowRun*>(rows_), runs_, static_cast<float*>(pixels_.value));
      Accumulate(s, masking, &fit, &sums);
      // The first mask is no news: the step was taken with it.
      const bool fresh_mask = masking && used >= 0.0f && sums.used != used;
      if (masking) used = sums.used;
      float step = 0.0f;
      if (!Step(&sums, i, &s, &step) || !Plausible(s)) {
        fit.left = true;
        return fit;
      }
      fit.iterations = i + 1;
      settled = !first_steps && !fresh_mask && step < (i < 8 ? settings_.settled : 2.0f * settings_.settled);
      // A centre or width that has moved on takes its pixels along.
      if (!settled && !first_steps && i < 6 && Moved(s)) {
        Take(window_.pixels, s);
        last_masking = std::max(last_masking, i + 2);
      }
    }
    fit.converged = settled;
    // The last sums belong to a model a few per cent of an error away.
    Finish(s, sums, &fit);
    return fit;
  }

 private:
  void Accumulate(const StarModel& s, bool masking, Fit* fit, Sums* sums) {
    OutlierLimit limit;
    if (masking) limit = {kOutlierSigma * kOutlierSigma, kModelError * kModelError};
    Normal(s, limit, sums);
    // Outliers may be the model's fault: then its residuals in the core are large as a whole.
    if (!masking || sums->used >= allowed_ || s.flux * ProfileAt(s, 0.0f, 0.0f) < 12.0f * settings_.noise) return;
    const float misfit = std::min(Misfit(s), 6.0f);
    if (misfit <= 1.0f) return;
    fit->misfit = misfit;
    limit.scale2 *= misfit * misfit;
    limit.model_error2 *= misfit * misfit;
    Normal(s, limit, sums);
  }

  void Normal(const StarModel& s, const OutlierLimit& limit, Sums* sums) {
    if (parameters_ == 8) {
      AccumulateShape(&pixels_, &s, variance_, shot_, &limit, sums);
    } else {
      AccumulateRound(&pixels_, &s, variance_, shot_, &limit, sums);
    }
  }

  float Radius(const StarModel& s) const { return std::clamp(kReach * std::exp(s.log_fwhm) + 1.0f, 7.0f, 22.0f); }

  bool Moved(const StarModel& s) const {
    return settings_.reach <= 0.0f && (std::fabs(s.x - centre_x_) + std::fabs(s.y - centre_y_) > 1.0f || std::fabs(Radius(s) - radius_) > 1.0f);
  }

  // The same pixels as of other models in that box.
  void RunsOfBox(const Box& box) {
    const int32_t count = std::min(window_.cols, box.col0 + box.cols) - box.col0;
    for (runs_ = 0; runs_ < box.rows; runs_++) {
      rows_[runs_] = {static_cast<int16_t>(box.row0 + runs_), static_cast<int16_t>(box.col0), static_cast<int16_t>(count), static_cast<int16_t>(runs_ * count)};
    }
  }

  // A disc; never empty, for the centre may lie a little outside the window only.
  void RunsAround(const StarModel& s) {
    centre_x_ = s.x;
    centre_y_ = s.y;
    radius_ = Radius(s);
    int32_t n = 0;
    runs_ = 0;
    const int32_t r1 = Below(s.y + radius_, window_.rows);
    for (int32_t r = Above(s.y - radius_); r < r1; r++) {
      const float dy = static_cast<float>(r) - s.y, half = std::sqrt(std::max(0.0f, radius_ * radius_ - dy * dy));
      const int32_t c0 = Above(s.x - half), count = Below(s.x + half, window_.cols) - c0;
      if (count <= 0) continue;
      rows_[runs_++] = {static_cast<int16_t>(r), static_cast<int16_t>(c0), static_cast<int16_t>(count), static_cast<int16_t>(n)};
      n += count;
    }
  }

  // First pixel above a place, and end of those below it.
  static int32_t Above(float at) { return at < 0.0f ? 0 : static_cast<int32_t>(at) + 1; }
  static int32_t Below(float at, int32_t size) { return at < 0.0f ? 0 : std::min(size, static_cast<int32_t>(at) + 1); }

  // Collects the pixels within reach of the model, or in the box that is asked for.
  void Take(const float* source, const StarModel& s) {
    if (settings_.reach > 0.0f) {
      RunsOfBox(BoxAt(window_, settings_.box_x, settings_.box_y, static_cast<int32_t>(settings_.reach)));
    } else {
      RunsAround(s);
    }
    const RowRun& last = rows_[runs_ - 1];
    const int32_t n = last.at + last.count;
    has_rejected_ = false;
    Place(static_cast<const RowRun*>(rows_), runs_, &pixels_);
    Collect(source, static_cast<const RowRun*>(rows_), runs_, static_cast<float*>(pixels_.value));
    const int32_t end = (n + 15) / 16 * 16;
    for (int32_t i = n; i < end; i++) {
      pixels_.x[i] = s.x;
      pixels_.y[i] = s.y;
      pixels_.value[i] = pixels_.allowed[i] = 0.0f;  // what lies there later is finite, and weighs nothing
    }
    pixels_.n = end;
    allowed_ = static_cast<float>(n);
    Forbid();
    std::memcpy(pixels_.use, pixels_.allowed, sizeof(float) * static_cast<size_t>(end));
  }

  // Saturation, defects and what is known to be bad are left out.
  void Forbid() {
    const bool masks = window_.saturated > 0 || window_.defective > 0;
    for (int32_t k = 0; k < runs_; k++) {
      const RowRun& run = rows_[k];
      const uint8_t* rejected = images_.rejected + run.row * kWindowStride + run.col;
      const uint8_t* masked = window_.MaskRow(run.row) + run.col;
      const uint8_t any = AnyOf(rejected, run.count);
      has_rejected_ = has_rejected_ || any != 0;
      if (!masks && (any & kKnownBad) == 0) continue;
      for (int32_t i = 0; i < run.count; i++) {
        if (masked[i] == 0 && (rejected[i] & kKnownBad) == 0) continue;
        pixels_.allowed[run.at + i] = 0.0f;
        allowed_ -= 1.0f;
      }
    }
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
    s->blend = std::clamp(s->blend + damping * delta[4], -0.4f, 2.0f);
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
    float scaled[FitPixels::kMost];
    int32_t n = 0;
    for (int32_t i = 0; i < pixels_.n; i++) {
      const float dx = pixels_.x[i] - s.x, dy = pixels_.y[i] - s.y;
      if (dx * dx + dy * dy > radius * radius || pixels_.allowed[i] == 0.0f) continue;
      const float star = s.flux * ProfileAt(s, dx, dy), off = pixels_.value[i] - star - s.background;
      scaled[n++] = off * off / (variance_ + shot_ * std::max(star, 0.0f));
    }
    return n < 8 ? 1.0f : std::max(1.0f, 1.4826f * std::sqrt(Median(scaled, n)));
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
    CountMasked(s, fit->used, fit);
  }

  // Counts what was left out and writes it back to `rejected`.
  void CountMasked(const StarModel& s, int32_t used, Fit* fit) const {
    fit->seen = 1.0f;
    const RowRun& last = rows_[runs_ - 1];
    if (used == last.at + last.count && !has_rejected_) return;
    const float radius = kCoreRadius * fit->fwhm;
    float lost = 0.0f;
    for (int32_t k = 0; k < runs_; k++) {
      for (int32_t i = 0; i < rows_[k].count; i++) {
        const int32_t at = rows_[k].at + i, r = rows_[k].row, c = rows_[k].col + i;
        uint8_t& mark = images_.rejected[r * kWindowStride + c];
        if (pixels_.use[at] != 0.0f) {
          mark = 0;
          continue;
        }
        const float dx = static_cast<float>(c) - s.x, dy = static_cast<float>(r) - s.y;
        const bool core = dx * dx + dy * dy < radius * radius;
        const float light = s.flux * ProfileAt(s, dx, dy);
        lost += light * light / (variance_ + shot_ * light);
        if (window_.MaskRow(r)[c] != 0 && window_.MaskRow(r)[c] != kMaskHit) {
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
  float variance_, shot_, prior_log_fwhm_;
  float centre_x_ = 0.0f, centre_y_ = 0.0f, radius_ = 0.0f;
  float allowed_ = 0.0f;       // pixels that may take part
  bool has_rejected_ = false;  // whether any of them was rejected before
  int32_t runs_ = 0;
  RowRun rows_[kWindowSide];
  FitPixels pixels_;
};

}  // namespace

Fit FitStar(const FitImages& images, const FitSettings& settings, const StarModel& start, bool elliptical) {
  return Fitter(images, settings, elliptical).Run(start);
}

int32_t LightReach(const StarModel& star, float faint) {
  // Of the wings; the core's part falls faster.
  const float ratio = star.flux * ProfileAt(star, 0.0f, 0.0f) / faint, fwhm2 = std::exp(2.0f * star.log_fwhm);
  const float shape = 1.0f - std::min(0.95f, std::hypot(star.g1, star.g2));
  return static_cast<int32_t>(std::ceil(std::min(99.0f, std::sqrt(kAlpha2Wings * fwhm2 / shape * std::max(1.0f, std::cbrt(std::max(ratio, 1.0f)) - 1.0f)))));
}

void RenderStar(const StarModel& star, const Box& box, float* light) { Render(&star, &box, light); }

void SubtractLight(const float* pixels, const float* light, const Box& box, float* residual) { Subtract(pixels, light, &box, residual); }

void SubtractStar(const float* pixels, const StarModel& star, const Box& box, float* residual) {
  alignas(64) float rendered[kWindowSide * kWindowStride];
  Render(&star, &box, static_cast<float*>(rendered));
  Subtract(pixels, static_cast<const float*>(rendered), &box, residual);
}

}  // namespace summit::pixels
