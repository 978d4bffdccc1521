// SPDX-License-Identifier: Apache-2.0
// The first order's trace: a straight line through the middles of blocks of rows, and its profile across.
#include <algorithm>
#include <array>
#include <cmath>

#include "addons/image/detector_model.h"
#include "addons/image/least_squares.h"
#include "addons/image/spectrum.h"

namespace summit::image {
namespace {

constexpr int32_t kBlockRows = 16;
constexpr double kDegrees = 57.29577951308232;
// Exponents of a Moffat profile that are told from each other; the last is a Gaussian's for every purpose here.
constexpr std::array<double, 6> kBetas = {1.8, 2.7, 4.0, 7.0, 15.0, 80.0};
constexpr double kAnchorErr = 0.05;    // px, that optics may have between the orders
constexpr double kLeastFreeErr = 0.3;  // px, of the first order's own line at the zeroth: of columns, and of blends
constexpr double kUsualBeta = 2.7;  // of a line through Moffat stars of beta 3.2

struct Sample {
  double x, value, variance;
};

// peak (1 + a (x - x0)^2)^-beta + sky: x0, peak, a, sky.
struct Profile {
  std::array<double, 4> p{};
  Normals<4> normals{};
  double beta = 0.0;
  bool good = false;
};

Profile FitProfile(const std::vector<Sample>& samples, double x0, double peak, double fwhm, double beta) {
  const double k = std::exp2(1.0 / beta) - 1.0;
  Profile fit;
  fit.p = {x0, peak, 4.0 * k / (fwhm * fwhm), 0.0};
  fit.beta = beta;
  const auto sum = [&](const std::array<double, 4>& p, Normals<4>* to) {
    for (const Sample& s : samples) {
      const double dx = s.x - p[0], u = 1.0 + p[2] * dx * dx, shape = std::pow(u, -beta), light = p[1] * shape, slope = -beta * light / u;
      to->Add(s.value - light - p[3], 1.0 / s.variance, {slope * -2.0 * p[2] * dx, shape, slope * dx * dx, 1.0}, 4);
    }
  };
  const auto allowed = [](const std::array<double, 4>& p) { return p[2] > 1e-6 && p[2] < 1.0; };
  fit.good = samples.size() > 12 && FitLeastSquares<4>(sum, allowed, 4, 25, &fit.p, &fit.normals);
  return fit;
}

double FwhmOf(const Profile& fit) { return 2.0 * std::sqrt((std::exp2(1.0 / fit.beta) - 1.0) / fit.p[2]); }

// What the medians of the parallel overscan leave in each column of the amplifiers that the trace runs over: it is the same
// for all rows, those below the first order tell it. A trace that hardly leaves its columns leans on it all the way.
class ColumnLevels {
 public:
  ColumnLevels() = default;
  // `order`: the row where the first order begins; above it there is light of one order or another.
  ColumnLevels(const SkyMap& map, const Trace& line, double order, double fwhm) : of_median_(kOfMedian * std::sqrt(map.Variance(0.0))), noise_(map.noise) {
    const double reach = 5.0 * fwhm, ends[2] = {line.XAt(0.0), line.XAt(map.rows - 1.0)};
    first_ = std::max(0, static_cast<int32_t>(std::min(ends[0], ends[1]) - reach));
    cols_ = std::max(0, std::min(map.cols, static_cast<int32_t>(std::max(ends[0], ends[1]) + reach)) - first_);
    const auto halves = static_cast<size_t>((map.rows + kDataRows - 1) / kDataRows), cols = static_cast<size_t>(cols_);
    std::vector<double> sum(halves * cols, 0.0);
    std::vector<int32_t> n(sum.size(), 0);
    std::vector<float> sky(cols);
    const auto limit = static_cast<float>(3.0 * map.noise);
    const auto rows = std::min(map.rows, static_cast<int32_t>(order));
    for (int32_t y = 0; y < rows && cols > 0; y++) {
      if (std::fabs(y - line.y0) < reach) continue;
      map.SkyAlong(y, first_, 1.0, sky);
      const size_t row = static_cast<size_t>(y / kDataRows) * cols;
      for (int32_t i = 0; i < cols_; i++) {
        if (map.State(first_ + i, y) != kGoodPixel) continue;
        const float above = map.Pixel(first_ + i, y) - sky[static_cast<size_t>(i)];
        if (std::fabs(above) > limit) continue;
        sum[row + static_cast<size_t>(i)] += static_cast<double>(above);
        n[row + static_cast<size_t>(i)]++;
      }
    }
    for (size_t i = 0; i < sum.size(); i++) levels_.push_back(n[i] < kLeastRows ? 0.0 : sum[i] / n[i]);
    for (size_t half = 0; half < halves && cols > 0; half++) rows_.push_back(n[half * cols + cols / 2]);
  }

  double At(int32_t x, int32_t y) const {
    const int32_t i = x - first_;
    return i < 0 || i >= cols_ ? 0.0 : levels_[static_cast<size_t>(y / kDataRows) * static_cast<size_t>(cols_) + static_cast<size_t>(i)];
  }

  // Which amplifier a row belongs to, counted upwards; how far off its columns still are, electron.
  static size_t Half(double y) { return static_cast<size_t>(y) / static_cast<size_t>(kDataRows); }
  double ErrorAt(double y) const {
    const size_t half = Half(y);
    return half >= rows_.size() || rows_[half] < kLeastRows ? of_median_ : noise_ / std::sqrt(static_cast<double>(rows_[half]));
  }

 private:
  static constexpr int32_t kLeastRows = 150;
  static constexpr double kOfMedian = 0.19;  // of the read noise: the error of a median of 42 rows
  double of_median_ = 0.0, noise_ = 0.0;
  std::vector<int32_t> rows_{};
  int32_t first_ = 0, cols_ = 0;
  std::vector<double> levels_{};
};

// Mean over the rows of a block, pixel by pixel across the line.
std::vector<Sample> BlockSamples(const SkyMap& map, const ColumnLevels& columns, double middle, double tangent, int32_t first, double reach) {
  std::vector<Sample> samples;
  const double mid_row = first + 0.5 * (kBlockRows - 1);
  for (auto dx = static_cast<int32_t>(-reach); dx <= static_cast<int32_t>(reach); dx++) {
    double sum = 0.0, variance = 0.0, offset = 0.0;
    int32_t n = 0;
    for (int32_t y = first; y < first + kBlockRows && y < map.rows; y++) {
      const double x = middle + tangent * (y - mid_row) + dx;
      const auto px = static_cast<int32_t>(std::lround(x));
      if (px < 0 || px >= map.cols || map.State(px, y) != kGoodPixel) continue;
      const auto value = static_cast<double>(map.Pixel(px, y));
      sum += value - map.SkyAt(px, y) - columns.At(px, y);
      variance += map.Variance(value);
      offset += px - x;
      n++;
    }
    if (n >= kBlockRows / 2) samples.push_back({dx + offset / n, sum / n, variance / (n * n)});
  }
  return samples;
}

// The zeroth order.
struct Anchor {
  double x, y, err;
};

struct Middle {
  double y, x, err, peak, fwhm, left, weight;
};

// What columns do to one middle they do to all of an amplifier: taken as that much more of an error of each.
void AddColumns(const ColumnLevels& columns, std::vector<Middle>* middles) {
  std::array<double, 4> count{};
  const auto group = [&](const Middle& m) { return std::min(count.size() - 1, ColumnLevels::Half(m.y)); };
  for (const Middle& m : *middles) count[group(m)] += 1.0;
  for (Middle& m : *middles) {
    // Of a Gaussian in pixels that are off by so much each.
    const double sigma = m.fwhm / 2.3548, off = columns.ErrorAt(m.y) * std::sqrt(7.0898 * sigma * sigma * sigma) / (m.peak * sigma * 2.5066);
    m.err = std::sqrt(m.err * m.err + count[group(m)] * off * off);
  }
}

// A straight line through the middles, those far off left out. Both orders are dispersed from one place: the zeroth holds
// the line where the first one's columns and faint ends do not, unless it lies elsewhere.
bool FitLine(std::vector<Middle>* middles, const Anchor& zeroth, Trace* trace) {
  constexpr double kOffAnchor = 5.0;  // sigma
  const double y0 = zeroth.y;
  for (Middle& m : *middles) m.weight = 1.0 / (m.err * m.err + 1e-4);
  double anchored = 1.0 / (zeroth.err * zeroth.err);
  for (int32_t round = 0; round < 6; round++) {
    double s = 0.0, sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
    int32_t n = 0;
    for (const Middle& m : *middles) {
      const double dy = m.y - y0;
      s += m.weight;
      sx += m.weight * dy;
      sy += m.weight * m.x;
      sxx += m.weight * dy * dy;
      sxy += m.weight * dy * m.x;
      n += m.weight > 0.0 ? 1 : 0;
    }
    const double free = s * sxx - sx * sx, free_err = free > 0.0 ? std::sqrt(sxx / free) : HUGE_VAL;
    if (round == 0 && free > 0.0 && std::fabs((sxx * sy - sx * sxy) / free - zeroth.x) > kOffAnchor * std::hypot(kLeastFreeErr + free_err, zeroth.err)) anchored = 0.0;
    // At y0 it is no more than a place.
    s += anchored;
    sy += anchored * zeroth.x;
    const double det = s * sxx - sx * sx;
    if (n < 4 || !(det > 0.0)) return false;
    const double slope = (s * sxy - sx * sy) / det, intercept = (sxx * sy - sx * sxy) / det;
    double square = 0.0, chi2 = 0.0;
    for (const Middle& m : *middles) {
      if (m.weight <= 0.0) continue;
      const double off = m.x - intercept - slope * (m.y - y0);
      square += off * off;
      chi2 += m.weight * off * off;
    }
    const double rms = std::sqrt(square / n), scale = std::max(1.0, chi2 / (n - 2));
    trace->angle_deg = std::atan(slope) * kDegrees;
    trace->angle_err_deg = std::sqrt(scale * s / det) * kDegrees;
    trace->x_at_y0 = intercept;
    trace->x_err = std::sqrt(scale * sxx / det);
    trace->rms_px = rms;
    trace->n_rows = n * kBlockRows;
    bool changed = false;
    for (Middle& m : *middles) {
      const double off = std::fabs(m.x - intercept - slope * (m.y - y0));
      if (m.weight <= 0.0 || off < 4.0 * std::sqrt(scale) * (m.err + 0.01)) continue;
      m.weight = 0.0;
      changed = true;
    }
    if (!changed) break;
  }
  return true;
}

double BestBeta(const std::vector<Sample>& samples, double fwhm) {
  double best = kUsualBeta, least = HUGE_VAL;
  for (const double beta : kBetas) {
    const Profile fit = FitProfile(samples, 0.0, 1.0, fwhm, beta);
    if (!fit.good || fit.normals.chi2 >= least) continue;
    least = fit.normals.chi2;
    best = beta;
  }
  return best;
}

// The mean width of the blocks, each as its light allows to measure it: seeing is wider in the blue.
void MeanWidth(const SkyMap& map, const ColumnLevels& columns, const std::vector<Middle>& middles, const Trace& line, double beta, double fwhm, Trace* trace) {
  double weight = 0.0, sum = 0.0, square = 0.0;
  const double tangent = std::tan(line.angle_deg / kDegrees);
  for (const Middle& m : middles) {
    if (m.weight <= 0.0) continue;
    const Profile fit = FitProfile(BlockSamples(map, columns, line.XAt(m.y), tangent, static_cast<int32_t>(m.left), 4.0 * fwhm), 0.0, m.peak, fwhm, beta);
    if (!fit.good) continue;
    const double width = FwhmOf(fit), err = 0.5 * width * std::sqrt(Covariance(fit.normals, 4, 2, 2)) / fit.p[2];
    if (!(err > 0.0) || err > 0.2 * width) continue;
    // Light, not its square: the mean is that of the spectrum, not of its brightest part.
    const double w = m.peak;
    weight += w;
    sum += w * width;
    square += w * w * err * err;
  }
  if (weight <= 0.0) return;
  trace->fwhm_cross_px = sum / weight;
  trace->fwhm_cross_err_px = std::hypot(std::sqrt(square) / weight, 0.005 * trace->fwhm_cross_px);
}

}  // namespace

double Trace::XAt(double y) const { return x_at_y0 + std::tan(angle_deg / kDegrees) * (y - y0); }

Trace FollowTrace(const SkyMap& map, double x0, double x_err, double y0, double angle_deg, double fwhm, const Grating& grating, double distance_mm) {
  Trace trace;
  trace.y0 = y0;
  const double begin = y0 + DistanceOf(370.0, grating.grooves_per_mm, distance_mm), end = std::min(map.rows - 1.0 - kBlockRows, y0 + DistanceOf(1020.0, grating.grooves_per_mm, distance_mm));
  ColumnLevels columns;
  double intercept = x0, tangent = std::tan(angle_deg / kDegrees);
  for (int32_t pass = 0; pass < 3; pass++) {
    // The first guess is a tenth of a degree wide: 5 px at the far end.
    const double reach = pass == 0 ? 4.0 * fwhm : 3.0 * fwhm;
    std::vector<Middle> middles;
    for (auto first = static_cast<int32_t>(begin); first < end; first += kBlockRows) {
      const double row = first + 0.5 * (kBlockRows - 1), middle = intercept + tangent * (row - y0);
      const std::vector<Sample> samples = BlockSamples(map, columns, middle, tangent, first, reach);
      double peak = 0.0, at = 0.0, noise = 0.0;
      for (size_t i = 1; i + 1 < samples.size(); i++) {
        const double three = (samples[i - 1].value + samples[i].value + samples[i + 1].value) / 3.0;
        noise += samples[i].variance;
        if (three <= peak || std::fabs(samples[i].x) > (pass == 0 ? 2.5 : 1.0) * fwhm) continue;
        peak = three;
        at = samples[i].x;
      }
      if (samples.size() < 20 || !(peak > 5.0 * std::sqrt(noise / static_cast<double>(samples.size())))) continue;
      const Profile fit = FitProfile(samples, at, peak, fwhm, kUsualBeta);
      if (!fit.good || std::fabs(fit.p[0]) > reach || FwhmOf(fit) > 2.5 * fwhm || FwhmOf(fit) < 0.4 * fwhm) continue;
      const double scale = std::max(1.0, fit.normals.chi2 / static_cast<double>(fit.normals.points - 4));
      middles.push_back({row, middle + fit.p[0], std::sqrt(scale * Covariance(fit.normals, 4, 0, 0)), fit.p[1], FwhmOf(fit), static_cast<double>(first), 0.0});
    }
    AddColumns(columns, &middles);
    if (!FitLine(&middles, {x0, y0, std::hypot(x_err, kAnchorErr)}, &trace)) return trace;
    intercept = trace.x_at_y0;
    tangent = std::tan(trace.angle_deg / kDegrees);
    if (pass == 0) columns = ColumnLevels(map, trace, begin - 2.0 * fwhm, fwhm);
    if (pass < 2) continue;
    // The profile of all of them, each with its own weight, about the line.
    std::vector<Sample> all;
    for (const Middle& m : middles) {
      if (m.weight <= 0.0) continue;
      for (const Sample& s : BlockSamples(map, columns, intercept + tangent * (m.y - y0), tangent, static_cast<int32_t>(m.left), 4.0 * fwhm)) {
        all.push_back({s.x, s.value / m.peak, s.variance / (m.peak * m.peak) + 1e-5});
      }
    }
    const double beta = BestBeta(all, fwhm);
    trace.found = true;
    trace.beta = beta;
    MeanWidth(map, columns, middles, trace, beta, fwhm, &trace);
  }
  return trace;
}

}  // namespace summit::image
