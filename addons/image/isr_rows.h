// SPDX-License-Identifier: Apache-2.0
// The arithmetic of one row of an amplifier, in the form that suits the processor.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_ISR_ROWS_H_
#define SUMMIT_IMAGE_ISR_ROWS_H_

#include <cstdint>

#include "addons/image/calibrations.h"
#include "addons/image/detector_model.h"

namespace summit::image {

// Columns of a row that are worked on: prescan and data.
inline constexpr int32_t kRowCols = kSerialFirst;
static_assert(kRowCols % 16 == 0);

// electron = (adu - level) * gain; mask gets `bits` where adu - level reaches saturation. cols is a multiple of 16.
void ToElectron(const int32_t* adu, int32_t cols, float level, float gain, float saturation, int32_t bits, float* electron, int32_t* mask);

// Rows of all amplifiers at in + amp * kAmpCols. taken[x] = sum over sources of c[s] * I[s] (+ q[s] * I[s]^2) for one
// target; c and q go from source to source in steps of `amps`. q may be null.
void CrosstalkOf(const float* in, int32_t amps, int32_t cols, const float* c, const float* q, float* taken);

// electron -= taken; mask gets `bit` where |taken - middle| >= 1.
void TakeCrosstalk(const float* taken, int32_t cols, float middle, int32_t bit, float* electron, int32_t* mask);

// In place, kRowCols values.
void Linearize(const Linearity& linearity, float* electron);

struct CalibrationRow {
  const float *bias, *dark, *inverse_flat;  // of kDataCols pixels of the CCD, or null
  float dark_seconds, noise_squared;
  bool variance;
};

// The kDataCols data pixels of a row in the order of the CCD.
void Assemble(const float* electron, const int32_t* mask, bool flip, const CalibrationRow& row, float* image, float* variance, int32_t* out_mask);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_ISR_ROWS_H_
