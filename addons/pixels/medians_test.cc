// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/medians.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace summit::pixels {
namespace {

float SortedMedian(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5f * (values[n / 2 - 1] + values[n / 2]);
}

// Where rows divide into 16 groups of three the middle is what sorting gives; elsewhere rows between are left out.
TEST(ColumnMiddles, MedianOfMediansForEveryHeight) {
  std::mt19937 random(3);
  std::uniform_int_distribution<int> value(-40, 40);  // with ties
  constexpr int32_t kStride = 64, kCols = 50;
  for (int32_t rows = 3; rows <= 64; rows++) {
    std::vector<float> pixels(static_cast<size_t>(rows) * kStride), middles(kStride);
    for (float& p : pixels) p = static_cast<float>(value(random));
    ColumnMiddles(pixels.data(), kStride, rows, kCols, middles.data());
    const int32_t groups = std::min(16, rows / 3);
    for (int32_t c = 0; c < kCols; c++) {
      std::vector<float> medians;
      for (int32_t g = 0; g < groups; g++) {
        const auto at = static_cast<size_t>(g * rows / groups * kStride + c);
        medians.push_back(SortedMedian({pixels[at], pixels[at + kStride], pixels[at + 2 * kStride]}));
      }
      ASSERT_EQ(middles[static_cast<size_t>(c)], SortedMedian(medians)) << rows << " rows, column " << c;
    }
  }
}

TEST(ColumnMiddles, NearTheMedianBesideAStar) {
  std::mt19937 random(5);
  std::normal_distribution<float> noise(0.0f, 1.0f);
  double sum = 0.0, squares = 0.0;
  for (int trial = 0; trial < 200; trial++) {
    std::vector<float> pixels(50 * 8), middles(8);
    for (size_t i = 0; i < pixels.size(); i++) pixels[i] = noise(random) + (i >= 8 * 20 && i < 8 * 30 ? 1000.0f : 0.0f);
    ColumnMiddles(pixels.data(), 8, 50, 8, middles.data());
    for (const float m : middles) {
      sum += static_cast<double>(m) / 1600.0;
      squares += static_cast<double>(m) * static_cast<double>(m) / 1600.0;
    }
  }
  // A fifth of the rows is the star's: the middle moves up by a fraction of the noise.
  EXPECT_NEAR(sum, 0.25, 0.15);
  EXPECT_LT(squares, 0.2);
}

TEST(TypicalOf, IgnoresWhatLiesFarOff) {
  std::mt19937 random(6);
  std::normal_distribution<float> value(3.0f, 2.0f);
  double level = 0.0, scatter = 0.0;
  for (int trial = 0; trial < 200; trial++) {
    std::vector<float> values(56);
    for (float& v : values) v = value(random);
    values[7] = 5000.0f;
    values[8] = -400.0f;
    values[9] = 60.0f;
    const Typical t = TypicalOf(values.data(), 50);
    level += static_cast<double>(t.level) / 200.0;
    scatter += static_cast<double>(t.scatter) / 200.0;
  }
  EXPECT_NEAR(level, 3.0, 0.06);
  EXPECT_NEAR(scatter, 2.0, 0.12);
  const std::vector<float> same(56, 4.0f);
  EXPECT_EQ(TypicalOf(same.data(), 50).level, 4.0f);
  EXPECT_EQ(TypicalOf(same.data(), 50).scatter, 0.0f);
}

TEST(Median, EqualsSorting) {
  std::mt19937 random(5);
  std::normal_distribution<float> value(0.0f, 10.0f);
  for (const size_t n : {1u, 2u, 3u, 10u, 11u, 500u, 511u, 4096u}) {
    std::vector<float> values(n);
    for (float& v : values) v = value(random);
    const float expected = SortedMedian(values);
    EXPECT_EQ(Median(values.data(), static_cast<int32_t>(n)), expected) << n;
  }
}

}  // namespace
}  // namespace summit::pixels
