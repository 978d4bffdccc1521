// SPDX-License-Identifier: Apache-2.0
#include "sim-hw/native/frame.h"

#include <algorithm>
#include <cmath>

#include "sim-hw/native/noise.h"

namespace summit::sim {
namespace {

constexpr double kPixelMm = 0.01;
constexpr int32_t kAdcMax = 262143;
constexpr uint32_t kCode = 0x20000u;
constexpr double kObscuration = 0.612;  // inner over outer radius of a donut
constexpr double kEdge = 4.0;           // px over which a donut's edge fades

// Light on an assembled CCD.
class Canvas {
 public:
  Canvas(int32_t cols, int32_t rows, float sky) : cols_(cols), rows_(rows), light_(static_cast<size_t>(cols) * static_cast<size_t>(rows), sky) {}

  int32_t cols() const { return cols_; }
  int32_t rows() const { return rows_; }
  float* row(int32_t y) { return light_.data() + static_cast<size_t>(y) * static_cast<size_t>(cols_); }
  void Add(int32_t x, int32_t y, double electrons) {
    if (x >= 0 && y >= 0 && x < cols_ && y < rows_) row(y)[x] += static_cast<float>(electrons);
  }

 private:
  int32_t cols_, rows_;
  std::vector<float> light_;
};

// 1 inside a circle, 0 outside, straight between over the edge.
double Inside(double radius, double distance) { return std::clamp(0.5 + (radius - distance) / kEdge, 0.0, 1.0); }

DonutTruth AddDonut(const Donut& donut, Canvas* canvas) {
  const auto reach = static_cast<int32_t>(donut.radius + kEdge) + 1;
  const auto x0 = static_cast<int32_t>(std::lround(donut.x)) - reach, y0 = static_cast<int32_t>(std::lround(donut.y)) - reach;
  const int32_t side = 2 * reach + 1;
  std::vector<double> weights(static_cast<size_t>(side) * static_cast<size_t>(side));
  double open = 0.0, sum = 0.0, sum_x = 0.0, sum_y = 0.0;
  for (int32_t j = 0; j < side; j++) {
    for (int32_t i = 0; i < side; i++) {
      const double dx = x0 + i - donut.x, dy = y0 + j - donut.y, r = std::hypot(dx, dy);
      const double ring = Inside(donut.radius, r) * (1.0 - Inside(kObscuration * donut.radius, r));
      const double seen = donut.shadow_radius > 0.0 ? ring * Inside(donut.shadow_radius, std::hypot(dx - donut.shadow_x, dy - donut.shadow_y)) : ring;
      weights[static_cast<size_t>(j) * static_cast<size_t>(side) + static_cast<size_t>(i)] = seen;
      open += ring;
      sum += seen;
      sum_x += seen * (x0 + i);
      sum_y += seen * (y0 + j);
    }
  }
  if (sum <= 0.0) return {donut.x, donut.y, 1.0};
  for (int32_t j = 0; j < side; j++) {
    for (int32_t i = 0; i < side; i++) canvas->Add(x0 + i, y0 + j, donut.flux / sum * weights[static_cast<size_t>(j) * static_cast<size_t>(side) + static_cast<size_t>(i)]);
  }
  return {sum_x / sum, sum_y / sum, 1.0 - sum / open};
}

// A Moffat profile, beta 3, at 3 x 3 places of each pixel; out to where less than 1e-3 electrons a pixel are left.
void AddStar(const PointSource& star, Canvas* canvas) {
  const double alpha2 = star.fwhm * star.fwhm / 4.0 / (std::cbrt(2.0) - 1.0), peak = 2.0 * star.flux / (M_PI * alpha2);
  const auto reach = static_cast<int32_t>(std::clamp(std::sqrt(alpha2 * std::cbrt(std::max(peak, 1e-3) / 1e-3)), 8.0, 400.0)) + 1;
  const auto cx = static_cast<int32_t>(std::lround(star.x)), cy = static_cast<int32_t>(std::lround(star.y));
  const double c = std::cos(star.angle), s = std::sin(star.angle), stretch = std::sqrt((1.0 + star.ellipticity) / (1.0 - star.ellipticity));
  for (int32_t y = cy - reach; y <= cy + reach; y++) {
    if (y < 0 || y >= canvas->rows()) continue;
    for (int32_t x = cx - reach; x <= cx + reach; x++) {
      const bool core = std::abs(x - cx) + std::abs(y - cy) < 40;
      double sum = 0.0;
      for (int k = core ? 0 : 4; k < (core ? 9 : 5); k++) {
        const double dx = x - star.x + (k % 3 - 1) / 3.0, dy = y - star.y + (k / 3 - 1) / 3.0;
        const double u = (c * dx + s * dy) / stretch, v = (c * dy - s * dx) * stretch, q = 1.0 + (u * u + v * v) / alpha2;
        sum += 1.0 / (q * q * q);
      }
      canvas->Add(x, y, peak * sum / (core ? 9.0 : 1.0));
    }
  }
}

void AddTrack(const Track& track, Canvas* canvas) {
  const double dx = std::cos(track.angle), dy = std::sin(track.angle);
  for (double at = 0.0; at < track.length; at += 0.25) {
    canvas->Add(static_cast<int32_t>(std::lround(track.x + at * dx)), static_cast<int32_t>(std::lround(track.y + at * dy)), 0.25 * track.electrons_per_px);
  }
}

// Light of a star per nm through atmosphere, optics and CCD, in arbitrary units.
double Spectrum(double nm, const std::vector<Line>& lines) {
  const double x = (nm - 620.0) / 210.0;
  double value = nm < 330.0 || nm > 1080.0 ? 0.0 : std::exp(-0.5 * x * x) * (1.0 - std::exp(-(nm - 330.0) / 25.0)) * (1.0 - std::exp(-(1080.0 - nm) / 40.0));
  for (const Line& line : lines) {
    const double d = (nm - line.nm) / line.sigma_nm;
    value *= 1.0 - line.depth * std::exp(-0.5 * d * d);
  }
  return value;
}

// First and, at a tenth of its light, second order; the distance along the trace is D tan(asin(order N lambda)).
void AddSpectrum(const Slitless& spectrum, Canvas* canvas) {
  constexpr double kStep = 0.25;  // px along the trace
  const double cosine = std::cos(spectrum.angle), longest = (canvas->rows() + 100.0) / cosine;
  const auto count = static_cast<size_t>(longest / kStep);
  std::vector<double> light(count, 0.0);
  for (const int order : {1, 2}) {
    double total = 0.0;
    std::vector<double> own(count, 0.0);
    // Over the whole order: light beyond the chip counts too.
    for (size_t i = 1; i < 4 * count; i++) {
      const double t = static_cast<double>(i) * kStep * kPixelMm / spectrum.distance_mm;
      const double nm = std::sin(std::atan(t)) / (order * spectrum.grooves_per_mm * 1e-6);
      // dnm/dpx from the derivative of sin(atan(t))
      const double slope = kPixelMm / spectrum.distance_mm / std::pow(1.0 + t * t, 1.5) / (order * spectrum.grooves_per_mm * 1e-6);
      const double value = Spectrum(nm, spectrum.lines) * slope * kStep;
      total += value;
      if (i < count) own[i] = value;
    }
    if (total <= 0.0) continue;
    const double flux = spectrum.flux * (order == 1 ? 1.0 : 0.1);
    for (size_t i = 0; i < count; i++) light[i] += flux * own[i] / total;
  }
  const double sigma_d = spectrum.fwhm_disp / 2.3548, sigma_c = spectrum.fwhm_cross / 2.3548;
  const auto reach = static_cast<int32_t>(5.0 * sigma_d / kStep);
  std::vector<double> kernel;
  double norm = 0.0;
  for (int32_t k = -reach; k <= reach; k++) {
    kernel.push_back(std::exp(-0.5 * std::pow(k * kStep / sigma_d, 2)));
    norm += kernel.back();
  }
  std::vector<double> smooth(count, 0.0);
  for (size_t i = 0; i < count; i++) {
    if (light[i] == 0.0) continue;
    for (int32_t k = -reach; k <= reach; k++) {
      const auto at = static_cast<int64_t>(i) + k;
      if (at >= 0 && at < static_cast<int64_t>(count)) smooth[static_cast<size_t>(at)] += light[i] * kernel[static_cast<size_t>(k + reach)] / norm;
    }
  }
  const double slope = std::tan(spectrum.angle);
  const auto half = static_cast<int32_t>(5.0 * sigma_c) + 1;
  for (int32_t y = std::max(0, static_cast<int32_t>(spectrum.y)); y < canvas->rows(); y++) {
    const double d = (y - spectrum.y) / cosine, place = d / kStep;
    if (place < 1.0 || place + 2.0 > static_cast<double>(count)) continue;
    const auto i = static_cast<size_t>(place);
    const double between = place - static_cast<double>(i);
    // Electrons a row: light per px along the trace, times the length of the trace in a row.
    const double electrons = (smooth[i] * (1.0 - between) + smooth[i + 1] * between) / kStep / cosine;
    const double x = spectrum.x + slope * (y - spectrum.y);
    const auto middle = static_cast<int32_t>(std::lround(x));
    for (int32_t at = middle - half; at <= middle + half; at++) {
      const double low = (at - 0.5 - x) / sigma_c / M_SQRT2, high = (at + 0.5 - x) / sigma_c / M_SQRT2;
      canvas->Add(at, y, electrons * 0.5 * (std::erf(high) - std::erf(low)));
    }
  }
}

// Light to collected electrons: flat, dark, photon noise, tracks, defects, bias structure.
void Expose(const Detector& detector, const Scene& scene, Canvas* canvas) {
  Normals normals(scene.noise_seed);
  for (int32_t y = 0; y < canvas->rows(); y++) {
    float* row = canvas->row(y);
    for (int32_t x = 0; x < canvas->cols(); x++) {
      const float mean = row[x] * detector.FlatAt(x, y) + detector.DarkAt(x, y) * static_cast<float>(scene.dark_time);
      row[x] = mean + std::sqrt(std::max(mean, 0.0f)) * normals.Next();
    }
  }
  for (const Track& track : scene.tracks) AddTrack(track, canvas);
  for (const Defect& defect : detector.defects()) {
    for (int32_t y = defect.y; y < std::min(defect.y + defect.dy, canvas->rows()); y++) {
      for (int32_t x = defect.x; x < defect.x + defect.dx; x++) canvas->row(y)[x] = defect.hot ? canvas->row(y)[x] + 20000.0f : 0.0f;
    }
  }
  for (int32_t y = 0; y < canvas->rows(); y++) {
    for (int32_t x = 0; x < canvas->cols(); x++) canvas->row(y)[x] += detector.BiasAt(x, y);
  }
}

// The amplifier's raw segment in electrons: pixels in readout order, saturation, non-linearity, parallel overscan.
void ReadAmp(const Detector& detector, const Amp& amp, Canvas* canvas, float* raw) {
  Random random(static_cast<uint64_t>(amp.x0 + (amp.top ? 1 : 0)) * 0x9E3779B97F4A7C15u);
  std::fill_n(raw, kRawPixels, 0.0f);
  const int32_t top = detector.rows() - 1;
  for (int32_t r = 0; r < kAmpRows; r++) {
    const float* row = canvas->row(amp.top ? top - r : r);
    float* out = raw + static_cast<size_t>(r) * kRawCols + kPrescan;
    for (int32_t c = 0; c < kAmpCols; c++) {
      const double adu = std::clamp(row[amp.x0 + kAmpCols - 1 - c] / amp.gain, -1000.0, 200000.0);
      // What the linearizer will take away is there of the measured value: three steps to the fixed point.
      double measured = adu;
      for (int step = 0; step < 3; step++) measured = adu + Detector::Surplus(amp, std::clamp(measured, 0.0, kNodesEnd));
      out[c] = static_cast<float>(measured * amp.gain);
    }
  }
  for (int32_t c = kPrescan; c < kPrescan + kAmpCols; c++) {
    const auto drift = static_cast<float>(random.Between(-1.5, 1.5));
    for (int32_t r = 0; r < kRawRows; r++) raw[static_cast<size_t>(r) * kRawCols + static_cast<size_t>(c)] += drift;
  }
}

void Digitize(const Amp& amp, const float* electrons, uint64_t seed, int32_t* out) {
  Normals normals(seed);
  const auto noise = static_cast<float>(amp.noise), per_gain = static_cast<float>(1.0 / amp.gain);
  float wander = 0.0f;
  for (int32_t r = 0; r < kRawRows; r++) {
    // The level drifts from row to row, and settles after the first ones.
    wander = 0.98f * wander + 0.3f * normals.Next();
    const float level = static_cast<float>(amp.level) + wander - 4.0f * std::exp(-static_cast<float>(r) / 20.0f);
    for (int32_t c = 0; c < kRawCols; c++) {
      const size_t i = static_cast<size_t>(r) * kRawCols + static_cast<size_t>(c);
      const float adu = (electrons[i] + noise * normals.Next()) * per_gain + level;
      out[i] = static_cast<int32_t>(std::clamp(adu + 0.5f, 0.0f, static_cast<float>(kAdcMax)));
    }
  }
}

}  // namespace

Painted Paint(const Detector& detector, const Scene& scene) {
  Painted painted;
  Canvas canvas(detector.cols(), detector.rows(), static_cast<float>(scene.sky));
  for (const Donut& donut : scene.donuts) painted.donuts.push_back(AddDonut(donut, &canvas));
  for (const PointSource& star : scene.stars) AddStar(star, &canvas);
  for (const Slitless& spectrum : scene.spectra) AddSpectrum(spectrum, &canvas);
  Expose(detector, scene, &canvas);
  const size_t amps = detector.amps().size();
  std::vector<float> raw(amps * kRawPixels);
  for (size_t i = 0; i < amps; i++) ReadAmp(detector, detector.amps()[i], &canvas, raw.data() + i * kRawPixels);
  painted.planes.resize(amps * kRawPixels);
  std::vector<float> mixed(kRawPixels);
  for (size_t t = 0; t < amps; t++) {
    std::copy_n(raw.data() + t * kRawPixels, kRawPixels, mixed.data());
    for (size_t s = 0; s < amps; s++) {
      const auto share = static_cast<float>(detector.crosstalk()[s * amps + t]);
      if (share == 0.0f) continue;
      const float* source = raw.data() + s * kRawPixels;
      for (size_t i = 0; i < kRawPixels; i++) mixed[i] += share * source[i];
    }
    Digitize(detector.amps()[t], mixed.data(), scene.noise_seed ^ (t + 1) * 0xD1B54A32D192ED03u, painted.planes.data() + t * kRawPixels);
  }
  return painted;
}

std::vector<uint8_t> PackStream(const std::vector<const int32_t*>& channels) {
  std::vector<uint8_t> stream(kRawPixels * 36);
  uint8_t* out = stream.data();
  for (size_t i = 0; i < kRawPixels; i++) {
    uint64_t bits = 0;
    unsigned held = 0;
    for (size_t c = 0; c < 16; c++) {
      bits |= static_cast<uint64_t>((static_cast<uint32_t>(channels[c][i]) ^ kCode) & 0x3FFFFu) << held;
      held += 18;
      for (; held >= 8; held -= 8, bits >>= 8) *out++ = static_cast<uint8_t>(bits);
    }
  }
  return stream;
}

}  // namespace summit::sim
