// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "addons/image/isr.h"
#include "addons/image/testing/made_frame.h"

namespace summit::image {
namespace {

TEST(IsrThreads, IsTheSameOnTwoThreads) {
  const testing::MadeFrame frame = testing::MakeFrame();
  const auto processed = [&frame](int threads) {
    IsrSettings settings;
    settings.threads = threads;
    Isr isr(WavefrontHalf(), frame.calibrations, settings);
    IsrImage out;
    isr.Run(frame.planes.data(), testing::kDarkSeconds, &out);
    return out;
  };
  const IsrImage one = processed(1), two = processed(2);
  EXPECT_EQ(one.image, two.image);
  EXPECT_EQ(one.mask, two.mask);
  EXPECT_EQ(one.variance, two.variance);
  EXPECT_EQ(one.amps[6].saturated, two.amps[6].saturated);
}

}  // namespace
}  // namespace summit::image
