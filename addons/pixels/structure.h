// SPDX-License-Identifier: Apache-2.0
// Takes the detector's structure out of a window: an offset per column, an offset per row; measures the noise.
// What the columns were in earlier stamps of the sensor is kept in a ColumnModel and narrows later estimates.
// Units: ADU. Thread: any. Owns: nothing; ColumnModel owns its numbers.
#ifndef SUMMIT_PIXELS_STRUCTURE_H_
#define SUMMIT_PIXELS_STRUCTURE_H_

#include <cstdint>

#include "addons/pixels/window.h"

namespace summit::pixels {

struct Structure {
  float background = 0.0f;  // median of the column medians
  float noise = 0.0f;       // 1 sigma per pixel, from the pixels themselves
  float column_gain = 1.0f; // share of a column's measured offset that is believed, 0..1
  float row_gain = 1.0f;    // the same of rows
  alignas(32) float columns[kWindowStride];        // offsets subtracted so far
  alignas(32) float rows[kWindowSide];
  alignas(32) float measured_columns[kWindowStride];  // offsets as the pixels alone give them
};

// Offsets of an ROI's columns over earlier stamps, relative to the stamp's level.
class ColumnModel {
 public:
  static constexpr int32_t kMaxColumns = 4096;
  // Counts of stamps beyond this are forgotten, so that a slow drift is followed.
  static constexpr float kMemory = 40.0f;

  void Reset();
  // Learns the measured offsets of `cols` columns from `col0`.
  void Learn(int32_t col0, int32_t cols, const float* measured);
  // What is expected; stamps seen 0 means nothing.
  float Expected(int32_t col) const { return mean_[col]; }
  float Stamps(int32_t col) const { return stamps_[col]; }

 private:
  float mean_[kMaxColumns] = {};
  float stamps_[kMaxColumns] = {};
};

// Subtracts column medians, then refined offsets of columns and rows, in place; pixels far above the noise do not
// take part.
void RemoveStructure(Window* window, Structure* structure);

// Masks parts of columns that stand out with sharp sides over many rows, up to five columns wide: bleeding of a star
// elsewhere, a column bad from some row on. No star's light changes so much from one column to the next. Comes
// after RemoveStructure.
void MaskSharpColumns(float noise, Window* window);

// Estimates the offsets again from the window less `star` (the light of its star, in the window's layout, not
// negative), with the weights that starlight leaves (`shot`: 1 / gain), shrinks them towards what is expected by as
// much as they are uncertain, and corrects the window's pixels.
void RefineStructure(const float* star, float shot, const ColumnModel& model, Window* window, Structure* structure);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_STRUCTURE_H_
