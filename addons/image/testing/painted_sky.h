// SPDX-License-Identifier: Apache-2.0
// Frames as instrument signature removal leaves them, painted with stars, spectra, streaks and donuts.
// Thread: any. Owns: the frame.
#ifndef SUMMIT_IMAGE_TESTING_PAINTED_SKY_H_
#define SUMMIT_IMAGE_TESTING_PAINTED_SKY_H_

#include <cstddef>
#include <cstdint>

#include "addons/image/grating.h"
#include "addons/image/isr.h"

namespace summit::image::testing {

class PaintedSky {
 public:
  static constexpr double kSky = 60.0, kReadNoise = 9.0, kBeta = 3.2, kFullWell = 110000.0;

  explicit PaintedSky(const DetectorModel& model);
  void Add(int32_t x, int32_t y, double light);
  void Star(double x, double y, double flux, double fwhm);
  // Light of `flux` electron per px of height, from a wavelength to another; it narrows nowhere.
  void Continuum(double x0, double y0, double angle_deg, double fwhm, double flux, const Grating& grating, double distance_mm);
  void Line(double x0, double y0, double angle_deg, double fwhm, double flux, double nm, const Grating& grating, double distance_mm);
  // `flux` electron per px of length; less steep than 80 degrees.
  void Streak(double x, double y, double angle_deg, double fwhm, double flux);
  // Even light in a ring; a cap of it is dark from `dark_from` px to the right of the middle on.
  void Ring(double x, double y, double radius, double flux, double dark_from = 1e9);
  // Light inside another circle only, px from the ring's middle.
  struct Opening {
    double dx, dy, radius;
  };
  void CutRing(double x, double y, double radius, double flux, const Opening& opening);
  // Photons' and readout's noise, full pixels, rays.
  IsrImage& Finish(int32_t rays, unsigned seed);

 private:
  size_t At(int32_t x, int32_t y) const { return static_cast<size_t>(y) * static_cast<size_t>(frame_.model->cols) + static_cast<size_t>(x); }

  IsrImage frame_{};
};

}  // namespace summit::image::testing

#endif  // SUMMIT_IMAGE_TESTING_PAINTED_SKY_H_
