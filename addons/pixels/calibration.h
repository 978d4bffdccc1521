// SPDX-License-Identifier: Apache-2.0
// Master calibrations of one ROI, cropped and turned to the amplifier's readout beforehand, and what they do to a
// window: less the bias and dark, over the flat, defects masked.
// Units: ADU. Thread: plain data, read by one measurer at a time. Owns: its maps.
#ifndef SUMMIT_PIXELS_CALIBRATION_H_
#define SUMMIT_PIXELS_CALIBRATION_H_

#include <cstdint>
#include <vector>

#include "addons/pixels/window.h"

namespace summit::pixels {

// Maps are row by row, rows x cols of the ROI; an empty one is not there.
struct Calibration {
  int32_t rows = 0, cols = 0;
  std::vector<float> offset{};     // bias and dark of the exposure, ADU
  std::vector<float> flat{};       // relative to 1
  std::vector<uint8_t> defects{};  // not 0: the pixel takes no part
  bool complete = false;           // bias, dark, flat and defects were all there

  bool Fits(int32_t image_rows, int32_t image_cols) const { return rows == image_rows && cols == image_cols; }
};

// Marks as defects what no calibration can put right (a flat outside 0.1..10, an offset beyond the ADC, values that are no numbers), so that
// Calibrate meets numbers only. False when a map has another size.
bool Prepare(Calibration* calibration);

// Corrects the window's pixels, which are raw: less the bias and dark, then what stands above the window's level over
// the flat; masks its defects. The window's ROI must be the calibration's.
void Calibrate(const Calibration& calibration, Window* window);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_CALIBRATION_H_
