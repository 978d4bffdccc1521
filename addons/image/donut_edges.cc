// SPDX-License-Identifier: Apache-2.0
#include "addons/image/donut_edges.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "addons/image/sky_rows.h"

namespace summit::image {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr size_t kMostRay = 128;
constexpr int32_t kSlope = 7;   // px on each side of an edge that its place is told by
constexpr int32_t kSmooth = 2;  // px on each side of a running mean
constexpr double kOutermost = 1.22, kInnermost = 0.35;  // of the radius: where edges are looked for

// Mean light along a direction, a value each px, over a wedge of 5 degrees.
using Ray = std::array<float, kMostRay>;

void ReadRay(const DonutLight& light, float x, float y, int32_t degrees, int32_t from, int32_t to, Ray* ray) {
  struct Step {
    float x, y;
  };
  std::array<Step, 4> wedge{};
  for (size_t k = 0; k < 4; k++) {
    const Direction& d = Directions()[static_cast<size_t>((degrees + 2 * static_cast<int32_t>(k) - 3 + 360) % 360)];
    wedge[k] = {static_cast<float>(d.c), static_cast<float>(d.s)};
  }
  for (int32_t r = from; r <= to; r++) {
    float sum = 0.0f;
    int32_t n = 0;
    for (const Step& step : wedge) {
      const float value = light.Value(x + static_cast<float>(r) * step.x, y + static_cast<float>(r) * step.y);
      if (std::isnan(value)) continue;
      sum += value;
      n++;
    }
    (*ray)[static_cast<size_t>(r)] = n == 0 ? std::nanf("") : sum / static_cast<float>(n);
  }
}

// A running mean over 5 px without what is no number.
void Smooth(const Ray& ray, int32_t from, int32_t to, Ray* out) {
  for (int32_t r = from; r <= to; r++) {
    float sum = 0.0f;
    int32_t count = 0;
    for (int32_t k = std::max(from, r - kSmooth); k <= std::min(to, r + kSmooth); k++) {
      if (std::isnan(ray[static_cast<size_t>(k)])) continue;
      sum += ray[static_cast<size_t>(k)];
      count++;
    }
    (*out)[static_cast<size_t>(r)] = count == 0 ? 0.0f : sum / static_cast<float>(count);
  }
}

// The place of a ray's edge: where it passes half of the ring's level, then the middle of its slope there, which does not
// care how even the ring is. `step` +1: light ends; -1: the shadow begins. NaN: there is none.
double PlaceOfEdge(const Ray& ray, float half, int32_t from, int32_t to, int32_t step) {
  for (int32_t r = from; r != to; r -= step) {
    const float out = ray[static_cast<size_t>(r)], in = ray[static_cast<size_t>(r - step)];
    if (!(in >= half && out < half)) continue;
    double sum = 0.0, weighted = 0.0;
    for (int32_t k = r - kSlope; k <= r + kSlope; k++) {
      const double fall = std::max(0.0, 0.5 * step * static_cast<double>(ray[static_cast<size_t>(k - 1)] - ray[static_cast<size_t>(k + 1)]));
      sum += fall * fall;
      weighted += fall * fall * k;
    }
    return sum > 0.0 ? weighted / sum : std::nan("");
  }
  return std::nan("");
}

}  // namespace

const std::array<Direction, 360>& Directions() {
  static const std::array<Direction, 360> all = [] {
    std::array<Direction, 360> made{};
    for (size_t k = 0; k < made.size(); k++) {
      const double angle = kPi * static_cast<double>(k) / 180.0;
      made[k] = {std::cos(angle), std::sin(angle)};
    }
    return made;
  }();
  return all;
}

DonutLight::DonutLight(const SkyMap& map, double x, double y)
    : x0_(static_cast<int32_t>(std::lround(x)) - kReach), y0_(static_cast<int32_t>(std::lround(y)) - kReach), values_(static_cast<size_t>(kSide) * kSide, std::nanf("")) {
  const int32_t first = std::max(0, x0_), last = std::min(map.cols, x0_ + kSide);
  std::array<float, kSide> sky{};
  for (int32_t row = std::max(0, y0_); row < std::min(map.rows, y0_ + kSide); row++) {
    const auto n = static_cast<size_t>(std::max(0, last - first)), at = static_cast<size_t>(row) * static_cast<size_t>(map.cols) + static_cast<size_t>(first);
    map.SkyAlong(row, first, 1.0, std::span(sky.data(), n));
    const float* pixels = map.frame->image.data() + at;
    const uint8_t* state = map.state.data() + at;
    AboveSky(pixels, sky.data(), state, static_cast<int32_t>(n), values_.data() + static_cast<size_t>(row - y0_) * kSide + static_cast<size_t>(first - x0_));
  }
}

Edges EdgesOf(const SkyMap& map, const DonutLight& light, double x, double y, double radius, double level) {
  Edges edges;
  const auto farthest = static_cast<int32_t>(kOutermost * radius), nearest = static_cast<int32_t>(kInnermost * radius);
  constexpr int32_t kMargin = kSlope + kSmooth + 1;
  const int32_t from = std::max(0, nearest - kMargin), to = std::min(static_cast<int32_t>(kMostRay) - 1, farthest + kMargin);
  const auto fx = static_cast<float>(x), fy = static_cast<float>(y);
  for (int32_t k = 0; k < kAngles; k++) {
    const int32_t degrees = k * 360 / kAngles;
    const auto& [c, s] = Directions()[static_cast<size_t>(degrees)];
    const double far_x = x + 1.1 * radius * c, far_y = y + 1.1 * radius * s;
    const bool whole = far_x > 1.0 && far_y > 1.0 && far_x < map.cols - 2.0 && far_y < map.rows - 2.0;
    edges.on_ccd += whole ? 1 : 0;
    Ray raw{}, ray{};
    ReadRay(light, fx, fy, degrees, from, to, &raw);
    Smooth(raw, from, to, &ray);
    // The level of this direction's own ring, where there is one: light falls off towards a vignetted part.
    std::array<float, kMostRay> own{};
    size_t n = 0;
    for (auto r = static_cast<size_t>(0.74 * radius); r < static_cast<size_t>(0.92 * radius); r++) own[n++] = ray[r];
    std::nth_element(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(n / 2), own.begin() + static_cast<std::ptrdiff_t>(n));
    const auto half = static_cast<float>(0.5 * std::clamp(static_cast<double>(own[n / 2]), 0.6 * level, 1.6 * level));
    const double outer = PlaceOfEdge(ray, half, farthest, static_cast<int32_t>(0.7 * radius), 1);
    const double inner = PlaceOfEdge(ray, half, nearest, static_cast<int32_t>(0.85 * radius), -1);
    if (whole && !std::isnan(outer)) edges.outer.push_back({x + outer * c, y + outer * s, 1.0});
    if (!std::isnan(inner)) edges.inner.push_back({x + inner * c, y + inner * s, 1.0});
  }
  return edges;
}

}  // namespace summit::image
