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
