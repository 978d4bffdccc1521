// SPDX-License-Identifier: Apache-2.0
// Makes the raw frame that a given sky leaves on a wavefront half, step by step backwards through its calibrations.
// There is no noise but the ADC's rounding, so that what instrument signature removal gives can be told exactly.
// Thread: any. Owns: its planes and maps.
#ifndef SUMMIT_IMAGE_TESTING_MADE_FRAME_H_
#define SUMMIT_IMAGE_TESTING_MADE_FRAME_H_

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "addons/image/calibrations.h"
#include "addons/image/detector_model.h"

namespace summit::image::testing {

inline constexpr double kGain = 1.25, kReadNoise = 8.0, kTurnoff = 100000.0, kDarkSeconds = 30.0;

// The light of a pixel, electron: a slope and one star that saturates.
inline double Light(int32_t x, int32_t y) {
  const double dx = x - 1000.0, dy = y - 700.0;
  return 400.0 + 0.02 * x + 0.03 * y + 150000.0 * std::exp(-0.5 * (dx * dx + dy * dy) / 16.0);
}
inline double Flat(int32_t x, int32_t y) { return 1.0 + 0.02 * std::sin(x * 0.01) + 0.01 * std::cos(y * 0.02); }
inline double Bias(int32_t x, int32_t y) { return 3.0 * std::sin(x * 0.003) + 2.0 * std::sin(y * 0.004); }
inline double Dark(int32_t x, int32_t y) { return (x * 31 + y * 17) % 997 == 0 ? 4.0 : 0.05; }
// adu; whole numbers, so that a median finds them.
inline int32_t RowLevel(int32_t amp, int32_t row) { return 20000 + 300 * amp + static_cast<int32_t>(12.0 * std::exp(-row / 300.0)); }
inline int32_t ColumnLevel(int32_t col) { return col < kSerialFirst ? (col % 5 == 0 ? 2 : 0) : 0; }

struct MadeFrame {
  std::shared_ptr<Calibrations> calibrations = std::make_shared<Calibrations>();
  std::vector<int32_t> planes{};
};

inline MadeFrame MakeFrame() {
  const DetectorModel& model = WavefrontHalf();
  const size_t n = model.amps.size();
  MadeFrame frame;
  Calibrations& c = *frame.calibrations;
  const auto pixels = static_cast<size_t>(model.pixels());
  std::vector<float> bias(pixels), dark(pixels), flat(pixels);
  for (int32_t y = 0; y < model.rows; y++) {
    for (int32_t x = 0; x < model.cols; x++) {
      const auto at = static_cast<size_t>(y) * static_cast<size_t>(model.cols) + static_cast<size_t>(x);
      bias[at] = static_cast<float>(Bias(x, y));
      dark[at] = static_cast<float>(Dark(x, y));
      flat[at] = static_cast<float>(Flat(x, y));
    }
  }
  SetBias(std::move(bias), model, &c);
  SetDark(std::move(dark), model, &c);
  SetFlat(std::move(flat), model, &c);
  c.has_ptc = c.has_linearizer = c.has_defects = true;
  c.defects.push_back({100, 102, 50, 59});
  c.defects.push_back({4071, 4071, 1999, 1999});
  std::string problem;
  for (size_t i = 0; i < n; i++) {
    c.amps[i].gain = kGain;
    c.amps[i].read_noise = kReadNoise;
    c.amps[i].turnoff = kTurnoff;
    MakeSpline({0.0, 200.0, 5000.0, 30000.0, 60000.0, 125000.0}, {0.0, 0.4, 3.0, 20.0, -35.0, 60.0}, kGain, &c.amps[i].linearity, &problem);
  }
  c.crosstalk.assign(n * n, 0.0f);
  for (size_t s = 0; s < n; s++) {
    for (size_t t = 0; t < n; t++) c.crosstalk[s * n + t] = s == t ? 0.0f : 1e-4f / static_cast<float>((s > t ? s - t : t - s)) * (s > t ? 1.0f : 0.7f);
  }
  frame.planes.resize(n * kAmpPixels);
  std::vector<double> signal(n), mixed(n);
  for (int32_t row = 0; row < kAmpRows; row++) {
    for (int32_t col = 0; col < kAmpCols; col++) {
      const bool data = row < kDataRows && col >= kDataFirstCol && col < kDataFirstCol + kDataCols;
      for (size_t i = 0; i < n; i++) {
        double electron = 0.0;
        if (data) {
          const int32_t x = CcdX(model.amps[i], col - kDataFirstCol), y = CcdY(model.amps[i], row);
          const double linear = Light(x, y) * Flat(x, y) + Dark(x, y) * kDarkSeconds + Bias(x, y);
          electron = linear;
          for (int k = 0; k < 3; k++) electron += linear - Linearized(c.amps[i].linearity, electron);
        }
        signal[i] = mixed[i] = electron + ColumnLevel(col) * kGain;
      }
      for (int k = 0; k < 2; k++) {
        std::vector<double> next = signal;
        for (size_t s = 0; s < n; s++) {
          for (size_t t = 0; t < n; t++) next[t] += static_cast<double>(c.crosstalk[s * n + t]) * mixed[s];
        }
        mixed = next;
      }
      for (size_t i = 0; i < n; i++) {
        const double adu = mixed[i] / kGain + RowLevel(static_cast<int32_t>(i), row);
        frame.planes[i * kAmpPixels + static_cast<size_t>(row) * kAmpCols + static_cast<size_t>(col)] = static_cast<int32_t>(std::lround(std::min(adu, double{kAdcMost})));
      }
    }
  }
  return frame;
}

}  // namespace summit::image::testing

#endif  // SUMMIT_IMAGE_TESTING_MADE_FRAME_H_
