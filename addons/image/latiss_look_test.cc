// SPDX-License-Identifier: Apache-2.0
#include "addons/image/latiss_look.h"

#include <gtest/gtest.h>

#include <cmath>

#include "addons/image/testing/painted_sky.h"

namespace summit::image {
namespace {

using testing::PaintedSky;

LatissLook LookAt(const IsrImage& frame, const char* grating, double linspos = 67.0) {
  SkyMap map;
  MakeSkyMap(frame, 2, &map);
  return LookAtLatiss(map, {FindGrating(grating), linspos, 2});
}

TEST(LatissLook, AnEmptyFrameHasNoStar) {
  PaintedSky sky(Latiss());
  const LatissLook look = LookAt(sky.Finish(50, 3), "empty_1");
  EXPECT_EQ(look.flags & kNoStar, uint32_t{kNoStar});
  EXPECT_FALSE(look.target.found);
}

TEST(LatissLook, StarsOfManyKindsInOneFrame) {
  PaintedSky sky(Latiss());
  sky.Star(1203.37, 2411.81, 3.0e6, 10.0);
  sky.Star(2800.12, 900.66, 4.0e5, 10.0);
  sky.Star(600.0, 500.0, 2.0e5, 10.0);
  const LatissLook look = LookAt(sky.Finish(60, 5), "empty_1");
  EXPECT_NEAR(look.target.x, 1203.37, 0.02);
  EXPECT_NEAR(look.target.y, 2411.81, 0.02);
  EXPECT_NEAR(look.target.flux / 3.0e6, 1.0, 0.01);
  EXPECT_NEAR(look.target.fwhm, 10.0, 0.1);
  EXPECT_EQ(look.flags, 0u);
  ASSERT_EQ(look.sources.size(), 3u);
  EXPECT_NEAR(look.sources[1].x, 2800.12, 0.05);
}

TEST(LatissLook, ACompanionIsFittedAlongAndTold) {
  for (const double apart : {8.0, 14.0, 22.0}) {
    PaintedSky sky(Latiss());
    sky.Star(1800.3, 1700.6, 1.0e6, 10.0);
    sky.Star(1800.3 + 0.8 * apart, 1700.6 + 0.6 * apart, 4.0e5, 10.0);
    const LatissLook look = LookAt(sky.Finish(0, 7), "empty_1");
    EXPECT_NE(look.flags & kBlend, 0u) << apart;
    EXPECT_NEAR(look.target.x, 1800.3, 0.05) << apart;
    EXPECT_NEAR(look.target.y, 1700.6, 0.05) << apart;
    EXPECT_NEAR(look.target.flux / 1.0e6, 1.0, 0.03) << apart;
    EXPECT_NEAR(look.target.second_x, 1800.3 + 0.8 * apart, 0.5) << apart;
  }
}

TEST(LatissLook, ASaturatedStarIsMeasuredByItsWings) {
  PaintedSky sky(Latiss());
  sky.Star(2000.4, 1500.7, 4.0e7, 10.0);
  const LatissLook look = LookAt(sky.Finish(0, 9), "empty_1");
  EXPECT_NE(look.flags & kTargetSaturated, 0u);
  EXPECT_GT(look.target.n_full, 50);
  EXPECT_NEAR(look.target.x, 2000.4, 0.2);
  EXPECT_NEAR(look.target.y, 1500.7, 0.2);
}

TEST(LatissLook, AStreakAcrossTheStarIsTakenOff) {
  for (const double beside : {0.0, 6.0}) {
    PaintedSky sky(Latiss());
    sky.Star(1500.25, 2200.75, 8.0e5, 10.0);
    sky.Streak(1500.25, 2200.75 + beside, 31.0, 9.0, 6000.0);
    const LatissLook look = LookAt(sky.Finish(0, 11), "empty_1");
    EXPECT_NE(look.flags & kStreak, 0u) << beside;
    EXPECT_NEAR(look.target.x, 1500.25, 0.04) << beside;
    EXPECT_NEAR(look.target.y, 2200.75, 0.04) << beside;
  }
}

TEST(LatissLook, AStreakBrighterThanTheStarsIsNone) {
  PaintedSky sky(Latiss());
  sky.Star(1500.25, 2200.75, 8.0e5, 10.0);
  sky.Star(2900.5, 700.5, 2.0e5, 10.0);
  sky.Streak(1500.25, 1800.0, 17.0, 9.0, 90000.0);
  const LatissLook look = LookAt(sky.Finish(0, 19), "empty_1");
  EXPECT_NEAR(look.target.x, 1500.25, 0.04);
  EXPECT_NEAR(look.target.y, 2200.75, 0.04);
  EXPECT_LE(look.sources.size(), 4u);
}

TEST(LatissLook, TheZerothOrderIsFoundBelowItsSpectrum) {
  const Grating& grating = *FindGrating("holo4_003");
  PaintedSky sky(Latiss());
  sky.Star(1700.45, 260.3, 1.5e6, 11.0);
  sky.Continuum(1700.45, 260.3, -0.4, 11.0, 12000.0, grating, 181.4);
  sky.Star(900.0, 700.0, 3.0e6, 11.0);  // brighter, but without a spectrum
  const LatissLook look = LookAt(sky.Finish(60, 13), "holo4_003");
  EXPECT_NEAR(look.target.x, 1700.45, 0.05);
  EXPECT_NEAR(look.target.y, 260.3, 0.05);
  ASSERT_TRUE(look.trace.found);
  EXPECT_NEAR(look.trace.angle_deg, -0.4, 0.01);
  EXPECT_NEAR(look.trace.x_at_y0, 1700.45, 0.1);
  EXPECT_NEAR(look.trace.fwhm_cross_px / 11.0, 1.0, 0.02);
  EXPECT_TRUE(look.spectrum.refined);
  EXPECT_NEAR(look.spectrum.distance_mm, 181.4, 0.1);
  EXPECT_EQ(look.flags & (kNoLines | kWavelengthNominal), 0u);
}

TEST(LatissLook, AnEmissionLineIsNotTakenForTheZerothOrder) {
  const Grating& grating = *FindGrating("holo4_003");
  PaintedSky sky(Latiss());
  sky.Star(1650.2, 310.9, 6.0e5, 11.0);
  for (const auto& [nm, flux] : {std::pair(486.1, 3.0e5), std::pair(500.7, 2.5e6), std::pair(656.3, 1.2e6)}) sky.Line(1650.2, 310.9, 0.3, 11.0, flux, nm, grating, 182.6);
  const LatissLook look = LookAt(sky.Finish(60, 15), "holo4_003");
  EXPECT_NEAR(look.target.x, 1650.2, 0.05);
  EXPECT_NEAR(look.target.y, 310.9, 0.05);
}

TEST(LatissLook, WithoutAGratingOrPlaceInTheHeaderItSaysSo) {
  PaintedSky sky(Latiss());
  sky.Star(1203.37, 2411.81, 3.0e6, 10.0);
  const IsrImage& frame = sky.Finish(0, 17);
  EXPECT_NE(LookAt(frame, "").flags & kHeaderNull, 0u);
  EXPECT_NE(LookAt(frame, "holo4_003", -324.0).flags & kHeaderNull, 0u);
}

}  // namespace
}  // namespace summit::image
