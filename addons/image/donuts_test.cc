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
