// SPDX-License-Identifier: Apache-2.0
#include "addons/image/testing/made_frame.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace summit::image::testing {

MadeFrame MakeFrame() {
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
