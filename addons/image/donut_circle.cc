// SPDX-License-Identifier: Apache-2.0
#include "addons/image/donut_circle.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "addons/image/donuts.h"

namespace summit::image {
namespace {

constexpr double kMostRadius = 1.15, kLeastRadius = 0.85;  // of the nominal one

// Least squares circle through the points that have weight (I. Kasa, IEEE Trans. Instrum. Meas. 25, 8, 1976).
bool CircleThrough(const std::vector<EdgePoint>& points, Circle* circle) {
  double s = 0.0, sx = 0.0, sy = 0.0;
  for (const EdgePoint& p : points) {
    s += p.weight;
    sx += p.weight * p.x;
    sy += p.weight * p.y;
  }
  if (s < 3.0) return false;
  const double mx = sx / s, my = sy / s;
  double xx = 0.0, xy = 0.0, yy = 0.0, xz = 0.0, yz = 0.0, zz = 0.0;
  for (const EdgePoint& p : points) {
    const double u = p.x - mx, v = p.y - my, z = u * u + v * v;
    xx += p.weight * u * u;
    xy += p.weight * u * v;
    yy += p.weight * v * v;
    xz += p.weight * u * z;
    yz += p.weight * v * z;
    zz += p.weight * z;
  }
  const double det = xx * yy - xy * xy;
  if (!(det > 1e-6 * (xx + yy) * (xx + yy))) return false;
  const double u = 0.5 * (xz * yy - yz * xy) / det, v = 0.5 * (yz * xx - xz * xy) / det;
  circle->x = mx + u;
  circle->y = my + v;
  circle->radius = std::sqrt(u * u + v * v + zz / s);
  return true;
}

double Off(const Circle& circle, const EdgePoint& p) {
  const double dx = p.x - circle.x, dy = p.y - circle.y;
  return std::sqrt(dx * dx + dy * dy) - circle.radius;
}

bool Possible(const Circle& circle) { return circle.radius > kLeastRadius * kDonutRadius && circle.radius < kMostRadius * kDonutRadius; }

// How many points lie on it; those outside count against it: vignetting pulls the edge inwards, never outwards. The
// shadow is concentric with it, which tells it from the edge of a vignetted part.
double Agreement(const Circle& circle, const std::vector<EdgePoint>& outer, const std::vector<EdgePoint>& inner) {
  double agreement = 0.0;
  for (const EdgePoint& p : outer) {
    const double off = Off(circle, p);
    agreement += off > 3.0 ? -0.7 : std::max(0.0, 1.0 - 0.3 * off * off);
  }
  const Circle shadow{circle.x, circle.y, kDonutShadow * circle.radius, 0.0, 0, false};
  for (const EdgePoint& p : inner) {
    const double off = Off(shadow, p);
    agreement += 0.7 * std::max(0.0, 1.0 - 0.12 * off * off);
  }
  return agreement;
}

// How far from a middle a circle's edge lies in a direction; NaN where it has none.
double EdgeFrom(double x, double y, double c, double s, const Circle& circle) {
  const double dx = circle.x - x, dy = circle.y - y, along = dx * c + dy * s;
  const double square = circle.radius * circle.radius - dx * dx - dy * dy + along * along;
  return square > 0.0 ? along + std::sqrt(square) : std::nan("");
}

// What cuts the light off is a circle too. Where both meet at a small angle the edge leaves the outer one so slowly that no
// distance tells its points apart: both are fitted together, each to the points where it is the nearer one by so much that
// seeing does not mix them. False where too little is cut off for a second one.
bool FitBoth(std::vector<EdgePoint>* points, Circle* outer) {
  constexpr double kInside = 1.5, kOff = 2.0, kApart = 2.0;
  constexpr int32_t kLeast = 8;
  Circle cut{};
  int32_t n = 0;
  for (EdgePoint& p : *points) {
    const double off = Off(*outer, p);
    p.weight = off < -kInside && off > -0.45 * outer->radius ? 1.0 : 0.0;
    n += p.weight > 0.0 ? 1 : 0;
  }
  const auto plausible = [&] { return cut.radius > 0.6 * outer->radius && cut.radius < 6.0 * outer->radius; };
  if (n < kLeast || !CircleThrough(*points, &cut) || !plausible()) return false;
  Circle fitted = *outer;
  std::vector<EdgePoint> of_cut = *points;
  for (int32_t round = 0; round < 25; round++) {
    for (size_t i = 0; i < points->size(); i++) {
      EdgePoint& p = (*points)[i];
      const double dx = p.x - fitted.x, dy = p.y - fitted.y, r = std::hypot(dx, dy);
      const double at_cut = EdgeFrom(fitted.x, fitted.y, dx / r, dy / r, cut);
      p.weight = !(at_cut < fitted.radius + kApart) && std::fabs(r - fitted.radius) < kOff ? 1.0 : 0.0;
      of_cut[i].weight = at_cut < fitted.radius - kApart && std::fabs(r - at_cut) < kOff ? 1.0 : 0.0;
    }
    if (!CircleThrough(*points, &fitted) || !Possible(fitted) || !CircleThrough(of_cut, &cut) || !plausible()) return false;
  }
  if (std::count_if(points->begin(), points->end(), [](const EdgePoint& p) { return p.weight > 0.0; }) < kLeast) return false;
  *outer = fitted;
  return true;
}

}  // namespace

Circle FitCircle(std::vector<EdgePoint> points, const std::vector<EdgePoint>& inner) {
  Circle best{0.0, 0.0, 0.0, 0.0, 0, false};
  const auto n = static_cast<int32_t>(points.size());
  if (n < 12) return best;
  double most = 0.0;
  // Every third of the circle against every other: far apart points make a steady circle.
  for (int32_t i = 0; i < n; i += 3) {
    for (int32_t j = i + n / 6; j < n; j += 4) {
      for (int32_t k = j + n / 6; k < std::min(n, i + n - n / 6); k += 4) {
        const auto at = [&points](int32_t index) { return EdgePoint{points[static_cast<size_t>(index)].x, points[static_cast<size_t>(index)].y, 1.0}; };
        Circle circle{};
        if (!CircleThrough({at(i), at(j), at(k)}, &circle) || !Possible(circle)) continue;
        const double agreement = Agreement(circle, points, inner);
        if (agreement <= most) continue;
        most = agreement;
        best = circle;
      }
    }
  }
  if (most < 8.0) return best;
  // Points inside are dropped sooner than those outside: the circle leaves the vignetted part behind.
  for (int32_t round = 0; round < 10; round++) {
    const double inside = round < 2 ? 1.5 : 0.8;
    for (EdgePoint& p : points) {
      const double off = Off(best, p);
      p.weight = off > -inside && off < 2.0 ? 1.0 : 0.0;
    }
    if (!CircleThrough(points, &best) || !Possible(best)) return best;
  }
  std::vector<EdgePoint> both = points;
  if (FitBoth(&both, &best)) points = std::move(both);
  double square = 0.0;
  for (const EdgePoint& p : points) {
    best.n += p.weight > 0.0 ? 1 : 0;
    square += p.weight * Off(best, p) * Off(best, p);
  }
  best.good = best.n >= 8;
  best.err = std::sqrt(square / std::max(1, best.n)) / std::sqrt(static_cast<double>(std::max(1, best.n - 3)));
  return best;
}

}  // namespace summit::image
