// SPDX-License-Identifier: Apache-2.0
#include "addons/image/streak.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "addons/image/middle.h"

namespace summit::image {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kFrom = 2.2, kTo = 7.0;   // FWHM
constexpr double kAcross = 3.0;            // FWHM on each side of the star that a streak may pass at
constexpr double kLeastSigma = 10.0;

struct Point {
  double dx, dy, value;
};

// Light of both halves of a line, by distance across.
struct Halves {
  std::vector<double> sum[2], count[2];

  explicit Halves(size_t bins) {
    for (int32_t side = 0; side < 2; side++) {
      sum[side].assign(bins, 0.0);
      count[side].assign(bins, 0.0);
    }
  }
};

Halves Gather(const std::vector<Point>& points, double angle, int32_t reach) {
  Halves halves(static_cast<size_t>(2 * reach + 1));
  const double c = std::cos(angle), s = std::sin(angle);
  for (const Point& p : points) {
    const double across = -s * p.dx + c * p.dy, along = c * p.dx + s * p.dy;
    const auto bin = static_cast<int32_t>(std::lround(across)) + reach;
    if (bin < 0 || bin > 2 * reach) continue;
    const size_t side = along > 0.0 ? 0 : 1;
    halves.sum[side][static_cast<size_t>(bin)] += p.value;
    halves.count[side][static_cast<size_t>(bin)] += 1.0;
  }
  return halves;
}

struct Answer {
  double sigma = 0.0, angle = 0.0;
  int32_t bin = 0;
};

// The half that has less light decides: a neighbour lies on one side only.
Answer Best(const std::vector<Point>& points, double angle, int32_t reach, double noise) {
  const Halves halves = Gather(points, angle, reach);
  Answer best;
  best.angle = angle;
  constexpr int32_t kHalf = 3;
  for (int32_t bin = kHalf; bin <= 2 * reach - kHalf; bin++) {
    double least = 1e30;
    for (size_t side = 0; side < 2; side++) {
      double sum = 0.0, count = 0.0;
      for (int32_t k = -kHalf; k <= kHalf; k++) {
        sum += halves.sum[side][static_cast<size_t>(bin + k)];
        count += halves.count[side][static_cast<size_t>(bin + k)];
      }
      least = std::min(least, count > 0.0 ? sum / (noise * std::sqrt(count)) : 0.0);
    }
    if (least <= best.sigma) continue;
    best.sigma = least;
    best.bin = bin;
  }
  return best;
}

}  // namespace

double Streak::Light(double at_x, double at_y) const {
  if (!found) return 0.0;
  const double across = -std::sin(angle) * (at_x - x) + std::cos(angle) * (at_y - y) - first;
  const auto bin = static_cast<int32_t>(std::floor(across));
  if (bin < 0 || bin + 1 >= static_cast<int32_t>(profile.size())) return 0.0;
  const double part = across - bin;
  return (1.0 - part) * profile[static_cast<size_t>(bin)] + part * profile[static_cast<size_t>(bin) + 1];
}

Streak FindStreak(const SkyMap& map, double x, double y, double fwhm) {
  Streak streak;
  const auto outer = static_cast<int32_t>(kTo * fwhm);
  const auto cx = static_cast<int32_t>(std::lround(x)), cy = static_cast<int32_t>(std::lround(y));
  // Less the star's own light: what it has on the average at that distance.
  std::vector<std::vector<double>> rings(static_cast<size_t>(outer) + 2);
  std::vector<Point> points;
  for (int32_t py = std::max(0, cy - outer); py <= std::min(map.rows - 1, cy + outer); py++) {
    for (int32_t px = std::max(0, cx - outer); px <= std::min(map.cols - 1, cx + outer); px++) {
      const double r = std::hypot(px - x, py - y);
      if (r < kFrom * fwhm || r > kTo * fwhm || map.State(px, py) != kGoodPixel) continue;
      const double value = static_cast<double>(map.Pixel(px, py)) - map.SkyAt(px, py);
      points.push_back({px - x, py - y, value});
      rings[static_cast<size_t>(r)].push_back(value);
    }
  }
  std::vector<double> level(rings.size(), 0.0);
  for (size_t i = 0; i < rings.size(); i++) {
    level[i] = MiddleOf(std::span(rings[i]));
  }
  for (Point& p : points) p.value -= level[static_cast<size_t>(std::hypot(p.dx, p.dy))];
  const auto reach = static_cast<int32_t>(kAcross * fwhm);
  Answer best;
  std::vector<double> all;
  for (double angle = 0.0; angle < kPi; angle += kPi / 60.0) {
    const Answer answer = Best(points, angle, reach, map.noise);
    all.push_back(answer.sigma);
    if (answer.sigma > best.sigma) best = answer;
  }
  std::nth_element(all.begin(), all.begin() + 30, all.end());
  if (best.sigma < kLeastSigma || best.sigma < 3.0 * all[30]) return streak;
  for (double step = kPi / 120.0; step > kPi / 20000.0; step *= 0.5) {
    for (const double angle : {best.angle - step, best.angle + step}) {
      const Answer answer = Best(points, angle, reach, map.noise);
      if (answer.sigma > best.sigma) best = answer;
    }
  }
  const Halves halves = Gather(points, best.angle, reach);
  const auto half = static_cast<int32_t>(2.2 * fwhm);
  const int32_t from = std::max(0, best.bin - half), to = std::min(2 * reach, best.bin + half);
  // Both ends must agree in brightness: a streak is even, a spectrum or a galaxy is not.
  double light[2] = {0.0, 0.0};
  for (int32_t bin = from; bin <= to; bin++) {
    const auto at = static_cast<size_t>(bin);
    double sum = 0.0, count = 0.0;
    for (size_t side = 0; side < 2; side++) {
      sum += halves.sum[side][at];
      count += halves.count[side][at];
      light[side] += halves.count[side][at] > 0.0 ? halves.sum[side][at] / halves.count[side][at] : 0.0;
    }
    streak.profile.push_back(count > 0.0 ? sum / count : 0.0);
  }
  if (std::min(light[0], light[1]) < 0.5 * std::max(light[0], light[1])) return streak;
  streak.found = true;
  streak.x = x;
  streak.y = y;
  streak.angle = best.angle;
  streak.first = from - reach;
  return streak;
}

}  // namespace summit::image
