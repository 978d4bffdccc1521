// SPDX-License-Identifier: Apache-2.0
// Takes the detector's structure out of a window: an offset per column, an offset per row; measures the noise.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_STRUCTURE_H_
#define SUMMIT_PIXELS_STRUCTURE_H_

#include "addons/pixels/window.h"

namespace summit::pixels {

struct Structure {
  float background = 0.0f;  // ADU, median of the column medians
  float noise = 0.0f;       // ADU, 1 sigma per pixel, from the pixels themselves
};

// Subtracts column medians, then refined offsets of columns and rows, in place; pixels far above the noise do not take part.
Structure RemoveStructure(Window* window);

// Re-estimates column and row offsets from `residual` (the window less a star's model, same layout) and subtracts
// them from both. `noise` in ADU bounds what takes part.
void RefineStructure(float noise, Window* window, float* residual);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_STRUCTURE_H_
