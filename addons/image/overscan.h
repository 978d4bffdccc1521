// SPDX-License-Identifier: Apache-2.0
// Levels of the serial and the parallel overscan, as LSST's MEDIAN_PER_ROW takes them (ip_isr, overscan.py): the
// median of each row or column, without what lies 3 * 0.74 * (interquartile range) off it.
// Thread: any; one amplifier at a time per scratch. Owns: nothing; the caller lends scratch memory.
#ifndef SUMMIT_IMAGE_OVERSCAN_H_
#define SUMMIT_IMAGE_OVERSCAN_H_

#include <array>
#include <cstdint>
#include <vector>

#include "addons/image/detector_model.h"

namespace summit::image {

// Three columns or rows are left out at each side: they carry the trail of the last ones with light.
inline constexpr int32_t kOverscanSkip = 3;
inline constexpr int32_t kSerialUsed = kAmpCols - kSerialFirst - 2 * kOverscanSkip;        // 58
inline constexpr int32_t kParallelUsed = kAmpRows - kParallelFirst - 2 * kOverscanSkip;    // 42
inline constexpr int32_t kParallelRow = kParallelFirst + kOverscanSkip;                    // 2003

struct OverscanScratch {
  std::vector<float> sorted = std::vector<float>(static_cast<size_t>(kSerialUsed) * kAmpRows);
  std::array<float, kAmpRows> sd{}, order{};
  std::array<int32_t, kAmpRows> state{};
  std::vector<uint8_t> near_saturated = std::vector<uint8_t>(static_cast<size_t>(kParallelUsed) * kAmpCols);
};

struct SerialOverscan {
  std::array<float, kAmpRows> level{};  // adu, of each row
  float typical = 0.0f;                 // adu: the median of the rows
  float noise = 0.0f;                   // adu, 1 sigma
};

// Of one segment plane.
void MeasureSerial(const int32_t* plane, OverscanScratch* scratch, SerialOverscan* overscan);

struct ParallelLimits {
  float saturation = 0.0f;  // electron; pixels above 0.75 of it are left out, with 7 px around
  float gain = 1.0f;        // electron/adu: a pixel above 100 adu is left out, a column 5 adu above its neighbours too
};

struct ParallelOverscan {
  std::array<float, kAmpCols> level{};  // electron, of each column
  int32_t filled = 0;                   // columns that were rejected and filled from their neighbours
};

// Of rows kParallelRow.. of one amplifier, electron, kParallelUsed rows of kAmpCols.
void MeasureParallel(const float* rows, const ParallelLimits& limits, OverscanScratch* scratch, ParallelOverscan* overscan);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_OVERSCAN_H_
