// SPDX-License-Identifier: Apache-2.0
#include "addons/image/unpack18.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include "addons/pixels/raw_decode.h"
#include "addons/pixels/simd.h"

namespace summit::image {
namespace {

using pixels::SimdLevel;

std::vector<uint8_t> RandomStream(size_t clocks) {
  std::mt19937 random(11);
  std::vector<uint8_t> raw(clocks * 36);
  for (uint8_t& byte : raw) byte = static_cast<uint8_t>(random());
  return raw;
}

// By the format's definition: channel c of a clock is bits 18c..18c+17, least significant first.
int32_t Value(const std::vector<uint8_t>& raw, size_t clock, size_t channel) {
  uint32_t value = 0;
  for (size_t b = 0; b < 18; b++) {
    const size_t bit = 18 * channel + b;
    value |= static_cast<uint32_t>(raw[clock * 36 + bit / 8] >> (bit % 8) & 1u) << b;
  }
  return static_cast<int32_t>(value ^ 0x20000u);
}

struct AlignedFree {
  void operator()(int32_t* p) const { ::operator delete[](p, std::align_val_t{64}); }
};
std::unique_ptr<int32_t[], AlignedFree> Planes(size_t pixels) {
  std::unique_ptr<int32_t[], AlignedFree> planes(new (std::align_val_t{64}) int32_t[pixels]);
  std::fill_n(planes.get(), pixels, -1);
  return planes;
}

class EachLevel : public testing::TestWithParam<SimdLevel> {
 protected:
  void SetUp() override { pixels::LimitSimd(GetParam()); }
  void TearDown() override { pixels::LimitSimd(SimdLevel::kAvx512); }
};

TEST_P(EachLevel, EveryChannelGoesToItsPlaneWhateverThePieces) {
  std::mt19937 random(5);
  for (const size_t clocks : {size_t{1}, size_t{15}, size_t{16}, size_t{576}, size_t{2000}, size_t{4001}}) {
    const std::vector<uint8_t> raw = RandomStream(clocks);
    for (const ChannelMap& map : {kWavefrontChannels, kLatissChannels}) {
      for (const size_t most : {size_t{1}, size_t{35}, size_t{577}, size_t{20000}, raw.size()}) {
        auto planes = Planes(clocks * kChannels);
        Unpacker unpacker(map, pixels::kRawCodeInverted, planes.get(), clocks);
        for (size_t at = 0; at < raw.size();) {
          const size_t piece = std::min(raw.size() - at, most == raw.size() ? most : 1 + random() % most);
          ASSERT_FALSE(unpacker.complete());
          ASSERT_EQ(unpacker.Feed({raw.data() + at, piece}), piece);
          at += piece;
        }
        ASSERT_TRUE(unpacker.complete());
        for (size_t c = 0; c < kChannels; c++) {
          for (size_t i = 0; i < clocks; i++) ASSERT_EQ(planes[map[c] * clocks + i], Value(raw, i, c)) << "channel " << c << " clock " << i << " of " << clocks;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Unpack18, EachLevel, testing::Values(SimdLevel::kPlain, SimdLevel::kAvx2, SimdLevel::kAvx512));

TEST(Unpack18, TakesNothingBeyondTheEndAndSaysHowFarItIs) {
  const std::vector<uint8_t> raw = RandomStream(40);
  auto planes = Planes(32 * kChannels);
  Unpacker unpacker(kWavefrontChannels, pixels::kRawCodeInverted, planes.get(), 32);
  EXPECT_EQ(unpacker.expected(), 32u * 36);
  EXPECT_EQ(unpacker.Feed({raw.data(), 100}), 100u);
  EXPECT_EQ(unpacker.bytes(), 100u);
  EXPECT_EQ(unpacker.Feed({raw.data() + 100, raw.size() - 100}), 32u * 36 - 100);
  EXPECT_TRUE(unpacker.complete());
  EXPECT_EQ(unpacker.Feed({raw.data(), 36}), 0u);
  EXPECT_EQ(planes[31], Value(raw, 31, 0));
}

TEST(Unpack18, LatissCountsItsChannelsBackwards) {
  // Channel 0 is the last HDU (Segment00), channel 15 the first (Segment10).
  EXPECT_EQ(kLatissChannels[0], 15);
  EXPECT_EQ(kLatissChannels[15], 0);
  EXPECT_EQ(kStreamBytes, 42467328u);
}

}  // namespace
}  // namespace summit::image
