// SPDX-License-Identifier: Apache-2.0
// LATISS's gratings: where a wavelength lies beside the zeroth order, and where a target should be (Spectractor's
// dispersers, ts_observatory_control's latiss_constants.py).
// Thread: constants. Owns: nothing.
#ifndef SUMMIT_IMAGE_GRATING_H_
#define SUMMIT_IMAGE_GRATING_H_

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace summit::image {

inline constexpr double kArcsecPerPx = 0.09569, kMmPerPx = 0.01;
// mm from grating to CCD, where LINSPOS does not tell (Spectractor's configuration).
inline constexpr double kUsualDistanceMm = 187.1;

struct Grating {
  std::string_view name;
  double grooves_per_mm;  // 0: none
  double sweet_x, sweet_y;  // px, of the target
  double window_mm;       // what its glass may add to the distance
};

inline constexpr std::array<Grating, 6> kGratings = {{
    {"empty_1", 0.0, 1780.0, 1800.0, 0.0},
    {"ronchi90lpmm", 90.0, 1780.0, 1800.0, 0.0},
    {"ronchi170lpmm", 170.0, 1750.0, 300.0, 0.0},
    {"holo4_003", 150.0, 1750.0, 200.0, 4.0},
    {"holo4_001", 150.0, 1750.0, 200.0, 4.0},
    {"blue300lpmm_qn1", 300.0, 1750.0, 200.0, 0.0},
}};

// Null for a grating that is not known. Every empty_N is empty.
inline const Grating* FindGrating(std::string_view name) {
  if (name.substr(0, 6) == "empty_" || name == "empty") return &kGratings[0];
  for (const Grating& one : kGratings) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

// px from the zeroth order along the trace, first order.
inline double DistanceOf(double lambda_nm, double grooves_per_mm, double distance_mm) {
  const double sine = grooves_per_mm * lambda_nm * 1e-6;
  return distance_mm * sine / std::sqrt(1.0 - sine * sine) / kMmPerPx;
}

inline double WavelengthOf(double distance_px, double grooves_per_mm, double distance_mm) {
  const double tangent = distance_px * kMmPerPx / distance_mm;
  return tangent / std::sqrt(1.0 + tangent * tangent) / (grooves_per_mm * 1e-6);
}

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_GRATING_H_
