// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/rice.h"

#include <gtest/gtest.h>

#include <climits>
#include <random>
#include <vector>

// CFITSIO's own coder and decoder.
extern "C" int fits_rcomp(int* pixels, int count, unsigned char* out, int most, int block);
extern "C" int fits_rdecomp(unsigned char* code, int bytes, unsigned int* pixels, int count, int block);

namespace summit::fits {
namespace {

std::vector<int32_t> Pixels(size_t count, double sigma, int32_t level, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(level, sigma);
  std::vector<int32_t> pixels(count);
  for (int32_t& pixel : pixels) pixel = static_cast<int32_t>(noise(random));
  return pixels;
}

void ExpectBack(std::vector<int32_t> pixels) {
  std::vector<uint8_t> code(RiceMost(pixels.size())), theirs(RiceMost(pixels.size()));
  const size_t bytes = RiceEncode(pixels, code.data());
  ASSERT_LE(bytes, code.size());
  std::vector<uint32_t> back(pixels.size());
  ASSERT_EQ(fits_rdecomp(code.data(), static_cast<int>(bytes), back.data(), static_cast<int>(pixels.size()), 32), 0);
  for (size_t i = 0; i < pixels.size(); i++) ASSERT_EQ(static_cast<int32_t>(back[i]), pixels[i]) << i << " of " << pixels.size();
  const int other = fits_rcomp(pixels.data(), static_cast<int>(pixels.size()), theirs.data(), static_cast<int>(theirs.size()), 32);
  ASSERT_EQ(bytes, static_cast<size_t>(other));
  theirs.resize(bytes);
  code.resize(bytes);
  EXPECT_EQ(code, theirs) << "the same code as CFITSIO's";
}

TEST(Rice, EveryRowComesBackFromCfitsiosDecoder) {
  for (const size_t count : {size_t{1}, size_t{31}, size_t{32}, size_t{33}, size_t{576}, size_t{577}}) {
    ExpectBack(std::vector<int32_t>(count, 0));
    ExpectBack(std::vector<int32_t>(count, 262143));
    for (const double sigma : {0.4, 3.0, 9.0, 200.0, 1e5, 3e7}) {
      for (uint32_t seed = 1; seed < 6; seed++) ExpectBack(Pixels(count, sigma, 25000, seed));
    }
  }
}

TEST(Rice, ExtremesAndLonelySpikesComeBack) {
  ExpectBack({INT_MIN, INT_MAX, INT_MIN, 0, INT_MAX, -1, 1});
  std::vector<int32_t> spikes = Pixels(576, 2.0, 12000, 9);
  for (size_t i = 5; i < spikes.size(); i += 50) spikes[i] = 262143;
  ExpectBack(spikes);
  std::vector<int32_t> one(576, 7);
  one[300] = 200000;
  ExpectBack(one);
}

}  // namespace
}  // namespace summit::fits
