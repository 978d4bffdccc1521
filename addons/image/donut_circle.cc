// SPDX-License-Identifier: Apache-2.0
#include "addons/image/donut_circle.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "addons/image/donuts.h"
#include "addons/image/least_squares.h"
#include "addons/image/middle.h"
#include "addons/pixels/simd.h"

namespace summit::image {
namespace {

using pixels::Greatest;
using pixels::Load;
using pixels::Simd;
using pixels::SimdLevel;
using pixels::Sum;
using pixels::V8;

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

// Points side by side, their number rounded up to whole vectors.
class Places {
 public:
  explicit Places(const std::vector<EdgePoint>& points) {
    n_ = (points.size() + kLanes - 1) / kLanes * kLanes;
    // What is no number agrees with nothing.
    x_.assign(n_, std::nanf(""));
    y_ = x_;
    for (size_t i = 0; i < points.size(); i++) {
      x_[i] = static_cast<float>(points[i].x);
      y_[i] = static_cast<float>(points[i].y);
    }
  }
  const float* x() const { return x_.data(); }
  const float* y() const { return y_.data(); }
  int32_t n() const { return static_cast<int32_t>(n_); }

 private:
  static constexpr size_t kLanes = 8;
  size_t n_;
  std::vector<float> x_, y_;
};

// Sum over points of `most` on the circle, falling off with the square of the distance; `outside` for those that lie 3 px
// and more outside it.
SUMMIT_INLINE float AgreementBody(const float* xs, const float* ys, int32_t n, float x, float y, float radius, float most, float fall, float outside) {
  V8 sum{};
  const float square = radius * radius, by = 0.5f / radius;
  for (int32_t i = 0; i < n; i += 8) {
    V8 dx, dy, on;
    Load(xs + i, &dx);
    Load(ys + i, &dy);
    dx -= x;
    dy -= y;
    // Of a circle's edge, to the first order.
    const V8 off = (dx * dx + dy * dy - square) * by;
    Greatest(most - fall * off * off, V8{}, &on);
    sum += off > 3.0f ? V8{} + outside : on;
  }
  return Sum(sum);
}
SUMMIT_DISPATCHED(AgreementForms, AgreementBody)

// How many points lie on it; those outside count against it: vignetting pulls the edge inwards, never outwards. The
// shadow is concentric with it, which tells it from the edge of a vignetted part.
float Agreement(const Circle& circle, const Places& outer, const Places& inner) {
  const auto x = static_cast<float>(circle.x), y = static_cast<float>(circle.y), radius = static_cast<float>(circle.radius);
  return AgreementForms(outer.x(), outer.y(), outer.n(), x, y, radius, 1.0f, 0.3f, -0.7f) +
         AgreementForms(inner.x(), inner.y(), inner.n(), x, y, static_cast<float>(kDonutShadow) * radius, 0.7f, 0.084f, 0.0f);
}

// Through three points; false where they lie on a line.
bool CircleOf(const EdgePoint& a, const EdgePoint& b, const EdgePoint& c, Circle* circle) {
  const double bx = b.x - a.x, by = b.y - a.y, cx = c.x - a.x, cy = c.y - a.y, area = 2.0 * (bx * cy - by * cx);
  if (!(std::fabs(area) > 1e-3)) return false;
  const double bb = bx * bx + by * by, cc = cx * cx + cy * cy, u = (cy * bb - by * cc) / area, v = (bx * cc - cx * bb) / area;
  circle->x = a.x + u;
  circle->y = a.y + v;
  circle->radius = std::sqrt(u * u + v * v);
  return true;
}

// How far from a middle a circle's edge lies in a direction; NaN where it has none.
double EdgeFrom(double x, double y, double c, double s, const Circle& circle) {
  const double dx = circle.x - x, dy = circle.y - y, along = dx * c + dy * s;
  const double square = circle.radius * circle.radius - dx * dx - dy * dy + along * along;
  return square > 0.0 ? along + std::sqrt(square) : std::nan("");
}

// Of distances from an edge, r.m.s. by their median.
double ScatterOf(std::vector<double> off) {
  for (double& one : off) one = std::fabs(one);
  return 1.4826 * MiddleOf(std::span(off));
}

// The outer circle through the points that have weight, and the shadow's about the same middle, which steadies it where
// only a part of the outer edge is left. False without enough of a shadow there. `scatter`: of its edge, px.
bool ConcentricThrough(const std::vector<EdgePoint>& points, const std::vector<EdgePoint>& inner, Circle* circle, double* scatter) {
  constexpr double kLeastReach = 1.0, kMostReach = 4.0;  // px
  constexpr size_t kLeastInner = 24;
  std::array<double, 4> p = {circle->x, circle->y, circle->radius, kDonutShadow * circle->radius};
  double reach = kMostReach;
  for (int32_t round = 0; round < 4; round++) {
    Normals<4> normals;
    const auto add = [&](const EdgePoint& one, size_t radius, double weight) {
      const double dx = one.x - p[0], dy = one.y - p[1], r = std::sqrt(dx * dx + dy * dy);
      std::array<double, 4> gradient = {-dx / r, -dy / r, 0.0, 0.0};
      gradient[radius] = -1.0;
      normals.Add(p[radius] - r, weight, gradient, 4);
      return r - p[radius];
    };
    for (const EdgePoint& one : points) {
      if (one.weight > 0.0) add(one, 2, one.weight);
    }
    std::vector<double> off;
    for (const EdgePoint& one : inner) {
      if (std::fabs(Off({p[0], p[1], p[3], 0.0, 0, true}, one)) < reach) off.push_back(add(one, 3, 1.0));
    }
    std::array<double, 4> change{};
    if (off.size() < kLeastInner || 3 * off.size() < 2 * inner.size() || !SolveNormals(normals, 4, 0.0, &change)) return false;
    *scatter = ScatterOf(std::move(off));
    reach = std::clamp(3.0 * *scatter, kLeastReach, kMostReach);
    for (size_t i = 0; i < p.size(); i++) p[i] += change[i];
  }
  circle->x = p[0];
  circle->y = p[1];
  circle->radius = p[2];
  return true;
}

bool Through(const std::vector<EdgePoint>& points, const std::vector<EdgePoint>& inner, Circle* circle, double* scatter) {
  return ConcentricThrough(points, inner, circle, scatter) || CircleThrough(points, circle);
}

// What cuts the light off is a circle too. Where both meet at a small angle the edge leaves the outer one so slowly that no
// distance tells its points apart: both are fitted together, each to the points where it is the nearer one by so much that
// seeing does not mix them. False where too little is cut off for a second one.
bool FitBoth(const std::vector<EdgePoint>& inner, std::vector<EdgePoint>* points, Circle* outer) {
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
  double scatter = 0.0;
  std::vector<EdgePoint> of_cut = *points;
  for (int32_t round = 0; round < 25; round++) {
    for (size_t i = 0; i < points->size(); i++) {
      EdgePoint& p = (*points)[i];
      const double dx = p.x - fitted.x, dy = p.y - fitted.y, r = std::hypot(dx, dy);
      const double at_cut = EdgeFrom(fitted.x, fitted.y, dx / r, dy / r, cut);
      p.weight = !(at_cut < fitted.radius + kApart) && std::fabs(r - fitted.radius) < kOff ? 1.0 : 0.0;
      of_cut[i].weight = at_cut < fitted.radius - kApart && std::fabs(r - at_cut) < kOff ? 1.0 : 0.0;
    }
    if (!Through(*points, inner, &fitted, &scatter) || !Possible(fitted) || !CircleThrough(of_cut, &cut) || !plausible()) return false;
  }
  // Less than a third of the outer edge: the second circle has taken what is the first one's.
  if (3 * std::count_if(points->begin(), points->end(), [](const EdgePoint& p) { return p.weight > 0.0; }) < static_cast<std::ptrdiff_t>(points->size())) return false;
  *outer = fitted;
  return true;
}

}  // namespace

Circle FitCircle(std::vector<EdgePoint> points, const std::vector<EdgePoint>& inner) {
  Circle best{0.0, 0.0, 0.0, 0.0, 0, false};
  const auto n = static_cast<int32_t>(points.size());
  if (n < 12) return best;
  float most = 0.0f;
  const Places outer(points), shadow(inner);
  // Every third of the circle against every other: far apart points make a steady circle.
  for (int32_t i = 0; i < n; i += 3) {
    for (int32_t j = i + n / 6; j < n; j += 4) {
      for (int32_t k = j + n / 6; k < std::min(n, i + n - n / 6); k += 4) {
        Circle circle{};
        if (!CircleOf(points[static_cast<size_t>(i)], points[static_cast<size_t>(j)], points[static_cast<size_t>(k)], &circle) || !Possible(circle)) continue;
        const float agreement = Agreement(circle, outer, shadow);
        if (agreement <= most) continue;
        most = agreement;
        best = circle;
      }
    }
  }
  if (most < 8.0f) return best;
  double scatter = 0.0;
  // Points inside are dropped sooner than those outside: the circle leaves the vignetted part behind.
  for (int32_t round = 0; round < 10; round++) {
    const double inside = std::clamp(2.0 * scatter, round < 2 ? 1.5 : 0.8, 3.0), outside = std::clamp(3.0 * scatter, 2.0, 4.0);
    for (EdgePoint& p : points) {
      const double off = Off(best, p);
      p.weight = off > -inside && off < outside ? 1.0 : 0.0;
    }
    if (!Through(points, inner, &best, &scatter) || !Possible(best)) return best;
  }
  std::vector<EdgePoint> both = points;
  if (FitBoth(inner, &both, &best)) points = std::move(both);
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
