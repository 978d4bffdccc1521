// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/moffat_fit.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "addons/pixels/simd.h"

namespace summit::pixels {
namespace {

constexpr int32_t kParameters = 5;  // x, y, flux, ln alpha, background
constexpr int32_t kTerms = 15;      // upper triangle
constexpr int32_t kMaxIterations = 14;
constexpr float kPi = 3.14159265f;
// alpha^2 of a Moffat with beta = 3 and unit FWHM: 1 / (4 (2^(1/3) - 1)).
constexpr float kAlpha2 = 0.96183f;
constexpr float kOutlierSigma = 5.0f;
// Share of the model that may be wrong because real profiles are not Moffats: residuals below it are no outliers.
constexpr float kModelError = 0.14f;

struct Box {
  int32_t row0, rows, col0, cols;  // cols is padded to eight; columns beyond the window have weight 0
};

struct Parameters {
  float x, y, flux, log_alpha, background;
};

struct Sums {
  float hessian[kTerms];
  float gradient[kParameters];
  float chi2;
  float used;
};

Box BoxAround(const Window& w, float x, float y, float fwhm) {
  const int32_t reach = std::clamp(static_cast<int32_t>(std::ceil(2.6f * fwhm)) + 1, 7, 20);
  Box box;
  box.row0 = std::max(0, static_cast<int32_t>(std::lround(y)) - reach);
  box.rows = std::min(w.rows, static_cast<int32_t>(std::lround(y)) + reach + 1) - box.row0;
  box.col0 = std::max(0, static_cast<int32_t>(std::lround(x)) - reach);
  const int32_t end = std::min(w.cols, static_cast<int32_t>(std::lround(x)) + reach + 1);
  box.cols = (end - box.col0 + 7) / 8 * 8;
  // The padded box must stay inside the stride.
  box.col0 = std::min(box.col0, kWindowStride - box.cols);
  return box;
}

// One pass over the box: normal equations and chi2 at the parameters. `use` is 1 or 0 per pixel.
SUMMIT_CLONES
void Accumulate(const float* pixels, const float* use, const Box& box, const Parameters& p, float variance, float shot, Sums* out) {
  const float alpha2 = std::exp(2.0f * p.log_alpha);
  const float inverse_alpha2 = 1.0f / alpha2;
  const float norm = 2.0f / kPi * inverse_alpha2;
  const float bend = 0.5f * inverse_alpha2;  // beta / (6 alpha^2): pixel average to second order
  V8 h[kTerms] = {}, g[kParameters] = {}, chi2 = {}, used = {};
  const V8 zero = {}, one = zero + 1.0f;
  const V8 lane = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f};
  for (int32_t r = box.row0; r < box.row0 + box.rows; r++) {
    const float dy = static_cast<float>(r) - p.y;
    const float dy2 = dy * dy * inverse_alpha2;
    for (int32_t c = box.col0; c < box.col0 + box.cols; c += 8) {
      V8 data, weight;
      Load(pixels + r * kWindowStride + c, &data);
      Load(use + r * kWindowStride + c, &weight);
      const V8 dx = lane + (static_cast<float>(c) - p.x);
      const V8 u = dx * dx * inverse_alpha2 + dy2;
      const V8 it = one / (one + u);
      const V8 uit = u * it;
      const V8 profile = norm * it * it * it * (one + bend * it * (4.0f * uit - one));
      const V8 star = p.flux * profile;
      const V8 bright = star > zero ? star : zero;
      const V8 w = weight / (variance + shot * bright);
      const V8 residual = data - star - p.background;
      const V8 slope = star * (6.0f * inverse_alpha2) * it;
      const V8 d[kParameters] = {slope * dx, slope * dy, profile, star * (6.0f * uit - 2.0f), one};
      int32_t k = 0;
      for (int32_t i = 0; i < kParameters; i++) {
        const V8 wd = w * d[i];
        g[i] += wd * residual;
        for (int32_t j = i; j < kParameters; j++) h[k++] += wd * d[j];
      }
      chi2 += w * residual * residual;
      used += weight;
    }
  }
  for (int32_t k = 0; k < kTerms; k++) out->hessian[k] = Sum(h[k]);
  for (int32_t i = 0; i < kParameters; i++) out->gradient[i] = Sum(g[i]);
  out->chi2 = Sum(chi2);
  out->used = Sum(used);
}

// Inverts the symmetric positive matrix in its upper triangle (row by row) into `inverse`; false if it is singular.
bool Invert(const float* triangle, double inverse[kParameters][kParameters]) {
  double a[kParameters][2 * kParameters] = {};
  int32_t k = 0;
  for (int32_t i = 0; i < kParameters; i++) {
    for (int32_t j = i; j < kParameters; j++) a[i][j] = a[j][i] = static_cast<double>(triangle[k++]);
    a[i][kParameters + i] = 1.0;
  }
  // Scaled to a unit diagonal, so that parameters of different size do not hide in each other's rounding.
  double scale[kParameters];
  for (int32_t i = 0; i < kParameters; i++) {
    if (!(a[i][i] > 0.0)) return false;
    scale[i] = 1.0 / std::sqrt(a[i][i]);
  }
  for (int32_t i = 0; i < kParameters; i++) {
    for (int32_t j = 0; j < kParameters; j++) a[i][j] *= scale[i] * scale[j];
  }
  for (int32_t i = 0; i < kParameters; i++) {
    if (!(a[i][i] > 1e-9)) return false;
    const double pivot = 1.0 / a[i][i];
    for (int32_t j = 0; j < 2 * kParameters; j++) a[i][j] *= pivot;
    for (int32_t row = 0; row < kParameters; row++) {
      if (row == i) continue;
      const double factor = a[row][i];
      for (int32_t j = 0; j < 2 * kParameters; j++) a[row][j] -= factor * a[i][j];
    }
  }
  for (int32_t i = 0; i < kParameters; i++) {
    for (int32_t j = 0; j < kParameters; j++) inverse[i][j] = a[i][kParameters + j] * scale[i] * scale[j];
  }
  return true;
}

class Fitter {
 public:
  Fitter(const Window& window, const FitSettings& settings) : window_(window), settings_(settings) {
    variance_ = settings.noise * settings.noise;
    shot_ = 1.0f / settings.gain;
    prior_log_alpha_ = 0.5f * std::log(kAlpha2 * settings.fwhm * settings.fwhm);
  }

  Fit Run(float x, float y, float flux) {
    Parameters p{x, y, std::max(flux, settings_.noise), prior_log_alpha_, 0.0f};
    Prepare(p);
    Fit fit;
    Sums sums;
    bool settled = false;
    for (fit.iterations = 1; fit.iterations <= kMaxIterations && !settled; fit.iterations++) {
      // Masking waits until the model is near, and the last step is taken with the final mask.
      if (fit.iterations == 3 || fit.iterations == 5) fit.masked += MaskOutliers(p);
      Accumulate(window_.pixels, use_, box_, p, variance_, shot_, &sums);
      float step = 0.0f;
      if (!Step(sums, &p, &step) || !Plausible(p)) {
        fit.left = true;
        return fit;
      }
      settled = fit.iterations > 5 ? step < 2e-3f : (fit.iterations > 2 && step < 5e-4f && fit.masked == 0 && !HasOutliers(p));
      Recentre(p);
    }
    fit.converged = settled;
    Finish(p, &fit);
    return fit;
  }

 private:
  void Prepare(const Parameters& p) {
    Place(p);
    std::memset(use_, 0, sizeof use_);
    for (int32_t r = 0; r < window_.rows; r++) {
      for (int32_t c = 0; c < window_.cols; c++) use_[r * kWindowStride + c] = window_.MaskRow(r)[c] ? 0.0f : 1.0f;
    }
  }

  static float FwhmOf(const Parameters& p) { return std::exp(p.log_alpha) / std::sqrt(kAlpha2); }

  // Follows a centre or width that has moved on. Not for a step across a pixel's edge: a box that goes to and fro
  // with the step would keep the fit from settling.
  void Recentre(const Parameters& p) {
    const float fwhm = FwhmOf(p);
    if (std::fabs(p.x - box_x_) < 0.8f && std::fabs(p.y - box_y_) < 0.8f && std::fabs(fwhm - box_fwhm_) < 0.3f * box_fwhm_) return;
    Place(p);
  }

  void Place(const Parameters& p) {
    box_x_ = p.x;
    box_y_ = p.y;
    box_fwhm_ = FwhmOf(p);
    box_ = BoxAround(window_, box_x_, box_y_, box_fwhm_);
  }

  bool Plausible(const Parameters& p) const {
    const float fwhm = FwhmOf(p);
    return p.x > -3.0f && p.y > -3.0f && p.x < static_cast<float>(window_.cols) + 2.0f && p.y < static_cast<float>(window_.rows) + 2.0f &&
           p.flux > 0.0f && fwhm > 0.8f && fwhm < 24.0f;
  }

  // Adds the priors and takes one bounded step; *size is the larger of its components in units of a pixel.
  bool Step(Sums& sums, Parameters* p, float* size) const {
    const float width_weight = 1.0f / (settings_.fwhm_scatter * settings_.fwhm_scatter);
    const float level_weight = 1.0f / (settings_.background_scatter * settings_.background_scatter);
    sums.hessian[12] += width_weight;
    sums.gradient[3] -= width_weight * (p->log_alpha - prior_log_alpha_);
    sums.hessian[14] += level_weight;
    sums.gradient[4] -= level_weight * p->background;
    double inverse[kParameters][kParameters];
    if (!Invert(sums.hessian, inverse)) return false;
    float delta[kParameters] = {};
    for (int32_t i = 0; i < kParameters; i++) {
      double sum = 0.0;
      for (int32_t j = 0; j < kParameters; j++) sum += inverse[i][j] * static_cast<double>(sums.gradient[j]);
      delta[i] = static_cast<float>(sum);
    }
    const float limit = 0.6f * FwhmOf(*p);
    delta[0] = std::clamp(delta[0], -limit, limit);
    delta[1] = std::clamp(delta[1], -limit, limit);
    delta[3] = std::clamp(delta[3], -0.25f, 0.25f);
    const float flux = p->flux + delta[2];
    p->x += delta[0];
    p->y += delta[1];
    p->flux = std::max(flux, 0.3f * p->flux);
    p->log_alpha += delta[3];
    p->background += delta[4];
    *size = std::max({std::fabs(delta[0]), std::fabs(delta[1]), std::fabs(delta[3])});
    return true;
  }

  float ModelAt(const Parameters& p, int32_t r, int32_t c) const {
    return p.flux * MoffatPixel(FwhmOf(p), static_cast<float>(c) - p.x, static_cast<float>(r) - p.y);
  }

  template <typename OnOutlier>
  void ForOutliers(const Parameters& p, OnOutlier on_outlier) const {
    const int32_t end = std::min(window_.cols, box_.col0 + box_.cols);
    for (int32_t r = box_.row0; r < box_.row0 + box_.rows; r++) {
      for (int32_t c = box_.col0; c < end; c++) {
        if (use_[r * kWindowStride + c] == 0.0f) continue;
        const float residual = std::fabs(window_.Row(r)[c] - p.background);
        // Nothing so close to zero can be an outlier, whatever the model: most pixels end here.
        const float model = ModelAt(p, r, c);
        const float off = std::fabs(window_.Row(r)[c] - p.background - model);
        if (residual < 4.0f * settings_.noise && off < kOutlierSigma * settings_.noise) continue;
        if (off > kOutlierSigma * std::sqrt(variance_ + shot_ * model) + kModelError * model) on_outlier(r, c);
      }
    }
  }

  int32_t MaskOutliers(const Parameters& p) {
    if (!settings_.mask_outliers) return 0;
    int32_t count = 0;
    ForOutliers(p, [this, &count](int32_t r, int32_t c) {
      use_[r * kWindowStride + c] = 0.0f;
      count++;
    });
    return count;
  }

  bool HasOutliers(const Parameters& p) const {
    bool any = false;
    if (settings_.mask_outliers) ForOutliers(p, [&any](int32_t, int32_t) { any = true; });
    return any;
  }

  void Finish(const Parameters& p, Fit* fit) {
    Sums sums;
    Accumulate(window_.pixels, use_, box_, p, variance_, shot_, &sums);
    const float flux_information = sums.hessian[9];
    fit->used = static_cast<int32_t>(sums.used);
    fit->chi2 = sums.chi2 / std::max(1.0f, sums.used - kParameters);
    sums.hessian[12] += 1.0f / (settings_.fwhm_scatter * settings_.fwhm_scatter);
    sums.hessian[14] += 1.0f / (settings_.background_scatter * settings_.background_scatter);
    double inverse[kParameters][kParameters];
    if (!Invert(sums.hessian, inverse)) {
      fit->left = true;
      return;
    }
    fit->x = p.x;
    fit->y = p.y;
    fit->flux = p.flux;
    fit->fwhm = FwhmOf(p);
    fit->background = p.background;
    fit->ex = static_cast<float>(std::sqrt(inverse[0][0]));
    fit->ey = static_cast<float>(std::sqrt(inverse[1][1]));
    fit->flux_err = static_cast<float>(std::sqrt(inverse[2][2]));
    fit->snr = p.flux * std::sqrt(flux_information);
    CountCore(p, fit);
  }

  void CountCore(const Parameters& p, Fit* fit) const {
    const float radius = FwhmOf(p);
    for (int32_t r = box_.row0; r < box_.row0 + box_.rows; r++) {
      for (int32_t c = box_.col0; c < std::min(window_.cols, box_.col0 + box_.cols); c++) {
        if (use_[r * kWindowStride + c] != 0.0f || std::hypot(static_cast<float>(c) - p.x, static_cast<float>(r) - p.y) > radius) continue;
        (window_.MaskRow(r)[c] ? fit->saturated_core : fit->masked_core)++;
      }
    }
  }

  const Window& window_;
  const FitSettings& settings_;
  Box box_{};
  float box_x_ = 0.0f, box_y_ = 0.0f, box_fwhm_ = 0.0f;  // what the box was placed around
  float variance_, shot_, prior_log_alpha_;
  alignas(64) float use_[kWindowSide * kWindowStride];
};

}  // namespace

float MoffatPixel(float fwhm, float dx, float dy) {
  const float inverse_alpha2 = 1.0f / (kAlpha2 * fwhm * fwhm);
  const float u = (dx * dx + dy * dy) * inverse_alpha2;
  const float it = 1.0f / (1.0f + u);
  return 2.0f / kPi * inverse_alpha2 * it * it * it * (1.0f + 0.5f * inverse_alpha2 * it * (4.0f * u * it - 1.0f));
}

Fit FitMoffat(const Window& window, const FitSettings& settings, float x, float y, float flux) {
  return Fitter(window, settings).Run(x, y, flux);
}

void SubtractStar(const Window& window, const Fit& fit, float* residual) {
  // Beyond six FWHM the profile holds less than 1e-4 of the light.
  const float reach = 6.0f * fit.fwhm;
  std::memcpy(residual, window.pixels, sizeof window.pixels);
  const int32_t r0 = std::max(0, static_cast<int32_t>(fit.y - reach)), r1 = std::min(window.rows, static_cast<int32_t>(fit.y + reach) + 1);
  const int32_t c0 = std::max(0, static_cast<int32_t>(fit.x - reach)), c1 = std::min(window.cols, static_cast<int32_t>(fit.x + reach) + 1);
  for (int32_t r = r0; r < r1; r++) {
    for (int32_t c = c0; c < c1; c++) {
      residual[r * kWindowStride + c] -= fit.flux * MoffatPixel(fit.fwhm, static_cast<float>(c) - fit.x, static_cast<float>(r) - fit.y);
    }
  }
}

}  // namespace summit::pixels
