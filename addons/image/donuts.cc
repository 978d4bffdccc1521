// SPDX-License-Identifier: Apache-2.0
#include "addons/image/donuts.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "addons/image/donut_circle.h"
#include "addons/image/parallel.h"

namespace summit::image {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int32_t kCell = 8;  // px: the frame in cells for the search
constexpr double kLeastSigma = 9.0;
constexpr int32_t kAngles = 72;
constexpr double kLeastAgreement = 0.3;                     // of the directions that lie on the CCD

// The frame in cells of 8 x 8 px, electron per px above the sky.
struct Cells {
  int32_t cols = 0, rows = 0;
  std::vector<float> value{};
  double noise = 0.0;

  float At(int32_t x, int32_t y) const { return value[static_cast<size_t>(y) * static_cast<size_t>(cols) + static_cast<size_t>(x)]; }
};

Cells MakeCells(const SkyMap& map) {
  Cells cells;
  constexpr int32_t kSide = kCell / kBin;
  cells.cols = map.bin_cols / kSide;
  cells.rows = map.bin_rows / kSide;
  cells.value.resize(static_cast<size_t>(cells.cols) * static_cast<size_t>(cells.rows));
  for (int32_t y = 0; y < cells.rows; y++) {
    for (int32_t x = 0; x < cells.cols; x++) {
      float sum = 0.0f;
      for (int32_t j = 0; j < kSide; j++) {
        for (int32_t i = 0; i < kSide; i++) sum += map.Bin(x * kSide + i, y * kSide + j);
      }
      cells.value[static_cast<size_t>(y) * static_cast<size_t>(cells.cols) + static_cast<size_t>(x)] = sum / static_cast<float>(kSide * kSide);
    }
  }
  cells.noise = map.bin_noise / kSide;
  return cells;
}

// A ring that sums to nothing with its shadow and what lies outside: flat light does not answer, a ring does.
struct Template {
  static constexpr int32_t kReach = 12;
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

struct Candidate {
  double x, y, answer;
};

std::vector<Candidate> Search(const Cells& cells, int32_t threads) {
  const Template ring;
  std::vector<float> answer(cells.value.size(), 0.0f);
  const auto at = [&](int32_t x, int32_t y) { return static_cast<size_t>(y) * static_cast<size_t>(cells.cols) + static_cast<size_t>(x); };
  ForEachPart(threads, cells.rows, [&](int32_t y) {
    float* to = answer.data() + at(0, y);
    for (const Template::Tap& tap : ring.taps) {
      const int32_t yy = y + tap.dy;
      if (yy < 0 || yy >= cells.rows) continue;
      const int32_t first = std::max(0, -tap.dx), last = std::min(cells.cols, cells.cols - tap.dx);
      const float* from = cells.value.data() + at(0, yy) + tap.dx;
      for (int32_t x = first; x < last; x++) to[x] += tap.weight * from[x];
    }
  });
  const auto limit = static_cast<float>(kLeastSigma * cells.noise * std::sqrt(ring.norm));
  constexpr int32_t kApart = 4;  // cells
  std::vector<Candidate> found;
  for (int32_t y = 0; y < cells.rows; y++) {
    for (int32_t x = 0; x < cells.cols; x++) {
      const float value = answer[at(x, y)];
      if (!(value > limit)) continue;
      bool highest = true;
      for (int32_t j = std::max(0, y - kApart); j <= std::min(cells.rows - 1, y + kApart) && highest; j++) {
        for (int32_t i = std::max(0, x - kApart); i <= std::min(cells.cols - 1, x + kApart) && highest; i++) highest = answer[at(i, j)] <= value;
      }
      if (highest) found.push_back({x * kCell + 0.5 * (kCell - 1), y * kCell + 0.5 * (kCell - 1), static_cast<double>(value)});
    }
  }
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) { return a.answer > b.answer; });
  return found;
}

// Mean light along a ray from a middle, a sample each px, over a wedge of 5 degrees.
using Ray = std::array<float, 128>;

void ReadRay(const SkyMap& map, double x, double y, double angle, Ray* ray) {
  for (size_t r = 0; r < ray->size(); r++) {
    double sum = 0.0;
    int32_t n = 0;
    for (const double across : {-0.6, -0.2, 0.2, 0.6}) {
      const double a = angle + across * 2.0 * kPi / kAngles, radius = static_cast<double>(r);
      const auto px = static_cast<int32_t>(std::lround(x + radius * std::cos(a))), py = static_cast<int32_t>(std::lround(y + radius * std::sin(a)));
      if (px < 0 || py < 0 || px >= map.cols || py >= map.rows || (map.State(px, py) & (kBadPixel | kRayPixel)) != 0) continue;
      sum += static_cast<double>(map.Pixel(px, py)) - map.SkyAt(px, py);
      n++;
    }
    (*ray)[r] = n == 0 ? std::nanf("") : static_cast<float>(sum / n);
  }
}

// Middle of three medians against rays and holes: a running mean over 5 px without what is no number.
Ray Smoothed(const Ray& ray) {
  Ray out{};
  const auto n = static_cast<int32_t>(ray.size());
  for (int32_t r = 0; r < n; r++) {
    float sum = 0.0f;
    int32_t count = 0;
    for (int32_t k = std::max(0, r - 2); k <= std::min(n - 1, r + 2); k++) {
      if (std::isnan(ray[static_cast<size_t>(k)])) continue;
      sum += ray[static_cast<size_t>(k)];
      count++;
    }
    out[static_cast<size_t>(r)] = count == 0 ? 0.0f : sum / static_cast<float>(count);
  }
  return out;
}

float MedianOf(std::vector<float> values) {
  if (values.empty()) return 0.0f;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The place of a ray's edge: where it passes half of the ring's level, then the middle of its slope there, which does not
// care how even the ring is. `step` +1: light ends; -1: the shadow begins. NaN: there is none.
double PlaceOfEdge(const Ray& ray, double half, int32_t from, int32_t to, int32_t step) {
  constexpr int32_t kSlope = 7;
  for (int32_t r = from; r != to; r -= step) {
    const auto at = static_cast<size_t>(r);
    const double out = static_cast<double>(ray[at]), in = static_cast<double>(ray[static_cast<size_t>(r - step)]);
    if (!(in >= half && out < half)) continue;
    double sum = 0.0, weighted = 0.0;
    for (int32_t k = std::max(1, r - kSlope); k <= std::min(static_cast<int32_t>(ray.size()) - 2, r + kSlope); k++) {
      const double fall = std::max(0.0, 0.5 * step * static_cast<double>(ray[static_cast<size_t>(k - 1)] - ray[static_cast<size_t>(k + 1)]));
      sum += fall * fall;
      weighted += fall * fall * k;
    }
    return sum > 0.0 ? weighted / sum : std::nan("");
  }
  return std::nan("");
}

struct Edges {
  std::vector<EdgePoint> outer{}, inner{};
  int32_t on_ccd = 0;  // directions whose outer edge would lie on the CCD
};

Edges EdgesOf(const SkyMap& map, double x, double y, double radius, double level) {
  Edges edges;
  for (int32_t k = 0; k < kAngles; k++) {
    const double angle = 2.0 * kPi * k / kAngles, c = std::cos(angle), s = std::sin(angle);
    const double far_x = x + 1.1 * radius * c, far_y = y + 1.1 * radius * s;
    const bool whole = far_x > 1.0 && far_y > 1.0 && far_x < map.cols - 2.0 && far_y < map.rows - 2.0;
    edges.on_ccd += whole ? 1 : 0;
    Ray raw{};
    ReadRay(map, x, y, angle, &raw);
    const Ray ray = Smoothed(raw);
    // The level of this direction's own ring, where there is one: light falls off towards a vignetted part.
    std::vector<float> own;
    for (auto r = static_cast<size_t>(0.74 * radius); r < static_cast<size_t>(0.92 * radius); r++) own.push_back(ray[r]);
    const double half = 0.5 * std::clamp(static_cast<double>(MedianOf(own)), 0.6 * level, 1.6 * level);
    const double outer = PlaceOfEdge(ray, half, static_cast<int32_t>(std::min(1.22 * radius, 124.0)), static_cast<int32_t>(0.7 * radius), 1);
    const double inner = PlaceOfEdge(ray, half, static_cast<int32_t>(0.35 * radius), static_cast<int32_t>(0.85 * radius), -1);
    if (whole && !std::isnan(outer)) edges.outer.push_back({x + outer * c, y + outer * s, 1.0});
    if (!std::isnan(inner)) edges.inner.push_back({x + inner * c, y + inner * s, 1.0});
  }
  return edges;
}

// Level of the ring: the upper quartile, so that vignetted parts do not count.
double RingLevel(const SkyMap& map, double x, double y, double radius) {
  std::vector<float> values;
  for (int32_t k = 0; k < kAngles; k++) {
    for (double share = 0.68; share < 0.95; share += 0.03) {
      const double a = 2.0 * kPi * k / kAngles;
      const auto bx = static_cast<int32_t>((x + share * radius * std::cos(a)) / kBin), by = static_cast<int32_t>((y + share * radius * std::sin(a)) / kBin);
      if (bx >= 0 && by >= 0 && bx < map.bin_cols && by < map.bin_rows) values.push_back(map.Bin(bx, by));
    }
  }
  if (values.empty()) return 0.0;
  const auto upper = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 7 / 10);
  std::nth_element(values.begin(), upper, values.end());
  return static_cast<double>(*upper);
}

// Light where a donut that stands alone has none: around it, and in its shadow.
bool HasForeignLight(const SkyMap& map, const Donut& donut, double level) {
  int32_t foreign = 0;
  const double limit = std::max(0.06 * level, 4.0 * map.bin_noise / 3.0);
  for (int32_t k = 0; k < 24; k++) {
    const double a = 2.0 * kPi * k / 24.0;
    for (const auto& [from, to] : {std::pair(1.10, 1.40)}) {
      double sum = 0.0;
      int32_t n = 0;
      for (double share = from; share < to; share += 0.03) {
        const auto bx = static_cast<int32_t>((donut.x + share * donut.radius * std::cos(a)) / kBin), by = static_cast<int32_t>((donut.y + share * donut.radius * std::sin(a)) / kBin);
        if (bx < 0 || by < 0 || bx >= map.bin_cols || by >= map.bin_rows) continue;
        sum += static_cast<double>(map.Bin(bx, by));
        n++;
      }
      foreign += n > 4 && sum / n > limit ? 1 : 0;
    }
  }
  std::vector<float> shadow;
  for (double r = 0.0; r < 0.4 * donut.radius; r += 3.0) {
    for (int32_t k = 0; k < 12; k++) {
      const auto bx = static_cast<int32_t>((donut.x + r * std::cos(kPi * k / 6.0)) / kBin), by = static_cast<int32_t>((donut.y + r * std::sin(kPi * k / 6.0)) / kBin);
      if (bx >= 0 && by >= 0 && bx < map.bin_cols && by < map.bin_rows) shadow.push_back(map.Bin(bx, by));
    }
  }
  return foreign >= 3 || static_cast<double>(MedianOf(shadow)) > std::max(0.25 * level, 4.0 * map.bin_noise / 3.0);
}

void MeasureLight(const SkyMap& map, double level, Donut* donut) {
  double flux = 0.0, sx = 0.0, sy = 0.0, variance = 0.0, signal = 0.0;
  int32_t lit_pixels = 0;
  const double reach = 1.08 * donut->radius, ring = kPi * donut->radius * donut->radius * (1.0 - kDonutShadow * kDonutShadow);
  for (auto y = static_cast<int32_t>(donut->y - reach); y <= static_cast<int32_t>(donut->y + reach) + 1; y++) {
    for (auto x = static_cast<int32_t>(donut->x - reach); x <= static_cast<int32_t>(donut->x + reach) + 1; x++) {
      const double r = std::hypot(x - donut->x, y - donut->y);
      if (r > reach) continue;
      if (x < 0 || y < 0 || x >= map.cols || y >= map.rows) continue;
      const uint8_t state = map.State(x, y);
      donut->n_bad += (state & kBadPixel) != 0 ? 1 : 0;
      donut->n_sat += (state & kFullPixel) != 0 ? 1 : 0;
      const float bin = map.Bin(std::min(x / kBin, map.bin_cols - 1), std::min(y / kBin, map.bin_rows - 1));
      const bool hidden = (state & (kBadPixel | kRayPixel)) != 0;
      // A pixel that cannot be believed takes what its surroundings have.
      const double above = hidden ? static_cast<double>(bin) : static_cast<double>(map.Pixel(x, y)) - map.SkyAt(x, y);
      flux += above;
      sx += above * x;
      sy += above * y;
      const bool lit = static_cast<double>(bin) > 0.35 * level;
      if (lit) {
        signal += above;
        variance += map.Variance(static_cast<double>(map.level) + above);
      }
      // Blurring moves no place where the light has half of its level.
      lit_pixels += static_cast<double>(bin) > 0.5 * level ? 1 : 0;
    }
  }
  donut->flux = flux;
  donut->x_com = sx / flux;
  donut->y_com = sy / flux;
  donut->snr = variance > 0.0 ? signal / std::sqrt(variance) : 0.0;
  donut->vignetted_fraction = std::clamp(1.0 - lit_pixels / ring, 0.0, 1.0);
}

// False for what is no donut.
bool Measure(const SkyMap& map, const Candidate& candidate, Donut* donut) {
  double x = candidate.x, y = candidate.y, radius = kDonutRadius;
  Circle circle{};
  for (int32_t pass = 0; pass < 2; pass++) {
    const double level = RingLevel(map, x, y, radius);
    const Edges edges = EdgesOf(map, x, y, radius, level);
    circle = FitCircle(edges.outer, edges.inner);
    if (!circle.good || circle.n < kLeastAgreement * edges.on_ccd || std::hypot(circle.x - candidate.x, circle.y - candidate.y) > 0.5 * kDonutRadius) return false;
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
  const std::vector<Candidate> candidates = Search(MakeCells(map), threads);
  std::vector<Donut> all(candidates.size());
  std::vector<uint8_t> good(candidates.size(), 0);
  ForEachPart(threads, static_cast<int32_t>(candidates.size()), [&](int32_t i) {
    const auto at = static_cast<size_t>(i);
    good[at] = Measure(map, candidates[at], &all[at]) ? 1 : 0;
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
