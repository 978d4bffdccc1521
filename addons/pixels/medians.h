// SPDX-License-Identifier: Apache-2.0
// Exact column medians of up to 64 rows, all columns side by side through one sorting network.
// Thread: any; the network is built once, at load. Owns: nothing.
#ifndef SUMMIT_PIXELS_MEDIANS_H_
#define SUMMIT_PIXELS_MEDIANS_H_

#include <cstdint>

namespace summit::pixels {

// medians[c] = median over rows of pixels[row * stride + c]. rows 1..64. Reads and writes whole groups of eight
// columns: rows must be readable, and medians writable, up to cols rounded up to 8. Even rows: the mean of the two middle ones.
void ColumnMedians(const float* pixels, int32_t stride, int32_t rows, int32_t cols, float* medians);

// Mean of eight medians of the magnitudes of 32 values each: nearly the median of all 256.
float TypicalMagnitude(const float* values);

struct Typical {
  float level;    // mean
  float scatter;  // 1 sigma
};

// Mean and scatter of n values without those that lie far off.
Typical TypicalOf(const float* values, int32_t n);

// Median of n values (n 1..4096), which it may rearrange.
float Median(float* values, int32_t n);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_MEDIANS_H_
