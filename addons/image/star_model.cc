// SPDX-License-Identifier: Apache-2.0
#include "addons/image/star_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "addons/image/least_squares.h"

namespace summit::image {
namespace {

constexpr size_t kMost = 11;
using Parameters = std::array<double, kMost>;
// x, y, peak, the shape's (a, b, c) of q = a dx^2 + 2 b dx dy + c dy^2, sky, then the second star, then beta.
enum At : size_t { kX = 0, kY = 1, kPeak = 2, kA = 3, kB = 4, kC = 5, kSky = 6, kSecond = 7 };

constexpr double kLeastBeta = 1.6, kMostBeta = 12.0, kUsualBeta = 3.2;
constexpr double kPi = 3.14159265358979323846;
// Real stars are Moffat's only so far.
constexpr double kModelError = 0.01;

struct Point {
  double x, y, value, weight;
  double streak;  // light that was taken off
};

struct Model {
  bool two = false, free_beta = false;
  double beta = kUsualBeta;

  int32_t Count() const { return 7 + (two ? 3 : 0) + (free_beta ? 1 : 0); }
  double Beta(const Parameters& p) const { return free_beta ? p[static_cast<size_t>(Count() - 1)] : beta; }

  // Light of the stars at a place, and its derivatives where they are asked for.
  double Light(const Parameters& p, double x, double y, Parameters* gradient) const {
    const double b = Beta(p);
    double light = 0.0;
    for (size_t star = 0; star < (two ? 2u : 1u); star++) {
      const size_t first = star == 0 ? size_t{kX} : size_t{kSecond};
      const double dx = x - p[first], dy = y - p[first + 1];
      const double u = 1.0 + p[kA] * dx * dx + 2.0 * p[kB] * dx * dy + p[kC] * dy * dy;
      if (!(u > 0.0)) continue;
      const double log_u = std::log(u), shape = std::exp(-b * log_u), value = p[first + 2] * shape;
      light += value;
      if (gradient == nullptr) continue;
      const double slope = -b * value / u;
      (*gradient)[first] += slope * -2.0 * (p[kA] * dx + p[kB] * dy);
      (*gradient)[first + 1] += slope * -2.0 * (p[kB] * dx + p[kC] * dy);
      (*gradient)[first + 2] += shape;
      (*gradient)[kA] += slope * dx * dx;
      (*gradient)[kB] += slope * 2.0 * dx * dy;
      (*gradient)[kC] += slope * dy * dy;
      if (free_beta) (*gradient)[static_cast<size_t>(Count() - 1)] -= value * log_u;
    }
    return light;
  }
};

double Determinant(const Parameters& p) { return p[kA] * p[kC] - p[kB] * p[kB]; }

class Fit {
 public:
  Fit(const SkyMap& map, const StarGuess& guess, int32_t radius) : map_(map) {
    const auto cx = static_cast<int32_t>(std::lround(guess.x)), cy = static_cast<int32_t>(std::lround(guess.y));
    x0_ = cx - radius;
    y0_ = cy - radius;
    side_ = 2 * radius + 1;
    for (int32_t y = std::max(0, cy - radius); y <= std::min(map.rows - 1, cy + radius); y++) {
      for (int32_t x = std::max(0, cx - radius); x <= std::min(map.cols - 1, cx + radius); x++) {
        if ((x - cx) * (x - cx) + (y - cy) * (y - cy) > radius * radius || !Usable(x, y)) continue;
        const double across = guess.streak == nullptr ? 0.0 : guess.streak->Light(x, y);
        points_.push_back({static_cast<double>(x), static_cast<double>(y), static_cast<double>(map.Pixel(x, y)) - across, 0.0, across});
      }
    }
  }

  size_t points() const { return points_.size(); }

  // In rounds: weights from the model, a fit, outliers left out. False when it does not work.
  bool Run(const Model& model, Parameters* p, Normals<kMost>* normals) {
    for (int32_t round = 0; round < 3; round++) {
      for (Point& point : points_) {
        const double star = model.Light(*p, point.x, point.y, nullptr), all = star + (*p)[kSky];
        const double variance = map_.Variance(all + point.streak) + kModelError * kModelError * star * star;
        const double off = point.value - all;
        const bool outlier = round > 0 && off * off > 36.0 * variance && std::fabs(off) > 0.06 * star;
        point.weight = outlier ? 0.0 : 1.0 / variance;
      }
      const auto sum = [&](const Parameters& at, Normals<kMost>* to) {
        for (const Point& point : points_) {
          if (point.weight <= 0.0) continue;
          Parameters gradient{};
          const double light = model.Light(at, point.x, point.y, &gradient);
          gradient[kSky] = 1.0;
          to->Add(point.value - light - at[kSky], point.weight, gradient, model.Count());
        }
      };
      const auto allowed = [&](const Parameters& at) {
        const double beta = model.Beta(at);
        return Determinant(at) > 0.0 && at[kA] > 1e-5 && at[kA] < 1.0 && at[kC] < 1.0 && beta > kLeastBeta && beta < kMostBeta && at[kPeak] > 0.0 && (!model.two || at[kSecond + 2] > 0.0);
      };
      if (!FitLeastSquares<kMost>(sum, allowed, model.Count(), 25, p, normals)) return false;
    }
    return true;
  }

  // The place of the largest leftover, summed over 5 x 5 px, in sigma; at least `apart` px from the star.
  double LargestLeftover(const Model& model, const Parameters& p, double apart, double* x, double* y) const {
    std::vector<double> off(static_cast<size_t>(side_) * static_cast<size_t>(side_)), variance(off.size());
    for (const Point& point : points_) {
      const double star = model.Light(p, point.x, point.y, nullptr), all = star + p[kSky];
      const size_t at = static_cast<size_t>(point.y - y0_) * static_cast<size_t>(side_) + static_cast<size_t>(point.x - x0_);
      off[at] = point.value - all;
      variance[at] = map_.Variance(all + point.streak) + 4.0 * kModelError * kModelError * star * star;
    }
    double best = 0.0;
    for (int32_t j = 2; j < side_ - 2; j++) {
      for (int32_t i = 2; i < side_ - 2; i++) {
        if (std::hypot(i + x0_ - p[kX], j + y0_ - p[kY]) < apart) continue;
        double sum = 0.0, square = 0.0;
        for (int32_t dy = -2; dy <= 2; dy++) {
          for (int32_t dx = -2; dx <= 2; dx++) {
            const size_t at = static_cast<size_t>(j + dy) * static_cast<size_t>(side_) + static_cast<size_t>(i + dx);
            sum += off[at];
            square += variance[at];
          }
        }
        const double sigma = square > 0.0 ? sum / std::sqrt(square) : 0.0;
        if (sigma <= best) continue;
        best = sigma;
        *x = i + x0_;
        *y = j + y0_;
      }
    }
    return best;
  }

  double Leftover(double x, double y, const Model& model, const Parameters& p) const {
    double sum = 0.0;
    int32_t n = 0;
    for (const Point& point : points_) {
      if (std::fabs(point.x - x) > 1.5 || std::fabs(point.y - y) > 1.5) continue;
      sum += point.value - model.Light(p, point.x, point.y, nullptr) - p[kSky];
      n++;
    }
    return n == 0 ? 0.0 : sum / n;
  }

 private:
  // Charge runs from saturated pixels into those beside them.
  bool Usable(int32_t x, int32_t y) const {
    if (map_.State(x, y) != kGoodPixel) return false;
    for (int32_t j = std::max(0, y - 1); j <= std::min(map_.rows - 1, y + 1); j++) {
      for (int32_t i = std::max(0, x - 1); i <= std::min(map_.cols - 1, x + 1); i++) {
        if ((map_.State(i, j) & kFullPixel) != 0) return false;
      }
    }
    return true;
  }

  const SkyMap& map_;
  int32_t x0_ = 0, y0_ = 0, side_ = 0;
  std::vector<Point> points_{};
};

double FluxOf(double peak, double beta, const Parameters& p) { return peak * kPi / ((beta - 1.0) * std::sqrt(Determinant(p))); }

struct Best {
  Model model{};
  Parameters p{};
  Normals<kMost> normals{};
};

// A second star beside the first, begun at a place. True when the pixels ask for it.
bool TrySecond(Fit* fit, const Best& one, double x, double y, double share, Best* two) {
  two->model = one.model;
  two->model.two = true;
  const Parameters& p = one.p;
  two->p = p;
  two->p[kSecond] = x;
  two->p[kSecond + 1] = y;
  two->p[kSecond + 2] = std::max(share * p[kPeak], 1.0);
  if (one.model.free_beta) two->p[kSecond + 3] = p[kSecond];
  if (!fit->Run(two->model, &two->p, &two->normals)) return false;
  return two->normals.points > static_cast<int64_t>(kMost);
}

double ChiPerPoint(const Best& best) { return best.normals.chi2 / static_cast<double>(std::max<int64_t>(1, best.normals.points - best.model.Count())); }

// Two stars instead of one, where that leaves less over: beside the largest leftover, or on both sides of the middle
// of an elongated image.
void Split(Fit* fit, double fwhm, Best* best) {
  const Best one = *best;
  const Parameters& p = one.p;
  const double sum = p[kA] + p[kC], gap = std::hypot(p[kA] - p[kC], 2.0 * p[kB]), longer = std::sqrt((sum + gap) / std::max(1e-12, sum - gap));
  const double angle = 0.5 * std::atan2(-2.0 * p[kB], -(p[kA] - p[kC]));
  std::vector<std::array<double, 3>> starts;
  double x = 0.0, y = 0.0;
  if (fit->LargestLeftover(one.model, p, 0.4 * fwhm, &x, &y) > 8.0) starts.push_back({x, y, std::max(0.01, fit->Leftover(x, y, one.model, p) / p[kPeak])});
  if (longer > 1.08) {
    for (const double side : {0.5, -0.5}) starts.push_back({p[kX] + side * fwhm * std::cos(angle), p[kY] + side * fwhm * std::sin(angle), 0.4});
  }
  for (const auto& [sx, sy, share] : starts) {
    Best two;
    if (!TrySecond(fit, one, sx, sy, share, &two)) continue;
    const double apart = std::hypot(two.p[kSecond] - two.p[kX], two.p[kSecond + 1] - two.p[kY]);
    const double ratio = std::min(two.p[kSecond + 2], two.p[kPeak]) / std::max(two.p[kSecond + 2], two.p[kPeak]);
    const bool better = ChiPerPoint(two) < 0.93 * ChiPerPoint(*best) && one.normals.chi2 - two.normals.chi2 > 60.0;
    if (better && apart > 0.3 * fwhm && ratio > 0.004) *best = two;
  }
  if (best->model.two && best->p[kSecond + 2] > best->p[kPeak]) {
    for (size_t i = 0; i < 3; i++) std::swap(best->p[i], best->p[kSecond + i]);
    // Errors follow the places, so the sums are taken anew.
    fit->Run(best->model, &best->p, &best->normals);
  }
}

Star Told(const SkyMap& map, const StarGuess& guess, int32_t radius, const Best& best) {
  const Parameters& p = best.p;
  const Model& model = best.model;
  const int32_t n = model.Count();
  const double beta = model.Beta(p), det = Determinant(p), k = std::exp2(1.0 / beta) - 1.0;
  const double scale = std::max(1.0, ChiPerPoint(best));
  const auto error = [&](int32_t i) { return std::sqrt(scale * Covariance(best.normals, n, i, i)); };
  Star star;
  star.x = p[kX];
  star.y = p[kY];
  star.x_err = error(kX);
  star.y_err = error(kY);
  star.beta = beta;
  star.peak = p[kPeak];
  star.sky = p[kSky];
  star.chi2 = ChiPerPoint(best);
  star.fwhm = 2.0 * std::sqrt(k) / std::pow(det, 0.25);
  star.fwhm_x = 2.0 * std::sqrt(k / p[kA]);
  star.fwhm_y = 2.0 * std::sqrt(k / p[kC]);
  star.fwhm_err = star.fwhm * 0.25 * std::hypot(error(kA) / p[kA], error(kC) / p[kC]);
  star.flux = FluxOf(p[kPeak], beta, p);
  star.flux_err = star.flux * std::hypot(error(kPeak) / p[kPeak], kModelError * 0.5);
  star.e1 = (p[kC] - p[kA]) / (p[kC] + p[kA]);
  star.e2 = -2.0 * p[kB] / (p[kC] + p[kA]);
  star.snr = star.flux / std::sqrt(map.Variance(0.0) * 4.0 * kPi * star.fwhm * star.fwhm / 5.5 + star.flux);
  star.blend = model.two;
  if (model.two) {
    star.second_x = p[kSecond];
    star.second_y = p[kSecond + 1];
    star.second_flux = FluxOf(p[kSecond + 2], beta, p);
  }
  const auto reach = static_cast<int32_t>(std::min<double>(radius, 1.5 * star.fwhm));
  star.edge = star.x < reach || star.y < reach || star.x > map.cols - 1 - reach || star.y > map.rows - 1 - reach;
  for (int32_t y = std::max(0, static_cast<int32_t>(star.y) - radius); y <= std::min(map.rows - 1, static_cast<int32_t>(star.y) + radius); y++) {
    for (int32_t x = std::max(0, static_cast<int32_t>(star.x) - radius); x <= std::min(map.cols - 1, static_cast<int32_t>(star.x) + radius); x++) {
      if (std::hypot(x - star.x, y - star.y) < 1.5 * star.fwhm) star.n_full += (map.State(x, y) & kFullPixel) != 0 ? 1 : 0;
    }
  }
  star.found = std::isfinite(star.x_err + star.y_err) && star.fwhm > 1.5 && star.fwhm < 6.0 * guess.fwhm && std::hypot(star.x - guess.x, star.y - guess.y) < radius;
  return star;
}

}  // namespace

Star FitStar(const SkyMap& map, const StarGuess& guess) {
  const int32_t radius = guess.radius > 0 ? guess.radius : static_cast<int32_t>(std::clamp(3.0 * guess.fwhm, 8.0, 70.0));
  Fit fit(map, guess, radius);
  if (fit.points() < 40) return {};
  const double beta = guess.beta > 0.0 ? guess.beta : kUsualBeta;
  const double k = std::exp2(1.0 / beta) - 1.0, a = 4.0 * k / (guess.fwhm * guess.fwhm);
  Best best;
  best.model.beta = beta;
  const double sky = map.SkyAt(guess.x, guess.y);
  const auto px = static_cast<int32_t>(std::clamp<long>(std::lround(guess.x), 0, map.cols - 1)), py = static_cast<int32_t>(std::clamp<long>(std::lround(guess.y), 0, map.rows - 1));
  best.p = {guess.x, guess.y, std::max(5.0, static_cast<double>(map.Bin(std::min(px / kBin, map.bin_cols - 1), std::min(py / kBin, map.bin_rows - 1)))), a, 0.0, a, sky};
  if (!fit.Run(best.model, &best.p, &best.normals)) return {};
  Star star = Told(map, guess, radius, best);
  if (star.snr > 100.0 && guess.beta <= 0.0) {
    Best free = best;
    free.model.free_beta = true;
    free.p[kSecond] = beta;
    if (fit.Run(free.model, &free.p, &free.normals)) best = free;
  }
  if (star.snr > 50.0) Split(&fit, star.fwhm, &best);
  return Told(map, guess, radius, best);
}

}  // namespace summit::image
