// SPDX-License-Identifier: Apache-2.0
#include "addons/image/calibrations.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace summit::image {
namespace {

TEST(Linearizer, ASplineGoesThroughItsNodesAndHoldsItsEnds) {
  Linearity linearity;
  std::string problem;
  ASSERT_TRUE(MakeSpline({0, 200, 1500, 6000, 15000}, {0, 0.16, 3.35, 2.09, 2.43}, 1.1, &linearity, &problem)) << problem;
  EXPECT_NEAR(Linearized(linearity, 1500 * 1.1), 1500 * 1.1 - 3.35 * 1.1, 1e-4);
  EXPECT_NEAR(Linearized(linearity, 6000 * 1.1), 6000 * 1.1 - 2.09 * 1.1, 1e-3);
  EXPECT_NEAR(Linearized(linearity, 1e6), 1e6 - 2.43 * 1.1, 1e-3);
  EXPECT_NEAR(Linearized(linearity, -50.0), -50.0, 1e-6);
}

// Akima's own example (J. ACM 17, 589, 1970): a step does not ring beyond the neighbouring intervals.
TEST(Linearizer, ASplineIsAkimas) {
  Linearity linearity;
  std::string problem;
  ASSERT_TRUE(MakeSpline({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {10, 10, 10, 10, 10, 10, 10.5, 15, 50, 60, 85}, 1.0, &linearity, &problem));
  EXPECT_NEAR(3.5 - Linearized(linearity, 3.5), 10.0, 1e-6);
  // Slopes at 6 and 7: (|m7-m6| m5 + |m5-m4| m6) / (|m7-m6| + |m5-m4|) with m4 = 0, m5 = 0.5, m6 = 4.5, m7 = 35, m8 = 10.
  const double at6 = (30.5 * 0.5 + 0.5 * 4.5) / 31.0, at7 = (25.0 * 4.5 + 4.0 * 35.0) / 29.0;
  EXPECT_NEAR(6.5 - Linearized(linearity, 6.5), 0.5 * (10.5 + 15.0) + 0.125 * (at6 - at7), 1e-5);
}

TEST(Linearizer, OfADoubleSplineTheSecondOneTakesWhatTheFirstOneGives) {
  Linearity first, after;
  std::string problem;
  const std::vector<double> c{3, 4, 0, 1000, 2000, 0, 10, 40, 0, 990, 1960, 5000, 0, 3, 7, 9, 0, 0};
  ASSERT_TRUE(MakeDoubleSpline(c, 2.0, &first, &after, &problem)) << problem;
  EXPECT_NEAR(Linearized(after, Linearized(first, 2000.0)), 2.0 * (1000 - 10 - 3), 1e-3);
  EXPECT_NEAR(Linearized(after, Linearized(first, 4000.0)), 2.0 * (2000 - 40 - 7), 1e-3);
  Linearity none, only;
  ASSERT_TRUE(MakeDoubleSpline({0, 3, 0, 1000, 2000, 0, 10, 40}, 1.0, &none, &only, &problem)) << problem;
  EXPECT_EQ(none.kind, LinearityKind::kNone);
  EXPECT_NEAR(Linearized(only, 1000.0), 990.0, 1e-3);
  EXPECT_FALSE(MakeDoubleSpline({3, 4, 0, 1000, 2000, 0, 10, 40}, 1.0, &first, &after, &problem));
  EXPECT_NE(problem.find("got 8 numbers"), std::string::npos) << problem;
  EXPECT_FALSE(MakeDoubleSpline({2.5, 0, 1, 2, 3, 4, 5}, 1.0, &first, &after, &problem));
  EXPECT_FALSE(MakeDoubleSpline({3}, 1.0, &first, &after, &problem));
}

TEST(Linearizer, APolynomialIsScaledToElectron) {
  Linearity linearity;
  std::string problem;
  ASSERT_TRUE(MakePolynomial({1e-7, -2e-13}, 1.5, &linearity, &problem));
  const double adu = 40000.0;
  EXPECT_NEAR(Linearized(linearity, adu * 1.5), 1.5 * (adu + 1e-7 * adu * adu - 2e-13 * adu * adu * adu), 1e-2);
}

TEST(Linearizer, RefusesWhatIsNoFunction) {
  Linearity linearity;
  std::string problem;
  EXPECT_FALSE(MakeSpline({0, 200, 200}, {0, 1, 2}, 1.0, &linearity, &problem));
  EXPECT_NE(problem.find("expected rising nodes"), std::string::npos);
  EXPECT_FALSE(MakeSpline({0, 1}, {0, 1}, 1.0, &linearity, &problem));
  EXPECT_FALSE(MakePolynomial({}, 1.0, &linearity, &problem));
}

TEST(CalibrationMaps, WhatIsNoNumberIsBad) {
  Calibrations calibrations;
  const auto pixels = static_cast<size_t>(WavefrontHalf().pixels());
  std::vector<float> flat(pixels, 2.0f), bias(pixels, 1.0f);
  flat[4072 * 5 + 9] = 0.0f;
  flat[1] = -1.0f;
  flat[2] = std::numeric_limits<float>::infinity();
  bias[4072] = std::numeric_limits<float>::quiet_NaN();
  SetFlat(std::move(flat), WavefrontHalf(), &calibrations);
  SetBias(std::move(bias), WavefrontHalf(), &calibrations);
  EXPECT_EQ(calibrations.inverse_flat[0], 0.5f);
  EXPECT_EQ(calibrations.inverse_flat[4072 * 5 + 9], 1.0f);
  EXPECT_EQ(calibrations.bias[4072], 0.0f);
  ASSERT_EQ(calibrations.flat_mask.size(), 2u);
  EXPECT_EQ(calibrations.flat_mask[0].x0, 1);
  EXPECT_EQ(calibrations.flat_mask[0].x1, 2);
  EXPECT_EQ(calibrations.flat_mask[1].y, 5);
  EXPECT_EQ(calibrations.flat_mask[1].x0, 9);
  ASSERT_EQ(calibrations.bias_mask.size(), 1u);
  EXPECT_EQ(calibrations.bias_mask[0].y, 1);
  EXPECT_EQ(calibrations.bias_mask[0].bits, kBad);
}

}  // namespace
}  // namespace summit::image
