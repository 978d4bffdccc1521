// SPDX-License-Identifier: Apache-2.0
#include "addons/image/donuts.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "addons/image/donut_circle.h"
#include "addons/image/donut_edges.h"
#include "addons/image/donut_search.h"
#include "addons/image/parallel.h"

namespace summit::image {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kLeastAgreement = 0.3;  // of the directions that lie on the CCD

float MedianOf(std::vector<float> values) {
  if (values.empty()) return 0.0f;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Bins along a direction from a donut's middle, in shares of its radius.
template <typename Take>
void BinsAlong(const SkyMap& map, double x, double y, double radius, const Direction& d, double from, double to, double step, const Take& take) {
  for (double share = from; share < to; share += step) {
    const auto bx = static_cast<int32_t>((x + share * radius * d.c) / kBin), by = static_cast<int32_t>((y + share * radius * d.s) / kBin);
    if (bx >= 0 && by >= 0 && bx < map.bin_cols && by < map.bin_rows) take(map.Bin(bx, by));
  }
}

// Level of the ring: high among its bins, so that vignetted parts do not count.
double RingLevel(const SkyMap& map, double x, double y, double radius) {
  std::vector<float> values;
  for (size_t degrees = 0; degrees < 360; degrees += 5) BinsAlong(map, x, y, radius, Directions()[degrees], 0.68, 0.95, 0.03, [&](float bin) { values.push_back(bin); });
  if (values.empty()) return 0.0;
  const auto upper = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 7 / 10);
  std::nth_element(values.begin(), upper, values.end());
  return static_cast<double>(*upper);
}

// Light where a donut that stands alone has none: around it, and in its shadow.
bool HasForeignLight(const SkyMap& map, const Donut& donut, double level) {
  int32_t foreign = 0;
  const double limit = std::max(0.06 * level, 4.0 * map.bin_noise / 3.0);
  for (size_t degrees = 0; degrees < 360; degrees += 15) {
    double sum = 0.0;
    int32_t n = 0;
    BinsAlong(map, donut.x, donut.y, donut.radius, Directions()[degrees], 1.10, 1.40, 0.03, [&](float bin) {
      sum += static_cast<double>(bin);
      n++;
    });
    foreign += n > 4 && sum / n > limit ? 1 : 0;
  }
  std::vector<float> shadow;
  for (size_t degrees = 0; degrees < 360; degrees += 30) BinsAlong(map, donut.x, donut.y, donut.radius, Directions()[degrees], 0.0, 0.4, 3.0 / donut.radius, [&](float bin) { shadow.push_back(bin); });
  return foreign >= 3 || static_cast<double>(MedianOf(shadow)) > std::max(0.25 * level, 4.0 * map.bin_noise / 3.0);
}

// One row of a donut's pixels; those that cannot be believed take what their surroundings have.
struct Light {
  double flux = 0.0, by_x = 0.0, by_y = 0.0;  // sums of light, and of light times place
  double signal = 0.0, variance = 0.0;  // of the pixels that are lit
  int32_t lit = 0;

  void AddRow(const SkyMap& map, int32_t row, int32_t from, int32_t to, std::span<const float> sky, double level, Donut* donut) {
    const auto at = static_cast<size_t>(row) * static_cast<size_t>(map.cols);
    const float *pixels = map.frame->image.data() + at, *bins = map.bins.data() + static_cast<size_t>(std::min(row / kBin, map.bin_rows - 1)) * static_cast<size_t>(map.bin_cols);
    const uint8_t* states = map.state.data() + at;
    double sum = 0.0;
    for (int32_t x = from; x <= to; x++) {
      const uint8_t state = states[x];
      donut->n_bad += (state & kBadPixel) != 0 ? 1 : 0;
      donut->n_sat += (state & kFullPixel) != 0 ? 1 : 0;
      const double bin = static_cast<double>(bins[std::min(x / kBin, map.bin_cols - 1)]);
      const bool hidden = (state & (kBadPixel | kRayPixel)) != 0;
      const double above = hidden ? bin : static_cast<double>(pixels[x] - sky[static_cast<size_t>(x - from)]);
      sum += above;
      by_x += above * x;
      if (bin > 0.35 * level) {
        signal += above;
        variance += map.Variance(map.level + above);
      }
      // Blurring moves no place where the light has half of its level.
      lit += bin > 0.5 * level ? 1 : 0;
    }
    flux += sum;
    by_y += sum * row;
  }
};

void MeasureLight(const SkyMap& map, double level, Donut* donut) {
  Light light;
  const double reach = 1.08 * donut->radius, ring = kPi * donut->radius * donut->radius * (1.0 - kDonutShadow * kDonutShadow);
  std::vector<float> sky(static_cast<size_t>(2.0 * reach) + 2);
  const auto first = std::max(0, static_cast<int32_t>(std::ceil(donut->y - reach))), last = std::min(map.rows - 1, static_cast<int32_t>(std::floor(donut->y + reach)));
  for (int32_t y = first; y <= last; y++) {
    const double half = std::sqrt(std::max(0.0, reach * reach - (y - donut->y) * (y - donut->y)));
    const auto from = std::max(0, static_cast<int32_t>(std::ceil(donut->x - half))), to = std::min(map.cols - 1, static_cast<int32_t>(std::floor(donut->x + half)));
    if (from > to) continue;
    const std::span<float> own = std::span(sky).first(static_cast<size_t>(to - from + 1));
    map.SkyAlong(y, from, 1.0, own);
    light.AddRow(map, y, from, to, own, level, donut);
  }
  donut->flux = light.flux;
  donut->x_com = light.by_x / light.flux;
  donut->y_com = light.by_y / light.flux;
  donut->snr = light.variance > 0.0 ? light.signal / std::sqrt(light.variance) : 0.0;
  donut->vignetted_fraction = std::clamp(1.0 - light.lit / ring, 0.0, 1.0);
}

// False for what is no donut.
bool Measure(const SkyMap& map, const DonutPlace& place, Donut* donut) {
  const DonutLight light(map, place.x, place.y);
  double x = place.x, y = place.y, radius = kDonutRadius;
  Circle circle{};
  for (int32_t pass = 0; pass < 2; pass++) {
    const double level = RingLevel(map, x, y, radius);
    const Edges edges = EdgesOf(map, light, x, y, radius, level);
    circle = FitCircle(edges.outer, edges.inner);
    if (!circle.good || circle.n < kLeastAgreement * edges.on_ccd || std::hypot(circle.x - place.x, circle.y - place.y) > 0.5 * kDonutRadius) return false;
    x = circle.x;
    y = circle.y;
    radius = circle.radius;
  }
  donut->x = x;
  donut->y = y;
  donut->radius = radius;
  donut->radius_err = circle.err;
  const double level = RingLevel(map, x, y, radius);
  MeasureLight(map, level, donut);
  constexpr double kMargin = 5.0;
  donut->edge = x < radius + kMargin || y < radius + kMargin || x > map.cols - 1 - radius - kMargin || y > map.rows - 1 - radius - kMargin;
  donut->blended = HasForeignLight(map, *donut, level);
  return donut->flux > 0.0 && donut->snr > 10.0 && std::isfinite(donut->x_com);
}

}  // namespace

std::vector<Donut> FindDonuts(const SkyMap& map, int32_t threads) {
  const std::vector<DonutPlace> places = FindDonutPlaces(map, threads);
  std::vector<Donut> all(places.size());
  std::vector<uint8_t> good(places.size(), 0);
  ForEachPart(threads, static_cast<int32_t>(places.size()), [&](int32_t i) {
    const auto at = static_cast<size_t>(i);
    good[at] = Measure(map, places[at], &all[at]) ? 1 : 0;
  });
  std::vector<Donut> donuts;
  for (size_t i = 0; i < all.size(); i++) {
    // Weaker answers beside a donut are its own.
    const bool twice = std::any_of(donuts.begin(), donuts.end(), [&](const Donut& d) {
      const double apart = std::hypot(d.x - all[i].x, d.y - all[i].y);
      return apart < 0.35 * kDonutRadius || (apart < 1.3 * kDonutRadius && all[i].flux < 0.25 * d.flux);
    });
    if (good[i] != 0 && !twice) donuts.push_back(all[i]);
  }
  std::sort(donuts.begin(), donuts.end(), [](const Donut& a, const Donut& b) { return a.flux > b.flux; });
  for (Donut& donut : donuts) {
    double nearest = std::nan("");
    for (const Donut& other : donuts) {
      const double apart = std::hypot(other.x - donut.x, other.y - donut.y);
      if (&other != &donut && !(apart >= nearest)) nearest = apart;
    }
    donut.sep_nearest = nearest;
    if (nearest < donut.radius * 2.0 + 8.0) donut.blended = true;
  }
  return donuts;
}

SensorRadius TypicalRadius(const std::vector<Donut>& donuts) {
  std::vector<float> radii;
  for (const Donut& donut : donuts) {
    if (!donut.edge && !donut.blended && donut.n_sat == 0 && donut.snr > 100.0) radii.push_back(static_cast<float>(donut.radius));
  }
  SensorRadius out{std::nan(""), std::nan(""), static_cast<int32_t>(radii.size())};
  if (radii.empty()) return out;
  out.radius = static_cast<double>(MedianOf(radii));
  std::vector<float> off;
  for (const float radius : radii) off.push_back(std::fabs(radius - static_cast<float>(out.radius)));
  out.err = std::max(0.1, 1.4826 * 1.2533 * static_cast<double>(MedianOf(off)) / std::sqrt(static_cast<double>(radii.size())));
  return out;
}

}  // namespace summit::image
