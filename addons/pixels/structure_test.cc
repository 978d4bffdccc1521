// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/structure.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>

namespace summit::pixels {
namespace {

constexpr float kNoise = 6.0f;

std::unique_ptr<Window> NoisyWindow(uint32_t seed, int32_t rows, int32_t cols) {
  auto window = std::make_unique<Window>();
  *window = Window{};
  window->rows = rows;
  window->cols = cols;
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 1.0f);
  float columns[kWindowSide], lines[kWindowSide];
  for (float& c : columns) c = 4.0f * normal(random);
  for (float& l : lines) l = 1.5f * normal(random);
  for (int32_t r = 0; r < rows; r++) {
    for (int32_t c = 0; c < cols; c++) window->Row(r)[c] = 14000.0f + columns[c] + lines[r] + kNoise * normal(random);
  }
  return window;
}

TEST(Structure, NoiseAndLevelOfARawStamp) {
  double noise = 0.0;
  for (uint32_t seed = 1; seed <= 50; seed++) {
    const auto window = NoisyWindow(seed, 50, 50);
    Structure s;
    RemoveStructure(window.get(), &s);
    EXPECT_NEAR(static_cast<double>(s.background), 14000.0, 6.0);
    EXPECT_NEAR(static_cast<double>(s.noise), static_cast<double>(kNoise), 0.1 * kNoise);
    noise += static_cast<double>(s.noise) / 50.0;
  }
  EXPECT_NEAR(noise, static_cast<double>(kNoise), 0.02 * kNoise);
}

// Whatever is constant along columns or rows leaves no trace; one column far off the others neither.
TEST(Structure, ColumnsAndRowsVanish) {
  for (const int32_t rows : {10, 33, 50, 64}) {
    const auto window = NoisyWindow(9, rows, 50);
    for (int32_t r = 0; r < rows; r++) window->Row(r)[17] += 5000.0f;
    Structure structure;
    RemoveStructure(window.get(), &structure);
    for (int32_t c = 0; c < 50; c++) {
      double mean = 0.0;
      for (int32_t r = 0; r < rows; r++) mean += static_cast<double>(window->Row(r)[c]) / rows;
      EXPECT_NEAR(mean, 0.0, 4.0 * kNoise / std::sqrt(static_cast<double>(rows))) << "column " << c << " of " << rows << " rows";
    }
  }
}

TEST(Structure, AStarKeepsItsLight) {
  const auto window = NoisyWindow(4, 50, 50);
  const auto share = [](int32_t r, int32_t c) { return static_cast<double>(std::exp(-0.17f * static_cast<float>((r - 25) * (r - 25) + (c - 25) * (c - 25)))); };
  double before = 0.0, after = 0.0;
  for (int32_t r = 0; r < 50; r++) {
    for (int32_t c = 0; c < 50; c++) {
      window->Row(r)[c] += static_cast<float>(2000.0 * share(r, c));
      before += 2000.0 * share(r, c) * share(r, c);
    }
  }
  Structure structure;
  RemoveStructure(window.get(), &structure);
  for (int32_t r = 0; r < 50; r++) {
    for (int32_t c = 0; c < 50; c++) after += static_cast<double>(window->Row(r)[c]) * share(r, c);
  }
  EXPECT_NEAR(after / before, 1.0, 0.02);
}

}  // namespace
}  // namespace summit::pixels
