// SPDX-License-Identifier: Apache-2.0
#include "addons/image/donuts.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "addons/image/donut_circle.h"
#include "addons/image/donut_edges.h"
#include "addons/image/donut_light.h"
#include "addons/image/donut_search.h"
#include "addons/image/middle.h"
#include "addons/image/parallel.h"

namespace summit::image {
namespace {

constexpr double kLeastAgreement = 0.3;  // of the directions that lie on the CCD

// Its circle, and the level of its ring for `flux`. False for what is no donut.
bool FindCircle(const SkyMap& map, const DonutPlace& place, Donut* donut) {
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
  donut->flux = RingLevel(map, x, y, radius);
  constexpr double kMargin = 5.0;
  donut->edge = x < radius + kMargin || y < radius + kMargin || x > map.cols - 1 - radius - kMargin || y > map.rows - 1 - radius - kMargin;
  return donut->flux > 0.0;
}

// Those that are known, and what shines beside them.
std::vector<Donut> AddCircles(const SkyMap& map, std::vector<Donut> circles, int32_t threads) {
  std::vector<DonutPlace> places = FindDonutPlaces(map, circles, threads);
  // What is far from all that are known answers as it did before.
  constexpr double kBeside = 2.8;  // radii
  const auto beside = [&](const DonutPlace& place) { return std::any_of(circles.begin(), circles.end(), [&](const Donut& d) { return std::hypot(d.x - place.x, d.y - place.y) < kBeside * kDonutRadius; }); };
  if (!circles.empty()) std::erase_if(places, [&](const DonutPlace& place) { return !beside(place); });
  std::vector<Donut> all(places.size());
  std::vector<uint8_t> good(places.size(), 0);
  ForEachPart(threads, static_cast<int32_t>(places.size()), [&](int32_t i) {
    const auto at = static_cast<size_t>(i);
    good[at] = FindCircle(map, places[at], &all[at]) ? 1 : 0;
  });
  for (size_t i = 0; i < all.size(); i++) {
    // Weaker answers beside a donut are its own.
    const bool twice = std::any_of(circles.begin(), circles.end(), [&](const Donut& d) {
      const double apart = std::hypot(d.x - all[i].x, d.y - all[i].y);
      return apart < 0.35 * kDonutRadius || (apart < 1.3 * kDonutRadius && all[i].flux < 0.25 * d.flux);
    });
    if (good[i] != 0 && !twice) circles.push_back(all[i]);
  }
  return circles;
}

// A middle of light is as uncertain as all of its photons make it; that of an evenly lit ring is known from its edges. How
// uneven rings are beyond noise all that stand alone tell together, and as much as that is believed of each (empirical
// Bayes): where they are lit evenly only edges are left, where they are not the light itself.
void SteadyMiddles(const std::vector<Unevenness>& uneven, const std::vector<uint8_t>& good, std::vector<Donut>* donuts) {
  double square = 0.0, weight = 0.0;
  const auto alone = [&](size_t i) {
    const Donut& one = (*donuts)[i];
    const auto overlaps = [&](const Donut& other) { return &other != &one && std::hypot(other.x - one.x, other.y - one.y) < one.radius + other.radius; };
    return good[i] != 0 && !one.blended && !one.edge && one.n_sat == 0 && std::none_of(donuts->begin(), donuts->end(), overlaps);
  };
  const auto add = [&](double value, double err) {
    if (!(err > 0.0)) return;
    square += value * value / (err * err) - 1.0;
    weight += 1.0 / (err * err);
  };
  for (size_t i = 0; i < donuts->size(); i++) {
    if (!alone(i)) continue;
    add(uneven[i].x, uneven[i].x_err);
    add(uneven[i].y, uneven[i].y_err);
  }
  const double own = weight > 0.0 ? std::max(0.0, square / weight) : 0.0;
  const auto noise = [own](double value, double err) { return err > 0.0 ? value * err * err / (err * err + own) : 0.0; };
  for (size_t i = 0; i < donuts->size(); i++) {
    Donut& donut = (*donuts)[i];
    if (!alone(i)) continue;
    donut.x_com -= noise(uneven[i].x, uneven[i].x_err);
    donut.y_com -= noise(uneven[i].y, uneven[i].y_err);
  }
}

}  // namespace

std::vector<Donut> FindDonuts(const SkyMap& map, int32_t threads) {
  std::vector<Donut> circles = AddCircles(map, {}, threads);
  // A bright one hides fainter ones beside it.
  circles = AddCircles(map, std::move(circles), threads);
  std::vector<Donut> donuts = circles;
  const DonutField field(map, circles);
  std::vector<uint8_t> good(donuts.size(), 0);
  std::vector<Unevenness> uneven(donuts.size());
  ForEachPart(threads, static_cast<int32_t>(donuts.size()), [&](int32_t i) {
    const auto at = static_cast<size_t>(i);
    good[at] = MeasureLight(map, field, at, &donuts[at], &uneven[at]) ? 1 : 0;
  });
  SteadyMiddles(uneven, good, &donuts);
  size_t at = 0;
  std::erase_if(donuts, [&](const Donut&) { return good[at++] == 0; });
  std::sort(donuts.begin(), donuts.end(), [](const Donut& a, const Donut& b) { return a.flux > b.flux; });
  for (Donut& donut : donuts) {
    double nearest = std::nan("");
    for (const Donut& other : donuts) {
      if (&other == &donut) continue;
      const double apart = std::hypot(other.x - donut.x, other.y - donut.y);
      if (!(apart >= nearest)) nearest = apart;
      if (apart < donut.radius + other.radius) donut.blended = true;
    }
    donut.sep_nearest = nearest;
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
  out.radius = static_cast<double>(MiddleOf(std::span(radii)));
  std::vector<float> off;
  for (const float radius : radii) off.push_back(std::fabs(radius - static_cast<float>(out.radius)));
  out.err = std::max(0.1, 1.4826 * 1.2533 * static_cast<double>(MiddleOf(std::span(off))) / std::sqrt(static_cast<double>(radii.size())));
  return out;
}

}  // namespace summit::image
