// SPDX-License-Identifier: Apache-2.0
// The loops over pixels that the star fits share: normal equations, rendering, outliers. Images have the window's
// layout (window.h); all amounts are ADU and px.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_FIT_KERNELS_H_
#define SUMMIT_PIXELS_FIT_KERNELS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "addons/pixels/normal_equations.h"
#include "addons/pixels/profile.h"
#include "addons/pixels/simd.h"
#include "addons/pixels/window.h"

namespace summit::pixels {

inline constexpr float kOutlierSigma = 5.0f;
// Share of the model that may be wrong because real profiles are not the model's: residuals below it are no outliers.
inline constexpr float kModelError = 0.10f;

struct Box {
  int32_t row0, rows, col0, cols;  // cols is padded to eight; `use` is 0 beyond the window
};

struct Sums {
  float hessian[kMaxTerms];
  float gradient[kMaxParameters];
  float chi2;
  float used;
};

inline Box BoxAt(const Window& w, float at_x, float at_y, int32_t reach) {
  const int32_t x = static_cast<int32_t>(std::lround(at_x)), y = static_cast<int32_t>(std::lround(at_y));
  Box box;
  box.row0 = std::clamp(y - reach, 0, w.rows - 1);
  box.rows = std::clamp(y + reach + 1, box.row0 + 1, w.rows) - box.row0;
  box.col0 = std::clamp(x - reach, 0, w.cols - 1);
  const int32_t end = std::clamp(x + reach + 1, box.col0 + 1, w.cols);
  box.cols = (end - box.col0 + 7) / 8 * 8;
  // The padded box must stay inside the stride.
  box.col0 = std::min(box.col0, kWindowStride - box.cols);
  return box;
}

inline Box BoxAround(const Window& w, const StarModel& s) {
  return BoxAt(w, s.x, s.y, std::clamp(static_cast<int32_t>(std::ceil(2.4f * std::exp(s.log_fwhm))) + 1, 7, 22));
}

// One pass over the box: normal equations and chi2 at the model. N = 6 round, 8 with shape.
template <int32_t N>
SUMMIT_INLINE void AccumulateBody(const float* pixels, const float* use, const Box* box, const StarModel* s, float variance, float shot, Sums* out) {
  const ProfileTerms t = TermsOf(*s);
  V8 h[N * (N + 1) / 2] = {}, g[N] = {}, chi2 = {}, used = {};
  const V8 zero = {}, one = zero + 1.0f;
  const V8 lane = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f};
  const float flux = s->flux, blend = s->blend;
  for (int32_t r = box->row0; r < box->row0 + box->rows; r++) {
    const float dy = static_cast<float>(r) - s->y;
    for (int32_t c = box->col0; c < box->col0 + box->cols; c += 8) {
      V8 data, weight;
      Load(pixels + r * kWindowStride + c, &data);
      Load(use + r * kWindowStride + c, &weight);
      const V8 dx = lane + (static_cast<float>(c) - s->x);
      V8 rx = dx, ry = zero + dy;
      if constexpr (N == 8) {
        rx = (1.0f + s->g1) * dx + s->g2 * dy;
        ry = s->g2 * dx + (1.0f - s->g1) * dy;
      }
      const V8 r2 = rx * dx + ry * dy;
      V8 wings, core, wt, ct;
      EvaluateParts(t, r2, &wings, &core, &wt, &ct);
      const V8 profile = wings + blend * (core - wings);
      const V8 star = flux * profile;
      const V8 bright = star > zero ? star : zero;
      const V8 w = weight / (variance + shot * bright);
      const V8 residual = data - star - s->background;
      const V8 wings_part = (flux * (1.0f - blend) * 6.0f) * wings, core_part = (flux * blend * 12.0f) * core;
      const V8 slope = wings_part * t.wings_inverse * wt + core_part * t.core_inverse * ct;
      const V8 width = wings_part * (one - wt) + core_part * (one - ct) - 2.0f * star;
      V8 d[N];
      d[0] = slope * rx;
      d[1] = slope * ry;
      d[2] = profile;
      d[3] = width;
      d[4] = flux * (core - wings);
      d[5] = one;
      if constexpr (N == 8) {
        d[6] = -0.5f * slope * (dx * dx - dy * dy);
        d[7] = -slope * dx * dy;
      }
      int32_t k = 0;
      for (int32_t i = 0; i < N; i++) {
        const V8 wd = w * d[i];
        g[i] += wd * residual;
        for (int32_t j = i; j < N; j++) h[k++] += wd * d[j];
      }
      chi2 += w * residual * residual;
      used += weight;
    }
  }
  for (int32_t k = 0; k < N * (N + 1) / 2; k++) out->hessian[k] = Sum(h[k]);
  for (int32_t i = 0; i < N; i++) out->gradient[i] = Sum(g[i]);
  out->chi2 = Sum(chi2);
  out->used = Sum(used);
}
SUMMIT_DISPATCHED(AccumulateRound, AccumulateBody<6>)
SUMMIT_DISPATCHED(AccumulateShape, AccumulateBody<8>)

// Two stars of one width and blend: x, y, flux of each, ln width, background.
SUMMIT_INLINE void AccumulateTwoBody(const float* pixels, const float* use, const Box* box, const StarModel* one_star, const StarModel* two_star, float variance, float shot, Sums* out) {
  constexpr int32_t N = 8;
  const ProfileTerms t = TermsOf(*one_star);
  V8 h[N * (N + 1) / 2] = {}, g[N] = {}, chi2 = {}, used = {};
  const V8 zero = {}, one = zero + 1.0f;
  const V8 lane = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f};
  const float blend = one_star->blend;
  for (int32_t r = box->row0; r < box->row0 + box->rows; r++) {
    for (int32_t c = box->col0; c < box->col0 + box->cols; c += 8) {
      V8 data, weight, d[N], stars = zero;
      Load(pixels + r * kWindowStride + c, &data);
      Load(use + r * kWindowStride + c, &weight);
      d[6] = zero;
      d[7] = one;
      for (int32_t k = 0; k < 2; k++) {
        const StarModel* s = k == 0 ? one_star : two_star;
        const float dy = static_cast<float>(r) - s->y;
        const V8 dx = lane + (static_cast<float>(c) - s->x);
        V8 wings, core, wt, ct;
        EvaluateParts(t, dx * dx + dy * dy, &wings, &core, &wt, &ct);
        const V8 profile = wings + blend * (core - wings);
        const V8 wings_part = (s->flux * (1.0f - blend) * 6.0f) * wings, core_part = (s->flux * blend * 12.0f) * core;
        const V8 slope = wings_part * t.wings_inverse * wt + core_part * t.core_inverse * ct;
        d[3 * k] = slope * dx;
        d[3 * k + 1] = slope * dy;
        d[3 * k + 2] = profile;
        d[6] += wings_part * (one - wt) + core_part * (one - ct) - 2.0f * s->flux * profile;
        stars += s->flux * profile;
      }
      const V8 w = weight / (variance + shot * (stars > zero ? stars : zero));
      const V8 residual = data - stars - one_star->background;
      int32_t k = 0;
      for (int32_t i = 0; i < N; i++) {
        const V8 wd = w * d[i];
        g[i] += wd * residual;
        for (int32_t j = i; j < N; j++) h[k++] += wd * d[j];
      }
      chi2 += w * residual * residual;
      used += weight;
    }
  }
  for (int32_t k = 0; k < N * (N + 1) / 2; k++) out->hessian[k] = Sum(h[k]);
  for (int32_t i = 0; i < N; i++) out->gradient[i] = Sum(g[i]);
  out->chi2 = Sum(chi2);
  out->used = Sum(used);
}
SUMMIT_DISPATCHED(AccumulateTwo, AccumulateTwoBody)

// star = flux * profile over a box, in the window's layout.
SUMMIT_INLINE void RenderBody(const StarModel* s, const Box* box, float* star) {
  const ProfileTerms t = TermsOf(*s);
  const V8 lane = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f};
  for (int32_t r = box->row0; r < box->row0 + box->rows; r++) {
    const float dy = static_cast<float>(r) - s->y;
    for (int32_t c = box->col0; c < box->col0 + box->cols; c += 8) {
      const V8 dx = lane + (static_cast<float>(c) - s->x);
      const V8 r2 = (1.0f + s->g1) * dx * dx + (2.0f * s->g2 * dy) * dx + (1.0f - s->g1) * dy * dy;
      V8 wings, core, wt, ct;
      EvaluateParts(t, r2, &wings, &core, &wt, &ct);
      const V8 v = s->flux * (wings + s->blend * (core - wings));
      Store(v, star + r * kWindowStride + c);
    }
  }
}
SUMMIT_DISPATCHED(Render, RenderBody)

SUMMIT_INLINE void SubtractBody(const float* pixels, const float* star, int32_t rows, int32_t cols, float* residual) {
  for (int32_t r = 0; r < rows; r++) {
    for (int32_t c = 0; c < cols; c += 8) {
      V8 v, s;
      Load(pixels + r * kWindowStride + c, &v);
      Load(star + r * kWindowStride + c, &s);
      v -= s;
      Store(v, residual + r * kWindowStride + c);
    }
  }
}
SUMMIT_DISPATCHED(Subtract, SubtractBody)

// use = allowed, but 0 where the residual is an outlier against noise and model error; returns whether any changed.
SUMMIT_INLINE bool MaskBody(const float* pixels, const float* star, const float* allowed, const Box* box, float background, float variance, float shot, float sigmas, float* use) {
  V8 changed = {};
  const V8 zero = {};
  for (int32_t r = box->row0; r < box->row0 + box->rows; r++) {
    for (int32_t c = box->col0; c < box->col0 + box->cols; c += 8) {
      V8 v, s, u, a;
      Load(allowed + r * kWindowStride + c, &a);
      Load(pixels + r * kWindowStride + c, &v);
      Load(star + r * kWindowStride + c, &s);
      Load(use + r * kWindowStride + c, &u);
      const V8 off = v - s - background;
      const V8 limit = (sigmas * sigmas) * (variance + shot * s) + (kModelError * kModelError * sigmas * sigmas / (kOutlierSigma * kOutlierSigma)) * s * s;
      const V8 keep = off * off > limit ? zero : a;
      changed += (u - keep) * (u - keep);
      Store(keep, use + r * kWindowStride + c);
    }
  }
  return Sum(changed) > 0.0f;
}
SUMMIT_DISPATCHED(MaskOutside, MaskBody)

// A trail: the star's profile smeared evenly along (hx, hy) to both sides, by Gauss-Legendre's five points.
inline constexpr float kTrailAt[5] = {-0.90617985f, -0.53846931f, 0.0f, 0.53846931f, 0.90617985f};
inline constexpr float kTrailShare[5] = {0.11846344f, 0.23931434f, 0.28444444f, 0.23931434f, 0.11846344f};

// Normal equations of a trail: x, y, flux, ln width, hx, hy, background.
SUMMIT_INLINE void AccumulateTrailBody(const float* pixels, const float* use, const Box* box, const StarModel* s, float hx, float hy, float variance, float shot, Sums* out) {
  constexpr int32_t N = 7;
  const ProfileTerms t = TermsOf(*s);
  V8 h[N * (N + 1) / 2] = {}, g[N] = {}, chi2 = {}, used = {};
  const V8 zero = {}, one = zero + 1.0f;
  const V8 lane = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f};
  for (int32_t r = box->row0; r < box->row0 + box->rows; r++) {
    for (int32_t c = box->col0; c < box->col0 + box->cols; c += 8) {
      V8 data, weight, d[N] = {};
      Load(pixels + r * kWindowStride + c, &data);
      Load(use + r * kWindowStride + c, &weight);
      for (int32_t k = 0; k < 5; k++) {
        const float dy = static_cast<float>(r) - s->y - kTrailAt[k] * hy, share = kTrailShare[k];
        const V8 dx = lane + (static_cast<float>(c) - s->x - kTrailAt[k] * hx);
        V8 wings, core, wt, ct;
        EvaluateParts(t, dx * dx + dy * dy, &wings, &core, &wt, &ct);
        wings *= share * (1.0f - s->blend);
        core *= share * s->blend;
        const V8 slope = s->flux * (6.0f * wings * t.wings_inverse * wt + 12.0f * core * t.core_inverse * ct);
        d[0] += slope * dx;
        d[1] += slope * dy;
        d[2] += wings + core;
        d[3] += s->flux * (6.0f * wings * (one - wt) + 12.0f * core * (one - ct) - 2.0f * (wings + core));
        d[4] += kTrailAt[k] * slope * dx;
        d[5] += kTrailAt[k] * slope * dy;
      }
      d[6] = one;
      const V8 star = s->flux * d[2];
      const V8 w = weight / (variance + shot * (star > zero ? star : zero));
      const V8 residual = data - star - s->background;
      int32_t k = 0;
      for (int32_t i = 0; i < N; i++) {
        const V8 wd = w * d[i];
        g[i] += wd * residual;
        for (int32_t j = i; j < N; j++) h[k++] += wd * d[j];
      }
      chi2 += w * residual * residual;
      used += weight;
    }
  }
  for (int32_t k = 0; k < N * (N + 1) / 2; k++) out->hessian[k] = Sum(h[k]);
  for (int32_t i = 0; i < N; i++) out->gradient[i] = Sum(g[i]);
  out->chi2 = Sum(chi2);
  out->used = Sum(used);
}
SUMMIT_DISPATCHED(AccumulateTrail, AccumulateTrailBody)

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_FIT_KERNELS_H_
