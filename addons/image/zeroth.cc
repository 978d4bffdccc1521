// SPDX-License-Identifier: Apache-2.0
// Which blob is the zeroth order.
#include <algorithm>
#include <cmath>

#include "addons/image/spectrum.h"

namespace summit::image {
namespace {

constexpr double kMostAngleDeg = 2.0, kAngleStepDeg = 0.1;
// nm: between the zeroth order and the first there is no light; the first ends where silicon does.
constexpr double kGapEnd = 330.0, kOrderBegin = 360.0, kOrderEnd = 1050.0;
constexpr int32_t kHalfStrip = 2, kSideFrom = 5, kSideTo = 8;  // bins
constexpr double kGapBegin = 48.0;                              // px from the blob: beyond its own light

struct Strip {
  double light = 0.0, bright = 0.0;  // summed above the sides; of rows that stand out by themselves
  int32_t rows = 0;
};

// Along a line up from a blob, bins `from` to `to` px away.
Strip Along(const SkyMap& map, const Blob& blob, double tangent, double from, double to) {
  Strip strip;
  const double noise = map.bin_noise * std::sqrt(2.0 * kHalfStrip + 1.0) * 1.3;
  const auto first = static_cast<int32_t>((blob.y + from) / kBin), last = std::min(map.bin_rows - 1, static_cast<int32_t>((blob.y + to) / kBin));
  for (int32_t by = std::max(0, first); by <= last; by++) {
    const double x = blob.x + tangent * (by * kBin + 1.5 - blob.y);
    const auto bx = static_cast<int32_t>(std::lround((x - 1.5) / kBin));
    if (bx < kSideTo || bx + kSideTo >= map.bin_cols) continue;
    double middle = 0.0, side = 0.0;
    for (int32_t i = -kHalfStrip; i <= kHalfStrip; i++) middle += static_cast<double>(map.Bin(bx + i, by));
    for (int32_t i = kSideFrom; i <= kSideTo; i++) side += std::min(static_cast<double>(map.Bin(bx + i, by)), 5.0 * map.bin_noise) + std::min(static_cast<double>(map.Bin(bx - i, by)), 5.0 * map.bin_noise);
    const double light = middle - side * (2.0 * kHalfStrip + 1.0) / (2.0 * (kSideTo - kSideFrom + 1));
    strip.light += light;
    if (light > 5.0 * noise) strip.bright += light;
    strip.rows++;
  }
  return strip;
}

double LightOf(const SkyMap& map, const Blob& blob) {
  const auto bx = static_cast<int32_t>(blob.x / kBin), by = static_cast<int32_t>(blob.y / kBin);
  double light = 0.0;
  for (int32_t y = std::max(0, by - 4); y <= std::min(map.bin_rows - 1, by + 4); y++) {
    for (int32_t x = std::max(0, bx - 4); x <= std::min(map.bin_cols - 1, bx + 4); x++) light += static_cast<double>(map.Bin(x, y));
  }
  return std::max(light, 0.0);
}

struct Judged {
  double score = 0.0, angle_deg = 0.0;
};

Judged Judge(const SkyMap& map, const Blob& blob, const Grating& grating, double distance_mm) {
  const auto px = [&](double nm) { return DistanceOf(nm, grating.grooves_per_mm, distance_mm); };
  const double begin = px(kOrderBegin), end = std::min(px(kOrderEnd), map.rows - 1 - blob.y);
  Judged best;
  if (end - begin < 0.2 * (px(kOrderEnd) - begin)) return best;
  double most = 0.0;
  for (double angle = -kMostAngleDeg; angle < kMostAngleDeg + 0.5 * kAngleStepDeg; angle += kAngleStepDeg) {
    const double tangent = std::tan(angle * 0.017453292519943295);
    const Strip order = Along(map, blob, tangent, begin, end);
    if (order.rows == 0 || order.bright <= most) continue;
    most = order.bright;
    const double gap = Along(map, blob, tangent, kGapBegin, px(kGapEnd)).bright;
    best = {std::sqrt(LightOf(map, blob)) * std::max(0.0, order.bright - 3.0 * gap), angle};
  }
  return best;
}

}  // namespace

ZerothChoice ChooseZeroth(const SkyMap& map, const std::vector<Blob>& blobs, const Grating& grating, double distance_mm) {
  ZerothChoice choice;
  double best = 0.0, second = 0.0;
  for (const Blob& blob : blobs) {
    const Judged judged = Judge(map, blob, grating, distance_mm);
    if (judged.score <= best) {
      second = std::max(second, judged.score);
      continue;
    }
    second = best;
    best = judged.score;
    choice.found = true;
    choice.blob = blob;
    choice.angle_deg = judged.angle_deg;
  }
  choice.ambiguous = choice.found && second > 0.5 * best;
  return choice;
}

}  // namespace summit::image
