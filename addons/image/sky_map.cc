// SPDX-License-Identifier: Apache-2.0
#include "addons/image/sky_map.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <span>

#include "addons/image/middle.h"
#include "addons/image/parallel.h"
#include "addons/image/sky_rows.h"

namespace summit::image {
namespace {

constexpr float kRaySigmas = 6.0f;
// Of what a pixel has above the sky, the mean of the two pixels on either side must have this share in every direction:
// stars of 4 px FWHM and more have 0.8 and more, rays and hot pixels less than half in the direction across them.
constexpr float kRayShare = 0.55f;

struct Level {
  float middle, scatter;
};

float MedianOf(std::span<float> values) {
  if (values.size() <= static_cast<size_t>(kMostRanked)) return RankedValue(values, values.size() / 2);
  return MiddleOf(values);
}

// Median, and 1.4826 times the median distance from it.
Level LevelOf(std::span<float> values) {
  const float middle = MedianOf(values);
  for (float& value : values) value = std::fabs(value - middle);
  return {middle, 1.4826f * MedianOf(values)};
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
  return sample.empty() ? Level{0.0f, 1.0f} : LevelOf(sample);
}

void StateOfRow(const Level& level, int32_t y, SkyMap* map) {
  const auto cols = static_cast<std::ptrdiff_t>(map->cols);
  const float* row = map->frame->image.data() + y * cols;
  const int32_t* mask = map->frame->mask.data() + y * cols;
  uint8_t* state = map->state.data() + y * cols;
  const RayLimits limits{level.middle, level.scatter, kRaySigmas, kRayShare};
  const float limit = level.middle + kRaySigmas * level.scatter;
  const bool border = y == 0 || y + 1 == map->rows;
  for (int32_t x = 0; x < map->cols; x += kPiece) {
    const int32_t n = std::min(kPiece, map->cols - x);
    if (StatesOf(row + x, mask + x, n, limit, state + x) && !border) MarkRays(row, mask, map->cols, std::max(1, x), std::min(map->cols - 1, x + n), limits, state);
  }
}

void MeasureBlocks(int32_t threads, SkyMap* map) {
  constexpr int32_t kSide = kSkyBlock / kBin;
  std::vector<float> raw(map->sky.size()), scatters(map->sky.size());
  ForEachPart(threads, map->block_rows, [&](int32_t y) {
    for (int32_t x = 0; x < map->block_cols; x++) {
      std::array<float, static_cast<size_t>(kSide) * kSide> values{};
      size_t n = 0;
      for (int32_t by = y * kSide; by < std::min((y + 1) * kSide, map->bin_rows); by++) {
        for (int32_t bx = x * kSide; bx < std::min((x + 1) * kSide, map->bin_cols); bx++) {
          const float value = map->Bin(bx, by);
          if (!std::isnan(value)) values[n++] = value;
        }
      }
      const Level level = n == 0 ? Level{std::nanf(""), 0.0f} : LevelOf(std::span(values.data(), n));
      const auto at = static_cast<size_t>(y * map->block_cols + x);
      raw[at] = level.middle;
      scatters[at] = n > 100 ? level.scatter : std::nanf("");
    }
  });
  std::erase_if(scatters, [](float value) { return std::isnan(value); });
  map->bin_noise = scatters.empty() ? 1.0 : std::max(1e-3, static_cast<double>(MedianOf(scatters)));
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
      map->sky[static_cast<size_t>(y * map->block_cols + x)] = n == 0 ? 0.0f : MedianOf(std::span(near.data(), n));
    }
  }
  std::vector<float> all = map->sky;
  map->level = static_cast<double>(MedianOf(all));
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

void SkyMap::SkyAlong(double y, double first_x, double step, std::span<float> values) const {
  const double half = 0.5 * kSkyBlock, v = std::clamp((y + 0.5 - half) / kSkyBlock, 0.0, static_cast<double>(block_rows - 1));
  const int32_t j = std::min(static_cast<int32_t>(v), std::max(0, block_rows - 2)), above = std::min(j + 1, block_rows - 1);
  const auto fy = static_cast<float>(v - j);
  std::array<float, kMostBlockCols + 1> levels;
  for (int32_t i = 0; i <= block_cols; i++) {
    const auto x = static_cast<size_t>(std::min(i, block_cols - 1)), below = static_cast<size_t>(j * block_cols) + x;
    levels[static_cast<size_t>(i)] = (1.0f - fy) * sky[below] + fy * sky[static_cast<size_t>(above * block_cols) + x];
  }
  Between(levels.data(), block_cols - 1, static_cast<float>((first_x + 0.5 - half) / kSkyBlock), static_cast<float>(step / kSkyBlock), values);
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
  std::atomic<int32_t> rays{0}, full{0};
  // By rows of blocks: what a thread needs beside them it makes once for many.
  const int32_t deep = kSkyBlock / kBin, bands = (map->bin_rows + deep - 1) / deep;
  ForEachPart(threads, bands, [&](int32_t band) {
    std::vector<float> light(static_cast<size_t>(map->cols)), number(light.size());
    for (int32_t by = band * deep; by < std::min(map->bin_rows, (band + 1) * deep); by++) {
      for (int32_t y = by * kBin; y < (by + 1) * kBin; y++) StateOfRow(level, y, map);
      const auto at = static_cast<size_t>(by) * kBin * static_cast<size_t>(map->cols);
      const RowCounts counts = BinRows(frame.image.data() + at, map->state.data() + at, map->cols, light.data(), number.data(), map->BinRow(by));
      rays += counts.rays;
      full += counts.full;
    }
  });
  map->rays = rays;
  map->full_fraction = static_cast<double>(full) / static_cast<double>(map->state.size());
  MeasureBlocks(threads, map);
  ForEachPart(threads, bands, [&](int32_t band) {
    std::vector<float> sky(static_cast<size_t>(map->bin_cols));
    for (int32_t by = band * deep; by < std::min(map->bin_rows, (band + 1) * deep); by++) {
      const std::span<float> bins = map->BinRow(by);
      map->SkyAlong(by * kBin + 1.5, 1.5, kBin, sky);
      for (size_t i = 0; i < bins.size(); i++) bins[i] = std::isnan(bins[i]) ? 0.0f : bins[i] - sky[i];
    }
  });
}

}  // namespace summit::image
