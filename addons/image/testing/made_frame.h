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

MadeFrame MakeFrame();

}  // namespace summit::image::testing

#endif  // SUMMIT_IMAGE_TESTING_MADE_FRAME_H_
