// SPDX-License-Identifier: Apache-2.0
#include "addons/image/overscan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

namespace summit::image {
namespace {

// The slow way, straight from the definition.
float PlainMedian(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return 0.5f * (values[(n - 1) / 2] + values[n / 2]);
}

float PlainQuantile(std::vector<float> values, double share) {
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  const float part = static_cast<float>(at - static_cast<double>(low));
  return values[low] + part * (values[std::min(low + 1, values.size() - 1)] - values[low]);
}

std::vector<float> PlainSerial(const std::vector<int32_t>& plane) {
  std::vector<std::vector<float>> rows;
  std::vector<float> sd, middle, levels;
  for (int32_t row = 0; row < kAmpRows; row++) {
    std::vector<float> values;
    for (int32_t col = 515; col <= 572; col++) values.push_back(static_cast<float>(plane[static_cast<size_t>(row * kAmpCols + col)]));
    sd.push_back(0.74f * (PlainQuantile(values, 0.75) - PlainQuantile(values, 0.25)));
    middle.push_back(PlainMedian(values));
    rows.push_back(values);
  }
  const float typical = PlainMedian(sd);
  for (size_t row = 0; row < rows.size(); row++) {
    const float believed = sd[row] > 2.0f * typical ? typical : sd[row];
    std::vector<float> kept;
    for (const float value : rows[row]) {
      if (std::fabs(value - middle[row]) <= 3.0f * believed) kept.push_back(value);
    }
    levels.push_back(PlainMedian(kept));
  }
  return levels;
}

class Overscan : public ::testing::Test {
 protected:
  std::mt19937 random_{1};
  OverscanScratch scratch_;
  std::vector<int32_t> plane_ = std::vector<int32_t>(kAmpPixels);
  std::unique_ptr<SerialOverscan> serial_ = std::make_unique<SerialOverscan>();
  std::unique_ptr<ParallelOverscan> parallel_ = std::make_unique<ParallelOverscan>();
  std::vector<float> bottom_ = std::vector<float>(static_cast<size_t>(kParallelUsed) * kAmpCols);
};

TEST_F(Overscan, RowsAreWhatTheDefinitionSays) {
  std::normal_distribution<double> noise(0.0, 7.0);
  std::uniform_int_distribution<int32_t> ray(0, 200);
  for (int32_t i = 0; i < kAmpPixels; i++) {
    plane_[static_cast<size_t>(i)] = 21000 + i / kAmpCols / 64 + static_cast<int32_t>(std::lround(noise(random_))) + (ray(random_) == 0 ? 5000 : 0);
  }
  MeasureSerial(plane_.data(), &scratch_, serial_.get());
  const std::vector<float> plain = PlainSerial(plane_);
  EXPECT_EQ(std::vector<float>(serial_->level.begin(), serial_->level.end()), plain);
  EXPECT_NEAR(serial_->noise, 7.0f, 0.5f);
  EXPECT_NEAR(serial_->typical, 21015.5f, 1.0f);
}

TEST_F(Overscan, ARowFarFromTheOthersTakesItsNeighbours) {
  std::fill(plane_.begin(), plane_.end(), 21000);
  for (int32_t col = 0; col < kAmpCols; col++) plane_[static_cast<size_t>(700 * kAmpCols + col)] = 25000;
  MeasureSerial(plane_.data(), &scratch_, serial_.get());
  EXPECT_EQ(serial_->level[700], 21000.0f);
  EXPECT_EQ(serial_->level[699], 21000.0f);
}

TEST_F(Overscan, AStripeTakesItsNeighbours) {
  std::normal_distribution<float> noise(0.0f, 8.0f);
  for (float& value : bottom_) value = noise(random_);
  for (int32_t row = 0; row < kParallelUsed; row++) bottom_[static_cast<size_t>(row * kAmpCols + 300)] += 60.0f;
  MeasureParallel(bottom_.data(), {1e5f, 1.1f}, &scratch_, parallel_.get());
  EXPECT_GE(parallel_->filled, 5);
  for (size_t col = 298; col <= 302; col++) EXPECT_LT(std::fabs(parallel_->level[col]), 3.0f) << col;
}

TEST_F(Overscan, PixelsNearSaturationAndBrightOnesAreLeftOut) {
  for (int32_t row = 0; row < kParallelUsed; row++) {
    for (int32_t col = 0; col < kAmpCols; col++) bottom_[static_cast<size_t>(row * kAmpCols + col)] = static_cast<float>(row % 3 - 1);
  }
  const auto at = [this](int32_t row, int32_t col) -> float& { return bottom_[static_cast<size_t>(row * kAmpCols + col)]; };
  // A saturated pixel, and light around it that reaches 5 px.
  for (int32_t row = 15; row < 26; row++) {
    for (int32_t col = 195; col < 206; col++) at(row, col) = 90.0f;
  }
  at(20, 200) = 90000.0f;
  for (int32_t row = 0; row < 30; row++) at(row, 400) = 150.0f;  // above 100 adu
  MeasureParallel(bottom_.data(), {1e5f, 1.1f}, &scratch_, parallel_.get());
  for (size_t col = 190; col < 210; col++) EXPECT_LE(std::fabs(parallel_->level[col]), 1.0f) << col;
  EXPECT_LE(std::fabs(parallel_->level[400]), 1.0f);
}

}  // namespace
}  // namespace summit::image
