// SPDX-License-Identifier: Apache-2.0
// The star model: a blend of two Moffat profiles (A. F. J. Moffat, A&A 3, 455, 1969) of equal FWHM, beta = 3 and
// beta = 6. The blend moves the wings while the FWHM keeps its meaning, spans Moffats of beta 2.5 to 8 and the core
// of a Kolmogorov profile to a few per cent, is linear in its parameter and needs no pow or exp. Each part is
// averaged over the pixel to second order: P + laplacian(P) / 24.
// Units: px; a profile of unit flux, per pixel.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_PROFILE_H_
#define SUMMIT_PIXELS_PROFILE_H_

#include <cmath>

#include "addons/pixels/simd.h"

namespace summit::pixels {

// Expected blend: between a seeing-limited profile (Moffat of beta 3 to 4.5) and a Gaussian; and its scatter.
inline constexpr float kUsualBlend = 0.70f;
inline constexpr float kBlendScatter = 0.60f;

// alpha^2 over FWHM^2 is 1 / (4 (2^(1/beta) - 1)).
inline constexpr float kAlpha2Wings = 0.961834f;  // beta = 3
inline constexpr float kAlpha2Core = 2.041441f;   // beta = 6

struct StarModel {
  float x = 0.0f, y = 0.0f;    // px in the window
  float flux = 0.0f;           // ADU
  float log_fwhm = 0.0f;       // ln px, of the geometric mean of the axes
  float blend = kUsualBlend;   // 0: beta 3, 1: beta 6
  float background = 0.0f;     // ADU
  float g1 = 0.0f, g2 = 0.0f;  // shape: r^2 = (1 + g1) dx^2 + (1 - g1) dy^2 + 2 g2 dx dy
};

// Constants of a model, ready for whole rows.
struct ProfileTerms {
  float wings_inverse, core_inverse;  // 1 / alpha^2
  float wings_norm, core_norm;        // flux * share * (beta - 1) / (pi alpha^2)
  float wings_bend, core_bend;        // beta / (6 alpha^2), of the pixel average
};

SUMMIT_INLINE ProfileTerms TermsOf(const StarModel& s) {
  constexpr float kInversePi = 0.31830989f;
  const float fwhm2 = std::exp(2.0f * s.log_fwhm);
  ProfileTerms t;
  t.wings_inverse = 1.0f / (kAlpha2Wings * fwhm2);
  t.core_inverse = 1.0f / (kAlpha2Core * fwhm2);
  t.wings_norm = 2.0f * kInversePi * t.wings_inverse;
  t.core_norm = 5.0f * kInversePi * t.core_inverse;
  t.wings_bend = 0.5f * t.wings_inverse;
  t.core_bend = t.core_inverse;
  return t;
}

// Both parts, unit flux, at squared distance r2; `wt` and `ct` are 1 / (1 + r2 / alpha^2).
template <typename V>
SUMMIT_INLINE void EvaluateParts(const ProfileTerms& t, const V& r2, V* wings, V* core, V* wt, V* ct) {
  const V one = r2 * 0.0f + 1.0f;
  // One division for both.
  const V a = one + r2 * t.wings_inverse, b = one + r2 * t.core_inverse, inverse = one / (a * b);
  *wt = b * inverse;
  *ct = a * inverse;
  const V w3 = *wt * *wt * *wt, c3 = *ct * *ct * *ct;
  // u t = 1 - t with u = r2 / alpha^2.
  *wings = t.wings_norm * w3 * (one + t.wings_bend * *wt * (3.0f - 4.0f * *wt));
  *core = t.core_norm * c3 * c3 * (one + t.core_bend * *ct * (6.0f - 7.0f * *ct));
}

// Unit-flux profile at (dx, dy).
inline float ProfileAt(const StarModel& s, float dx, float dy) {
  const ProfileTerms t = TermsOf(s);
  const float r2 = (1.0f + s.g1) * dx * dx + (1.0f - s.g1) * dy * dy + 2.0f * s.g2 * dx * dy;
  float wings, core, wt, ct;
  EvaluateParts(t, r2, &wings, &core, &wt, &ct);
  return wings + s.blend * (core - wings);
}

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_PROFILE_H_
