// SPDX-License-Identifier: Apache-2.0
// Self-made calibrations: what they put right, against truth, and what a wrong one does.
#include "addons/pixels/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "addons/pixels/measure.h"
#include "addons/pixels/testing/star_stamp.h"

namespace summit::pixels {
namespace {

using testing::Conditions;
using testing::FluxForSnr;
using testing::Profile;
using testing::SettingsFor;
using testing::Stamp;

Calibration Blank(int32_t rows, int32_t cols) {
  Calibration calibration;
  calibration.rows = rows;
  calibration.cols = cols;
  const size_t pixels = static_cast<size_t>(rows) * static_cast<size_t>(cols);
  calibration.offset.assign(pixels, 0.0f);
  calibration.flat.assign(pixels, 1.0f);
  calibration.defects.assign(pixels, 0);
  calibration.complete = true;
  return calibration;
}

Measurement MeasureWith(const Conditions& conditions, const Stamp& stamp, const Calibration* calibration, const Prediction& prediction = {}) {
  MeasureSettings settings = SettingsFor(conditions);
  settings.calibrated = true;
  const auto measurer = StampMeasurer::Create(settings);
  measurer->Use(calibration);
  return measurer->Measure(stamp.View(), prediction);
}

size_t At(int r, int c, int cols = 50) { return static_cast<size_t>(r * cols + c); }

// Four pixels of the core are dead; their map tells which, and the star is where it is.
TEST(Calibration, ADefectUnderTheStarTakesNoPart) {
  const Conditions conditions;
  const Profile profile{4.0, 3.3, 0.0, 0.0};
  Calibration calibration = Blank(50, 50);
  double off = 0.0, without = 0.0;
  for (uint32_t i = 0; i < 20; i++) {
    Stamp stamp(conditions, 900 + i);
    stamp.AddStar(profile, 25.3, 24.6, FluxForSnr(profile, conditions, 100.0));
    stamp.Expose();
    for (const size_t at : {At(24, 26), At(25, 26), At(24, 27), At(25, 27)}) {
      stamp.pixels()[at] -= 60;
      calibration.defects[at] = 1;
    }
    ASSERT_TRUE(Prepare(&calibration));
    const Measurement m = MeasureWith(conditions, stamp, &calibration);
    ASSERT_EQ(m.flags & (kDoNotUse | kUncalibrated), 0u);
    off += std::hypot(m.x - 25.3, m.y - 24.6) / 20.0;
    without += std::hypot(MeasureWith(conditions, stamp, nullptr).x - 25.3, 0.0) / 20.0;
  }
  EXPECT_LT(off, 0.06);
  EXPECT_GT(without, 1.5 * off);
}

// A sensitivity that falls by half over the star moves its light; over the flat it comes back.
TEST(Calibration, AFlatThatSlopesIsDividedOut) {
  Conditions conditions;
  conditions.sky = 0.0;
  const Profile profile{5.0, 3.3, 0.0, 0.0};
  Calibration calibration = Blank(50, 50);
  for (int r = 0; r < 50; r++) {
    for (int c = 0; c < 50; c++) calibration.flat[At(r, c)] = static_cast<float>(1.0 - 0.03 * (c - 25));
  }
  ASSERT_TRUE(Prepare(&calibration));
  double off = 0.0, without = 0.0, flux = 0.0;
  const double light = FluxForSnr(profile, conditions, 200.0);
  for (uint32_t i = 0; i < 20; i++) {
    Stamp stamp(conditions, 1300 + i);
    for (int r = 0; r < 50; r++) {
      for (int c = 0; c < 50; c++) stamp.AddLight(r, c, light * testing::PixelShare(profile, c - 25.3, r - 24.6) * static_cast<double>(calibration.flat[At(r, c)]));
    }
    stamp.Expose();
    const Measurement m = MeasureWith(conditions, stamp, &calibration), raw = MeasureWith(conditions, stamp, nullptr);
    ASSERT_EQ(m.flags & kDoNotUse, 0u);
    off += (m.x - 25.3) / 20.0;
    without += (raw.x - 25.3) / 20.0;
    flux += m.flux / light / 20.0;
  }
  EXPECT_NEAR(off, 0.0, 0.012);
  EXPECT_LT(without, -0.08);
  EXPECT_NEAR(flux, 1.0, 0.03);
}

TEST(Calibration, ADarkHotPixelIsTakenOff) {
  const Conditions conditions;
  const Profile profile{4.0, 3.3, 0.0, 0.0};
  Calibration calibration = Blank(50, 50);
  calibration.offset[At(26, 26)] = 400.0f;
  ASSERT_TRUE(Prepare(&calibration));
  for (uint32_t i = 0; i < 10; i++) {
    Stamp stamp(conditions, 1500 + i);
    stamp.AddStar(profile, 25.3, 24.6, FluxForSnr(profile, conditions, 80.0));
    stamp.AddOffset(26, 26, 400.0);
    stamp.Expose();
    const Measurement m = MeasureWith(conditions, stamp, &calibration);
    EXPECT_EQ(m.flags & (kDoNotUse | kHit), 0u);
    EXPECT_NEAR(m.x, 25.3, 5.0 * m.ex);
    EXPECT_NEAR(m.y, 24.6, 5.0 * m.ey);
    EXPECT_EQ(m.n_masked, 0u);
  }
}

// The cut-out of a large ROI takes its part of the maps.
TEST(Calibration, OfALargeRoiTheCutOutsPartIsUsed) {
  Conditions conditions;
  conditions.rows = 120;
  conditions.cols = 200;
  const Profile profile{4.0, 3.3, 0.0, 0.0};
  Stamp stamp(conditions, 8);
  stamp.AddStar(profile, 150.3, 84.6, FluxForSnr(profile, conditions, 100.0));
  stamp.AddOffset(85, 152, 700.0);
  stamp.Expose();
  Calibration calibration = Blank(120, 200);
  calibration.offset[At(85, 152, 200)] = 700.0f;
  ASSERT_TRUE(Prepare(&calibration));
  for (const Prediction& prediction : {Prediction{}, Prediction{true, 151.0, 84.0, 4.0}}) {
    const Measurement m = MeasureWith(conditions, stamp, &calibration, prediction);
    EXPECT_EQ(m.flags & (kDoNotUse | kHit | kUncalibrated), 0u);
    EXPECT_NEAR(m.x, 150.3, 0.12);
    EXPECT_NEAR(m.y, 84.6, 0.12);
  }
}

TEST(Calibration, WithoutAllOfThemResultsSaySo) {
  const Conditions conditions;
  Stamp stamp(conditions, 5);
  stamp.AddStar(Profile{}, 25.3, 24.6, 20000.0);
  stamp.Expose();
  Calibration partial = Blank(50, 50), other = Blank(50, 49);
  partial.complete = false;
  EXPECT_EQ(MeasureWith(conditions, stamp, &partial).flags, kUncalibrated + 0u);
  EXPECT_EQ(MeasureWith(conditions, stamp, &other).flags, kUncalibrated + 0u);
  EXPECT_EQ(MeasureWith(conditions, stamp, nullptr).flags, kUncalibrated + 0u);
  EXPECT_EQ(testing::MeasureBlind(conditions, stamp.View()).flags, 0u) << "where none are asked for there is nothing to say";
}

TEST(Calibration, WhatNoCalibrationCanPutRightIsADefect) {
  Calibration calibration = Blank(10, 10);
  calibration.flat[3] = 0.0f;
  calibration.flat[4] = -2.0f;
  calibration.flat[6] = std::numeric_limits<float>::infinity();
  calibration.offset[5] = std::numeric_limits<float>::quiet_NaN();
  calibration.offset[7] = -1e30f;
  ASSERT_TRUE(Prepare(&calibration));
  for (size_t i = 0; i < 100; i++) EXPECT_EQ(calibration.defects[i], i >= 3 && i <= 7 ? 1 : 0) << i;
  calibration.offset.pop_back();
  EXPECT_FALSE(Prepare(&calibration));
}

}  // namespace
}  // namespace summit::pixels
