// SPDX-License-Identifier: Apache-2.0
// The sky map's work on rows of pixels, in the processor's vectors.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_SKY_ROWS_H_
#define SUMMIT_IMAGE_SKY_ROWS_H_

#include <cstdint>
#include <span>

namespace summit::image {

// Pixels that are worked on at a time; most such pieces have neither bright nor bad ones.
inline constexpr int32_t kPiece = 64;

// States of n pixels by their masks. Whether one that is good lies above the limit.
bool StatesOf(const float* image, const int32_t* mask, int32_t n, float limit, uint8_t* state);

struct RayLimits {
  float level = 0.0f, scatter = 1.0f;  // of the sky
  float sigmas = 0.0f;
  float share = 0.0f;  // of a pixel's light that those beside it have at least where it is no ray's
};

// Adds kRayPixel to good pixels `from`..`to`-1 of a row that has both neighbours in every direction. Bad ones beside them tell nothing.
void MarkRays(const float* image, const int32_t* mask, int32_t cols, int32_t from, int32_t to, const RayLimits& limits, uint8_t* state);

// image - sky; NaN for what cannot be believed.
void AboveSky(const float* image, const float* sky, const uint8_t* state, int32_t n, float* above);

struct RowCounts {
  int32_t rays = 0, full = 0;
};

// Means of the believable pixels of one row of bins; NaN where there is none. `light`, `number`: scratch of `cols`.
RowCounts BinRows(const float* image, const uint8_t* state, int32_t cols, float* light, float* number, std::span<float> bins);

// values[k]: what lies at start + k * step between levels, the first of which is at 0; held beyond the ends. `levels` has one
// more than `last` + 1, equal to its neighbour.
void Between(const float* levels, int32_t last, float start, float step, std::span<float> values);

// The value of which `rank` others are smaller, 1..kMostRanked of them, without NaN.
inline constexpr int32_t kMostRanked = 1024;
float RankedValue(std::span<const float> values, size_t rank);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_SKY_ROWS_H_
