// SPDX-License-Identifier: Apache-2.0
#include "addons/image/sky_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "addons/image/sky_rows.h"
#include "addons/image/testing/painted_sky.h"
#include "addons/pixels/simd.h"

namespace summit::image {
namespace {

TEST(SkyMap, IsTheSameInEveryFormOfTheProcessor) {
  testing::PaintedSky sky(WavefrontHalf());
  sky.Ring(900.0, 700.0, 67.0, 1.0e6);
  const IsrImage& frame = sky.Finish(60, 5);
  SkyMap best, plain;
  MakeSkyMap(frame, 2, &best);
  const pixels::SimdLevel level = pixels::Simd();
  pixels::LimitSimd(pixels::SimdLevel::kPlain);
  MakeSkyMap(frame, 1, &plain);
  pixels::LimitSimd(level);
  EXPECT_EQ(best.state, plain.state);
  EXPECT_GT(best.rays, 60);
  EXPECT_EQ(best.rays, plain.rays);
  EXPECT_NEAR(best.level, testing::PaintedSky::kSky, 1.0);
  ASSERT_EQ(best.bins.size(), plain.bins.size());
  for (size_t i = 0; i < best.bins.size(); i++) ASSERT_NEAR(best.bins[i], plain.bins[i], 0.01 + 1e-5 * std::fabs(plain.bins[i])) << i;
}

TEST(SkyMap, BadPixelsAndRaysDoNotCountInBins) {
  testing::PaintedSky sky(WavefrontHalf());
  IsrImage& frame = sky.Finish(0, 6);
  const auto cols = static_cast<size_t>(frame.model->cols);
  for (size_t y = 400; y < 404; y++) {
    for (size_t x = 800; x < 804; x++) frame.mask[y * cols + x] |= kBad;
  }
  frame.image[1000 * cols + 1201] = 5000.0f;
  frame.mask[600 * cols + 44] |= kSaturated;
  SkyMap map;
  MakeSkyMap(frame, 1, &map);
  EXPECT_EQ(map.Bin(200, 100), 0.0f) << "all of it is bad: as the sky";
  EXPECT_EQ(map.State(1201, 1000), kRayPixel);
  EXPECT_LT(std::fabs(map.Bin(300, 250)), 6.0 * map.bin_noise);
  EXPECT_NEAR(map.full_fraction * static_cast<double>(map.state.size()), 1.0, 1e-6);
}

TEST(SkyMap, LightBesideABadColumnIsNoRay) {
  testing::PaintedSky sky(WavefrontHalf());
  sky.Ring(900.0, 700.0, 67.0, 2.0e7);
  IsrImage& frame = sky.Finish(0, 8);
  const auto cols = static_cast<size_t>(frame.model->cols);
  for (size_t y = 0; y < 1200; y++) {
    for (const size_t x : {950u, 951u}) {
      frame.image[y * cols + x] = 0.0f;
      frame.mask[y * cols + x] |= kBad;
    }
  }
  frame.image[700 * cols + 949] = 60000.0f;
  SkyMap map;
  MakeSkyMap(frame, 1, &map);
  for (int32_t y = 670; y <= 730; y++) {
    EXPECT_EQ(map.State(952, y), kGoodPixel) << y;
    EXPECT_EQ(map.State(949, y), y == 700 ? kRayPixel : kGoodPixel) << y;
  }
}

TEST(SkyMap, SkyAlongARowIsThatOfItsPlaces) {
  testing::PaintedSky sky(WavefrontHalf());
  SkyMap map;
  MakeSkyMap(sky.Finish(0, 7), 1, &map);
  for (size_t i = 0; i < map.sky.size(); i++) map.sky[i] = static_cast<float>(i % 97);
  std::vector<float> along(static_cast<size_t>(map.cols));
  for (const int32_t y : {0, 31, 32, 777, 1999}) {
    map.SkyAlong(y, 0.0, 1.0, along);
    for (int32_t x = 0; x < map.cols; x++) ASSERT_NEAR(along[static_cast<size_t>(x)], map.SkyAt(x, y), 2e-3) << x << " " << y;
  }
}

TEST(SkyMap, AValueByRankIsThatOfASortedList) {
  std::mt19937 random(11);
  std::normal_distribution<float> noise(-3.0f, 40.0f);
  for (size_t n = 1; n < 300; n += 23) {
    std::vector<float> values(n);
    for (float& value : values) value = noise(random);
    std::vector<float> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    for (const size_t rank : {size_t{0}, n / 2, n - 1}) EXPECT_EQ(RankedValue(values, rank), sorted[rank]) << n;
  }
}

}  // namespace
}  // namespace summit::image
