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

struct Sums {
  float hessian[kMaxTerms];
  float gradient[kMaxParameters];
  float chi2;
  float used;
};

inline Box BoxAround(const Window& w, const StarModel& s) {
  return BoxAt(w, s.x, s.y, std::clamp(static_cast<int32_t>(std::ceil(2.4f * std::exp(s.log_fwhm))) + 1, 7, 22));
}

// Pixels of one star's fit, one after the other, filled up to a multiple of 16 with pixels of no weight.
struct FitPixels {
  static constexpr int32_t kMost = 46 * 56;
  int32_t n = 0;
  alignas(64) float x[kMost], y[kMost];  // px in the window
  alignas(64) float value[kMost];        // ADU
  alignas(64) float allowed[kMost];      // 1, or 0 for what is known to be no star's light
  alignas(64) float use[kMost];          // of these, what is no outlier
};

// What makes an outlier: a residual beyond `scale` times noise and shot noise, and model_error2 times the square of
// the model. With scale2 0 the outliers of the last pass stay.
struct OutlierLimit {
  float scale2 = 0.0f, model_error2 = 0.0f;
};

// One pass over the pixels: normal equations and chi2 at the model; marks outliers. N = 6 round, 8 with shape.
template <int32_t N, typename V>
SUMMIT_INLINE void AccumulateBody(FitPixels* pixels, const StarModel* s, float variance, float shot, const OutlierLimit* limit, Sums* out) {
  const ProfileTerms t = TermsOf(*s);
  V h[N * (N + 1) / 2] = {}, g[N] = {}, chi2 = {}, used = {};
  const V zero = {}, one = zero + 1.0f;
  const float flux = s->flux, blend = s->blend, x = s->x, y = s->y, background = s->background;
  const float wings_share = flux * (1.0f - blend) * 6.0f, core_share = flux * blend * 12.0f;
  constexpr auto kLanes = static_cast<int32_t>(sizeof(V) / sizeof(float));
  const bool mark = limit->scale2 > 0.0f;
  for (int32_t i = 0; i < pixels->n; i += kLanes) {
    V dx, dy, residual, use;
    Load(pixels->x + i, &dx);
    Load(pixels->y + i, &dy);
    Load(pixels->value + i, &residual);
    Load((mark ? pixels->allowed : pixels->use) + i, &use);
    dx -= x;
    dy -= y;
    V rx = dx, ry = dy;
    if constexpr (N == 8) {
      rx = (1.0f + s->g1) * dx + s->g2 * dy;
      ry = s->g2 * dx + (1.0f - s->g1) * dy;
    }
    V wings, core, wt, ct;
    EvaluateParts(t, rx * dx + ry * dy, &wings, &core, &wt, &ct);
    const V profile = wings + blend * (core - wings);
    const V star = flux * profile;
    residual -= star + background;
    V bright;
    Greatest(star, zero, &bright);
    const V expected = variance + shot * bright;
    if (mark) {
      const V most = limit->scale2 * expected + limit->model_error2 * (star * star);
      use = residual * residual > most ? zero : use;
      Store(use, pixels->use + i);
    }
    const V w = use / expected;
    const V wings_part = wings_share * wings, core_part = core_share * core;
    const V slope = wings_part * t.wings_inverse * wt + core_part * t.core_inverse * ct;
    V d[N];
    d[0] = slope * rx;
    d[1] = slope * ry;
    d[2] = profile;
    d[3] = wings_part * (one - wt) + core_part * (one - ct) - 2.0f * star;
    d[4] = flux * (core - wings);
    d[5] = one;
    if constexpr (N == 8) {
      d[6] = -0.5f * slope * (dx * dx - dy * dy);
      d[7] = -slope * dx * dy;
    }
    int32_t k = 0;
    for (int32_t a = 0; a < N; a++) {
      const V wd = a == 5 ? w : w * d[a];
      g[a] += wd * residual;
      for (int32_t b = a; b < N; b++) h[k++] += b == 5 ? wd : wd * d[b];
    }
    chi2 += w * residual * residual;
    used += use;
  }
  // All sums across lanes side by side.
  constexpr int32_t kTerms = N * (N + 1) / 2, kAll = (kTerms + N + 2 + 7) / 8 * 8;
  V8 all[kAll] = {};
  for (int32_t k = 0; k < kTerms; k++) Fold(h[k], &all[k]);
  for (int32_t a = 0; a < N; a++) Fold(g[a], &all[kTerms + a]);
  Fold(chi2, &all[kTerms + N]);
  Fold(used, &all[kTerms + N + 1]);
  float sums[kAll];
  for (int32_t k = 0; k < kAll; k += 8) {
    V8 eight;
    SumEach(all + k, &eight);
    Store(eight, sums + k);
  }
  std::copy_n(sums, kTerms, out->hessian);
  std::copy_n(sums + kTerms, N, out->gradient);
  out->chi2 = sums[kTerms + N];
  out->used = sums[kTerms + N + 1];
}
template <typename V>
SUMMIT_INLINE void AccumulateRoundBody(FitPixels* pixels, const StarModel* s, float variance, float shot, const OutlierLimit* limit, Sums* out) {
  AccumulateBody<6, V>(pixels, s, variance, shot, limit, out);
}
SUMMIT_DISPATCHED_BY_WIDTH(AccumulateRound, AccumulateRoundBody)
SUMMIT_INLINE void AccumulateShapeBody(FitPixels* pixels, const StarModel* s, float variance, float shot, const OutlierLimit* limit, Sums* out) {
  AccumulateBody<8, V8>(pixels, s, variance, shot, limit, out);
}
SUMMIT_DISPATCHED(AccumulateShape, AccumulateShapeBody)

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

// The star's light in the pixels (r, c) and to the right of it.
template <typename V>
SUMMIT_INLINE void RenderSome(const StarModel& s, const ProfileTerms& t, int32_t r, int32_t c, float* to) {
  V dx, wings, core, wt, ct;
  Ramp(&dx);
  dx += static_cast<float>(c) - s.x;
  const float dy = static_cast<float>(r) - s.y;
  const V r2 = (1.0f + s.g1) * dx * dx + (2.0f * s.g2 * dy) * dx + (1.0f - s.g1) * dy * dy;
  EvaluateParts(t, r2, &wings, &core, &wt, &ct);
  const V v = s.flux * (wings + s.blend * (core - wings));
  Store(v, to);
}

// star = flux * profile over a box, in the window's layout.
template <typename V>
SUMMIT_INLINE void RenderBody(const StarModel* s, const Box* box, float* star) {
  constexpr auto kLanes = static_cast<int32_t>(sizeof(V) / sizeof(float));
  const ProfileTerms t = TermsOf(*s);
  const int32_t end = box->col0 + box->cols;
  for (int32_t r = box->row0; r < box->row0 + box->rows; r++) {
    int32_t c = box->col0;
    for (; c + kLanes <= end; c += kLanes) RenderSome<V>(*s, t, r, c, star + r * kWindowStride + c);
    for (; c < end; c += 8) RenderSome<V8>(*s, t, r, c, star + r * kWindowStride + c);
  }
}
SUMMIT_DISPATCHED_BY_WIDTH(Render, RenderBody)

// residual = pixels - star in a box, all in the window's layout.
SUMMIT_INLINE void SubtractBody(const float* pixels, const float* star, const Box* box, float* residual) {
  for (int32_t r = box->row0; r < box->row0 + box->rows; r++) {
    for (int32_t c = box->col0; c < box->col0 + box->cols; c += 8) {
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
