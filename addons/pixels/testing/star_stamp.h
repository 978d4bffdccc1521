// SPDX-License-Identifier: Apache-2.0
// Stamps with known truth for tests: pixel-integrated elliptical Moffat stars on a bias with column structure, shot
// and read noise, seeded. Also the Cramer-Rao bound of a star's position.
// Units: electron and px inside, ADU in the finished stamp; integer = pixel centre.
// Thread: one at a time per Stamp. Owns: its pixels.
#ifndef SUMMIT_PIXELS_TESTING_STAR_STAMP_H_
#define SUMMIT_PIXELS_TESTING_STAR_STAMP_H_

#include <cstdint>
#include <random>
#include <vector>

#include "addons/pixels/image_view.h"
#include "addons/pixels/measure.h"

namespace summit::pixels::testing {

// Stamps of a test: all where the code runs at speed; under sanitizers a few, which show every way through it.
#if defined(SUMMIT_SANITIZED)
template <typename N>
constexpr N Stamps(N all) {
  return all / 5;
}
#else
template <typename N>
constexpr N Stamps(N all) {
  return all;
}
#endif

struct Profile {
  double fwhm = 4.0;  // px
  double beta = 3.0;
  double e1 = 0.0, e2 = 0.0;  // shear: axis ratio (1 - e) / (1 + e)
};

// Share of the flux in the pixel whose centre is (dx, dy) from the star: 4 x 4 Gauss-Legendre points.
double PixelShare(const Profile& p, double dx, double dy);

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

  void AddStar(const Profile& p, double x, double y, double flux);
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
  void AddTrack(double x, double y, double length, double angle, double electrons);

  // Adds noise, structure and bias, and clips at the ADC's end.
  const std::vector<int32_t>& Expose();

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

Bound BoundOf(const Profile& p, const Conditions& conditions, double flux);

// Flux in electron at which the star has this signal to noise.
double FluxForSnr(const Profile& p, const Conditions& conditions, double snr);

MeasureSettings SettingsFor(const Conditions& conditions);

// Blind measurement by a measurer without history.
Measurement MeasureBlind(const Conditions& conditions, const ImageView& view);

}  // namespace summit::pixels::testing

#endif  // SUMMIT_PIXELS_TESTING_STAR_STAMP_H_
