// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/calibration.h"

#include <cmath>

#include "addons/pixels/medians.h"

namespace summit::pixels {
namespace {

constexpr float kLeastFlat = 0.1f, kMostFlat = 10.0f;
constexpr float kMostOffset = 262144.0f;  // ADU, the range of the ADC

// What a pixel has without starlight: the electronics' level, of which a flat knows nothing.
float LevelOf(const Window& window) {
  constexpr int32_t kSample = 64;
  float sample[kSample];
  const int32_t pixels = window.rows * window.cols;
  for (int32_t i = 0; i < kSample; i++) {
    const int32_t at = i * 7919 % pixels;
    sample[i] = window.Row(at / window.cols)[at % window.cols];
  }
  return Median(sample, kSample);
}

}  // namespace

bool Prepare(Calibration* calibration) {
  const size_t pixels = static_cast<size_t>(calibration->rows) * static_cast<size_t>(calibration->cols);
  const auto fits = [pixels](size_t size) { return size == 0 || size == pixels; };
  if (calibration->rows < 1 || calibration->cols < 1 || !fits(calibration->offset.size()) || !fits(calibration->flat.size()) || !fits(calibration->defects.size())) return false;
  const auto bad = [calibration, pixels](size_t i) {
    calibration->defects.resize(pixels, 0);
    calibration->defects[i] = 1;
  };
  for (size_t i = 0; i < calibration->offset.size(); i++) {
    if (std::fabs(calibration->offset[i]) < kMostOffset) continue;
    calibration->offset[i] = 0.0f;
    bad(i);
  }
  for (size_t i = 0; i < calibration->flat.size(); i++) {
    if (calibration->flat[i] >= kLeastFlat && calibration->flat[i] <= kMostFlat) continue;
    calibration->flat[i] = 1.0f;
    bad(i);
  }
  return true;
}

void Calibrate(const Calibration& calibration, Window* window) {
  const float level = calibration.flat.empty() ? 0.0f : LevelOf(*window);
  for (int32_t r = 0; r < window->rows; r++) {
    float* pixels = window->Row(r);
    const size_t at = static_cast<size_t>(window->row0 + r) * static_cast<size_t>(calibration.cols) + static_cast<size_t>(window->col0);
    if (!calibration.offset.empty()) {
      const float* offset = calibration.offset.data() + at;
      for (int32_t c = 0; c < window->cols; c++) pixels[c] -= offset[c];
    }
    if (!calibration.flat.empty()) {
      const float* flat = calibration.flat.data() + at;
      for (int32_t c = 0; c < window->cols; c++) pixels[c] = level + (pixels[c] - level) / flat[c];
    }
    if (calibration.defects.empty()) continue;
    const uint8_t* defects = calibration.defects.data() + at;
    for (int32_t c = 0; c < window->cols; c++) {
      uint8_t& mask = window->masked[r * kWindowStride + c];
      if (defects[c] == 0 || mask != 0) continue;
      mask = kMaskDefect;
      window->defective++;
    }
  }
}

}  // namespace summit::pixels
