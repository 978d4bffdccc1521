// SPDX-License-Identifier: Apache-2.0
// What the measuring chain must refuse, and say why.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "addons/pixels/measure.h"
#include "addons/pixels/testing/star_stamp.h"

namespace summit::pixels {
namespace {

using testing::Conditions;
using testing::MeasureBlind;
using testing::Profile;
using testing::SettingsFor;
using testing::Stamp;

std::vector<int32_t> GoodStamp() {
  Stamp stamp(Conditions{}, 11);
  stamp.AddStar(Profile{}, 25.0, 25.0, 20000.0);
  return stamp.Expose();
}

Measurement MeasurePixels(const std::vector<int32_t>& pixels) {
  return MeasureBlind(Conditions{}, {pixels.data(), PixelType::kI32, 50, 50, 50});
}

void ExpectRefused(const Measurement& m, FaultReason reason) {
  EXPECT_EQ(m.flags & kFault, static_cast<uint32_t>(kFault));
  EXPECT_EQ(m.fault, static_cast<uint32_t>(reason));
  EXPECT_TRUE(std::isnan(m.x));
}

TEST(MeasureRefusal, NoData) {
  ExpectRefused(MeasurePixels(std::vector<int32_t>(2500, 0)), FaultReason::kAllZero);
  ExpectRefused(MeasurePixels(std::vector<int32_t>(2500, 14000)), FaultReason::kConstant);
}

TEST(MeasureRefusal, TornStamp) {
  for (const size_t first : {3u, 20u, 47u}) {
    std::vector<int32_t> zero = GoodStamp(), constant = GoodStamp();
    std::fill(zero.begin() + static_cast<long>(first * 50), zero.end(), 0);
    std::fill(constant.begin() + static_cast<long>(first * 50), constant.end(), 14000);
    ExpectRefused(MeasurePixels(zero), FaultReason::kTorn);
    ExpectRefused(MeasurePixels(constant), FaultReason::kTorn);
  }
}

TEST(MeasureRefusal, WrongRange) {
  std::vector<int32_t> negative = GoodStamp(), large = GoodStamp();
  negative[77] = -1;
  large[1234] = 262144;
  ExpectRefused(MeasurePixels(negative), FaultReason::kRange);
  ExpectRefused(MeasurePixels(large), FaultReason::kRange);
}

TEST(MeasureRefusal, NotFinite) {
  const std::vector<int32_t> good = GoodStamp();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> pixels(good.begin(), good.end());
    pixels[999] = bad;
    ExpectRefused(MeasureBlind(Conditions{}, {pixels.data(), PixelType::kF32, 50, 50, 50}), FaultReason::kNotFinite);
  }
}

std::vector<float> Scaled(const std::vector<int32_t>& pixels, float scale) {
  std::vector<float> scaled;
  for (const int32_t pixel : pixels) scaled.push_back(scale * static_cast<float>(pixel));
  return scaled;
}

TEST(MeasureRefusal, FloatsWhoseProductsAreBeyondAFloat) {
  for (const float scale : {1e34f, 1e7f, 1e-16f, 1e-38f}) {
    const std::vector<float> pixels = Scaled(GoodStamp(), scale);
    ExpectRefused(MeasureBlind(Conditions{}, {pixels.data(), PixelType::kF32, 50, 50, 50}), FaultReason::kRange);
  }
}

// Noise of fractions is real: no rounding of whole numbers is held against them.
TEST(MeasureRefusal, FloatsInAnyUnitAreMeasuredAlike) {
  const Measurement expected = MeasurePixels(GoodStamp());
  for (const float scale : {1e-8f, 1e-5f, 1e-3f, 1e3f}) {
    Conditions conditions;
    conditions.gain /= static_cast<double>(scale);
    const std::vector<float> pixels = Scaled(GoodStamp(), scale);
    MeasureSettings settings = SettingsFor(conditions);
    settings.saturation = 2000000000;
    const auto measurer = StampMeasurer::Create(settings);
    const Measurement m = measurer->Measure({pixels.data(), PixelType::kF32, 50, 50, 50}, Prediction{});
    EXPECT_EQ(m.flags, expected.flags) << scale;
    EXPECT_NEAR(m.x, expected.x, 0.02 * expected.ex) << scale;
    EXPECT_NEAR(m.y, expected.y, 0.02 * expected.ey) << scale;
    EXPECT_NEAR(m.flux, expected.flux, 0.002 * expected.flux) << scale;
    EXPECT_NEAR(m.noise / static_cast<double>(scale), expected.noise, 0.002 * expected.noise) << scale;
  }
}

TEST(MeasureRefusal, AWideSearchTakesFloatsInAnyUnit) {
  Conditions conditions;
  conditions.rows = conditions.cols = 200;
  Stamp stamp(conditions, 12);
  stamp.AddStar(Profile{}, 133.3, 71.7, 20000.0);
  const std::vector<float> pixels = Scaled(stamp.Expose(), 1e-5f);
  conditions.gain *= 1e5;
  const auto measurer = StampMeasurer::Create(SettingsFor(conditions));
  const Measurement m = measurer->Measure({pixels.data(), PixelType::kF32, 200, 200, 200}, Prediction{});
  EXPECT_EQ(m.flags & kDoNotUse, 0u);
  EXPECT_NEAR(m.x, 133.3, 5.0 * m.ex);
  EXPECT_NEAR(m.y, 71.7, 5.0 * m.ey);
}

TEST(MeasureRefusal, Geometry) {
  const std::vector<int32_t> good = GoodStamp();
  const auto measurer = StampMeasurer::Create(SettingsFor(Conditions{}));
  const ImageView views[] = {{good.data(), PixelType::kI32, 51, 49, 49},   {good.data(), PixelType::kI32, 1, 1, 1},
                             {good.data(), PixelType::kI32, 50, 50, 40},   {nullptr, PixelType::kI32, 50, 50, 50},
                             {good.data(), PixelType::kNone, 50, 50, 50},  {good.data(), PixelType::kI32, -50, 50, 50},
                             {nullptr, PixelType::kRaw18x16, 50, 50, 50}};
  for (const ImageView& view : views) ExpectRefused(measurer->Measure(view, Prediction{}), FaultReason::kGeometry);
}

TEST(MeasureRefusal, SettingsThatMakeNoSense) {
  const auto refused = [](auto change) {
    MeasureSettings settings;
    change(settings);
    return StampMeasurer::Create(settings) == nullptr;
  };
  EXPECT_TRUE(refused([](MeasureSettings& s) { s.gain = 0.0f; }));
  EXPECT_TRUE(refused([](MeasureSettings& s) { s.gain = -1.0f; }));
  EXPECT_TRUE(refused([](MeasureSettings& s) { s.gain = std::numeric_limits<float>::quiet_NaN(); }));
  EXPECT_TRUE(refused([](MeasureSettings& s) { s.read_noise = -1.0f; }));
  EXPECT_TRUE(refused([](MeasureSettings& s) { s.read_noise = std::numeric_limits<float>::infinity(); }));
  EXPECT_TRUE(refused([](MeasureSettings& s) { s.max_rows = 0; }));
  EXPECT_TRUE(refused([](MeasureSettings& s) { s.max_cols = 5000; }));
  EXPECT_TRUE(refused([](MeasureSettings& s) { s.expected_fwhm = 0.0f; }));
  EXPECT_TRUE(refused([](MeasureSettings& s) { s.saturation = 0; }));
  EXPECT_TRUE(refused([](MeasureSettings& s) { s.raw_segment = 16; }));
  EXPECT_FALSE(refused([](MeasureSettings&) {}));
}

TEST(MeasureRefusal, AnEmptyStampHasNoStar) {
  int found = 0;
  for (uint32_t seed = 1; seed <= 300; seed++) {
    Stamp stamp(Conditions{}, seed);
    stamp.Expose();
    const Measurement m = MeasureBlind(Conditions{}, stamp.View());
    if ((m.flags & kDoNotUse) == 0) found++;
    EXPECT_EQ(m.flags & kFault, 0u);
  }
  EXPECT_LE(found, 3);
}

}  // namespace
}  // namespace summit::pixels
