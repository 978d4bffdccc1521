// SPDX-License-Identifier: Apache-2.0
// The light along the trace, row by row with the profile as its weight (Horne, PASP 98, 609, 1986), and its
// wavelengths: from the zeroth order and the grating's distance, which lines correct.
#include "addons/image/spectrum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "addons/image/least_squares.h"
#include "addons/image/middle.h"

namespace summit::image {
namespace {

constexpr double kDegrees = 57.29577951308232;
constexpr double kBegin = 320.0, kEnd = 1100.0;  // nm
constexpr int32_t kSmoothRows = 20;              // on each side, for the sky beside the trace

// Hydrogen's and what the atmosphere's oxygen takes away; nebulae also shine in oxygen's own.
constexpr std::array<double, 5> kAbsorption = {434.0, 486.1, 656.3, 687.2, 760.5};
constexpr std::array<double, 5> kEmission = {434.0, 486.1, 495.9, 500.7, 656.3};

// Above the map's own sky, beside the trace, row by row and then smoothed.
std::vector<double> SkyBeside(const SkyMap& map, const Trace& trace, double fwhm, int32_t first, int32_t last) {
  const auto near = static_cast<int32_t>(4.0 * fwhm), far = static_cast<int32_t>(7.0 * fwhm);
  std::vector<double> rows, out, values;
  for (int32_t y = first; y <= last; y++) {
    values.clear();
    const auto middle = static_cast<int32_t>(std::lround(trace.XAt(y)));
    for (int32_t dx = near; dx <= far; dx++) {
      for (const int32_t x : {middle - dx, middle + dx}) {
        if (x >= 0 && x < map.cols && map.State(x, y) == kGoodPixel) values.push_back(static_cast<double>(map.Pixel(x, y)));
      }
    }
    rows.push_back(values.empty() ? map.SkyAt(middle, y) : MiddleOf(std::span(values)));
  }
  const auto n = static_cast<int32_t>(rows.size());
  for (int32_t i = 0; i < n; i++) {
    values.assign(rows.begin() + std::max(0, i - kSmoothRows), rows.begin() + std::min(n, i + kSmoothRows + 1));
    out.push_back(MiddleOf(std::span(values)));
  }
  return out;
}

void ExtractRow(const SkyMap& map, const Trace& trace, int32_t y, double sky, Spectrum* spectrum) {
  const double fwhm = trace.fwhm_cross_px, a = 4.0 * (std::exp2(1.0 / trace.beta) - 1.0) / (fwhm * fwhm), middle = trace.XAt(y);
  // Normalised over what a Moffat profile has in all: sqrt(pi / a) Gamma(beta - 1/2) / Gamma(beta).
  const double whole = std::sqrt(3.141592653589793 / a) * std::tgamma(trace.beta - 0.5) / std::tgamma(trace.beta);
  const auto reach = static_cast<int32_t>(2.2 * fwhm);
  // Twice: the second time with the variance of the light that the first one found.
  double light = 0.0, variance = 0.0;
  for (int32_t round = 0; round < 2; round++) {
    double weighted = 0.0, norm = 0.0;
    const auto px = static_cast<int32_t>(std::lround(middle));
    for (int32_t x = std::max(0, px - reach); x <= std::min(map.cols - 1, px + reach); x++) {
      if ((map.State(x, y) & (kBadPixel | kFullPixel)) != 0) continue;
      const double dx = x - middle, share = std::pow(1.0 + a * dx * dx, -trace.beta) / whole;
      const double above = static_cast<double>(map.Pixel(x, y)) - sky, v = map.Variance(sky + std::max(0.0, light) * share);
      // A ray stands out from the profile.
      const double off = above - light * share;
      if (round > 0 && off > 6.0 * std::sqrt(v) && off > 0.3 * light * share) continue;
      if ((map.State(x, y) & kRayPixel) != 0) continue;
      weighted += share * above / v;
      norm += share * share / v;
    }
    if (norm <= 0.0) {
      light = 0.0;
      variance = 1e12;
      break;
    }
    light = weighted / norm;
    variance = 1.0 / norm;
  }
  spectrum->y_px.push_back(y);
  spectrum->distance_px.push_back((y - trace.y0) / std::cos(trace.angle_deg / kDegrees));
  spectrum->flux.push_back(light);
  spectrum->variance.push_back(variance);
  spectrum->background.push_back(sky);
}

// Light less the continuum (a median over `half` rows on each side).
std::vector<double> LessContinuum(const Spectrum& s, int32_t half, std::vector<double>* continuum) {
  const auto n = static_cast<int32_t>(s.flux.size());
  std::vector<double> out, values;
  for (int32_t i = 0; i < n; i++) {
    values.assign(s.flux.begin() + std::max(0, i - half), s.flux.begin() + std::min(n, i + half + 1));
    continuum->push_back(MiddleOf(std::span(values)));
    out.push_back(s.flux[static_cast<size_t>(i)] - continuum->back());
  }
  return out;
}

// A Gaussian line in the light about row i, in sigma: positive is emission.
std::vector<double> Matched(const Spectrum& s, const std::vector<double>& light, const std::vector<double>& continuum, double fwhm) {
  const auto reach = static_cast<int32_t>(1.5 * fwhm), n = static_cast<int32_t>(light.size());
  std::vector<double> out(light.size(), 0.0);
  for (int32_t i = reach; i + reach < n; i++) {
    double sum = 0.0, square = 0.0;
    for (int32_t k = -reach; k <= reach; k++) {
      const auto at = static_cast<size_t>(i + k);
      const double g = std::exp(-2.772588722239781 * k * k / (fwhm * fwhm));
      // A continuum's own shape is uncertain by half a percent.
      const double variance = s.variance[at] + 2.5e-5 * continuum[at] * continuum[at];
      sum += g * light[at] / variance;
      square += g * g / variance;
    }
    out[static_cast<size_t>(i)] = square > 0.0 ? sum / std::sqrt(square) : 0.0;
  }
  return out;
}

double ValueAt(const Spectrum& s, const std::vector<double>& values, double distance) {
  if (values.size() < 2) return 0.0;
  const double step = s.distance_px[1] - s.distance_px[0], at = (distance - s.distance_px.front()) / step;
  const auto i = static_cast<int32_t>(std::floor(at));
  if (i < 0 || i + 1 >= static_cast<int32_t>(values.size())) return 0.0;
  const double part = at - i;
  return (1.0 - part) * values[static_cast<size_t>(i)] + part * values[static_cast<size_t>(i) + 1];
}

struct Guess {
  double distance_mm = 0.0, score = 0.0;
  bool emission = false;
};

// The distance at which the known lines fall on dips, or on peaks. LINSPOS counts from where it was set to zero, with the
// window's glass or without: both are looked for.
Guess BestDistance(const Spectrum& s, const std::vector<double>& matched, const Grating& grating, double nominal, double reach) {
  constexpr double kMost = 30.0;  // sigma that one line may contribute
  Guess best;
  for (double distance = nominal - reach; distance <= nominal + grating.window_mm + reach; distance += 0.02) {
    double dips = 0.0, peaks = 0.0;
    for (const double nm : kAbsorption) dips += std::clamp(-ValueAt(s, matched, DistanceOf(nm, grating.grooves_per_mm, distance)), -5.0, kMost);
    for (const double nm : kEmission) peaks += std::clamp(ValueAt(s, matched, DistanceOf(nm, grating.grooves_per_mm, distance)), -5.0, kMost);
    // The header is believed where the lines say little.
    const double off = std::min(std::fabs(distance - nominal), std::fabs(distance - nominal - grating.window_mm)), far = off / (0.5 * reach), doubt = far * far;
    if (dips - doubt > best.score) best = {distance, dips - doubt, false};
    if (peaks - doubt > best.score) best = {distance, peaks - doubt, true};
  }
  return best;
}

// A Gaussian on a straight continuum about a place. False where there is no such line.
bool FitSpectrumLine(const Spectrum& s, double lambda, double at_px, double fwhm, bool emission, SpectrumLine* line) {
  const double reach = 2.2 * fwhm;
  std::array<double, 5> p = {at_px, 0.0, 0.36 * fwhm * fwhm, 0.0, 0.0};  // place, height, 2 sigma^2, continuum and slope
  std::vector<std::array<double, 3>> points;
  for (size_t i = 0; i < s.flux.size(); i++) {
    if (std::fabs(s.distance_px[i] - at_px) > reach) continue;
    points.push_back({s.distance_px[i], s.flux[i], s.variance[i] + 1e-5 * s.flux[i] * s.flux[i]});
  }
  if (points.size() < 12) return false;
  std::vector<double> ends = {points[0][1], points[1][1], points[2][1], points[points.size() - 1][1], points[points.size() - 2][1], points[points.size() - 3][1]};
  p[3] = MiddleOf(std::span(ends));
  const auto middle = std::min_element(points.begin(), points.end(), [at_px](const auto& a, const auto& b) { return std::fabs(a[0] - at_px) < std::fabs(b[0] - at_px); });
  p[1] = (*middle)[1] - p[3];
  const auto sum = [&](const std::array<double, 5>& q, Normals<5>* to) {
    for (const auto& [x, value, variance] : points) {
      const double dx = x - q[0], shape = std::exp(-dx * dx / q[2]), light = q[1] * shape;
      to->Add(value - light - q[3] - q[4] * (x - at_px), 1.0 / variance, {light * 2.0 * dx / q[2], shape, light * dx * dx / (q[2] * q[2]), 1.0, x - at_px}, 5);
    }
  };
  const auto allowed = [&](const std::array<double, 5>& q) { return q[2] > 0.1 * fwhm * fwhm && q[2] < 2.5 * fwhm * fwhm && std::fabs(q[0] - at_px) < 1.2 * fwhm; };
  Normals<5> normals;
  if (!FitLeastSquares<5>(sum, allowed, 5, 40, &p, &normals)) return false;
  const double scale = std::max(1.0, normals.chi2 / static_cast<double>(normals.points - 5));
  const double height_err = std::sqrt(scale * Covariance(normals, 5, 1, 1));
  line->lambda_nm = lambda;
  line->distance_px = p[0];
  line->distance_err_px = std::sqrt(scale * Covariance(normals, 5, 0, 0));
  line->depth_sigma = std::fabs(p[1]) / height_err;
  line->width_px = std::sqrt(p[2] * 2.772588722239781);
  line->emission = p[1] > 0.0;
  return line->depth_sigma > 5.0 && line->emission == emission && std::isfinite(line->distance_err_px) && line->distance_err_px < 2.0;
}

// The distance that the lines agree on; false when fewer than two do.
bool Refine(const Grating& grating, Spectrum* s) {
  struct Vote {
    double mm, err;
  };
  std::vector<Vote> votes;
  for (const SpectrumLine& line : s->lines) {
    const double unit = DistanceOf(line.lambda_nm, grating.grooves_per_mm, 1.0);
    votes.push_back({line.distance_px / unit, std::hypot(line.distance_err_px, 0.15) / unit});
  }
  std::vector<double> all;
  for (const Vote& vote : votes) all.push_back(vote.mm);
  const double middle = MiddleOf(std::span(all));
  double weight = 0.0, sum = 0.0;
  int32_t n = 0;
  std::vector<SpectrumLine> kept;
  for (size_t i = 0; i < votes.size(); i++) {
    if (std::fabs(votes[i].mm - middle) > 0.35 + 3.0 * votes[i].err) continue;
    const double w = 1.0 / (votes[i].err * votes[i].err);
    weight += w;
    sum += w * votes[i].mm;
    n++;
    kept.push_back(s->lines[i]);
  }
  if (n < 2) return false;
  s->lines = kept;
  s->distance_mm = sum / weight;
  double chi2 = 0.0;
  for (const SpectrumLine& line : kept) {
    const double unit = DistanceOf(line.lambda_nm, grating.grooves_per_mm, 1.0), off = (line.distance_px / unit - s->distance_mm) * unit / std::hypot(line.distance_err_px, 0.15);
    chi2 += off * off;
  }
  s->distance_err_mm = std::sqrt(std::max(1.0, chi2 / (n - 1)) / weight);
  return true;
}

}  // namespace

Spectrum ExtractSpectrum(const SkyMap& map, const Trace& trace, double fwhm_disp, const Grating& grating, double distance_mm) {
  Spectrum s;
  s.distance_mm = distance_mm;
  s.distance_err_mm = 1.0;
  const auto first = static_cast<int32_t>(trace.y0 + DistanceOf(kBegin, grating.grooves_per_mm, distance_mm));
  const auto last = std::min(map.rows - 1, static_cast<int32_t>(trace.y0 + DistanceOf(kEnd, grating.grooves_per_mm, distance_mm)));
  if (last - first < 50) return s;
  const std::vector<double> sky = SkyBeside(map, trace, trace.fwhm_cross_px, first, last);
  for (int32_t y = first; y <= last; y++) ExtractRow(map, trace, y, sky[static_cast<size_t>(y - first)], &s);
  std::vector<double> snr;
  for (size_t i = 0; i < s.flux.size(); i++) snr.push_back(s.flux[i] / std::sqrt(s.variance[i]));
  s.median_snr = MiddleOf(std::span(snr));
  std::vector<double> continuum;
  // Five times the lines' width, so that the median passes under them.
  const std::vector<double> light = LessContinuum(s, static_cast<int32_t>(4.0 * fwhm_disp), &continuum);
  const std::vector<double> matched = Matched(s, light, continuum, 1.15 * fwhm_disp);
  const Guess guess = BestDistance(s, matched, grating, distance_mm, 5.0);
  if (guess.score > 12.0) {
    const auto& table = guess.emission ? kEmission : kAbsorption;
    for (const double nm : table) {
      SpectrumLine line{};
      if (FitSpectrumLine(s, nm, DistanceOf(nm, grating.grooves_per_mm, guess.distance_mm), 1.15 * fwhm_disp, guess.emission, &line)) s.lines.push_back(line);
    }
    s.refined = Refine(grating, &s);
    if (!s.refined) s.lines.clear();
  }
  for (const double d : s.distance_px) s.wavelength_nm.push_back(WavelengthOf(d, grating.grooves_per_mm, s.distance_mm));
  return s;
}

}  // namespace summit::image
