// SPDX-License-Identifier: Apache-2.0
// Robust middles of columns, all columns side by side through one sorting network, and of short lists.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_MEDIANS_H_
#define SUMMIT_PIXELS_MEDIANS_H_

#include <cstdint>

namespace summit::pixels {

// middles[c] = the median of up to 16 medians of three consecutive rows each, spread evenly over the column: nearly
// its median, as long as one thing that stands out covers less than half of it. rows 3..64. Reads and writes whole groups of
// eight columns: rows must be readable, and middles writable, up to cols rounded up to 8.
void ColumnMiddles(const float* pixels, int32_t stride, int32_t rows, int32_t cols, float* middles);

// Mean of eight medians of the magnitudes of 32 values each: nearly the median of all 256.
float TypicalMagnitude(const float* values);

struct Typical {
  float level;    // mean
  float scatter;  // 1 sigma
};

// Mean and scatter of n values without those that lie far off. Reads up to n rounded up to 8.
Typical TypicalOf(const float* values, int32_t n);

// Median of n values (n 1..4096), which it may rearrange.
float Median(float* values, int32_t n);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_MEDIANS_H_
