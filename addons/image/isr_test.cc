// SPDX-License-Identifier: Apache-2.0
#include "addons/image/isr.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "addons/image/testing/made_frame.h"
#include "addons/pixels/simd.h"

namespace summit::image {
namespace {

using testing::kDarkSeconds;
using testing::kGain;

const testing::MadeFrame& Frame() {
  static const testing::MadeFrame frame = testing::MakeFrame();
  return frame;
}

IsrImage Processed(std::shared_ptr<const Calibrations> calibrations, const IsrSettings& settings = {}, double seconds = kDarkSeconds) {
  Isr isr(WavefrontHalf(), std::move(calibrations), settings);
  IsrImage out;
  isr.Run(Frame().planes.data(), seconds, &out);
  return out;
}

size_t At(int32_t x, int32_t y) { return static_cast<size_t>(y) * static_cast<size_t>(WavefrontHalf().cols) + static_cast<size_t>(x); }

TEST(Isr, GivesTheLightThatFell) {
  const IsrImage out = Processed(Frame().calibrations);
  double sum = 0.0, worst = 0.0, worst_variance = 0.0;
  int64_t n = 0, wrong_saturation = 0, wrong_bad = 0;
  for (int32_t y = 0; y < WavefrontHalf().rows; y++) {
    for (int32_t x = 0; x < WavefrontHalf().cols; x++) {
      const double light = testing::Light(x, y), flat = testing::Flat(x, y);
      // Read out before the crosstalk came off, in adu: near the limit rounding decides.
      const double adu = light * flat / kGain;
      const int32_t mask = out.mask[At(x, y)];
      if (std::fabs(adu - testing::kTurnoff) > 100.0) wrong_saturation += (adu > testing::kTurnoff) != ((mask & kSaturated) != 0);
      const bool defect = (x >= 100 && x <= 102 && y >= 50 && y <= 59) || (x == 4071 && y == 1999);
      wrong_bad += defect != ((mask & kBad) != 0);
      if (adu > 90000.0) continue;
      const double off = static_cast<double>(out.image[At(x, y)]) - light;
      sum += off;
      worst = std::max(worst, std::fabs(off));
      const double variance = (static_cast<double>(out.image[At(x, y)]) * flat + testing::kReadNoise * testing::kReadNoise) / (flat * flat);
      worst_variance = std::max(worst_variance, std::fabs(static_cast<double>(out.variance[At(x, y)]) / variance - 1.0));
      n++;
    }
  }
  EXPECT_LT(worst, 0.7);  // half an adu
  EXPECT_LT(std::fabs(sum / static_cast<double>(n)), 0.01);
  EXPECT_LT(worst_variance, 1e-5);
  EXPECT_EQ(wrong_saturation, 0);
  EXPECT_EQ(wrong_bad, 0);
  EXPECT_FALSE(out.nominal_gain);
  EXPECT_GT(out.amps[6].saturated, 0);  // C16 has the star
  EXPECT_EQ(out.amps[0].saturated, 0);
  EXPECT_EQ(out.amps[3].overscan, 20900.0f);
}

TEST(Isr, MarksWhereCrosstalkWasTakenOff) {
  const IsrImage out = Processed(Frame().calibrations);
  // The star is read as the same pixel of every amplifier.
  const int32_t step = kDataCols;
  EXPECT_NE(out.mask[At(1000 + step, 700)] & kCrosstalk, 0);
  EXPECT_NE(out.mask[At(1000 - step, 700)] & kCrosstalk, 0);
  EXPECT_EQ(out.mask[At(1000 + step + 60, 700)] & kCrosstalk, 0);
  EXPECT_NEAR(out.image[At(1000 + step, 700)], testing::Light(1000 + step, 700), 0.7);
}

TEST(Isr, DoesWhatItCanWithoutCalibrations) {
  const IsrImage out = Processed(std::make_shared<Calibrations>());
  EXPECT_TRUE(out.nominal_gain);
  for (const IsrStep step : {IsrStep::kCrosstalk, IsrStep::kLinearity, IsrStep::kBias, IsrStep::kDark, IsrStep::kDefects, IsrStep::kFlat, IsrStep::kInterpolation}) {
    EXPECT_FALSE(out.applied[step]) << static_cast<int>(step);
  }
  for (const IsrStep step : {IsrStep::kSerialOverscan, IsrStep::kSaturation, IsrStep::kGain, IsrStep::kParallelOverscan, IsrStep::kVariance}) {
    EXPECT_TRUE(out.applied[step]) << static_cast<int>(step);
  }
  const double adu = (testing::Light(3000, 1500) * testing::Flat(3000, 1500)) / kGain;
  EXPECT_NEAR(out.image[At(3000, 1500)], 1.27 * adu, 20.0);
}

TEST(Isr, TakesOverWhatAMasterSaysOfItsPixels) {
  auto calibrations = std::make_shared<Calibrations>(*Frame().calibrations);
  calibrations->bias_mask.push_back({300, 10, 12, kSuspect});
  calibrations->flat_mask.push_back({301, 10, 10, kBad});
  calibrations->defects.clear();
  calibrations->has_defects = false;
  IsrImage out = Processed(calibrations);
  EXPECT_EQ(out.mask[At(12, 300)], kSuspect);
  EXPECT_EQ(out.mask[At(13, 300)], 0);
  EXPECT_EQ(out.mask[At(10, 301)], kBad) << "also without a table of defects";
  IsrSettings settings;
  settings.steps.Set(IsrStep::kBias, false);
  out = Processed(calibrations, settings);
  EXPECT_EQ(out.mask[At(12, 300)], 0) << "a master that is not used";
  EXPECT_EQ(out.mask[At(10, 301)], kBad);
}

TEST(Isr, AStepThatIsOffIsNotDone) {
  IsrSettings settings;
  settings.steps.on.fill(false);
  settings.steps.Set(IsrStep::kSerialOverscan, true);
  const IsrImage out = Processed(Frame().calibrations, settings);
  const DetectorModel& model = WavefrontHalf();
  for (const auto& [col, row] : {std::pair(3, 0), std::pair(200, 1000), std::pair(511, 1999)}) {
    const int32_t adu = Frame().planes[2 * static_cast<size_t>(kAmpPixels) + static_cast<size_t>(row * kAmpCols + col)] - testing::RowLevel(2, row);
    EXPECT_EQ(out.image[At(CcdX(model.amps[2], col - kDataFirstCol), CcdY(model.amps[2], row))], static_cast<float>(adu));
  }
  EXPECT_EQ(*std::max_element(out.mask.begin(), out.mask.end()), 0);
  EXPECT_TRUE(out.applied[IsrStep::kSerialOverscan]);
  EXPECT_FALSE(out.applied[IsrStep::kBias]);
}

TEST(Isr, WithoutDarktimeNoDarkIsSubtracted) {
  const IsrImage with = Processed(Frame().calibrations), without = Processed(Frame().calibrations, {}, std::nan(""));
  EXPECT_TRUE(with.applied[IsrStep::kDark]);
  EXPECT_FALSE(without.applied[IsrStep::kDark]);
  const double dark = testing::Dark(300, 400) * kDarkSeconds / testing::Flat(300, 400);
  EXPECT_NEAR(without.image[At(300, 400)] - with.image[At(300, 400)], dark, 1e-3);
}

TEST(Isr, IsNearlyTheSameOnEveryProcessor) {
  const IsrImage best = Processed(Frame().calibrations);
  for (const pixels::SimdLevel level : {pixels::SimdLevel::kPlain, pixels::SimdLevel::kAvx2}) {
    pixels::LimitSimd(level);
    const IsrImage other = Processed(Frame().calibrations);
    float worst = 0.0f;
    for (size_t i = 0; i < best.image.size(); i++) worst = std::max(worst, std::fabs(best.image[i] - other.image[i]) / (1000.0f + std::fabs(best.image[i])));
    EXPECT_LT(worst, 1e-6f);
  }
  pixels::LimitSimd(pixels::SimdLevel::kAvx512);
}

TEST(Isr, FillsMaskedPixelsOnRequest) {
  IsrSettings settings;
  settings.steps.Set(IsrStep::kInterpolation, true);
  const IsrImage out = Processed(Frame().calibrations, settings);
  EXPECT_EQ(out.mask[At(101, 55)] & (kBad | kInterpolated), kBad | kInterpolated);
  EXPECT_EQ(out.mask[At(103, 55)] & kInterpolated, 0);
  const float left = out.image[At(99, 55)], right = out.image[At(103, 55)];
  EXPECT_NEAR(out.image[At(101, 55)], 0.5f * (left + right), 1e-3);
  EXPECT_EQ(out.image[At(4071, 1999)], out.image[At(4070, 1999)]);
}

}  // namespace
}  // namespace summit::image
