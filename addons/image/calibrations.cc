// SPDX-License-Identifier: Apache-2.0
#include "addons/image/calibrations.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace summit::image {
namespace {

// Slopes at the nodes; two slopes are extrapolated linearly at each end.
std::vector<double> AkimaSlopes(const std::vector<double>& x, const std::vector<double>& y) {
  const size_t n = x.size();
  std::vector<double> m(n + 3);
  for (size_t i = 0; i + 1 < n; ++i) m[i + 2] = (y[i + 1] - y[i]) / (x[i + 1] - x[i]);
  m[1] = 2.0 * m[2] - m[3];
  m[0] = 2.0 * m[1] - m[2];
  m[n + 1] = 2.0 * m[n] - m[n - 1];
  m[n + 2] = 2.0 * m[n + 1] - m[n];
  std::vector<double> slope(n);
  for (size_t i = 0; i < n; ++i) {
    const double left = std::fabs(m[i + 1] - m[i]), right = std::fabs(m[i + 3] - m[i + 2]), both = left + right;
    slope[i] = both > 1e-30 ? (right * m[i + 1] + left * m[i + 2]) / both : 0.5 * (m[i + 1] + m[i + 2]);
  }
  return slope;
}

void AddPixel(size_t at, const DetectorModel& model, std::vector<MaskRun>* runs) {
  const auto x = static_cast<int32_t>(at % static_cast<size_t>(model.cols)), y = static_cast<int32_t>(at / static_cast<size_t>(model.cols));
  if (!runs->empty() && runs->back().y == y && runs->back().x1 + 1 == x) runs->back().x1 = x;
  else runs->push_back({y, x, x, kBad});
}

// What is no number becomes nothing, and is marked as bad.
void KeepNumbers(std::vector<float>* map, const DetectorModel& model, std::vector<MaskRun>* mask) {
  std::vector<MaskRun> runs;
  for (size_t i = 0; i < map->size(); ++i) {
    if (std::isfinite((*map)[i])) continue;
    (*map)[i] = 0.0f;
    AddPixel(i, model, &runs);
  }
  mask->insert(mask->begin(), runs.begin(), runs.end());
}

}  // namespace

bool MakeSpline(const std::vector<double>& nodes, const std::vector<double>& values, double gain, Linearity* linearity, std::string* problem) {
  const size_t n = nodes.size();
  if (n < 3 || n > Linearity::kMostPieces + 1 || values.size() != n) {
    *problem = "spline: expected 3 to " + std::to_string(Linearity::kMostPieces + 1) + " nodes and as many values, got " + std::to_string(n) + " and " + std::to_string(values.size());
    return false;
  }
  std::vector<double> x(n), y(n);
  for (size_t i = 0; i < n; ++i) {
    x[i] = nodes[i] * gain;
    y[i] = values[i] * gain;
    if (std::isfinite(x[i]) && std::isfinite(y[i]) && (i == 0 || x[i] > x[i - 1])) continue;
    *problem = "spline: expected rising nodes and finite values, got " + std::to_string(nodes[i]) + ", " + std::to_string(values[i]) + " as number " + std::to_string(i + 1);
    return false;
  }
  const std::vector<double> slope = AkimaSlopes(x, y);
  linearity->kind = LinearityKind::kSpline;
  linearity->pieces = static_cast<int32_t>(n - 1);
  linearity->least = static_cast<float>(x.front());
  linearity->most = static_cast<float>(x.back());
  for (size_t i = 0; i + 1 < n; ++i) {
    const double h = x[i + 1] - x[i], mean = (y[i + 1] - y[i]) / h;
    linearity->start[i] = static_cast<float>(x[i]);
    linearity->c0[i] = static_cast<float>(y[i]);
    linearity->c1[i] = static_cast<float>(slope[i]);
    linearity->c2[i] = static_cast<float>((3.0 * mean - 2.0 * slope[i] - slope[i + 1]) / h);
    linearity->c3[i] = static_cast<float>((slope[i] + slope[i + 1] - 2.0 * mean) / (h * h));
  }
  return true;
}

bool MakeDoubleSpline(const std::vector<double>& coefficients, double gain, Linearity* first, Linearity* after, std::string* problem) {
  size_t at = 2;
  for (const auto& [which, linearity] : {std::pair{size_t{0}, first}, std::pair{size_t{1}, after}}) {
    const double wanted = which < coefficients.size() ? coefficients[which] : -1.0;
    const bool whole = wanted >= 0.0 && wanted <= Linearity::kMostPieces + 1 && !(std::floor(wanted) < wanted);
    const size_t n = whole ? static_cast<size_t>(wanted) : 0;
    if (!whole || at + 2 * n > coefficients.size()) {
      *problem = "double spline: expected two numbers of nodes, up to " + std::to_string(Linearity::kMostPieces + 1) + ", and nodes and values of both, got " + std::to_string(coefficients.size()) + " numbers";
      return false;
    }
    const auto nodes = coefficients.begin() + static_cast<std::ptrdiff_t>(at), values = nodes + static_cast<std::ptrdiff_t>(n);
    if (n > 0 && !MakeSpline({nodes, values}, {values, values + static_cast<std::ptrdiff_t>(n)}, gain, linearity, problem)) return false;
    at += 2 * n;
  }
  return true;
}

bool MakePolynomial(const std::vector<double>& coefficients, double gain, Linearity* linearity, std::string* problem) {
  if (coefficients.empty() || coefficients.size() > Linearity::kMostPowers) {
    *problem = "polynomial: expected 1 to " + std::to_string(Linearity::kMostPowers) + " coefficients, got " + std::to_string(coefficients.size());
    return false;
  }
  linearity->kind = LinearityKind::kPolynomial;
  linearity->powers = static_cast<int32_t>(coefficients.size());
  double scale = 1.0 / gain;
  for (size_t i = 0; i < coefficients.size(); ++i, scale /= gain) linearity->c[i] = static_cast<float>(coefficients[i] * scale);
  return true;
}

double Linearized(const Linearity& linearity, double electron) {
  if (linearity.kind == LinearityKind::kSpline) {
    const double u = std::clamp(electron, double{linearity.least}, double{linearity.most});
    size_t piece = 0;
    while (piece + 1 < static_cast<size_t>(linearity.pieces) && u >= double{linearity.start[piece + 1]}) piece++;
    const double t = u - double{linearity.start[piece]};
    return electron - (double{linearity.c0[piece]} + t * (double{linearity.c1[piece]} + t * (double{linearity.c2[piece]} + t * double{linearity.c3[piece]})));
  }
  if (linearity.kind == LinearityKind::kPolynomial) {
    double sum = 0.0;
    for (size_t i = static_cast<size_t>(linearity.powers); i-- > 0;) sum = sum * electron + double{linearity.c[i]};
    return electron + sum * electron * electron;
  }
  return electron;
}

void SetFlat(std::vector<float> flat, const DetectorModel& model, Calibrations* calibrations) {
  for (float& value : flat) value = value > 0.0f ? value : std::nanf("");
  KeepNumbers(&flat, model, &calibrations->flat_mask);
  for (float& value : flat) value = value > 0.0f ? 1.0f / value : 1.0f;
  calibrations->inverse_flat = std::move(flat);
}

void SetBias(std::vector<float> bias, const DetectorModel& model, Calibrations* calibrations) {
  KeepNumbers(&bias, model, &calibrations->bias_mask);
  calibrations->bias = std::move(bias);
}

void SetDark(std::vector<float> dark, const DetectorModel& model, Calibrations* calibrations) {
  KeepNumbers(&dark, model, &calibrations->dark_mask);
  calibrations->dark = std::move(dark);
}

}  // namespace summit::image
