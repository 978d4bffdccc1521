// SPDX-License-Identifier: Apache-2.0
#include "addons/image/donut_light.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "addons/image/donut_edges.h"
#include "addons/image/middle.h"

namespace summit::image {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kBeyond = 1.12;    // radii: where a donut has no light any more
constexpr double kFade = 3.5;       // px: seeing beyond the outer edge
constexpr double kSurround = 2.2;   // radii: as far as the sky about a donut is taken from
constexpr double kLit = 0.5;        // of the ring's level: blurring moves no place where the light has half of it
constexpr double kPerhaps = 0.25;   // of the ring's level: with what lies beside it all of the light

// Bins along a direction from a donut's middle, in shares of its radius.
template <typename Take>
void BinsAlong(const SkyMap& map, double x, double y, double radius, const Direction& d, double from, double to, double step, const Take& take) {
  for (double share = from; share < to; share += step) {
    const auto bx = static_cast<int32_t>((x + share * radius * d.c) / kBin), by = static_cast<int32_t>((y + share * radius * d.s) / kBin);
    if (bx >= 0 && by >= 0 && bx < map.bin_cols && by < map.bin_rows) take(bx, by);
  }
}

double MiddleOfBin(int32_t bin) { return bin * kBin + 0.5 * (kBin - 1); }

size_t IndexOfBin(const SkyMap& map, int32_t bx, int32_t by) { return static_cast<size_t>(by) * static_cast<size_t>(map.bin_cols) + static_cast<size_t>(bx); }

// Bins of the square about a place.
template <typename Take>
void BinsAbout(const SkyMap& map, double x, double y, double reach, const Take& take) {
  const auto first = std::max(0, static_cast<int32_t>((y - reach) / kBin)), last = std::min(map.bin_rows - 1, static_cast<int32_t>((y + reach) / kBin));
  const auto left = std::max(0, static_cast<int32_t>((x - reach) / kBin)), right = std::min(map.bin_cols - 1, static_cast<int32_t>((x + reach) / kBin));
  for (int32_t by = first; by <= last; by++) {
    for (int32_t bx = left; bx <= right; bx++) take(bx, by);
  }
}

// Of a bin without a pixel that can be believed (the map has 0 there) what those beside it in its row have.
double LightOfBin(const SkyMap& map, int32_t bx, int32_t by) {
  constexpr int32_t kMostGap = 8;
  const float own = map.Bin(bx, by);
  if (own != 0.0f) return static_cast<double>(own);
  double sum = 0.0;
  int32_t n = 0;
  for (const int32_t step : {-1, 1}) {
    for (int32_t k = 1; k <= kMostGap; k++) {
      const int32_t at = bx + k * step;
      if (at < 0 || at >= map.bin_cols) break;
      const float value = map.Bin(at, by);
      if (value == 0.0f) continue;
      sum += static_cast<double>(value);
      n++;
      break;
    }
  }
  return n == 0 ? 0.0 : sum / n;
}

bool InAnother(const std::vector<Donut>& all, size_t i, int32_t bx, int32_t by) {
  for (size_t k = 0; k < all.size(); k++) {
    if (k == i) continue;
    const double dx = MiddleOfBin(bx) - all[k].x, dy = MiddleOfBin(by) - all[k].y, reach = kBeyond * all[k].radius;
    if (dx * dx + dy * dy < reach * reach) return true;
  }
  return false;
}

// Light where a donut that stands alone has none, and none of the others that were found: around it, and in its shadow.
bool HasForeignLight(const SkyMap& map, const std::vector<Donut>& all, size_t i, double level) {
  const Donut& donut = all[i];
  constexpr int32_t kLeastForeign = 6;
  int32_t foreign = 0;
  const double limit = std::max(0.06 * level, 4.0 * map.bin_noise / 3.0);
  // Of a near one little is seen there but parts of its ring: its shadow is dark too.
  for (size_t degrees = 0; degrees < 360; degrees += 5) {
    double sum = 0.0;
    int32_t n = 0;
    BinsAlong(map, donut.x, donut.y, donut.radius, Directions()[degrees], 1.10, 1.45, 0.03, [&](int32_t bx, int32_t by) {
      if (InAnother(all, i, bx, by)) return;
      sum += static_cast<double>(map.Bin(bx, by));
      n++;
    });
    foreign += n > 4 && sum / n > limit ? 1 : 0;
  }
  std::vector<float> shadow;
  for (size_t degrees = 0; degrees < 360; degrees += 30) BinsAlong(map, donut.x, donut.y, donut.radius, Directions()[degrees], 0.0, 0.4, 3.0 / donut.radius, [&](int32_t bx, int32_t by) { shadow.push_back(map.Bin(bx, by)); });
  return foreign >= kLeastForeign || static_cast<double>(MiddleOf(std::span(shadow))) > std::max(0.25 * level, 4.0 * map.bin_noise / 3.0);
}

// What the map's sky lacks about a donut, amplifier by amplifier: each has its own rest of overscan.
class SkyAbout {
 public:
  SkyAbout(const SkyMap& map, const DonutField& field, const Donut& donut) : stripes_(field.stripes) {
    std::array<std::vector<float>, kMostAmps> dark;
    const auto limit = static_cast<float>(4.0 * map.bin_noise);
    BinsAbout(map, donut.x, donut.y, kSurround * donut.radius, [&](int32_t bx, int32_t by) {
      const float value = map.Bin(bx, by);
      if (value <= limit && field.lit[IndexOfBin(map, bx, by)] == 0) dark[AmpAt(bx * kBin)].push_back(value - static_cast<float>(stripes_.At(bx, by)));
    });
    std::vector<float> every;
    for (const std::vector<float>& values : dark) every.insert(every.end(), values.begin(), values.end());
    const double all_of_it = ClippedMean(every, map.bin_noise, 0.0);
    for (size_t amp = 0; amp < dark.size(); amp++) level_[amp] = ClippedMean(dark[amp], map.bin_noise, all_of_it);
  }

  double At(int32_t bx, int32_t by) const { return level_[AmpAt(bx * kBin)] + stripes_.At(bx, by); }

 private:
  static constexpr size_t kMostAmps = 8;  // side by side
  static size_t AmpAt(int32_t x) { return std::min(kMostAmps - 1, static_cast<size_t>(x / kDataCols)); }

  // Of bins; `otherwise` where there are too few.
  static double ClippedMean(std::vector<float> values, double noise, double otherwise) {
    constexpr size_t kLeast = 100;
    if (values.size() < kLeast) return otherwise;
    const auto middle = static_cast<double>(MiddleOf(std::span(values)));
    double sum = 0.0;
    int32_t n = 0;
    for (const float value : values) {
      if (std::fabs(static_cast<double>(value) - middle) > 3.0 * noise) continue;
      sum += static_cast<double>(value);
      n++;
    }
    return n == 0 ? middle : sum / n;
  }

  const Stripes& stripes_;
  std::array<double, kMostAmps> level_{};
};

// Which bins are lit, in a square about a donut.
class LitBins {
 public:
  LitBins(const SkyMap& map, const DonutField& field, size_t self, const SkyAbout& sky, double level) : reach_(field.all[self].radius + kFade + kBin) {
    const Donut& donut = field.all[self];
    x0_ = static_cast<int32_t>(std::floor((donut.x - reach_) / kBin));
    y0_ = static_cast<int32_t>(std::floor((donut.y - reach_) / kBin));
    side_ = static_cast<int32_t>(2.0 * reach_ / kBin) + 3;
    perhaps_.assign(static_cast<size_t>(side_) * static_cast<size_t>(side_), 0);
    lit_ = inside_ = perhaps_;
    for (int32_t j = 0; j < side_; j++) {
      for (int32_t i = 0; i < side_; i++) {
        const int32_t bx = x0_ + i, by = y0_ + j;
        if (bx < 0 || by < 0 || bx >= map.bin_cols || by >= map.bin_rows) continue;
        if (IsAnothers(field, self, bx, by)) continue;
        const double light = LightOfBin(map, bx, by) - sky.At(bx, by);
        lit_[At(i, j)] = light > kLit * level ? 1 : 0;
        if (light <= kPerhaps * level) continue;
        // What lies beside a lit bin has some of its light.
        for (int32_t v = std::max(0, j - 1); v <= std::min(side_ - 1, j + 1); v++) {
          for (int32_t u = std::max(0, i - 1); u <= std::min(side_ - 1, i + 1); u++) perhaps_[At(u, v)] = 1;
        }
      }
    }
    for (size_t i = 0; i < lit_.size(); i++) inside_[i] = Near(lit_, i) == 9 ? 1 : 0;
  }

  bool Perhaps(int32_t bx, int32_t by) const { return Of(perhaps_, bx, by); }
  bool Lit(int32_t bx, int32_t by) const { return Of(lit_, bx, by); }
  bool Inside(int32_t bx, int32_t by) const { return Of(inside_, bx, by); }

 private:
  size_t At(int32_t i, int32_t j) const { return static_cast<size_t>(j) * static_cast<size_t>(side_) + static_cast<size_t>(i); }
  bool Of(const std::vector<uint8_t>& bins, int32_t bx, int32_t by) const {
    const int32_t i = bx - x0_, j = by - y0_;
    return i >= 0 && j >= 0 && i < side_ && j < side_ && bins[At(i, j)] != 0;
  }

  // How many of a bin and the eight around it are marked.
  int32_t Near(const std::vector<uint8_t>& bins, size_t at) const {
    const auto i = static_cast<int32_t>(at % static_cast<size_t>(side_)), j = static_cast<int32_t>(at / static_cast<size_t>(side_));
    int32_t n = 0;
    for (int32_t v = std::max(0, j - 1); v <= std::min(side_ - 1, j + 1); v++) {
      for (int32_t u = std::max(0, i - 1); u <= std::min(side_ - 1, i + 1); u++) n += bins[At(u, v)];
    }
    return n;
  }

  // At the outer edge and beyond, and inside that of one beside it.
  static bool IsAnothers(const DonutField& field, size_t self, int32_t bx, int32_t by) {
    const double x = MiddleOfBin(bx), y = MiddleOfBin(by);
    const auto share = [&](const Donut& one) { return std::hypot(x - one.x, y - one.y) / one.radius; };
    const double own = share(field.all[self]);
    if (own < 0.97) return false;
    for (size_t k = 0; k < field.all.size(); k++) {
      if (k != self && share(field.all[k]) < std::max(own, 1.04)) return true;
    }
    return false;
  }

  double reach_;
  int32_t x0_ = 0, y0_ = 0, side_ = 0;
  std::vector<uint8_t> perhaps_{}, lit_{}, inside_{};  // inside: lit like all around them
};

// Sums over the inside of a donut, where an evenly lit one is the same everywhere.
class Inside {
 public:
  void Add(double x, double y, double light, double variance) {
    n_ += 1.0;
    light_ += light;
    variance_ += variance;
    x_.Add(x, light);
    y_.Add(y, light);
  }
  Unevenness Of(double flux) const {
    if (n_ < 1.0 || !(flux > 0.0)) return {};
    const double level = light_ / n_, noise = std::sqrt(variance_ / n_);
    const auto along = [&](const Moment& m) { return (m.light - level * m.sum) / flux; };
    const auto error = [&](const Moment& m) { return noise * std::sqrt(std::max(0.0, m.square - m.sum * m.sum / n_)) / flux; };
    return {along(x_), along(y_), error(x_), error(y_)};
  }

 private:
  struct Moment {
    double sum = 0.0, square = 0.0, light = 0.0;

    void Add(double at, double above) {
      sum += at;
      square += at * at;
      light += at * above;
    }
  };
  double n_ = 0.0, light_ = 0.0, variance_ = 0.0;
  Moment x_{}, y_{};
};

}  // namespace

double RingLevel(const SkyMap& map, double x, double y, double radius) {
  std::vector<float> values;
  for (size_t degrees = 0; degrees < 360; degrees += 5) BinsAlong(map, x, y, radius, Directions()[degrees], 0.68, 0.95, 0.03, [&](int32_t bx, int32_t by) { values.push_back(map.Bin(bx, by)); });
  if (values.empty()) return 0.0;
  const auto upper = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 7 / 10);
  std::nth_element(values.begin(), upper, values.end());
  return static_cast<double>(*upper);
}

namespace {

std::vector<uint8_t> BinsWithLight(const SkyMap& map, const std::vector<Donut>& all) {
  std::vector<uint8_t> lit(map.bins.size(), 0);
  for (const Donut& donut : all) {
    const double reach = kBeyond * donut.radius;
    BinsAbout(map, donut.x, donut.y, reach, [&](int32_t bx, int32_t by) {
      const double dx = MiddleOfBin(bx) - donut.x, dy = MiddleOfBin(by) - donut.y;
      if (dx * dx + dy * dy < reach * reach) lit[IndexOfBin(map, bx, by)] = 1;
    });
  }
  return lit;
}

}  // namespace

DonutField::DonutField(const SkyMap& map, const std::vector<Donut>& donuts) : all(donuts), lit(BinsWithLight(map, donuts)), stripes(map, lit) {}

bool MeasureLight(const SkyMap& map, const DonutField& field, size_t i, Donut* donut, Unevenness* uneven) {
  const double level = RingLevel(map, donut->x, donut->y, donut->radius);
  const SkyAbout sky(map, field, *donut);
  const LitBins bins(map, field, i, sky, level);
  const double reach = donut->radius + kFade, ring = kPi * donut->radius * donut->radius * (1.0 - kDonutShadow * kDonutShadow);
  double flux = 0.0, by_x = 0.0, by_y = 0.0, variance = 0.0;
  Inside inside;
  int32_t lit = 0;
  std::vector<float> below(static_cast<size_t>(2.0 * reach) + 2);
  const auto first = std::max(0, static_cast<int32_t>(std::ceil(donut->y - reach))), last = std::min(map.rows - 1, static_cast<int32_t>(std::floor(donut->y + reach)));
  for (int32_t y = first; y <= last; y++) {
    const double half = std::sqrt(std::max(0.0, reach * reach - (y - donut->y) * (y - donut->y)));
    const auto from = std::max(0, static_cast<int32_t>(std::ceil(donut->x - half))), to = std::min(map.cols - 1, static_cast<int32_t>(std::floor(donut->x + half)));
    if (from > to) continue;
    map.SkyAlong(y, from, 1.0, std::span(below).first(static_cast<size_t>(to - from + 1)));
    const int32_t by = std::min(y / kBin, map.bin_rows - 1);
    for (int32_t x = from; x <= to; x++) {
      const uint8_t state = map.State(x, y);
      donut->n_bad += (state & kBadPixel) != 0 ? 1 : 0;
      donut->n_sat += (state & kFullPixel) != 0 ? 1 : 0;
      const int32_t bx = std::min(x / kBin, map.bin_cols - 1);
      if (!bins.Perhaps(bx, by)) continue;
      // Those that cannot be believed take what their surroundings have.
      const bool hidden = (state & (kBadPixel | kRayPixel)) != 0;
      const double above = (hidden ? LightOfBin(map, bx, by) : static_cast<double>(map.Pixel(x, y) - below[static_cast<size_t>(x - from)])) - sky.At(bx, by);
      flux += above;
      by_x += above * x;
      by_y += above * y;
      if (bins.Inside(bx, by)) inside.Add(x, y, above, map.Variance(map.level + above));
      if (!bins.Lit(bx, by)) continue;
      variance += map.Variance(map.level + above);
      lit++;
    }
  }
  donut->flux = flux;
  donut->x_com = by_x / flux;
  donut->y_com = by_y / flux;
  donut->snr = variance > 0.0 ? flux / std::sqrt(variance) : 0.0;
  donut->vignetted_fraction = std::clamp(1.0 - lit / ring, 0.0, 1.0);
  *uneven = inside.Of(flux);
  donut->blended = HasForeignLight(map, field.all, i, level);
  return donut->flux > 0.0 && donut->snr > 10.0 && std::isfinite(donut->x_com);
}

}  // namespace summit::image
