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

TEST(ColumnMedians, EqualSortingForEveryHeight) {
  std::mt19937 random(3);
  std::uniform_int_distribution<int> value(-40, 40);  // with ties
  constexpr int32_t kStride = 64, kCols = 50;
  for (int32_t rows = 1; rows <= 64; rows++) {
    std::vector<float> pixels(static_cast<size_t>(rows) * kStride), medians(kStride);
    for (float& p : pixels) p = static_cast<float>(value(random));
    ColumnMedians(pixels.data(), kStride, rows, kCols, medians.data());
    for (size_t c = 0; c < kCols; c++) {
      std::vector<float> column;
      for (size_t r = 0; r < static_cast<size_t>(rows); r++) column.push_back(pixels[r * kStride + c]);
      ASSERT_EQ(medians[c], SortedMedian(column)) << rows << " rows, column " << c;
    }
  }
}

TEST(TypicalOf, IgnoresWhatLiesFarOff) {
  std::mt19937 random(6);
  std::normal_distribution<float> value(3.0f, 2.0f);
  double level = 0.0, scatter = 0.0;
  for (int trial = 0; trial < 200; trial++) {
    std::vector<float> values(50);
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
  const std::vector<float> same(50, 4.0f);
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
