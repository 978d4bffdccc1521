// SPDX-License-Identifier: Apache-2.0
// A slitless spectrum of LATISS: which blob is the zeroth order, the trace of its first order, the light along it and
// the wavelengths, refined by lines where there are any.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_SPECTRUM_H_
#define SUMMIT_IMAGE_SPECTRUM_H_

#include <cstdint>
#include <vector>

#include "addons/image/blobs.h"
#include "addons/image/grating.h"
#include "addons/image/sky_map.h"

namespace summit::image {

struct ZerothChoice {
  bool found = false, ambiguous = false;
  Blob blob{};
  double angle_deg = 0.0;  // of its trace, roughly
  double second_order = 0.0;  // share of the first order's light that lies where second-order blue light does
};

// The blob that has a first order at the right distance above it and nothing between: not the brightest one, which may
// be an emission line.
ZerothChoice ChooseZeroth(const SkyMap& map, const std::vector<Blob>& blobs, const Grating& grating, double distance_mm);

// x = x0 + tan(angle) * (y - y0), y0 that of the zeroth order.
struct Trace {
  bool found = false;
  double angle_deg = 0.0, angle_err_deg = 0.0, x_at_y0 = 0.0, x_err = 0.0, rms_px = 0.0;
  double fwhm_cross_px = 0.0, fwhm_cross_err_px = 0.0;
  double beta = 2.7;  // of the profile across, a Moffat
  int32_t n_rows = 0;
  double y0 = 0.0;

  double XAt(double y) const;
};

// From the zeroth order (x0, y0), and roughly an angle.
Trace FollowTrace(const SkyMap& map, double x0, double x_err, double y0, double angle_deg, double fwhm, const Grating& grating, double distance_mm);

struct SpectrumLine {
  double lambda_nm, distance_px, distance_err_px, depth_sigma, width_px;
  bool emission;
};

struct Spectrum {
  std::vector<double> distance_px{}, y_px{}, wavelength_nm{}, flux{}, variance{}, background{};
  double distance_mm = 0.0, distance_err_mm = 0.0;  // from grating to CCD
  bool refined = false;
  double median_snr = 0.0;  // of a row
  std::vector<SpectrumLine> lines{};
};

// `x0`: the trace's own at the zeroth order's row; distances count from (zeroth_x, y0) along the trace.
Spectrum ExtractSpectrum(const SkyMap& map, const Trace& trace, double fwhm_disp, const Grating& grating, double distance_mm);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_SPECTRUM_H_
