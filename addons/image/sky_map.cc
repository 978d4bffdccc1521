// SPDX-License-Identifier: Apache-2.0
#include "addons/image/sky_map.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>

#include "addons/image/parallel.h"

namespace summit::image {
namespace {

constexpr float kRaySigmas = 6.0f;
// Of what a pixel has above the sky, the mean of the two pixels on either side must have this share in every direction:
// stars of 4 px FWHM and more have 0.8 and more, rays and hot pixels less than half in the direction across them.
constexpr float kRayShare = 0.55f;

float MedianOf(float* values, size_t n) {
  float* middle = values + n / 2;
  std::nth_element(values, middle, values + n);
  return *middle;
}

struct Level {
  float middle, scatter;
};

// Median, and 1.4826 times the median distance from it.
Level LevelOf(float* values, size_t n) {
  const float middle = MedianOf(values, n);
  for (size_t i = 0; i < n; i++) values[i] = std::fabs(values[i] - middle);
  return {middle, 1.4826f * MedianOf(values, n)};
}

// Sky level and pixel noise from a sample, to know what stands out.
Level SampleLevel(const SkyMap& map) {
  std::vector<float> sample;
  for (int32_t y = 5; y < map.rows; y += 23) {
    for (int32_t x = 7; x < map.cols; x += 29) {
      const auto at = static_cast<size_t>(y) * static_cast<size_t>(map.cols) + static_cast<size_t>(x);
      if ((map.frame->mask[at] & (kBad | kSaturated)) == 0) sample.push_back(map.frame->image[at]);
    }
  }
  return sample.empty() ? Level{0.0f, 1.0f} : LevelOf(sample.data(), sample.size());
}

void StateOfRow(const Level& level, int32_t y, SkyMap* map) {
  const auto cols = static_cast<std::ptrdiff_t>(map->cols);
  const float* row = map->frame->image.data() + y * cols;
  const int32_t* mask = map->frame->mask.data() + y * cols;
  uint8_t* state = map->state.data() + y * cols;
  const float limit = level.middle + kRaySigmas * level.scatter;
  for (int32_t x = 0; x < map->cols; x++) {
    state[x] = static_cast<uint8_t>(((mask[x] & kBad) != 0 ? kBadPixel : 0) | ((mask[x] & kSaturated) != 0 ? kFullPixel : 0));
    if (!(row[x] > limit) || state[x] != 0 || x == 0 || x + 1 == map->cols || y == 0 || y + 1 == map->rows) continue;
    const float above = row[x] - level.middle;
    const float least = std::min(std::min(row[x - 1] + row[x + 1], row[x - cols] + row[x + cols]), std::min(row[x - cols - 1] + row[x + cols + 1], row[x - cols + 1] + row[x + cols - 1]));
    const float beside = 0.5f * least - level.middle;
    const float sd = std::sqrt(1.5f * (level.scatter * level.scatter + std::max(above, 0.0f)));
    if (beside < kRayShare * above && above - beside > kRaySigmas * sd) state[x] |= kRayPixel;
  }
}

void BinRow(int32_t by, SkyMap* map) {
  for (int32_t bx = 0; bx < map->bin_cols; bx++) {
    float sum = 0.0f;
    int32_t n = 0;
    for (int32_t y = by * kBin; y < (by + 1) * kBin; y++) {
      for (int32_t x = bx * kBin; x < (bx + 1) * kBin; x++) {
        if ((map->State(x, y) & (kBadPixel | kRayPixel)) != 0) continue;
        sum += map->Pixel(x, y);
        n++;
      }
    }
    map->bins[static_cast<size_t>(by) * static_cast<size_t>(map->bin_cols) + static_cast<size_t>(bx)] = n == 0 ? std::nanf("") : sum / static_cast<float>(n);
  }
}

void MeasureBlocks(SkyMap* map) {
  constexpr int32_t kSide = kSkyBlock / kBin;
  std::vector<float> scatters, raw(map->sky.size());
  for (int32_t y = 0; y < map->block_rows; y++) {
    for (int32_t x = 0; x < map->block_cols; x++) {
      std::array<float, static_cast<size_t>(kSide) * kSide> values{};
      size_t n = 0;
      for (int32_t by = y * kSide; by < std::min((y + 1) * kSide, map->bin_rows); by++) {
        for (int32_t bx = x * kSide; bx < std::min((x + 1) * kSide, map->bin_cols); bx++) {
          const float value = map->Bin(bx, by);
          if (!std::isnan(value)) values[n++] = value;
        }
      }
      const Level level = n == 0 ? Level{std::nanf(""), 0.0f} : LevelOf(values.data(), n);
      raw[static_cast<size_t>(y * map->block_cols + x)] = level.middle;
      if (n > 100) scatters.push_back(level.scatter);
    }
  }
  map->bin_noise = scatters.empty() ? 1.0 : std::max(1e-3, static_cast<double>(MedianOf(scatters.data(), scatters.size())));
  // A block with light in it takes the median of those around it.
  for (int32_t y = 0; y < map->block_rows; y++) {
    for (int32_t x = 0; x < map->block_cols; x++) {
      std::array<float, 25> near{};
      size_t n = 0;
      for (int32_t j = std::max(0, y - 2); j <= std::min(map->block_rows - 1, y + 2); j++) {
        for (int32_t i = std::max(0, x - 2); i <= std::min(map->block_cols - 1, x + 2); i++) {
          const float value = raw[static_cast<size_t>(j * map->block_cols + i)];
          if (!std::isnan(value)) near[n++] = value;
        }
      }
      map->sky[static_cast<size_t>(y * map->block_cols + x)] = n == 0 ? 0.0f : MedianOf(near.data(), n);
    }
  }
  std::vector<float> all = map->sky;
  map->level = static_cast<double>(MedianOf(all.data(), all.size()));
}

}  // namespace

double SkyMap::SkyAt(double x, double y) const {
  const double half = 0.5 * kSkyBlock;
  const double u = std::clamp((x + 0.5 - half) / kSkyBlock, 0.0, static_cast<double>(block_cols - 1)), v = std::clamp((y + 0.5 - half) / kSkyBlock, 0.0, static_cast<double>(block_rows - 1));
  const int32_t i = std::min(static_cast<int32_t>(u), std::max(0, block_cols - 2)), j = std::min(static_cast<int32_t>(v), std::max(0, block_rows - 2));
  const double fx = u - i, fy = v - j;
  const auto at = [this](int32_t bx, int32_t by) { return static_cast<double>(sky[static_cast<size_t>(std::min(by, block_rows - 1) * block_cols + std::min(bx, block_cols - 1))]); };
  return (1.0 - fy) * ((1.0 - fx) * at(i, j) + fx * at(i + 1, j)) + fy * ((1.0 - fx) * at(i, j + 1) + fx * at(i + 1, j + 1));
}

double SkyMap::Variance(double electron) const {
  const double readout = std::max(9.0, noise * noise - std::max(level, 0.0));
  return readout + std::max(electron, 0.0);
}

void MakeSkyMap(const IsrImage& frame, int32_t threads, SkyMap* map) {
  map->frame = &frame;
  map->cols = frame.model->cols;
  map->rows = frame.model->rows;
  map->bin_cols = map->cols / kBin;
  map->bin_rows = map->rows / kBin;
  map->block_cols = (map->cols + kSkyBlock - 1) / kSkyBlock;
  map->block_rows = (map->rows + kSkyBlock - 1) / kSkyBlock;
  map->state.resize(static_cast<size_t>(map->cols) * static_cast<size_t>(map->rows));
  map->bins.resize(static_cast<size_t>(map->bin_cols) * static_cast<size_t>(map->bin_rows));
  map->sky.resize(static_cast<size_t>(map->block_cols) * static_cast<size_t>(map->block_rows));
  const Level level = SampleLevel(*map);
  map->noise = std::max(1.0, static_cast<double>(level.scatter));
  ForEachPart(threads, map->bin_rows, [&](int32_t by) {
    for (int32_t y = by * kBin; y < (by + 1) * kBin; y++) StateOfRow(level, y, map);
    BinRow(by, map);
  });
  map->rays = std::count_if(map->state.begin(), map->state.end(), [](uint8_t s) { return (s & kRayPixel) != 0; });
  const auto full = std::count_if(map->state.begin(), map->state.end(), [](uint8_t s) { return (s & kFullPixel) != 0; });
  map->full_fraction = static_cast<double>(full) / static_cast<double>(map->state.size());
  MeasureBlocks(map);
  ForEachPart(threads, map->bin_rows, [&](int32_t by) {
    for (int32_t bx = 0; bx < map->bin_cols; bx++) {
      float& bin = map->bins[static_cast<size_t>(by) * static_cast<size_t>(map->bin_cols) + static_cast<size_t>(bx)];
      const double sky = map->SkyAt(bx * kBin + 1.5, by * kBin + 1.5);
      bin = std::isnan(bin) ? 0.0f : bin - static_cast<float>(sky);
    }
  });
}

}  // namespace summit::image
