// SPDX-License-Identifier: Apache-2.0
#include "addons/image/donuts.h"

#include <gtest/gtest.h>

#include <cmath>

#include "addons/image/testing/painted_sky.h"

namespace summit::image {
namespace {

using testing::PaintedSky;

TEST(Donuts, AreFoundWithCircleFluxAndShadow) {
  PaintedSky sky(WavefrontHalf());
  struct Ring {
    double x, y, radius, flux, dark_from;
  };
  const std::vector<Ring> rings = {{800.3, 600.8, 67.2, 1.0e6, 1e9}, {2000.0, 1400.5, 66.0, 4.0e5, 45.0}, {3200.7, 500.2, 68.0, 2.0e5, 1e9}};
  for (const Ring& r : rings) sky.Ring(r.x, r.y, r.radius, r.flux, r.dark_from);
  sky.Star(2800.0, 1700.0, 3.0e5, 4.0);  // no donut
  SkyMap map;
  MakeSkyMap(sky.Finish(40, 21), 2, &map);
  const std::vector<Donut> donuts = FindDonuts(map, 2);
  ASSERT_EQ(donuts.size(), rings.size());
  for (size_t i = 0; i < rings.size(); i++) {
    EXPECT_NEAR(donuts[i].x, rings[i].x, 1.0) << i;
    EXPECT_NEAR(donuts[i].y, rings[i].y, 1.0) << i;
    EXPECT_NEAR(donuts[i].radius, rings[i].radius, 1.0) << i;
    EXPECT_FALSE(donuts[i].blended || donuts[i].edge) << i;
    if (rings[i].dark_from > 1e8) {
      EXPECT_NEAR(donuts[i].flux / rings[i].flux, 1.0, 0.02) << i;
      EXPECT_NEAR(donuts[i].x_com, rings[i].x, 1.0) << i;  // of the faintest, half a px of noise
      EXPECT_LT(donuts[i].vignetted_fraction, 0.05) << i;
    }
  }
  // A cap from 45 px on is (r^2 acos(d/r) - d sqrt(r^2 - d^2)) of pi r^2 (1 - 0.612^2), less what the shadow has of it: none.
  const double r = 66.0, d = 45.0, cap = r * r * std::acos(d / r) - d * std::sqrt(r * r - d * d), ring = 3.141592653589793 * r * r * (1.0 - 0.612 * 0.612);
  EXPECT_NEAR(donuts[1].vignetted_fraction, cap / ring, 0.05);
  EXPECT_LT(donuts[1].x_com, 2000.0 - 3.0);
  EXPECT_NEAR(TypicalRadius(donuts).radius, 67.2, 0.7);
}

TEST(Donuts, TheMiddleOfAnEvenlyLitOneIsKnownBetterThanItsPhotonsTellIt) {
  PaintedSky sky(WavefrontHalf());
  constexpr double kRadius = 66.5;
  for (int32_t i = 0; i < 18; i++) sky.Ring(300.4 + 680.0 * (i % 6), 350.3 + 650.0 * static_cast<double>(i / 6), kRadius, 2.2e5);
  SkyMap map;
  MakeSkyMap(sky.Finish(0, 29), 2, &map);
  const std::vector<Donut> donuts = FindDonuts(map, 2);
  ASSERT_EQ(donuts.size(), 18u);
  double square = 0.0;
  for (const Donut& donut : donuts) {
    const double i = std::round((donut.x - 300.4) / 680.0), j = std::round((donut.y - 350.3) / 650.0);
    // Of the photons alone, along one axis: sqrt(1 + 0.612^2) / 2 radii.
    const double limit = 0.586 * kRadius / donut.snr, dx = donut.x_com - (300.4 + 680.0 * i), dy = donut.y_com - (350.3 + 650.0 * j);
    square += (dx * dx + dy * dy) / (limit * limit);
  }
  EXPECT_LT(std::sqrt(square / 36.0), 1.0) << "of what the photons leave open";
}

TEST(Donuts, TheMiddleOfAnUnevenlyLitOneIsThatOfItsLight) {
  PaintedSky sky(WavefrontHalf());
  constexpr double kRadius = 66.5, kFlux = 1.5e6, kSlope = 0.15;
  const double level = kFlux / (3.141592653589793 * kRadius * kRadius * (1.0 - 0.612 * 0.612));
  for (int32_t i = 0; i < 6; i++) {
    const double x = 300.4 + 680.0 * i, y = 900.3;
    sky.Ring(x, y, kRadius, kFlux);
    for (int32_t v = static_cast<int32_t>(y) - 70; v <= static_cast<int32_t>(y) + 70; v++) {
      for (int32_t u = static_cast<int32_t>(x) - 70; u <= static_cast<int32_t>(x) + 70; u++) {
        const double r = std::hypot(u - x, v - y);
        if (r < kRadius && r > 0.612 * kRadius) sky.Add(u, v, level * kSlope * (u - x) / kRadius);
      }
    }
  }
  SkyMap map;
  MakeSkyMap(sky.Finish(0, 31), 2, &map);
  const std::vector<Donut> donuts = FindDonuts(map, 2);
  ASSERT_EQ(donuts.size(), 6u);
  for (const Donut& donut : donuts) {
    const double x = 300.4 + 680.0 * std::round((donut.x - 300.4) / 680.0);
    EXPECT_NEAR(donut.x_com - x, kSlope * kRadius * (1.0 + 0.612 * 0.612) / 4.0, 0.3);
    EXPECT_NEAR(donut.y_com, 900.3, 0.3);
  }
}

TEST(Donuts, NeighboursAndBordersAreTold) {
  PaintedSky sky(WavefrontHalf());
  sky.Ring(1000.0, 1000.0, 67.0, 8.0e5);
  sky.Ring(1090.0, 1010.0, 67.0, 6.0e5);
  sky.Ring(4012.0, 1000.0, 67.0, 8.0e5);
  SkyMap map;
  MakeSkyMap(sky.Finish(0, 23), 1, &map);
  const std::vector<Donut> donuts = FindDonuts(map, 1);
  ASSERT_GE(donuts.size(), 2u);
  for (const Donut& donut : donuts) {
    EXPECT_EQ(donut.blended, donut.x < 2000.0) << donut.x;
    EXPECT_EQ(donut.edge, donut.x > 2000.0) << donut.x;
  }
}

TEST(Donuts, ACircleCutOffByAnotherKeepsItsMiddle) {
  PaintedSky sky(WavefrontHalf());
  // From a crescent that is nowhere 3 px wide to a third of the light.
  const std::vector<double> cuts = {4.0, 6.0, 9.0, 15.0, 22.0, 30.0};
  for (size_t i = 0; i < cuts.size(); i++) sky.CutRing(400.3 + 600.0 * static_cast<double>(i), 900.7, 66.5, 6.0e5, {0.8 * cuts[i], 0.6 * cuts[i], 70.0});
  SkyMap map;
  MakeSkyMap(sky.Finish(0, 27), 2, &map);
  const std::vector<Donut> donuts = FindDonuts(map, 2);
  ASSERT_EQ(donuts.size(), cuts.size());
  for (const Donut& donut : donuts) {
    const double at = std::round((donut.x - 400.3) / 600.0);
    EXPECT_NEAR(donut.x, 400.3 + 600.0 * at, 0.7) << at;
    EXPECT_NEAR(donut.y, 900.7, 0.7) << at;
    EXPECT_NEAR(donut.radius, 66.5, 0.7) << at;
  }
}

TEST(Donuts, AFaintOneBesideABrightOneIsFoundAndMeasuredByItself) {
  PaintedSky sky(WavefrontHalf());
  sky.Ring(1000.2, 1000.4, 66.5, 6.0e6);
  sky.Ring(1000.2, 1144.4, 66.5, 4.0e5);
  SkyMap map;
  MakeSkyMap(sky.Finish(0, 29), 1, &map);
  const std::vector<Donut> donuts = FindDonuts(map, 1);
  ASSERT_EQ(donuts.size(), 2u);
  EXPECT_NEAR(donuts[1].y, 1144.4, 0.7);
  EXPECT_NEAR(donuts[1].flux / 4.0e5, 1.0, 0.02);
  EXPECT_NEAR(donuts[1].y_com, 1144.4, 0.5);
  EXPECT_FALSE(donuts[0].blended || donuts[1].blended);
}

TEST(Donuts, WhatOverscanLeavesInRowsAndColumnsIsNoLightOfTheirs) {
  PaintedSky sky(WavefrontHalf());
  const std::vector<double> places = {300.0, 900.0, 1500.0, 2100.0, 2700.0, 3300.0};  // 1500: over an amplifier's border
  for (const double x : places) sky.Ring(x, 1000.4, 66.5, 2.5e5);
  IsrImage& frame = sky.Finish(0, 31);
  // Medians of 58 and 42 pixels of 9 electron of noise: 1.5 and 1.7 electron, for whole rows and columns of an amplifier.
  for (int32_t y = 0; y < frame.model->rows; y++) {
    for (int32_t x = 0; x < frame.model->cols; x++) {
      const int32_t amp = x / kDataCols;
      frame.image[static_cast<size_t>(y) * static_cast<size_t>(frame.model->cols) + static_cast<size_t>(x)] += static_cast<float>(3.0 * std::sin(12.9898 * (y + 3000 * amp)) * std::cos(78.233 * y) + 3.4 * std::sin(4.1414 * x) * std::cos(39.346 * x) + 0.5 * (amp % 3 - 1));
    }
  }
  SkyMap map;
  MakeSkyMap(frame, 2, &map);
  const std::vector<Donut> donuts = FindDonuts(map, 2);
  ASSERT_EQ(donuts.size(), places.size());
  for (const Donut& donut : donuts) {
    EXPECT_NEAR(donut.flux / 2.5e5, 1.0, 0.02) << donut.x;
    EXPECT_NEAR(donut.x_com, donut.x, 0.6) << donut.x;
    EXPECT_NEAR(donut.y_com, donut.y, 0.6) << donut.x;
  }
}

TEST(Donuts, AnEmptyHalfHasNone) {
  PaintedSky sky(WavefrontHalf());
  SkyMap map;
  MakeSkyMap(sky.Finish(100, 25), 1, &map);
  const std::vector<Donut> donuts = FindDonuts(map, 1);
  EXPECT_EQ(donuts.size(), 0u);
  EXPECT_TRUE(std::isnan(TypicalRadius(donuts).radius));
}

}  // namespace
}  // namespace summit::image
