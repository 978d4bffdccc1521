// SPDX-License-Identifier: Apache-2.0
// A frame for looking at: which pixels may be believed, the frame in bins of 4 x 4 px, its sky and noise.
// Thread: any; one at a time per object. Owns: its maps, which keep their memory from frame to frame.
#ifndef SUMMIT_IMAGE_SKY_MAP_H_
#define SUMMIT_IMAGE_SKY_MAP_H_

#include <cstdint>
#include <span>
#include <vector>

#include "addons/image/isr.h"

namespace summit::image {

inline constexpr int32_t kBin = 4;
inline constexpr int32_t kSkyBlock = 64;  // px
inline constexpr int32_t kMostBlockCols = 64;  // of the widest detector, 4072 px

enum PixelState : uint8_t { kGoodPixel = 0, kBadPixel = 1, kFullPixel = 2, kRayPixel = 4 };

struct SkyMap {
  const IsrImage* frame = nullptr;
  int32_t cols = 0, rows = 0;            // of the frame
  std::vector<uint8_t> state{};          // PixelState of each pixel
  int32_t bin_cols = 0, bin_rows = 0;
  std::vector<float> bins{};             // electron/px above the sky, mean of the believable pixels of a bin
  int32_t block_cols = 0, block_rows = 0;
  std::vector<float> sky{};              // electron/px, of each block
  double level = 0.0;                    // the sky's median
  double noise = 0.0;                    // electron, of one pixel of sky
  double bin_noise = 0.0;                // of one bin
  int64_t rays = 0;                      // pixels taken for cosmic rays
  double full_fraction = 0.0;            // of pixels that are saturated

  float Pixel(int32_t x, int32_t y) const { return frame->image[static_cast<size_t>(y) * static_cast<size_t>(cols) + static_cast<size_t>(x)]; }
  uint8_t State(int32_t x, int32_t y) const { return state[static_cast<size_t>(y) * static_cast<size_t>(cols) + static_cast<size_t>(x)]; }
  float Bin(int32_t x, int32_t y) const { return bins[static_cast<size_t>(y) * static_cast<size_t>(bin_cols) + static_cast<size_t>(x)]; }
  std::span<float> BinRow(int32_t y) { return std::span(bins).subspan(static_cast<size_t>(y) * static_cast<size_t>(bin_cols), static_cast<size_t>(bin_cols)); }
  // Between the blocks' centres, linear.
  double SkyAt(double x, double y) const;
  // The same at first_x + k * step of a row.
  void SkyAlong(double y, double first_x, double step, std::span<float> values) const;
  // Variance of a pixel with so much light in it (sky included), electron^2.
  double Variance(double electron) const;
};

void MakeSkyMap(const IsrImage& frame, int32_t threads, SkyMap* map);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_SKY_MAP_H_
