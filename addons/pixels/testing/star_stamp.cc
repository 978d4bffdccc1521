// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/testing/star_stamp.h"

#include <algorithm>
#include <cmath>

namespace summit::pixels::testing {
namespace {

// Surface brightness per px^2 of a star of unit flux.
double Brightness(const Profile& p, double dx, double dy) {
  const double scale = 1.0 / std::sqrt(1.0 - p.e1 * p.e1 - p.e2 * p.e2);
  const double u = scale * ((1.0 - p.e1) * dx - p.e2 * dy), v = scale * ((1.0 + p.e1) * dy - p.e2 * dx);
  const double alpha2 = p.fwhm * p.fwhm / 4.0 / (std::pow(2.0, 1.0 / p.beta) - 1.0);
  return (p.beta - 1.0) / (M_PI * alpha2) * std::pow(1.0 + (u * u + v * v) / alpha2, -p.beta);
}

}  // namespace

double PixelShare(const Profile& p, double dx, double dy) {
  static constexpr double at[4] = {-0.430568155797026, -0.169990521792428, 0.169990521792428, 0.430568155797026};
  static constexpr double weight[4] = {0.173927422568727, 0.326072577431273, 0.326072577431273, 0.173927422568727};
  double sum = 0.0;
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) sum += weight[i] * weight[j] * Brightness(p, dx + at[i], dy + at[j]);
  }
  return sum;
}

void Stamp::AddStar(const Profile& p, double x, double y, double flux) {
  for (int r = 0; r < conditions_.rows; r++) {
    for (int c = 0; c < conditions_.cols; c++) light_[At(r, c)] += flux * PixelShare(p, c - x, r - y);
  }
}

void Stamp::AddTrack(double x, double y, double length, double angle, double electrons) {
  for (double s = 0.0; s < length; s += 0.25) {
    AddLight(static_cast<int>(std::lround(y + s * std::sin(angle))), static_cast<int>(std::lround(x + s * std::cos(angle))), 0.25 * electrons);
  }
}

const std::vector<int32_t>& Stamp::Expose() {
  std::vector<double> columns(static_cast<size_t>(conditions_.cols)), rows(static_cast<size_t>(conditions_.rows));
  for (double& c : columns) c = conditions_.column_scatter * normal_(random_);
  for (double& r : rows) r = conditions_.row_scatter * normal_(random_);
  for (int r = 0; r < conditions_.rows; r++) {
    for (int c = 0; c < conditions_.cols; c++) {
      const double electrons = std::max(0.0, light_[At(r, c)] + conditions_.sky);
      const double noise = std::sqrt(electrons + conditions_.read_noise * conditions_.read_noise) * normal_(random_);
      const double adu = (electrons + noise) / conditions_.gain + conditions_.bias + columns[static_cast<size_t>(c)] +
                         rows[static_cast<size_t>(r)] + extra_[At(r, c)];
      pixels_[At(r, c)] = static_cast<int32_t>(std::clamp(std::floor(adu + 0.5), 0.0, 262143.0));
    }
  }
  return pixels_;
}

Bound BoundOf(const Profile& p, const Conditions& conditions, double flux) {
  double information = 0.0;
  constexpr double step = 0.02;
  for (int r = -24; r <= 24; r++) {
    for (int c = -24; c <= 24; c++) {
      const double share = PixelShare(p, c - 0.2, r - 0.1);
      const double slope = flux * (PixelShare(p, c - 0.2 + step, r - 0.1) - PixelShare(p, c - 0.2 - step, r - 0.1)) / (2.0 * step);
      const double variance = conditions.Variance() + flux * share;
      information += slope * slope / variance;
    }
  }
  return {1.0 / std::sqrt(information)};
}

double FluxForSnr(const Profile& p, const Conditions& conditions, double snr) {
  std::vector<double> shares;
  for (int r = -24; r <= 24; r++) {
    for (int c = -24; c <= 24; c++) shares.push_back(PixelShare(p, c - 0.2, r - 0.1));
  }
  double low = 10.0, high = 1e8;
  for (int i = 0; i < 40; i++) {
    const double flux = std::sqrt(low * high);
    double snr2 = 0.0;
    for (const double share : shares) snr2 += flux * share * flux * share / (conditions.Variance() + flux * share);
    (snr2 > snr * snr ? high : low) = flux;
  }
  return low;
}

MeasureSettings SettingsFor(const Conditions& conditions) {
  MeasureSettings settings;
  settings.gain = static_cast<float>(conditions.gain);
  settings.read_noise = static_cast<float>(conditions.read_noise);
  settings.max_rows = std::max(10, conditions.rows);
  settings.max_cols = std::max(10, conditions.cols);
  return settings;
}

Measurement MeasureBlind(const Conditions& conditions, const ImageView& view) {
  return StampMeasurer::Create(SettingsFor(conditions))->Measure(view, Prediction{});
}

}  // namespace summit::pixels::testing
