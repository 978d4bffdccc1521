// SPDX-License-Identifier: Apache-2.0
// Flux and width of the finished measurement against truth: over widths and profiles, faint and bright, and what the
// stated error of the flux is worth.
#include "addons/pixels/aperture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "addons/pixels/profile.h"
#include "addons/pixels/simd.h"
#include "addons/pixels/testing/star_stamp.h"

namespace summit::pixels {
namespace {

using testing::Conditions;
using testing::FluxForSnr;
using testing::MeasureBlind;
using testing::Profile;
using testing::Stamp;

// Statistics are of the optimized build.
#if !defined(SUMMIT_SANITIZED)
struct Bias {
  double flux = 0.0, fwhm = 0.0;  // mean of measured over true, less 1
  double pull = 0.0;              // rms of the flux error over the stated one
};

// Stars of one width with the wings of good and bad seeing in turn.
Bias BiasOf(double fwhm, double snr, int stamps) {
  constexpr double kBetas[] = {2.7, 3.2, 4.0, 5.0};
  const Conditions conditions;
  double fluxes[4];
  for (int k = 0; k < 4; k++) fluxes[k] = FluxForSnr({fwhm, kBetas[k], 0.0, 0.0}, conditions, snr);
  Bias bias;
  for (int i = 0; i < stamps; i++) {
    const Profile profile{fwhm, kBetas[i % 4], 0.0, 0.0};
    const double flux = fluxes[i % 4];
    Stamp stamp(conditions, 500 + static_cast<uint32_t>(i));
    stamp.AddStar(profile, stamp.Uniform(22.0, 28.0), stamp.Uniform(22.0, 28.0), flux);
    stamp.Expose();
    const Measurement m = MeasureBlind(conditions, stamp.View());
    EXPECT_EQ(m.flags & kDoNotUse, 0u) << "FWHM " << fwhm << ", SNR " << snr << ", stamp " << i;
    bias.flux += (m.flux / flux - 1.0) / stamps;
    bias.fwhm += (m.fwhm / fwhm - 1.0) / stamps;
    bias.pull += std::pow((m.flux - flux) / m.flux_err, 2) / stamps;
  }
  bias.pull = std::sqrt(bias.pull);
  return bias;
}

// The limits are the kernel's goals, and three times the scatter of the mean for the faint ones.
TEST(Aperture, FluxAndWidthAreUnbiasedOverTheSeeing) {
  for (const double fwhm : {2.5, 4.0, 7.5}) {
    const Bias bright = BiasOf(fwhm, 150.0, 40), faint = BiasOf(fwhm, 20.0, 120);
    EXPECT_NEAR(bright.flux, 0.0, 0.02) << "FWHM " << fwhm;
    EXPECT_NEAR(bright.fwhm, 0.0, 0.03) << "FWHM " << fwhm;
    EXPECT_NEAR(faint.flux, 0.0, 0.02 + 3.0 * 0.008 * std::sqrt(fwhm / 4.0)) << "FWHM " << fwhm;
    EXPECT_NEAR(faint.fwhm, 0.0, 0.03 + 3.0 * 0.007) << "FWHM " << fwhm;
    // Of a bright star half the light outside the aperture counts as doubt: these profiles do not differ by as much.
    EXPECT_GT(bright.pull, 0.3);
    EXPECT_LT(bright.pull, 1.4);
    EXPECT_GT(faint.pull, 0.8);
    EXPECT_LT(faint.pull, 1.35);
  }
}
#endif  // SUMMIT_SANITIZED

Fit FitOf(float x, float y, float flux, float fwhm) {
  Fit fit;
  fit.star.x = x;
  fit.star.y = y;
  fit.star.flux = flux;
  fit.star.log_fwhm = std::log(fwhm);
  fit.fwhm = fwhm;
  fit.snr = 50.0f;
  return fit;
}

// Whatever is added to a column or a row changes nothing; light that the fit missed is found.
TEST(Aperture, OffsetsOfColumnsAndRowsDoNotMatter) {
  static Window window;
  static uint8_t rejected[kWindowSide * kWindowStride];
  window.rows = window.cols = 50;
  Fit fit = FitOf(25.3f, 23.8f, 10000.0f, 4.0f);
  for (int32_t r = 0; r < 50; r++) {
    for (int32_t c = 0; c < 50; c++) window.Row(r)[c] = fit.star.flux * ProfileAt(fit.star, static_cast<float>(c) - fit.star.x, static_cast<float>(r) - fit.star.y);
  }
  fit.star.flux = 9000.0f;
  const ApertureFlux before = MeasureAperture(window, rejected, fit, 7.0f, 1.4f);
  for (int32_t r = 0; r < 50; r++) {
    for (int32_t c = 0; c < 50; c++) window.Row(r)[c] += static_cast<float>(c % 7) - static_cast<float>(r % 5);
  }
  const ApertureFlux after = MeasureAperture(window, rejected, fit, 7.0f, 1.4f);
  ASSERT_TRUE(before.valid && after.valid);
  EXPECT_NEAR(before.flux, 10000.0f, 200.0f);
  EXPECT_NEAR(after.flux, before.flux, 5.0f);
  LimitSimd(SimdLevel::kPlain);
  const ApertureFlux plain = MeasureAperture(window, rejected, fit, 7.0f, 1.4f);
  LimitSimd(SimdLevel::kAvx512);
  EXPECT_NEAR(plain.flux, after.flux, 0.5f);
  EXPECT_NEAR(plain.error, after.error, 0.01f * after.error);
}

// A pixel that is left out counts as the star, not as a hole.
TEST(Aperture, PixelsLeftOutAreNoHoles) {
  static Window window;
  static uint8_t rejected[kWindowSide * kWindowStride];
  std::memset(rejected, 0, sizeof rejected);
  window.rows = window.cols = 50;
  const Fit fit = FitOf(25.0f, 25.0f, 10000.0f, 4.0f);
  for (int32_t r = 0; r < 50; r++) {
    for (int32_t c = 0; c < 50; c++) window.Row(r)[c] = fit.star.flux * ProfileAt(fit.star, static_cast<float>(c) - 25.0f, static_cast<float>(r) - 25.0f);
  }
  const float whole = MeasureAperture(window, rejected, fit, 7.0f, 1.4f).flux;
  window.Row(25)[26] = 60000.0f;
  rejected[25 * kWindowStride + 26] = kOutlier;
  window.Row(24)[25] = -5000.0f;
  window.masked[24 * kWindowStride + 25] = kMaskDefect;
  EXPECT_NEAR(MeasureAperture(window, rejected, fit, 7.0f, 1.4f).flux, whole, 1.0f);
}

}  // namespace
}  // namespace summit::pixels
