// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "addons/image/isr.h"
#include "addons/image/testing/made_frame.h"
#include "addons/pixels/simd.h"

namespace summit::image {
namespace {

IsrImage Processed(const testing::MadeFrame& frame, const IsrSettings& settings) {
  Isr isr(WavefrontHalf(), frame.calibrations, settings);
  IsrImage out;
  isr.Run(frame.planes.data(), testing::kDarkSeconds, &out);
  return out;
}

TEST(IsrThreads, IsTheSameOnTwoThreadsAndNearlySoOnEveryProcessor) {
  const testing::MadeFrame frame = testing::MakeFrame();
  IsrSettings settings;
  const IsrImage one = Processed(frame, settings);
  settings.threads = 2;
  const IsrImage two = Processed(frame, settings);
  EXPECT_EQ(one.image, two.image);
  EXPECT_EQ(one.mask, two.mask);
  EXPECT_EQ(one.variance, two.variance);
  EXPECT_EQ(one.amps[6].saturated, two.amps[6].saturated);
  for (const pixels::SimdLevel level : {pixels::SimdLevel::kPlain, pixels::SimdLevel::kAvx2}) {
    pixels::LimitSimd(level);
    const IsrImage other = Processed(frame, settings);
    float worst = 0.0f;
    for (size_t i = 0; i < one.image.size(); i++) worst = std::max(worst, std::fabs(one.image[i] - other.image[i]) / (1000.0f + std::fabs(one.image[i])));
    EXPECT_LT(worst, 1e-6f);
  }
  pixels::LimitSimd(pixels::SimdLevel::kAvx512);
}

}  // namespace
}  // namespace summit::image
