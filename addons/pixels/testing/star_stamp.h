// SPDX-License-Identifier: Apache-2.0
// Stamps with known truth for tests: pixel-integrated elliptical Moffat stars on a bias with column structure, shot
// and read noise, seeded. Also the Cramer-Rao bound of a star's position.
// Units: electron and px inside, ADU in the finished stamp; integer = pixel centre.
// Thread: one at a time per Stamp. Owns: its pixels.
#ifndef SUMMIT_PIXELS_TESTING_STAR_STAMP_H_
#define SUMMIT_PIXELS_TESTING_STAR_STAMP_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "addons/pixels/image_view.h"
#include "addons/pixels/measure.h"

namespace summit::pixels::testing {

struct Profile {
  double fwhm = 4.0;  // px
  double beta = 3.0;
  double e1 = 0.0, e2 = 0.0;  // shear: axis ratio (1 - e) / (1 + e)
};

// Surface brightness per px^2 of a star of unit flux.
inline double Brightness(const Profile& p, double dx, double dy) {
  const double scale = 1.0 / std::sqrt(1.0 - p.e1 * p.e1 - p.e2 * p.e2);
  const double u = scale * ((1.0 - p.e1) * dx - p.e2 * dy), v = scale * ((1.0 + p.e1) * dy - p.e2 * dx);
  const double alpha2 = p.fwhm * p.fwhm / 4.0 / (std::pow(2.0, 1.0 / p.beta) - 1.0);
  return (p.beta - 1.0) / (M_PI * alpha2) * std::pow(1.0 + (u * u + v * v) / alpha2, -p.beta);
}

// Share of the flux in the pixel whose centre is (dx, dy) from the star: 4 x 4 Gauss-Legendre points.
inline double PixelShare(const Profile& p, double dx, double dy) {
  static constexpr double at[4] = {-0.430568155797026, -0.169990521792428, 0.169990521792428, 0.430568155797026};
  static constexpr double weight[4] = {0.173927422568727, 0.326072577431273, 0.326072577431273, 0.173927422568727};
  double sum = 0.0;
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) sum += weight[i] * weight[j] * Brightness(p, dx + at[i], dy + at[j]);
  }
  return sum;
}

struct Conditions {
  int rows = 50, cols = 50;
  double gain = 1.45;        // electron per ADU
  double read_noise = 9.0;   // electron
  double sky = 5.0;          // electron per pixel
  double bias = 14000.0;     // ADU
  double column_scatter = 3.0, row_scatter = 1.0;  // ADU, 1 sigma of the fixed offsets
  double Variance() const { return read_noise * read_noise + sky + gain * gain / 12.0; }  // electron^2, without star
};

class Stamp {
 public:
  Stamp(const Conditions& conditions, uint32_t seed)
      : conditions_(conditions), random_(seed), light_(Size(), 0.0), extra_(Size(), 0.0), pixels_(Size(), 0) {}

  void AddStar(const Profile& p, double x, double y, double flux) {
    for (int r = 0; r < conditions_.rows; r++) {
      for (int c = 0; c < conditions_.cols; c++) light_[At(r, c)] += flux * PixelShare(p, c - x, r - y);
    }
  }
  // Electrons, with their shot noise.
  void AddLight(int row, int col, double electrons) {
    if (Inside(row, col)) light_[At(row, col)] += electrons;
  }
  // ADU, without noise: offsets of the electronics.
  void AddOffset(int row, int col, double adu) {
    if (Inside(row, col)) extra_[At(row, col)] += adu;
  }
  void AddColumn(int col, double adu, int first_row = 0) {
    for (int r = first_row; r < conditions_.rows; r++) AddOffset(r, col, adu);
  }
  // A charged particle's track, `electrons` per px of length.
  void AddTrack(double x, double y, double length, double angle, double electrons) {
    for (double s = 0.0; s < length; s += 0.25) {
      AddLight(static_cast<int>(std::lround(y + s * std::sin(angle))), static_cast<int>(std::lround(x + s * std::cos(angle))), 0.25 * electrons);
    }
  }

  // Adds noise, structure and bias, and clips at the ADC's end.
  const std::vector<int32_t>& Expose() {
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

  ImageView View() const { return {pixels_.data(), PixelType::kI32, conditions_.rows, conditions_.cols, conditions_.cols}; }
  std::vector<int32_t>& pixels() { return pixels_; }
  double Uniform(double low, double high) { return low + (high - low) * std::uniform_real_distribution<double>(0.0, 1.0)(random_); }

 private:
  size_t Size() const { return static_cast<size_t>(conditions_.rows) * static_cast<size_t>(conditions_.cols); }
  size_t At(int r, int c) const { return static_cast<size_t>(r) * static_cast<size_t>(conditions_.cols) + static_cast<size_t>(c); }
  bool Inside(int r, int c) const { return r >= 0 && c >= 0 && r < conditions_.rows && c < conditions_.cols; }

  Conditions conditions_;
  std::mt19937 random_;
  std::normal_distribution<double> normal_{0.0, 1.0};
  std::vector<double> light_, extra_;
  std::vector<int32_t> pixels_;
};

struct Bound {
  double sigma_x = 0.0;  // px, Cramer-Rao bound with position and flux free, profile and background known
};

inline Bound BoundOf(const Profile& p, const Conditions& conditions, double flux) {
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

// Flux in electron at which the star has this signal to noise.
inline double FluxForSnr(const Profile& p, const Conditions& conditions, double snr) {
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

inline MeasureSettings SettingsFor(const Conditions& conditions) {
  MeasureSettings settings;
  settings.gain = static_cast<float>(conditions.gain);
  settings.read_noise = static_cast<float>(conditions.read_noise);
  settings.max_rows = std::max(10, conditions.rows);
  settings.max_cols = std::max(10, conditions.cols);
  return settings;
}

// Blind measurement by a measurer without history.
inline Measurement MeasureBlind(const Conditions& conditions, const ImageView& view) {
  return StampMeasurer::Create(SettingsFor(conditions))->Measure(view, Prediction{});
}

}  // namespace summit::pixels::testing

#endif  // SUMMIT_PIXELS_TESTING_STAR_STAMP_H_
