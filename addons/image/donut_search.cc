// SPDX-License-Identifier: Apache-2.0
#include "addons/image/donut_search.h"

#include <algorithm>
#include <cmath>

#include "addons/image/donuts.h"
#include "addons/image/parallel.h"
#include "addons/pixels/simd.h"

namespace summit::image {
namespace {

using pixels::Load;
using pixels::Simd;
using pixels::SimdLevel;
using pixels::Store;
using pixels::V16;
using pixels::V8;

constexpr int32_t kCell = 8;  // px: the frame in cells for the search
constexpr double kLeastSigma = 9.0;
constexpr int32_t kReach = 12;  // of the template, cells
constexpr int32_t kBlock = 64;  // cells that are answered for at a time

// The frame in cells of 8 x 8 px, electron per px above the sky, with dark ones around it.
struct Cells {
  int32_t cols = 0, rows = 0, stride = 0;
  std::vector<float> value{};
  double noise = 0.0;

  size_t At(int32_t x, int32_t y) const { return static_cast<size_t>(y + kReach) * static_cast<size_t>(stride) + static_cast<size_t>(x + kReach); }
};

Cells MakeCells(const SkyMap& map, std::span<const Donut> known) {
  Cells cells;
  constexpr int32_t kSide = kCell / kBin;
  cells.cols = map.bin_cols / kSide;
  cells.rows = map.bin_rows / kSide;
  cells.stride = cells.cols + 2 * kReach + kBlock;
  cells.value.assign(static_cast<size_t>(cells.stride) * static_cast<size_t>(cells.rows + 2 * kReach), 0.0f);
  for (int32_t y = 0; y < cells.rows; y++) {
    for (int32_t x = 0; x < cells.cols; x++) {
      float sum = 0.0f;
      for (int32_t j = 0; j < kSide; j++) {
        for (int32_t i = 0; i < kSide; i++) sum += map.Bin(x * kSide + i, y * kSide + j);
      }
      cells.value[cells.At(x, y)] = sum / static_cast<float>(kSide * kSide);
    }
  }
  cells.noise = map.bin_noise / kSide;
  for (const Donut& donut : known) {
    const double reach = 1.15 * donut.radius;
    const auto left = std::max(0, static_cast<int32_t>((donut.x - reach) / kCell)), right = std::min(cells.cols - 1, static_cast<int32_t>((donut.x + reach) / kCell));
    const auto first = std::max(0, static_cast<int32_t>((donut.y - reach) / kCell)), last = std::min(cells.rows - 1, static_cast<int32_t>((donut.y + reach) / kCell));
    for (int32_t y = first; y <= last; y++) {
      for (int32_t x = left; x <= right; x++) {
        if (std::hypot((x + 0.5) * kCell - 0.5 - donut.x, (y + 0.5) * kCell - 0.5 - donut.y) < reach) cells.value[cells.At(x, y)] = 0.0f;
      }
    }
  }
  return cells;
}

// A ring that sums to nothing with its shadow and what lies outside: flat light does not answer, a ring does.
struct Template {
  struct Tap {
    int32_t dx, dy;
    float weight;
  };
  std::vector<Tap> taps{};
  double norm = 0.0;

  Template() {
    const double outer = kDonutRadius / kCell, inner = outer * kDonutShadow;
    double ring = 0.0, other = 0.0;
    for (int32_t pass = 0; pass < 2; pass++) {
      for (int32_t dy = -kReach; dy <= kReach; dy++) {
        for (int32_t dx = -kReach; dx <= kReach; dx++) {
          // Shares of a cell inside the ring, by 4 x 4 places in it.
          double in = 0.0, near = 0.0;
          for (int32_t k = 0; k < 16; k++) {
            const double r = std::hypot(dx + (k % 4 - 1.5) / 4.0, dy + static_cast<double>(k / 4) / 4.0 - 0.375);
            in += r >= inner && r < outer ? 0.0625 : 0.0;
            near += r < inner || (r >= outer && r < 1.35 * outer) ? 0.0625 : 0.0;
          }
          if (pass == 0) {
            ring += in;
            other += near;
          } else if (in + near > 0.0) {
            taps.push_back({dx, dy, static_cast<float>(in / ring - near / other)});
            norm += (in / ring - near / other) * (in / ring - near / other);
          }
        }
      }
    }
  }
};

// The answers of one row, in blocks that stay in registers while the taps pass.
template <typename V>
SUMMIT_INLINE int32_t AnswerBody(const float* from, int32_t stride, const Template* ring, int32_t cols, float* answer) {
  constexpr int32_t kLanes = sizeof(V) / sizeof(float), kVectors = kBlock / kLanes;
  for (int32_t x = 0; x < cols; x += kBlock) {
    V sum[kVectors] = {};
    for (const Template::Tap& tap : ring->taps) {
      const float* at = from + static_cast<std::ptrdiff_t>(tap.dy) * stride + tap.dx + x;
      for (int32_t k = 0; k < kVectors; k++) {
        V value;
        Load(at + k * kLanes, &value);
        sum[k] += tap.weight * value;
      }
    }
    for (int32_t k = 0; k < kVectors; k++) Store(sum[k], answer + x + k * kLanes);
  }
  return 0;
}
SUMMIT_DISPATCHED_BY_WIDTH(AnswerForms, AnswerBody)

}  // namespace

std::vector<DonutPlace> FindDonutPlaces(const SkyMap& map, std::span<const Donut> known, int32_t threads) {
  const Cells cells = MakeCells(map, known);
  const Template ring;
  std::vector<float> answer(cells.value.size(), 0.0f);
  ForEachPart(threads, cells.rows, [&](int32_t y) { AnswerForms(cells.value.data() + cells.At(0, y), cells.stride, &ring, cells.cols, answer.data() + cells.At(0, y)); });
  const auto limit = static_cast<float>(kLeastSigma * cells.noise * std::sqrt(ring.norm));
  constexpr int32_t kApart = 4;  // cells
  std::vector<DonutPlace> found;
  for (int32_t y = 0; y < cells.rows; y++) {
    for (int32_t x = 0; x < cells.cols; x++) {
      const float value = answer[cells.At(x, y)];
      if (!(value > limit)) continue;
      bool highest = true;
      for (int32_t j = std::max(0, y - kApart); j <= std::min(cells.rows - 1, y + kApart) && highest; j++) {
        for (int32_t i = std::max(0, x - kApart); i <= std::min(cells.cols - 1, x + kApart) && highest; i++) highest = answer[cells.At(i, j)] <= value;
      }
      if (highest) found.push_back({x * kCell + 0.5 * (kCell - 1), y * kCell + 0.5 * (kCell - 1), static_cast<double>(value)});
    }
  }
  std::sort(found.begin(), found.end(), [](const DonutPlace& a, const DonutPlace& b) { return a.answer > b.answer; });
  return found;
}

}  // namespace summit::image
