// SPDX-License-Identifier: Apache-2.0
#include "sim-hw/native/detector.h"

#include <cmath>
#include <cstdlib>
#include <utility>

#include "sim-hw/native/noise.h"

namespace summit::sim {
namespace {

// Coarse values, so that calibration files compress.
float Coarse(double value, double step) { return static_cast<float>(std::round(value / step) * step); }

}  // namespace

Detector::Detector(std::string name, bool latiss, uint64_t seed) : name_(std::move(name)), latiss_(latiss) {
  Random random(seed);
  Normals normals(seed ^ 0x5DEECE66Du);
  const int32_t count = latiss ? 16 : 8;
  for (int32_t i = 0; i < count; i++) {
    // Segment10..17, then 07..00; a wavefront half counts its columns from the other side.
    const int32_t k = i < 8 ? i : 15 - i;
    Amp amp;
    amp.name = (i < 8 ? "C1" : "C0") + std::to_string(k);
    amp.x0 = kAmpCols * (latiss ? k : 7 - k);
    amp.top = i < 8;
    amp.gain = latiss ? random.Between(1.05, 1.10) : random.Between(1.22, 1.31);
    amp.noise = latiss ? random.Between(8.0, 10.3) : random.Between(7.6, 9.0);
    amp.level = random.Between(12000.0, 26000.0);
    amp.curvature = random.Between(5e-4, 2.5e-3);
    amp.turnoff = random.Between(118000.0, 132000.0);
    amps_.push_back(std::move(amp));
  }
  const auto n = static_cast<size_t>(count);
  crosstalk_.assign(n * n, 0.0);
  for (size_t s = 0; s < n; s++) {
    for (size_t t = 0; t < n; t++) {
      const double distance = std::abs(static_cast<double>(s) - static_cast<double>(t));
      if (s != t) crosstalk_[s * n + t] = random.Between(0.5, 1.5) * (distance < 1.5 ? 3e-4 : 6e-5 / distance) * (random.Uniform() < 0.15 ? -1.0 : 1.0);
    }
  }
  for (int32_t x = 0; x < cols(); x++) bias_columns_.push_back(Coarse(1.5 * normals.Next(), 0.125));
  for (int32_t y = 0; y < rows(); y++) bias_rows_.push_back(Coarse(2.0 * std::sin(y / 300.0), 0.125));
  const size_t blocks = Block(cols() - 1, rows() - 1) + 1;
  for (size_t i = 0; i < blocks; i++) {
    dark_.push_back(Coarse(0.02 + 0.01 * random.Uniform(), 1.0 / 1024));
    flat_.push_back(Coarse(1.0 + 0.01 * normals.Next(), 1.0 / 2048));
  }
  for (int i = 0; i < (latiss ? 6 : 4); i++) {
    // Columns that see no light, from somewhere to the end of their amplifier.
    const auto x = static_cast<int32_t>(random.Next() % static_cast<uint64_t>(cols()));
    const auto length = 200 + static_cast<int32_t>(random.Next() % 1500);
    const bool upper = latiss && random.Uniform() < 0.5;
    defects_.push_back({x, upper ? kAmpRows : 0, 1 + static_cast<int32_t>(random.Next() % 2), length, false});
  }
  for (int i = 0; i < (latiss ? 200 : 100); i++) {
    const auto x = static_cast<int32_t>(random.Next() % static_cast<uint64_t>(cols() - 2)), y = static_cast<int32_t>(random.Next() % static_cast<uint64_t>(rows() - 2));
    defects_.push_back({x, y, 1, 1, random.Uniform() < 0.6});
  }
  // None reaches beyond the edge.
  for (Defect& defect : defects_) {
    if (defect.x + defect.dx > cols()) defect.dx = cols() - defect.x;
  }
}

}  // namespace summit::sim
